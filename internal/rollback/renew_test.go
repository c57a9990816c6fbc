package rollback_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// renewable is a verified rollback whose time box ends at 14:00; its restore would begin at 13:55.
func renewable(t testkit.T) *story {
	s := newStory(t)
	s.approved()
	return s
}

func (s *story) until() string {
	if s.rollback.Status.Plan.Until == nil {
		return "never"
	}
	return s.rollback.Status.Plan.Until.UTC().Format("15:04:05")
}

func (s *story) inEffect() string {
	return conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionInEffect)
}

// Who may move the end of the time box, when, and what becomes of it. Renewed at 13:00 it ends at 17:00.
func TestRenew(t *testing.T) {
	renew := func(s *story) { s.decide(strategyv1.DecisionRenew, "carol") }
	for name, c := range map[string]struct {
		given    func(*story)
		at       time.Duration
		then     func(*story)
		until    string
		inEffect string
		ready    string
		says     string // in the log
	}{
		"by another person":                       {nil, 3 * time.Hour, renew, "17:00:00", "Proved", "Verified", "renewed until 2026-11-23T17:00:00Z by carol (StrategyDecision d-carol-1); the scheduler is restarted for it"},
		"by the requester (four eyes)":            {nil, 3 * time.Hour, func(s *story) { s.decide(strategyv1.DecisionRenew, "alice") }, "14:00:00", "Proved", "Verified", "StrategyDecision d-alice-1 by alice is not honoured: whoever asked"},
		"the requester's does not hide another's": {nil, 3 * time.Hour, func(s *story) { renew(s); s.decide(strategyv1.DecisionRenew, "alice") }, "17:00:00", "Proved", "Verified", "by carol"},
		"of the plan before, replayed":            {nil, 3 * time.Hour, func(s *story) { renew(s); s.quiet(); s.At(200 * time.Minute); s.quiet() }, "17:00:00", "Proved", "Verified", ""},
		"of another plan":                         {nil, 3 * time.Hour, func(s *story) { renew(s); s.decided[1].Digest = "sha256:" + strings.Repeat("0", 64) }, "14:00:00", "Proved", "Verified", ""},
		"without a plan":                          {nil, 3 * time.Hour, func(s *story) { renew(s); s.decided[1].Digest = "" }, "14:00:00", "Proved", "Verified", ""},
		"identities are not enforced":             {nil, 3 * time.Hour, func(s *story) { s.identity.Enforced, s.identity.Message = false, "no policies"; renew(s) }, "14:00:00", "Proved", "Verified", "no policies"},
		"seen after the time that it asks for":    {nil, 3 * time.Hour, func(s *story) { renew(s); s.reports(reports{"load": testkit.Fail()}); s.At(8 * time.Hour) }, "14:00:00", "Expired", "Expired", "the time box that it asks for is over already"},
		"twice in a row":                          {nil, 3 * time.Hour, func(s *story) { renew(s); s.quiet(); s.At(6 * time.Hour); renew(s) }, "20:00:00", "Proved", "Verified", "renewed until 2026-11-23T20:00:00Z"},
		"after the end, when the gate had failed": {gateFailed, 5 * time.Hour, renew, "19:00:00", "Proved", "Verified", "expired"},
		"after a person's restore whose gate failed": {func(s *story) {
			s.reports(reports{"load": testkit.Fail()})
			s.decide(strategyv1.DecisionRestore, "dave")
			s.quiet()
		}, 3 * time.Hour, renew, "17:00:00", "Proved", "Verified", "restore_refused"},
		"while the gate at the end of the box is asked": {gateAsked, 4*time.Hour - 3*time.Minute, renew, "17:57:00", "Proved", "Verified", "renewed until"},
		"while the gate of a person's restore is asked": {func(s *story) {
			s.reports(nil)
			s.decide(strategyv1.DecisionRestore, "dave")
			s.quiet()
		}, 3 * time.Hour, renew, "14:00:00", "Proved", "CheckingRestore", ""},
		"while the edits are being undone": {func(s *story) {
			s.writerStopped = true
			s.decide(strategyv1.DecisionRestore, "dave")
			s.quiet()
		}, 3 * time.Hour, renew, "14:00:00", "Proved", "NotInEffect", ""},
		"after the restore": {func(s *story) {
			s.decide(strategyv1.DecisionRestore, "dave")
			s.quiet()
		}, 3 * time.Hour, renew, "14:00:00", "Restored", "Restored", ""},
		"a schedule more in its strategy: other places would be edited": {func(s *story) {
			s.Edit(strings.Replace(s.Content, "        slow:", "        third: {strategy: arb}\n        slow:", 1))
		}, 3 * time.Hour, renew, "14:00:00", "Proved", "Verified", "other places would be edited; restore this rollback and create another one"},
		"a schedule that is gone": {func(s *story) {
			s.Edit(strings.Replace(s.Content, "        slow: {strategy: arb}\n", "", 1))
		}, 3 * time.Hour, renew, "14:00:00", "Proved", "Verified", "StrategyDecision d-carol-1 by carol is not honoured"},
		"a person changed what we wrote": {func(s *story) {
			s.Edit(strings.Replace(s.Content, "reason: \"rollback off\"", "reason: mine", 1))
		}, 3 * time.Hour, renew, "14:00:00", "Proved", "Overwritten", "someone else's edit is left alone"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rollback.Spec.Actions = []strategyv1.RollbackAction{testkit.DisableAll("arb")}
			s.approved()
			expect(t, "before", s.ready(), "Verified")
			if c.given != nil {
				c.given(s)
			}
			s.At(c.at)
			c.then(s)
			s.quiet()
			expect(t, "until", s.until(), c.until)
			expect(t, "InEffect", s.inEffect(), c.inEffect)
			expect(t, "Ready", s.ready(), c.ready)
			if !strings.Contains(s.logText(), c.says) {
				t.Errorf("the log does not say %q:\n%s", c.says, s.logText())
			}
			if n := strings.Count(s.events(), "not_honoured"); n > 1 {
				t.Errorf("it is told %d times why a decision does not count", n)
			}
			written := "until: \"2026-11-23T" + c.until
			if held := s.Config().State.Holder(string(s.rollback.UID)) != nil; held && strings.Count(s.Content, written) == 0 {
				t.Errorf("the configuration does not have %s:\n%s", written, s.Content)
			}
		})
	}
}

