package rollback_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// From the request to undo a change until the running scheduler has it no more.
func TestRestore(t *testing.T) {
	compare(t, map[string]point{
		"a restore runs its gate first": {
			given:      func(s *story) { s.approved(); s.decide(strategyv1.DecisionRestore, "carol") },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=True/Verified Restored=Unknown/CheckingRestore Ready=False/CheckingRestore",
			actions:    "log 9+ restore_requested; create Job Restore/load/1; answer d-carol-1 Honoured; tell CheckingRestore",
			next:       "4h0m0s",
		},
		"a gate that holds releases after the log": {
			given:      func(s *story) { s.approved(); s.decide(strategyv1.DecisionRestore, "carol"); s.turn(); s.turn() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=True/Verified Restored=False/Restoring Ready=False/Restoring",
			actions:    "log 10+ check,config_change; delete Job restore-load; tell Restoring",
			next:       "2s",
		},
		"a gate that does not hold keeps the change": {
			given: func(s *story) {
				s.approved()
				s.reports(reports{"load": testkit.Fail()})
				s.decide(strategyv1.DecisionRestore, "carol")
				s.quiet()
			},
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=True/Verified Restored=False/RestoreGateFailed Ready=False/RestoreGateFailed Stalled=True/RestoreGateFailed",
			next:       "3h55m0s",
		},
		"restored": {
			given:      func(s *story) { s.approved(); s.decide(strategyv1.DecisionRestore, "carol"); s.quiet() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Restored InEffect=False/Restored Verified=True/Verified Restored=True/Restored Ready=True/Restored",
			next:       "never",
		},
		"desiredState Restored restores": {
			given:      func(s *story) { s.approved(); s.rollback.Spec.DesiredState = strategyv1.StateRestored; s.quiet() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Restored InEffect=False/Restored Verified=True/Verified Restored=True/Restored Ready=True/Restored",
			next:       "never",
		},
		"withdrawn before anything was changed": {
			given:      func(s *story) { s.quiet(); s.rollback.Spec.DesiredState = strategyv1.StateRestored },
			conditions: "Planned=True/Planned Approved=Unknown/AwaitingApproval Restored=True/Withdrawn Ready=True/Withdrawn",
			actions:    "log 1+ restore_requested,withdrawn; tell Withdrawn",
			next:       "0s",
		},
		"a restore conflict is reported": {
			given: func(s *story) {
				s.allocation()
				s.approved()
				s.Edit(strings.Replace(s.Content, "cross: 0.0", "cross: 0.1", 1))
				s.decide(strategyv1.DecisionRestore, "carol")
				s.quiet()
			},
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Restored InEffect=False/Restored Verified=True/Verified Restored=True/RestoreConflict Ready=True/Restored",
			next:       "never",
		},
		"a restore needs identities, too": {
			given: func(s *story) {
				s.approved()
				s.identity.Enforced, s.identity.Message = false, "no policies"
				s.decide(strategyv1.DecisionRestore, "carol")
			},
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=True/Verified Ready=False/IdentityNotEnforced Stalled=True/IdentityNotEnforced",
			actions:    "log 9+ not_honoured; answer d-carol-1 Voided; warn IdentityNotEnforced",
			next:       "2s",
		},
	})
}

func TestRestoringAgainAfterAGateThatFailed(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.reports(reports{"load": testkit.Fail()})
	s.At(time.Minute)
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "the gate", s.ready(), "RestoreGateFailed")
	s.reports(reports{"load": testkit.OK()})
	s.At(2 * time.Minute)
	s.quiet()
	expect(t, "the same decision does not try again", s.ready(), "RestoreGateFailed")
	s.decide(strategyv1.DecisionRestore, "dave")
	s.quiet()
	expect(t, "a new decision does", s.ready(), "Restored")
	expect(t, "the configuration", s.Content, testkit.Document)
	if s.rollback.Status.Restore.Attempt != 2 || s.rollback.Status.Restore.By != "dave" {
		t.Errorf("%+v", s.rollback.Status.Restore)
	}
}

func TestDesiredStateRestoredCountsAfterAGateThatFailed(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.reports(reports{"load": testkit.Fail()})
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	s.At(time.Minute)
	s.reports(reports{"load": testkit.OK()})
	s.rollback.Spec.DesiredState = strategyv1.StateRestored
	s.rollback.Generation++
	s.quiet()
	expect(t, "Ready", s.ready(), "Restored")
}

func TestARestoreThatDoesNotComeIntoEffectIsAskedForAgain(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.Stale = 2
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "Ready", s.ready(), "NotInEffect")
	expect(t, "the edits are gone all the same", s.Content, testkit.Document)
	s.At(time.Hour)
	s.Running = s.Content
	s.decide(strategyv1.DecisionRestore, "dave")
	s.quiet()
	expect(t, "Ready", s.ready(), "Restored")
}

// A revert stays one, whoever asks for it again: the incident's next remedy hangs on that.
func TestARevertThatIsAskedForAgainIsARevert(t *testing.T) {
	s := newStory(t)
	s.reports(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
	s.quiet()
	s.decide(strategyv1.DecisionApprove, "bob")
	s.goOnUntil("Reverting")
	s.Stale = 2
	s.quiet()
	expect(t, "Ready", s.ready(), "NotInEffect")
	s.At(time.Hour)
	s.Running = s.Content
	s.decide(strategyv1.DecisionRestore, "dave")
	s.quiet()
	expect(t, "Ready", s.ready(), "Reverted")
	if restore := s.rollback.Status.Restore; restore.By != "dave" || restore.Purpose != strategyv1.PurposeRevert || !lifecycle.EndedAs(s.rollback.Status, strategyv1.EndReverted) {
		t.Errorf("%+v %+v", restore, s.rollback.Status.End)
	}
}

func TestTwoRestoreDecisionsOfOneSecondDoNotAlternate(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.reports(reports{"load": testkit.Fail()}) // the gate does not hold
	s.decide(strategyv1.DecisionRestore, "carol")
	s.decide(strategyv1.DecisionRestore, "dave")
	for range 40 {
		s.turn()
	}
	if attempts := s.rollback.Status.Restore.Attempt; attempts > 2 {
		t.Errorf("two decisions made %d attempts", attempts)
	}
}

// However many decisions there are, each is one request at most: an old one never counts again.
func TestManyRestoreDecisions(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.reports(reports{"load": testkit.Fail()})
	for range 100 {
		s.decide(strategyv1.DecisionRestore, "carol")
	}
	for range 100 {
		s.turn()
	}
	if attempts := s.rollback.Status.Restore.Attempt; attempts != 1 || len(s.rollback.Status.Restore.Seen) > 64 {
		t.Errorf("%d attempts, %d decisions remembered", attempts, len(s.rollback.Status.Restore.Seen))
	}
	s.decide(strategyv1.DecisionOverride, "dave")
	s.quiet()
	expect(t, "a new one counts", s.ready(), "Restored")
}

// TestManyDecisionsThatHearNothing are taken up once each, and are one request together.
func TestManyDecisionsThatHearNothing(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.Deaf = true
	for range 100 {
		s.decide(strategyv1.DecisionRestore, "carol")
	}
	for range 20 {
		s.turn()
	}
	if answers := len(s.rollback.Status.Answers); answers > 64 {
		t.Errorf("%d answers", answers)
	}
	s.decide(strategyv1.DecisionOverride, "dave")
	s.Deaf = false
	s.quiet()
	if attempts := s.rollback.Status.Restore.Attempt; attempts != 1 || s.ready() != "Restored" {
		t.Errorf("%d attempts, %s", attempts, s.ready())
	}
	if asked := strings.Count(s.events(), "restore_requested"); asked != 100 {
		t.Errorf("%d of them are in the log", asked)
	}
	for _, one := range s.decided {
		if s.Answers[one.UID].Outcome == "" {
			t.Errorf("%s (%s) hears nothing", one.Name, one.Verdict)
		}
	}
}

// What was seen while nobody could vouch for it never counts; the next one does.
func TestADecisionThatNobodyCouldVouchForNeverCounts(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.identity.Enforced = false
	s.decide(strategyv1.DecisionRestore, "mallory")
	s.quiet()
	expect(t, "Ready", s.ready(), "IdentityNotEnforced")
	s.quiet() // it goes on saying so
	expect(t, "still", s.ready(), "IdentityNotEnforced")
	s.identity.Enforced = true
	s.quiet()
	expect(t, "with the policies back", s.ready(), "Verified")
	s.Now = s.Now.Add(time.Second)
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "in the end", s.ready(), "Restored")
}
