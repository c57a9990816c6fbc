package rollback_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// guarded is a rollback in a world where another one has taken the only place.
func guarded(t testkit.T) (s, other *story) {
	s = newStory(t)
	s.Spec.Guard = &strategyv1.GuardSpec{MaxActiveRollbacks: 1}
	other = s.beside("first", testkit.Disable("slow"))
	other.approved()
	return s, other
}

func TestTheGuardIsToldBeforeTheApproval(t *testing.T) {
	s, _ := guarded(t)
	s.quiet()
	expect(t, "Ready", s.ready(), "AwaitingApproval")
	if got := s.message(strategyv1.ConditionReady); !strings.Contains(got, "Approved now it would wait: the guard's maxActiveRollbacks is 1, in force: first") {
		t.Errorf("it says %q", got)
	}
}

// An approved rollback above the guard waits, and says for what.
func TestTheGuardHoldsBack(t *testing.T) {
	for name, c := range map[string]struct {
		guard strategyv1.GuardSpec
		first []strategyv1.RollbackAction
		mine  []strategyv1.RollbackAction
		says  string // empty: it goes ahead
	}{
		"a second rollback": {strategyv1.GuardSpec{MaxActiveRollbacks: 1}, []strategyv1.RollbackAction{testkit.Allocate("cross", "0.0")}, []strategyv1.RollbackAction{testkit.Disable("fast")},
			"the guard's maxActiveRollbacks is 1, in force: first. It waits for room; to go ahead all the same: kubectl strategy override off -n trading"},
		"two are allowed": {strategyv1.GuardSpec{MaxActiveRollbacks: 2}, []strategyv1.RollbackAction{testkit.Allocate("cross", "0.0")}, []strategyv1.RollbackAction{testkit.Disable("fast")}, ""},
		"a second schedule": {strategyv1.GuardSpec{MaxDisabledSchedules: 1}, []strategyv1.RollbackAction{testkit.Disable("slow")}, []strategyv1.RollbackAction{testkit.Disable("fast")},
			"the guard's maxDisabledSchedules is 1, with this rollback it would be 2 (fast, slow); in force: first"},
		"a strategy with two schedules":              {strategyv1.GuardSpec{MaxDisabledSchedules: 1}, []strategyv1.RollbackAction{testkit.Allocate("cross", "0.0")}, []strategyv1.RollbackAction{testkit.DisableAll("arb")}, "it would be 2 (fast, slow)"},
		"a signal limit of 0 is a disabled schedule": {strategyv1.GuardSpec{MaxDisabledSchedules: 1}, []strategyv1.RollbackAction{testkit.Disable("slow")}, []strategyv1.RollbackAction{testkit.LimitSignals("arb", "bold", 0)}, "it would be 2 (fast, slow)"},
		"the same schedule in two ways is one":       {strategyv1.GuardSpec{MaxDisabledSchedules: 1}, []strategyv1.RollbackAction{testkit.Disable("fast")}, []strategyv1.RollbackAction{testkit.LimitSignals("arb", "bold", 0)}, ""},
		"a signal limit above 0 disables nothing":    {strategyv1.GuardSpec{MaxDisabledSchedules: 1}, []strategyv1.RollbackAction{testkit.Disable("slow")}, []strategyv1.RollbackAction{testkit.LimitSignals("arb", "bold", 1)}, ""},
		"an allocation disables nothing":             {strategyv1.GuardSpec{MaxDisabledSchedules: 1}, []strategyv1.RollbackAction{testkit.DisableAll("trend")}, []strategyv1.RollbackAction{testkit.Allocate("cross", "0.0")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			first := s.beside("first", c.first...)
			first.approved()
			expect(t, "the first", first.ready(), "Verified")
			s.Spec.Guard = &c.guard
			s.byHand(c.mine...)
			s.approved()
			if c.says == "" {
				expect(t, "Ready", s.ready(), "Verified")
				return
			}
			expect(t, "Ready", s.ready(), "GuardExceeded")
			if got := s.message(strategyv1.ConditionApplied); !strings.Contains(got, c.says) {
				t.Errorf("Applied says %q, not %q", got, c.says)
			}
			s.Now = s.Now.Add(10 * time.Minute)
			decision := s.quiet()
			expect(t, "next", decision.NextAt.Sub(s.Now).String(), "30s")
			if n := strings.Count(s.events(), "held_back"); n != 1 {
				t.Errorf("the log says %d times that it is held back", n)
			}
			if s.Config().State.Holder(string(s.rollback.UID)) != nil || s.Writes != 1 {
				t.Errorf("written all the same")
			}
			first.decide(strategyv1.DecisionRestore, "carol")
			together(first, s)
			expect(t, "the first in the end", first.ready(), "Restored")
		})
	}
}

