package rollback_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/rollback"
	"tradeops.dev/strategy-operator/internal/testkit"
)

func (s *story) condition(kind string) string {
	for _, c := range s.rollback.Status.Conditions {
		if c.Type == kind {
			return string(c.Status) + "/" + c.Reason
		}
	}
	return ""
}

// Wherever the playbook is put on hold, nothing is started (story.pass fails on it) and nothing is written; an hour later it is
// released, and the story ends as it would have.
func TestAHoldAtAnyPoint(t *testing.T) {
	for name, reach := range map[string]func(*story){
		"before the plan":           func(*story) {},
		"while approval is awaited": func(s *story) { s.quiet() },
		"right after the approval":  func(s *story) { s.quiet(); s.decide(strategyv1.DecisionApprove, "bob") },
		"between claim and write":   func(s *story) { s.writerStopped = true; s.approved(); s.writerStopped = false },
		"between write and restart": func(s *story) { s.writerStopped = true; s.approved(); s.writes(); s.writerStopped = false },
		"while it is proved":        func(s *story) { s.approvedUntil("Proving") },
		"while it is checked":       func(s *story) { s.reports(reports{"load": testkit.OK()}); s.approvedUntil("CheckingAfter") },
		"when it is verified":       func(s *story) { s.approved() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Remediations[0].Approval.TimeoutSeconds = 86400
			reach(s)
			content, restarts, inEffect := s.Content, s.Restarts, s.condition(strategyv1.ConditionInEffect)
			s.suspended = true
			s.quiet()
			s.Now = s.Now.Add(time.Hour)
			s.quiet()
			if s.Content != content || s.Restarts != restarts {
				t.Errorf("something was written or restarted")
			}
			expect(t, "in effect as before", s.condition(strategyv1.ConditionInEffect), inEffect)
			expect(t, "OnHold", s.condition(strategyv1.ConditionOnHold), "True/PlaybookSuspended")
			s.suspended = false
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK()})
			s.quiet()
			if s.ready() == "AwaitingApproval" {
				s.decide(strategyv1.DecisionApprove, "bob")
				s.quiet()
			}
			expect(t, "in the end", s.ready(), "Verified")
			if strings.Count(s.events(), "on_hold") != 1 || strings.Count(s.events(), "released") != 1 {
				t.Errorf("the log: %s", s.events())
			}
		})
	}
}

func (s *story) approvedUntil(reason string) {
	s.T.Helper()
	s.quiet()
	s.decide(strategyv1.DecisionApprove, "bob")
	s.goOnUntil(reason)
}

func TestADeletionWithRestoreWaitsForTheReleaseAndOneWithRetainDoesNot(t *testing.T) {
	for policy, gone := range map[strategyv1.DeletionPolicy]bool{strategyv1.DeletionRestore: false, strategyv1.DeletionRetain: true} {
		s := newStory(t)
		s.rollback.Spec.DeletionPolicy = policy
		s.approved()
		content := s.Content
		s.suspended = true
		s.quiet()
		s.rollback.DeletionTimestamp = new(metav1.NewTime(s.Now))
		for range 10 { // the writer drops a record though the switch is on: it changes nothing of the document
			s.pass()
			if s.rollback.Status.Config.Claim == strategyv1.ClaimForget {
				s.writes()
			}
			s.Now = s.Now.Add(time.Hour)
		}
		if s.Content != content {
			t.Errorf("%s: the document was changed", policy)
		}
		if s.gone() != gone {
			t.Errorf("%s: gone %t; %s", policy, s.gone(), s.message(strategyv1.ConditionReady))
		}
		if gone {
			continue
		}
		s.suspended = false
		s.quiet()
		if !s.gone() || s.Content != testkit.Document {
			t.Errorf("%s: it does not end when it may: %s", policy, s.message(strategyv1.ConditionReady))
		}
	}
}

// The restore of a deleted rollback is under way when the playbook is put on hold, for longer than a deletion may take.
func TestADeletionIsNotGivenUpForTheTimeInWhichItHadToWait(t *testing.T) {
	s := newStory(t)
	s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRestore
	s.approved()
	s.rollback.DeletionTimestamp = new(metav1.NewTime(s.Now))
	s.writerStopped = true
	for range 4 {
		s.pass()
	}
	if s.rollback.Status.Restore == nil {
		t.Fatalf("the restore was not asked for: %s", testkit.Conditions(s.rollback.Status.Conditions))
	}
	s.writerStopped, s.suspended = false, true
	s.quiet()
	s.Now = s.Now.Add(2 * time.Hour)
	s.quiet()
	s.suspended = false
	s.quiet()
	if !s.gone() || s.Content != testkit.Document {
		t.Errorf("gone %t; the edits were left: %s", s.gone(), s.message(strategyv1.ConditionReady))
	}
}

