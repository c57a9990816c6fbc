package rollback_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/testkit"
)

const inForce = "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=True/Verified "

// At the end of its time box a change is restored, through the same gate as when a person asks. The request comes early
// enough for gate and restart to be over at the end.
func TestTimeBox(t *testing.T) {
	gateFails := reports{"smoke": testkit.OK(), "load": testkit.OK(), "Restore/load": testkit.Fail()}
	compare(t, map[string]point{
		"a second before its restore begins": {
			given:      func(s *story) { s.approved(); s.At(4*time.Hour - 5*time.Minute - time.Second) },
			conditions: inForce + "Ready=True/Verified",
			next:       "3h55m0s",
		},
		"its restore begins five minutes before the end": {
			given:      func(s *story) { s.approved(); s.At(4*time.Hour - 5*time.Minute) },
			conditions: inForce + "Restored=Unknown/CheckingRestore Ready=False/CheckingRestore",
			actions:    "log 9+ restore_requested; create Job Restore/load/1; tell CheckingRestore",
			next:       "4h0m0s",
		},
		"the gate holds: restored before the end": {
			given:      func(s *story) { s.approved(); s.At(4*time.Hour - 5*time.Minute); s.quiet() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Restored InEffect=False/Restored Verified=True/Verified Restored=True/Restored Ready=True/Restored",
			next:       "never",
		},
		"the gate fails: it stays in effect until the end": {
			given:      func(s *story) { s.approved(); s.reports(gateFails); s.At(4*time.Hour - 5*time.Minute); s.quiet() },
			conditions: inForce + "Restored=False/RestoreGateFailed Ready=False/RestoreGateFailed Stalled=True/RestoreGateFailed",
			next:       "4h0m0s",
		},
		"the gate failed: at the end it has expired, and is not asked for again": {
			given: func(s *story) {
				s.approved()
				s.reports(gateFails)
				s.At(4*time.Hour - 5*time.Minute)
				s.quiet()
				s.At(4 * time.Hour)
			},
			conditions: strings.Replace(inForce, "InEffect=True/Proved", "InEffect=False/Expired", 1) + "Restored=False/RestoreGateFailed Ready=False/Expired Stalled=True/Expired",
			actions:    "log 12+ expired; warn Expired",
			next:       "4h0m0s", // at once: the head of the log goes into the status
		},
		"an hour after the end, recorded once": {
			given: func(s *story) {
				s.approved()
				s.reports(gateFails)
				s.At(4*time.Hour - 5*time.Minute)
				s.quiet()
				s.At(4 * time.Hour)
				s.quiet()
				s.At(5 * time.Hour)
			},
			conditions: strings.Replace(inForce, "InEffect=True/Proved", "InEffect=False/Expired", 1) + "Restored=False/RestoreGateFailed Ready=False/Expired Stalled=True/Expired",
			next:       "never",
		},
		"the operator was away until after the end: expired, and restored all the same": {
			given:      func(s *story) { s.approved(); s.At(4 * time.Hour) },
			conditions: strings.Replace(inForce, "InEffect=True/Proved", "InEffect=False/Expired", 1) + "Restored=Unknown/CheckingRestore Ready=False/CheckingRestore",
			actions:    "log 9+ expired,restore_requested; create Job Restore/load/1; tell CheckingRestore",
			next:       "never",
		},
		"without a gate it is restored, too": {
			given: func(s *story) {
				s.remedy("automatic")
				s.quiet()
				s.At(55 * time.Minute)
				s.quiet()
			},
			conditions: "Planned=True/Planned Approved=True/Automatic Applied=False/Restored InEffect=False/Restored Verified=True/Verified Restored=True/Restored Ready=True/Restored",
			next:       "never",
		},
		"a short time box begins its restore a tenth before the end": {
			given: func(s *story) {
				s.Spec.Remediations[2].MaxDurationSeconds = new(int32(600))
				s.remedy("automatic")
				s.quiet()
			},
			conditions: strings.Replace(inForce, "True/Approved", "True/Automatic", 1) + "Ready=True/Verified",
			next:       "9m0s",
		},
		"without a time box nobody but a person ends it": {
			given: func(s *story) {
				s.rollback.Spec.RemediationName = "keep"
				s.approved()
				s.At(1000 * time.Hour)
			},
			conditions: inForce + "Ready=True/Verified",
			next:       "never",
		},
	})
}

func TestARestoreOfAPersonBeforeTheEndDoesNotReplaceTheOneAtTheEnd(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.reports(reports{"load": testkit.Fail()})
	s.At(time.Hour)
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "the person's gate", s.ready(), "RestoreGateFailed")
	s.reports(reports{"load": testkit.OK()})
	s.At(4*time.Hour - 5*time.Minute)
	s.quiet()
	expect(t, "at the end", s.ready(), "Restored")
	expect(t, "asked for by", s.rollback.Status.Restore.Request, "timeBox")
}