func TestRoomThatFreesUpIsTaken(t *testing.T) {
	s, first := guarded(t)
	s.approved()
	expect(t, "Ready", s.ready(), "GuardExceeded")
	s.Now = s.Now.Add(20 * time.Minute)
	first.decide(strategyv1.DecisionRestore, "carol")
	together(first, s)
	expect(t, "the first", first.ready(), "Restored")
	expect(t, "the second", s.ready(), "Verified")
	expect(t, "its log", s.events(), "rollback_requested approved held_back check config_change check disabled check check verified")
}

func TestATimeBoxThatEndsWhileWaiting(t *testing.T) {
	s, _ := guarded(t)
	s.approved()
	s.At(4*time.Hour + time.Minute)
	s.quiet()
	expect(t, "Ready", s.ready(), "ApprovalExpired")
	if got := s.message(strategyv1.ConditionReady); !strings.Contains(got, "the time box ended at 2026-11-23T14:00:02Z, before the change was made") {
		t.Errorf("it says %q", got)
	}
}

func TestADenialWhileWaiting(t *testing.T) {
	s, _ := guarded(t)
	s.approved()
	s.decide(strategyv1.DecisionDeny, "dave")
	s.quiet()
	expect(t, "Ready", s.ready(), "Denied")
}

// Who may lift the guard, for what.
func TestOverrideOfTheGuard(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		ready string
		says  string // in the message, or in the log
	}{
		"by another person": {func(s *story) { s.decide(strategyv1.DecisionOverride, "carol") }, "Verified", "the guard was lifted by carol (StrategyDecision d-carol-1)"},
		"by the approver":   {func(s *story) { s.decide(strategyv1.DecisionOverride, "bob") }, "Verified", "the guard was lifted by bob"},
		"by the requester":  {func(s *story) { s.decide(strategyv1.DecisionOverride, "alice") }, "GuardExceeded", "StrategyDecision d-alice-1 by alice is not honoured: whoever asked for a change may not approve it (four eyes)"},
		"by the requester where the playbook says so": {func(s *story) {
			s.remedy("disable")
			s.Spec.Remediations[0].Approval.Requester = strategyv1.RequesterMayApprove
			s.decide(strategyv1.DecisionOverride, "alice")
		}, "Verified", "the guard was lifted by alice"},
		"the requester's does not hide another's": {func(s *story) {
			s.decide(strategyv1.DecisionOverride, "carol")
			s.decide(strategyv1.DecisionOverride, "alice")
		}, "Verified", "the guard was lifted by carol"},
		"of another plan": {func(s *story) {
			s.decide(strategyv1.DecisionOverride, "carol")
			s.decided[len(s.decided)-1].Digest = "sha256:" + strings.Repeat("0", 64)
		}, "GuardExceeded", "it names another plan; look at status.plan and override again"},
		"without a plan": {func(s *story) {
			s.decide(strategyv1.DecisionOverride, "carol")
			s.decided[len(s.decided)-1].Digest = ""
		}, "GuardExceeded", ""},
		"identities are not enforced": {func(s *story) {
			s.identity.Enforced, s.identity.Message = false, "the policies are missing"
			s.decide(strategyv1.DecisionOverride, "carol")
		}, "GuardExceeded", "the policies are missing"},
		"nobody knows who asked": {func(s *story) {
			s.rollback.Spec.RequestedBy = ""
			s.decide(strategyv1.DecisionOverride, "carol")
		}, "GuardExceeded", "requestedBy was not stamped"},
		"twice counts once": {func(s *story) {
			s.decide(strategyv1.DecisionOverride, "carol")
			s.decide(strategyv1.DecisionOverride, "dave")
		}, "Verified", "the guard was lifted by dave"},
		"of what nobody may write": {func(s *story) {
			s.decide(strategyv1.DecisionOverride, "carol")
			s.decide(strategyv1.DecisionDeny, "dave")
		}, "Denied", "denied by dave"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := guarded(t)
			s.approved()
			expect(t, "before", s.ready(), "GuardExceeded")
			c.given(s)
			s.quiet()
			expect(t, "Ready", s.ready(), c.ready)
			if got := s.message(strategyv1.ConditionApplied) + s.logText(); !strings.Contains(got, c.says) {
				t.Errorf("it does not say %q: %s", c.says, got)
			}
			if n := strings.Count(s.events(), "overridden"); n > 1 || (n == 1) != (c.ready == "Verified") {
				t.Errorf("overridden %d times", n)
			}
		})
	}
}

