package incident_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/testkit"
)

const (
	trend = "/risk_profiles/bold/strategy_allocations/trend"
	loss  = "/risk_profiles/bold/max_daily_loss_pct"
)

// inForce writes edits of the incident's rollback, and has it verified.
func (s *story) inForce() {
	s.T.Helper()
	s.mitigating()
	name := sortedNames(s.Rollbacks)[0]
	s.writes(name, strategyv1.PlannedEdit{Path: trend, From: new("1.0"), To: "0.5"})
	receipts := s.Rollbacks[name].Status.Config.Receipts
	s.verified()
	s.Rollbacks[name].Status.Config.Receipts = receipts
}

// writes is what the writer of the configuration does for a rollback.
func (s *story) writes(name string, edits ...strategyv1.PlannedEdit) {
	s.T.Helper()
	rollback, observed := s.Rollbacks[name], s.Config()
	rollback.Status.Plan = &strategyv1.RollbackPlan{Edits: edits}
	edited, state, refusal := record.Try(observed.Document, observed.State, record.Claim{UID: string(rollback.UID), Name: name, Edits: edits}, s.Now)
	if refusal != nil {
		s.T.Fatalf("%s", refusal.Message)
	}
	if rollback.Status.Config == nil {
		rollback.Status.Config = &strategyv1.ConfigClaim{}
	}
	claim := rollback.Status.Config
	claim.Receipts = record.Kept(claim.Receipts, state.Holder(string(rollback.UID)).Receipt()) // kept before the write
	s.holds(edited.String(), state)
}

func (s *story) holds(content string, state record.State) {
	s.T.Helper()
	encoded, err := state.Encode()
	if err != nil {
		s.T.Fatalf("%v", err)
	}
	s.Edit(content)
	s.Edits = encoded
}

// leaves is a deletion with deletionPolicy Retain, as far as its own controller and the writer go.
func (s *story) leaves(name string) {
	s.T.Helper()
	observed := s.Config()
	var others []record.Holder
	for _, holder := range observed.State.Holders {
		if holder.Name != name {
			others = append(others, holder)
		}
	}
	observed.State.Holders = others
	s.holds(s.Content, observed.State)
	delete(s.Rollbacks, name)
}

// again is another rollback under the name of one that is gone, with the time of the API server's clock.
func (s *story) again(name string, made time.Time) {
	s.T.Helper()
	s.Rollbacks[name] = &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid-2", CreationTimestamp: metav1.NewTime(made)}}
}

// undoes is one with Restore.
func (s *story) undoes(name string) {
	s.T.Helper()
	s.leaves(name)
	s.Edit(strings.Replace(s.Content, "trend: 0.5", "trend: 1.0", 1))
}