// gateAsked: the restore at the end of the time box has begun, and its gate has not answered.
func gateAsked(s *story) {
	s.reports(nil)
	s.At(4*time.Hour - 5*time.Minute)
	s.quiet()
}

// gateFailed: the time box is over, and its gate does not hold.
func gateFailed(s *story) {
	s.reports(reports{"load": testkit.Fail()})
	s.At(4 * time.Hour)
	s.quiet()
}

// A renewal is one write and one restart; what was there before stays recorded, and the new box ends like the first one.
func TestARenewedTimeBox(t *testing.T) {
	s := renewable(t)
	digest, content := s.rollback.Status.Plan.Digest, s.Content
	s.At(3 * time.Hour)
	s.decide(strategyv1.DecisionRenew, "carol")
	s.quiet()
	if s.Writes != 2 || s.Restarts != 2 || s.rollback.Status.Plan.Renewals != 1 || s.rollback.Status.Plan.Revision != 2 {
		t.Errorf("%d writes, %d restarts, plan %+v", s.Writes, s.Restarts, s.rollback.Status.Plan)
	}
	if s.rollback.Status.Plan.Digest == digest || s.rollback.Status.Decision.By != "carol" {
		t.Errorf("the digest is the old one, or the decision: %+v", s.rollback.Status.Decision)
	}
	expect(t, "only the end is another one", s.Content, strings.Replace(content, "T14:00:00", "T17:00:00", 1))
	expect(t, "the newest entries", strings.TrimPrefix(s.events(), "rollback_requested approved check config_change check disabled check check verified "), "approved check renewed")
	s.At(7*time.Hour - 5*time.Minute - time.Second)
	s.quiet()
	expect(t, "before the new end", s.ready(), "Verified")
	s.At(7*time.Hour - 5*time.Minute)
	s.quiet()
	expect(t, "at the new end", s.ready(), "Restored")
	expect(t, "the configuration", s.Content, testkit.Document)
}