// An override is for one plan: another plan needs another one.
func TestAnOverrideIsVoidWithItsPlan(t *testing.T) {
	s, _ := guarded(t)
	s.reports(nil) // the checks before are running
	s.approved()
	s.decide(strategyv1.DecisionOverride, "carol")
	s.quiet()
	expect(t, "Ready", s.ready(), "CheckingBefore")
	mine := regexp.MustCompile(`( +)- schedule: slow\n`).ReplaceAllString(s.Content, "$1- {schedule: fast, reason: mine, duration: 15m}\n$0")
	s.Edit(mine)
	s.quiet()
	expect(t, "a person was faster", s.ready(), "AwaitingApproval")
	if s.rollback.Status.Override != nil {
		t.Errorf("the override is still there")
	}
	s.decide(strategyv1.DecisionApprove, "bob")
	s.quiet()
	expect(t, "approved again", s.ready(), "GuardExceeded")
}

// Two claims at the same time cannot both take the last place: the writer counts in its own compare-and-swap.
func TestTwoClaimsForTheLastPlace(t *testing.T) {
	for name, c := range map[string]struct {
		then  func(winner, loser *story)
		ready string // of the loser
	}{
		"the loser waits": {func(*story, *story) {}, "GuardExceeded"},
		"the loser gets the place when it is free, however long it waited": {func(winner, loser *story) {
			loser.Now = loser.Now.Add(time.Hour)
			winner.decide(strategyv1.DecisionRestore, "carol")
		}, "Verified"},
		"the loser's guard is lifted, however long it waited": {func(_, loser *story) {
			loser.Now = loser.Now.Add(time.Hour)
			loser.decide(strategyv1.DecisionOverride, "carol")
		}, "Verified"},
		"the loser's guard is lifted at once": {func(_, loser *story) { loser.decide(strategyv1.DecisionOverride, "carol") }, "Verified"},
		"the loser's time box ends":           {func(_, loser *story) { loser.At(5 * time.Hour) }, "ApprovalExpired"},
		"the loser is denied":                 {func(_, loser *story) { loser.decide(strategyv1.DecisionDeny, "dave") }, "Denied"},
		"the loser is withdrawn":              {func(_, loser *story) { loser.decide(strategyv1.DecisionRestore, "dave") }, "Withdrawn"},
		"a person edits where the loser would": {func(_, loser *story) {
			loser.Edit(strings.Replace(loser.Content, "trend: 0.4", "trend: 0.2", 1))
		}, "AwaitingApproval"},
	} {
		t.Run(name, func(t *testing.T) {
			winner := newStory(t).byHand(testkit.Disable("fast"))
			loser := winner.beside("second", testkit.Allocate("trend", "0.0"))
			winner.Spec.Guard = &strategyv1.GuardSpec{MaxActiveRollbacks: 1}
			winner.writerStopped, loser.writerStopped = true, true
			together(winner, loser)
			winner.decide(strategyv1.DecisionApprove, "bob")
			loser.decide(strategyv1.DecisionApprove, "bob")
			together(winner, loser)
			expect(t, "the first", winner.ready(), "Applying")
			expect(t, "the second", loser.ready(), "Applying")
			winner.writerStopped, loser.writerStopped = false, false
			together(winner, loser)
			expect(t, "the first, written", winner.ready(), "Verified")
			expect(t, "the second, not written", loser.ready(), "GuardExceeded")
			c.then(winner, loser)
			together(winner, loser)
			expect(t, "the second in the end", loser.ready(), c.ready)
			if n := strings.Count(loser.events(), "approval_voided"); (n > 0) != (c.ready == "AwaitingApproval") {
				t.Errorf("its approval was voided %d times", n)
			}
			if held := loser.Config().State.Holder(string(loser.rollback.UID)) != nil; held != (c.ready == "Verified") {
				t.Errorf("the second holds its edits: %v", held)
			}
		})
	}
}