// TestWhatADeletionLeaves: nobody watches over it and nobody undoes it, so the incident is not contained by it.
func TestWhatADeletionLeaves(t *testing.T) {
	for name, c := range map[string]struct {
		after     func(s *story, name string)
		contained string
		ready     string
		says      string // the message of Ready
		left      int    // edits in the status
	}{
		"nothing happened": {func(*story, string) {}, "True/Verified", "False/Contained", "", 0},
		"deleted, and its edits stay": {func(s *story, name string) { s.leaves(name) },
			"False/Retained", "False/NeedsPerson", trend + " = 0.5 (before: 1.0)", 1},
		"it is on its way out, and its edits will stay": {func(s *story, name string) {
			s.Rollbacks[name].DeletionTimestamp = new(metav1.NewTime(s.Now))
			s.Rollbacks[name].Status.Config.Claim = strategyv1.ClaimForget
		}, "False/Retained", "False/Mitigating", "", 1},
		"removed by force: the record still names it": {func(s *story, name string) { delete(s.Rollbacks, name) },
			"False/Retained", "False/NeedsPerson", trend + " = 0.5 (before: 1.0)", 1},
		"deleted, and its edits are undone": {func(s *story, name string) { s.undoes(name) },
			"False/Restored", "False/NeedsPerson", "was deleted", 0},
		"deleted, and nobody can see the configuration": {func(s *story, name string) {
			delete(s.Rollbacks, name)
			s.configProblem = &facts.Problem{Reason: strategyv1.ReasonConfigInvalid, Message: "no YAML"}
		}, "False/Retained", "False/NeedsPerson", "nobody can see whether", 1},
		"deleted while the log cannot be read": {func(s *story, name string) {
			s.leaves(name)
			s.logProblem = &facts.Problem{Reason: strategyv1.ReasonSecretNotFound, Message: "no key"}
		}, "False/Retained", "False/SecretNotFound", "", 1},
		"another rollback holds the same, and undoes it": {func(s *story, name string) {
			s.Rollbacks["x"] = s.Rollbacks[name].DeepCopy()
			s.Rollbacks["x"].Name, s.Rollbacks["x"].UID = "x", "uid-x"
			s.writes("x", s.Rollbacks[name].Status.Plan.Edits...)
			s.quiet()
			s.leaves(name)
		}, "True/Verified", "False/Contained", "", 0},
		"another rollback is still being planned": {func(s *story, name string) {
			s.Rollbacks["x"] = &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Name: "x", UID: "uid-x", CreationTimestamp: metav1.NewTime(s.Now)}}
			s.quiet()
			s.leaves(name)
		}, "False/Retained", "False/Mitigating", "", 1},
		"made again under its name": {func(s *story, name string) {
			s.leaves(name)
			s.At(time.Hour)
			s.Rollbacks[name] = &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid-2", CreationTimestamp: metav1.NewTime(s.Now)}}
		}, "False/Retained", "False/Mitigating", "", 1},
		"made again under its name, after it was seen gone, by a clock hours behind": {func(s *story, name string) {
			s.leaves(name)
			s.quiet()
			s.again(name, s.Now.Add(-5*time.Hour))
		}, "False/Retained", "False/Mitigating", "", 1},
		"made again under its name, and its edits stay, too": {func(s *story, name string) {
			s.leaves(name)
			s.again(name, s.Now)
			s.writes(name, strategyv1.PlannedEdit{Path: loss, From: new("0.03"), To: "0.01"})
			s.Rollbacks[name].Status.Config.WrittenTime = new(metav1.NewTime(s.Now))
			s.quiet()
			s.leaves(name)
		}, "False/Retained", "False/NeedsPerson", trend + " = 0.5 (before: 1.0)", 2},
		"the policy was changed before it went": {func(s *story, name string) {
			s.Rollbacks[name].Status.Config.Claim = strategyv1.ClaimForget
			s.quiet()
			s.Rollbacks[name].Status.Config.Claim = strategyv1.ClaimRelease
			s.rollbackIs(strategyv1.ReasonRestoring, metav1.ConditionFalse, metav1.ConditionFalse)
			s.quiet()
			s.undoes(name)
		}, "False/Restored", "False/NeedsPerson", "was deleted", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Recovery = &strategyv1.RecoverySpec{QuietSeconds: 120}
			s.inForce()
			rollback := sortedNames(s.Rollbacks)[0]
			s.At(10 * time.Minute)
			c.after(s, rollback)
			s.quiet()
			expect(t, "Contained", s.condition(strategyv1.ConditionContained), c.contained)
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
			if message := s.message(strategyv1.ConditionReady); !strings.Contains(message, c.says) {
				t.Errorf("it does not say %q: %s", c.says, message)
			}
			if left := s.left(); len(left) != c.left {
				t.Errorf("left: %v", left)
			}
			if told := strings.Contains(strings.Join(s.Events, "\n"), "Warning Retained: "); c.left > 0 && !told {
				t.Errorf("no event tells it:\n%s", strings.Join(s.Events, "\n"))
			}
		})
	}
}

// left are the edits of the status that nobody undoes.
func (s *story) left() (all []string) {
	for _, rollback := range s.incident.Status.Rollbacks {
		for _, edit := range rollback.Edits {
			if rollback.LeftTime != nil {
				all = append(all, edit.Path+" = "+edit.To)
			}
		}
	}
	return all
}