// Every action can be renewed, also one that had to make the section that it writes to.
func TestRenewEachAction(t *testing.T) {
	for name, actions := range map[string][]strategyv1.RollbackAction{
		"a strategy": {testkit.DisableAll("arb")}, "an allocation": {testkit.Allocate("cross", "0.0")}, "a feed": {testkit.SwitchFeed("binance")},
		"limits": {testkit.LimitResources("80", "3072")}, "a signal limit": {testkit.LimitSignals("arb", "bold", 1)},
		"all": {testkit.Disable("slow"), testkit.Allocate("cross", "0.0"), testkit.SwitchFeed("binance"), testkit.LimitResources("80", "3072"), testkit.LimitSignals("arb", "bold", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t).byHand(actions...)
			s.feeds()
			s.approved()
			s.At(3 * time.Hour)
			s.decide(strategyv1.DecisionRenew, "carol")
			s.quiet()
			expect(t, "until", s.until(), "17:00:00")
			expect(t, "InEffect", s.inEffect(), "Proved")
			if !strings.HasSuffix(s.events(), "renewed") {
				t.Errorf("the log: %s", s.logText())
			}
			s.decide(strategyv1.DecisionRestore, "dave")
			s.quiet()
			expect(t, "Ready", s.ready(), "Restored")
			expect(t, "the configuration", s.Content, testkit.FeedDocument)
		})
	}
}

func TestWithoutATimeBoxThereIsNothingToRenew(t *testing.T) {
	s := newStory(t)
	s.rollback.Spec.RemediationName = "keep"
	s.approved()
	s.decide(strategyv1.DecisionRenew, "carol")
	s.quiet()
	expect(t, "until", s.until(), "never")
	if s.Writes != 1 || s.rollback.Status.Plan.Renewals != 0 {
		t.Errorf("%d writes, %d renewals", s.Writes, s.rollback.Status.Plan.Renewals)
	}
}

// A renewal that does not come into effect is kept, although the playbook says Revert: what it renews was good.
func TestARenewalThatFailsIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		then  func(*story)
		ready string
		says  string
	}{
		"a stale copy twice":    {func(s *story) { s.Stale = 2 }, nil, "NotInEffect", "still runs another configuration"},
		"the proof fails":       {func(s *story) { s.reports(reports{"running-plan": {JSON: `{"suspended":[]}`}}) }, nil, "NotInEffect", "a schedule still trades"},
		"it cannot be proved":   {func(s *story) { s.reports(reports{"running-plan": testkit.Broken()}) }, nil, "Unproved", "could not be proved"},
		"the roll-out is stuck": {func(s *story) { s.Deployment.Spec.Paused = true }, func(s *story) { s.sinceWrite(3 * time.Minute) }, "NotInEffect", "is paused"},
		"the writer is away":    {func(s *story) { s.writerStopped = true }, func(s *story) { s.Now = s.Now.Add(3 * time.Minute) }, "NotInEffect", "not written in time"},
		"a person edits meanwhile": {func(s *story) {
			s.writerStopped = true
			s.quiet()
			s.Edit(strings.Replace(s.Content, "reason: rollback off", "reason: mine", 1))
			s.Edit(strings.Replace(s.Content, "reason: \"rollback off\"", "reason: mine", 1))
			s.writerStopped = false
		}, nil, "EditRefused", "not renewed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := renewable(t)
			s.At(3 * time.Hour)
			s.decide(strategyv1.DecisionRenew, "carol")
			c.given(s)
			s.quiet()
			if c.then != nil {
				c.then(s)
				s.quiet()
			}
			expect(t, "Ready", s.ready(), c.ready)
			if got := s.message(strategyv1.ConditionReady); !strings.Contains(got, c.says) || !strings.Contains(got, "kubectl strategy restore off") {
				t.Errorf("it says %q, not %q and how to end it", got, c.says)
			}
			if s.Config().State.Holder(string(s.rollback.UID)) == nil || s.rollback.Status.Restore != nil {
				t.Errorf("it is being undone")
			}
			s.writerStopped, s.Deployment.Spec.Paused = false, false
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK()})
			s.At(7 * time.Hour)
			s.quiet()
			if reason := s.inEffect(); reason != "Expired" && reason != "Restored" {
				t.Errorf("after the new end InEffect is %s", reason)
			}
			expect(t, "at the end of the new time box", s.ready(), "Restored")
		})
	}
}