// Only what carries the end in the scheduler's own configuration ends by itself.
func TestWhatEndsByItselfAndWhatDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		actions  []strategyv1.RollbackAction
		inEffect string // an hour after the end
		says     []string
	}{
		"a disabled schedule":             {[]strategyv1.RollbackAction{testkit.Disable("fast")}, "Expired", []string{"the scheduler trades again by itself", "kubectl strategy renew off", "kubectl strategy restore off"}},
		"a signal limit":                  {[]strategyv1.RollbackAction{testkit.LimitSignals("arb", "bold", 0)}, "Expired", []string{"the scheduler trades again by itself"}},
		"an allocation stays":             {[]strategyv1.RollbackAction{testkit.Allocate("cross", "0.0")}, "Proved", nil},
		"a feed stays":                    {[]strategyv1.RollbackAction{testkit.SwitchFeed("binance")}, "Proved", nil},
		"limits stay":                     {[]strategyv1.RollbackAction{testkit.LimitResources("80", "3072")}, "Proved", nil},
		"of both, the message names each": {[]strategyv1.RollbackAction{testkit.Disable("fast"), testkit.Allocate("cross", "0.0"), testkit.SwitchFeed("binance")}, "Expired", []string{"trades again by itself", "stays in force until it is restored: set allocation balanced/cross to 0.0, switch to feed binance"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec, s.Content = testkit.WithFeeds(s.Spec), testkit.FeedDocument
			s.Running = s.Content
			s.Spec.Remediations[0].Actions, s.rollback.Spec.Actions = c.actions, c.actions
			s.approved()
			expect(t, "verified", s.ready(), "Verified")
			s.reports(reports{"load": testkit.Fail()}) // the gate
			s.At(5 * time.Hour)
			s.quiet()
			expect(t, "InEffect", conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionInEffect), c.inEffect)
			ready := "RestoreGateFailed"
			if c.inEffect == "Expired" { // nobody is told that what is over stays in effect
				ready = "Expired"
			}
			expect(t, "Ready", s.ready(), ready)
			for _, says := range c.says {
				if got := s.message(strategyv1.ConditionInEffect); !strings.Contains(got, says) {
					t.Errorf("InEffect says %q, not %q", got, says)
				}
			}
			if held := s.Config().State.Holder(string(s.rollback.UID)); held == nil {
				t.Errorf("the edits are gone although the gate failed")
			}
		})
	}
}