func (s *story) message(kind string) string {
	for _, c := range s.incident.Status.Conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

// TestWhatWasLeftIsNoRecovery: another rollback that is undone brings the incident back to normal only when nothing else is left.
func TestWhatWasLeftIsNoRecovery(t *testing.T) {
	for name, c := range map[string]struct {
		by    func(*story)
		ready string
	}{
		"the edits stay":              {func(*story) {}, "False/NeedsPerson"},
		"somebody put them back":      {func(s *story) { s.Edit(strings.Replace(s.Content, "trend: 0.5", "trend: 1.0", 1)) }, "True/Resolved"},
		"and nobody can see it":       {func(s *story) { s.configProblem = &facts.Problem{Reason: strategyv1.ReasonConfigInvalid} }, "False/NeedsPerson"},
		"a person closes it as it is": {func(s *story) { s.decide(strategyv1.DecisionResolve, "bob") }, "True/Resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.inForce()
			s.At(10 * time.Minute)
			s.leaves(sortedNames(s.Rollbacks)[0])
			s.quiet()
			s.Rollbacks["by-hand"] = &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Name: "by-hand", UID: types.UID("uid-2"), CreationTimestamp: metav1.NewTime(s.Now)}}
			s.verified()
			expect(t, "while another one is verified", s.condition(strategyv1.ConditionContained), "True/Verified")
			c.by(s)
			s.restored()
			s.At(time.Hour)
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
			if c.ready == "False/NeedsPerson" {
				expect(t, "Contained", s.condition(strategyv1.ConditionContained), "False/Retained")
				expect(t, "how far it is", string(s.incident.Status.State), "Mitigation")
			}
			if name == "a person closes it as it is" && !strings.Contains(s.message(strategyv1.ConditionReady), trend+" = 0.5") {
				t.Errorf("closing does not say what stays: %s", s.message(strategyv1.ConditionReady))
			}
		})
	}
}

// TestWhoFollowsIsNotBackToNormalByWhatWasLeft with its parent.
func TestWhoFollowsIsNotBackToNormalByWhatWasLeft(t *testing.T) {
	s := newStory(t)
	parent := other("first", -time.Minute, func(object *strategyv1.StrategyIncident) {
		object.Status.Cause = &strategyv1.CauseStatus{Name: "SignalDegradation", Remediation: "disable", Schedules: []string{"slow", "fast"}}
		ready(object, metav1.ConditionFalse, strategyv1.ReasonContained)
		conditions.Set(&object.Status.Conditions, testkit.T0, 1, strategyv1.ConditionContained, metav1.ConditionTrue, strategyv1.ReasonVerified, "as it is")
	})
	s.neighbours = []strategyv1.StrategyIncident{parent}
	s.parent = &parent
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
	expect(t, "it follows", s.condition(strategyv1.ConditionContained), "True/FollowsParent")
	ready(&parent, metav1.ConditionTrue, strategyv1.ReasonResolved)
	parent.Status.Rollbacks = []strategyv1.IncidentRollback{{
		Name: "gone", LeftTime: new(metav1.NewTime(s.Now)), Edits: []strategyv1.StandingEdit{{Path: trend, From: new("2.0"), To: "1.0"}},
	}}
	s.quiet()
	s.At(time.Hour)
	s.quiet()
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/NeedsPerson")
	if message := s.message(strategyv1.ConditionReady); !strings.Contains(message, trend+" = 1.0 (before: 2.0)") {
		t.Errorf("it does not say what stays: %s", message)
	}
}

// TestManyAndLongEditsFit into the status.
func TestManyAndLongEditsFit(t *testing.T) {
	s := newStory(t)
	s.mitigating()
	name := sortedNames(s.Rollbacks)[0]
	s.verified()
	s.Rollbacks[name].Status.Plan = &strategyv1.RollbackPlan{}
	for range 40 {
		long := strings.Repeat("é", 2000)
		s.Rollbacks[name].Status.Plan.Edits = append(s.Rollbacks[name].Status.Plan.Edits, strategyv1.PlannedEdit{Path: "/" + strings.Repeat("a", 1000), From: &long, To: long})
	}
	s.Rollbacks[name].Status.Config.Claim = strategyv1.ClaimForget
	s.quiet()
	delete(s.Rollbacks, name)
	s.quiet()
	left := s.incident.Status.Rollbacks[0]
	if left.EditTotal != 40 || len(left.Edits) != 8 || left.LeftTime == nil {
		t.Errorf("%d edits of %d", len(left.Edits), left.EditTotal)
	}
	expect(t, "Contained", s.condition(strategyv1.ConditionContained), "False/Retained")
}