// Which other rollbacks go first.
func TestIncidentsTakeTurns(t *testing.T) {
	other := func(change func(*strategyv1.StrategyRollback)) strategyv1.StrategyRollback {
		rollback := strategyv1.StrategyRollback{
			ObjectMeta: metav1.ObjectMeta{Name: "theirs", UID: types.UID("00000000"), CreationTimestamp: metav1.NewTime(testkit.T0.Add(-time.Minute))},
			Spec:       strategyv1.StrategyRollbackSpec{IncidentName: "other"},
		}
		change(&rollback)
		return rollback
	}
	is := func(rollback *strategyv1.StrategyRollback, kind string) {
		conditions.Set(&rollback.Status.Conditions, testkit.T0, 1, kind, metav1.ConditionTrue, kind, "as it is")
	}
	planned := func(rollback *strategyv1.StrategyRollback) {
		rollback.Status.Plan = &strategyv1.RollbackPlan{}
		is(rollback, "Planned")
	}
	claims := func(rollback *strategyv1.StrategyRollback, claim strategyv1.ClaimState) {
		rollback.Status.Config = &strategyv1.ConfigClaim{Claim: claim}
	}
	for name, c := range map[string]struct {
		other strategyv1.StrategyRollback
		waits bool
	}{
		"it is being written":          {other(func(r *strategyv1.StrategyRollback) { claims(r, strategyv1.ClaimHold) }), true},
		"it is in effect, and checked": {other(func(r *strategyv1.StrategyRollback) { claims(r, strategyv1.ClaimHold); is(r, "InEffect") }), true},
		"it is verified":               {other(func(r *strategyv1.StrategyRollback) { claims(r, strategyv1.ClaimHold); is(r, "Verified") }), false},
		"it is being restored":         {other(func(r *strategyv1.StrategyRollback) { claims(r, strategyv1.ClaimRelease); is(r, "Verified") }), true},
		"it was restored": {other(func(r *strategyv1.StrategyRollback) {
			claims(r, strategyv1.ClaimRelease)
			r.Status.End = &strategyv1.RollbackEnd{How: strategyv1.EndRestored}
		}), false},
		"it waits for a person":     {other(func(r *strategyv1.StrategyRollback) { claims(r, strategyv1.ClaimHold); is(r, "Stalled") }), false},
		"it waits for its approval": {other(func(*strategyv1.StrategyRollback) {}), false},
		"it is approved, and older": {other(func(r *strategyv1.StrategyRollback) { planned(r); is(r, "Approved") }), true},
		"it is approved, and younger": {other(func(r *strategyv1.StrategyRollback) {
			planned(r)
			is(r, "Approved")
			r.CreationTimestamp = metav1.NewTime(testkit.T0.Add(time.Hour))
		}), false},
		"it is deleted, and being undone": {other(func(r *strategyv1.StrategyRollback) {
			claims(r, strategyv1.ClaimRelease)
			r.DeletionTimestamp = new(metav1.NewTime(testkit.T0))
		}), true},
		"it is deleted, and its edits stay": {other(func(r *strategyv1.StrategyRollback) {
			claims(r, strategyv1.ClaimForget)
			r.DeletionTimestamp = new(metav1.NewTime(testkit.T0))
		}), false},
		"it is of no incident":       {other(func(r *strategyv1.StrategyRollback) { claims(r, strategyv1.ClaimHold); r.Spec.IncidentName = "" }), false},
		"it is of the same incident": {other(func(r *strategyv1.StrategyRollback) { claims(r, strategyv1.ClaimHold); r.Spec.IncidentName = "mine" }), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rollback.Spec.IncidentName = "mine"
			s.others = []strategyv1.StrategyRollback{c.other}
			s.approved()
			if !c.waits {
				expect(t, "Ready", s.ready(), "Verified")
				return
			}
			expect(t, "Ready", s.ready(), "AwaitingOthers")
			for set, wanted := range map[time.Duration]string{0: "5s", time.Second: "1s"} {
				o := s.observed()
				o.Pauses.Turn = set
				expect(t, "next", rollback.Plan(o, s.Now).NextAt.Sub(s.Now).String(), wanted)
			}
			if message := s.message(strategyv1.ConditionReady); !strings.Contains(message, "rollback theirs of incident other") {
				t.Errorf("it says %q", message)
			}
			s.others = nil
			s.quiet()
			expect(t, "when its turn comes", s.ready(), "Verified")
		})
	}
}

// A drill begins with a copy of the configuration, and works on nothing else.
func TestADrillBeginsWithACopy(t *testing.T) {
	s := newStory(t)
	s.rollback.Spec.Mode = strategyv1.ModeDrill
	o := s.observed()
	o.Real, o.Config = o.Config, facts.Config{Gone: true, Problem: &facts.Problem{Reason: strategyv1.ReasonConfigMapNotFound, Message: "not there yet"}}
	o.Deployment = nil // nobody needs one
	decision := rollback.Plan(o, s.Now)
	ended.Store(decision.Rule, true)
	var copied *action.CreateConfigMap
	for _, wanted := range decision.Steps.InOrder() {
		if made, ok := wanted.(action.CreateConfigMap); ok {
			copied = &made
		} else if action.Starts(wanted) {
			t.Errorf("it asks for %T", wanted)
		}
	}
	if copied == nil || copied.ConfigMap.Name != "drill-"+string(s.rollback.UID) || copied.ConfigMap.Data[testkit.DataKey] != testkit.Document {
		t.Fatalf("the copy is %+v; %s", copied, testkit.Conditions(decision.Status.Conditions))
	}
	if !metav1.IsControlledBy(copied.ConfigMap, s.rollback) || copied.ConfigMap.Labels[strategyv1.LabelDrill] != strategyv1.ManagedValue {
		t.Errorf("nobody sees whose copy it is: %+v", copied.ConfigMap.ObjectMeta)
	}
	o.Real = facts.Config{Problem: &facts.Problem{Reason: strategyv1.ReasonConfigInvalid, Message: "broken"}}
	if decision = rollback.Plan(o, s.Now); conditions.Reason(decision.Status.Conditions, strategyv1.ConditionReady) != strategyv1.ReasonConfigInvalid {
		t.Errorf("a broken configuration is copied: %s", testkit.Conditions(decision.Status.Conditions))
	}
}