// An Override after the gate failed restores without it, and only then.
func TestOverrideOfTheRestoreGate(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		ready string
		says  string // in the log
	}{
		"by nobody":         {func(*story) {}, "RestoreGateFailed", "kubectl strategy override off -n trading"},
		"by another person": {func(s *story) { s.decide(strategyv1.DecisionOverride, "carol") }, "Restored", "the restore gate was lifted by carol"},
		"by the requester":  {func(s *story) { s.decide(strategyv1.DecisionOverride, "alice") }, "RestoreGateFailed", "four eyes"},
		"of another plan": {func(s *story) {
			s.decide(strategyv1.DecisionOverride, "carol")
			s.decided[len(s.decided)-1].Digest = "sha256:" + strings.Repeat("0", 64)
		}, "RestoreGateFailed", "it names another plan"},
		"identities are not enforced": {func(s *story) {
			s.identity.Enforced, s.identity.Message = false, "no policies"
			s.decide(strategyv1.DecisionOverride, "carol")
		}, "RestoreGateFailed", "no policies"},
		"the requester's does not hide another person's": {func(s *story) {
			s.decide(strategyv1.DecisionOverride, "carol")
			s.decide(strategyv1.DecisionOverride, "alice")
		}, "Restored", "lifted by carol"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.approved()
			s.reports(reports{"load": testkit.Fail()})
			s.At(4*time.Hour - 5*time.Minute)
			s.quiet()
			expect(t, "the gate", s.ready(), "RestoreGateFailed")
			s.At(4*time.Hour - time.Minute)
			c.given(s)
			s.quiet()
			expect(t, "Ready", s.ready(), c.ready)
			if log := s.logText(); !strings.Contains(log, c.says) {
				t.Errorf("the log does not say %q:\n%s", c.says, log)
			}
			if restored := s.Content == testkit.Document; restored != (c.ready == "Restored") {
				t.Errorf("restored: %v", restored)
			}
		})
	}
}

func TestAnOverrideMadeBeforeTheGateWasAskedDoesNotLiftIt(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.decide(strategyv1.DecisionOverride, "carol")
	s.reports(reports{"load": testkit.Fail()})
	s.At(4*time.Hour - 5*time.Minute)
	s.quiet()
	expect(t, "Ready", s.ready(), "RestoreGateFailed")
}

func TestTheEndOfTheTimeBoxIsPinnedAtTheFirstPlan(t *testing.T) {
	s := newStory(t)
	s.quiet()
	first := s.rollback.Status.Plan
	s.At(10 * time.Minute)
	s.quiet()
	expect(t, "until", s.rollback.Status.Plan.Until.UTC().Format(time.RFC3339), "2026-11-23T14:00:00Z")
	expect(t, "digest", s.rollback.Status.Plan.Digest, first.Digest)
	if !strings.Contains(first.Edits[0].To, `until: "2026-11-23T14:00:00+00:00"`) {
		t.Errorf("the edit is %s", first.Edits[0].To)
	}
	if first.Edits[0].From != nil || first.Revision != 1 || !strings.Contains(first.Diff, "+") {
		t.Errorf("the plan is %+v", first)
	}
	s.rollback.Spec.RemediationName, s.rollback.Spec.MaxDurationSeconds = "", new(int32(0))
	s.rollback.Status = strategyv1.StrategyRollbackStatus{}
	if s.plan().Status.Plan.Until != nil {
		t.Errorf("a time box of 0 has an end")
	}
}

func TestTheTimeBoxEndsWhileChecksAfterRun(t *testing.T) {
	s := newStory(t)
	s.reports(reports{"load": testkit.OK()})
	s.approved() // smoke never ends
	expect(t, "Ready", s.ready(), "CheckingAfter")
	s.At(5 * time.Hour)
	s.quiet()
	if conditions.True(s.rollback.Status.Conditions, strategyv1.ConditionInEffect) {
		t.Errorf("InEffect is True an hour after the end of the time box")
	}
	expect(t, "Ready", s.ready(), "Restored")
}

func TestWithoutARemedyTheTimeBoxIsFourHours(t *testing.T) {
	s := newStory(t)
	s.rollback.Spec.RemediationName = ""
	s.approved()
	expect(t, "Ready", s.ready(), "Verified")
	expect(t, "until", s.rollback.Status.Plan.Until.UTC().Format(time.RFC3339), "2026-11-23T14:00:00Z")
	if s.Created == nil || len(s.Created) != 1 {
		t.Errorf("other Jobs than the proof ran: %v", s.Created)
	}
	other := newStory(t)
	other.rollback.Spec.RemediationName, other.rollback.Spec.MaxDurationSeconds = "", new(int32(600))
	other.quiet()
	expect(t, "its own time box", other.rollback.Status.Plan.Until.UTC().Format(time.RFC3339), "2026-11-23T10:10:00Z")
}
