package rollback_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// tampered is what somebody does with the record on the ConfigMap while the edits stand.
var tampered = map[string]struct {
	edits  func(string) string
	reason string
}{
	"changed": {func(edits string) string {
		return strings.Replace(edits, `"to":"{schedule: fast`, `"from":"9.9","to":"{schedule: fast`, 1)
	}, strategyv1.ReasonRecordForged},
	"another path": {func(edits string) string {
		return strings.Replace(edits, `"records":[`, `"records":[{"path":"/risk_profiles/bold/max_daily_loss_pct","from":"99.0","to":"0.03","layout":"Inline","old":"99.0","new":"0.03"},`, 1)
	}, strategyv1.ReasonRecordForged},
	"taken off": {func(string) string { return "" }, strategyv1.ReasonRecordLost},
	"emptied":   {func(string) string { return `{"holders":[]}` }, strategyv1.ReasonRecordLost},
}

// Nothing is undone from a record that the operator did not write, whoever asks for it; and it is never said that it was. Somebody who did
// not ask for the rollback may say that the receipt counts: the document is then what it was before, byte for byte.
func TestARecordThatSomebodyChanged(t *testing.T) {
	for name, c := range tampered {
		for how, undo := range map[string]func(*story){
			"a restore": func(s *story) { s.decide(strategyv1.DecisionRestore, "carol") },
			"the spec":  func(s *story) { s.rollback.Spec.DesiredState, s.rollback.Generation = strategyv1.StateRestored, 2 },
			"a deletion": func(s *story) {
				s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRestore
				s.Delete("off")
			},
			"the end of the time box": func(s *story) { s.At(3*time.Hour + 57*time.Minute) },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				s := newStory(t)
				s.approved()
				ours, forged := s.Content, c.edits(s.Edits)
				if forged == s.Edits {
					t.Fatal("nothing was forged")
				}
				s.Edits = forged
				s.quiet()
				expect(t, "Ready", s.ready(), c.reason)
				if !strings.Contains(s.events(), "record_doubted") || !strings.Contains(strings.Join(s.Events, " "), c.reason) {
					t.Errorf("log: %s; events: %v", s.events(), s.Events)
				}
				undo(s)
				s.quiet()
				s.decide(strategyv1.DecisionOverride, "alice") // who asked for the rollback
				s.quiet()
				expect(t, "the configuration", s.Content, ours)
				if s.gone() || s.ended() {
					t.Fatalf("it ended: %s", testkit.Conditions(s.rollback.Status.Conditions))
				}
				expect(t, "Ready", s.ready(), c.reason)
				expect(t, "whose turn", string(s.rollback.Status.WaitsFor), "Approver")
				s.decide(strategyv1.DecisionOverride, "carol")
				s.quiet()
				expect(t, "undone", s.Content, testkit.Document)
				expect(t, "the scheduler runs", s.Running, testkit.Document)
				if how == "a deletion" {
					if !s.gone() {
						t.Errorf("it is still there: %s", s.message(strategyv1.ConditionReady))
					}
					return
				}
				expect(t, "in the end", s.ready(), "Restored")
				if len(s.rollback.Status.Config.Receipts) > 0 {
					t.Error("the receipts stay")
				}
			})
		}
	}
}

// The record goes after the release was asked for, and before it was written.
func TestARecordThatIsLostWhileItIsReleased(t *testing.T) {
	s := newStory(t)
	stages["releasing"].given(s)
	ours := s.Content
	s.Edits = ""
	s.quiet()
	expect(t, "Ready", s.ready(), strategyv1.ReasonRecordLost)
	expect(t, "the configuration", s.Content, ours)
	s.decide(strategyv1.DecisionOverride, "carol")
	s.quiet()
	expect(t, "in the end", s.ready(), "Restored")
	expect(t, "undone", s.Content, testkit.Document)
}

// The record goes right after the write, before anybody saw it.
func TestARecordThatIsLostBeforeItWasSeen(t *testing.T) {
	s := newStory(t)
	stages["written"].given(s)
	ours := s.Content
	s.Edits = ""
	s.quiet()
	expect(t, "Ready", s.ready(), strategyv1.ReasonRecordLost)
	expect(t, "the configuration", s.Content, ours)
}

// Only what still stands as the operator wrote it is undone from a receipt.
func TestAReceiptUndoesOnlyWhatStands(t *testing.T) {
	s := newStory(t)
	s.rollback.Spec.RemediationName = ""
	s.rollback.Spec.Actions = append(s.rollback.Spec.Actions, strategyv1.RollbackAction{
		Type: strategyv1.ActionSetAllocation, RiskProfile: "balanced", Bucket: "cross", Allocation: "0.0",
	})
	s.approved()
	s.Edit(strings.Replace(s.Content, "cross: 0.0", "cross: 0.2", 1))
	s.Edits = ""
	s.quiet()
	expect(t, "Ready", s.ready(), strategyv1.ReasonRecordLost)
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	s.decide(strategyv1.DecisionOverride, "carol")
	s.quiet()
	expect(t, "the configuration", s.Content, strings.Replace(testkit.Document, "cross: 0.6", "cross: 0.2", 1))
	if message := s.message(strategyv1.ConditionRestored); !strings.Contains(message, "cross") {
		t.Error(message)
	}
}

// Of a rollback that is deleted with Retain the edits stay, whatever became of their record, and it is told.
func TestALostRecordOfADeletedRollbackIsTold(t *testing.T) {
	for name, c := range tampered {
		s := newStory(t)
		s.approved()
		ours := s.Content
		s.Edits = c.edits(s.Edits)
		s.quiet()
		s.Delete("off")
		s.quiet()
		if !s.gone() || s.Content != ours || !strings.Contains(s.logText(), "the edits are still in the configuration") {
			t.Errorf("%s: gone %v\n%s", name, s.gone(), s.logText())
		}
	}
}

// An entry in the name of a rollback that was restored is nobody's.
func TestAForgedEntryOfARestoredRollback(t *testing.T) {
	s := newStory(t)
	s.approved()
	genuine := s.Edits
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "Ready", s.ready(), "Restored")
	for name, edits := range map[string]string{"as it was": genuine, "another": strings.ReplaceAll(genuine, "fast", "slow")} {
		s.Edits = edits
		s.quiet()
		s.writes()
		if s.Content != testkit.Document || len(s.Config().State.Holders) > 0 {
			t.Errorf("%s: %s", name, s.Content)
		}
	}
}

// However it is deleted, a rollback asks its gate; and whoever asked for it does not lift that alone.
func TestDeletionIsNoWayAroundTheGate(t *testing.T) {
	for name, given := range map[string]func(*story){
		"plainly":                     func(*story) {},
		"orphaning what it owns":      func(s *story) { s.rollback.Finalizers = append(s.rollback.Finalizers, "orphan") },
		"right after its gate failed": func(s *story) { s.decide(strategyv1.DecisionRestore, "carol"); s.quiet() },
		"while it is on hold":         func(s *story) { s.suspended = true },
		"and the playbook is gone":    func(s *story) { s.playbookProblem = &facts.Problem{Reason: "PlaybookNotFound", Message: "it is gone"} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRestore
			s.approved()
			ours := s.Content
			s.reports(reports{"load": testkit.Fail()})
			given(s)
			s.Delete("off")
			s.quiet()
			s.suspended = false
			s.quiet()
			s.decide(strategyv1.DecisionOverride, "alice")
			s.quiet()
			s.Now = s.Now.Add(48 * time.Hour)
			s.quiet()
			expect(t, "the configuration", s.Content, ours)
			expect(t, "it waits", s.ready(), strategyv1.ReasonRestoreGateFailed)
			s.reports(reports{"load": testkit.OK()})
			s.decide(strategyv1.DecisionRestore, "carol") // the gate is asked again
			s.quiet()
			if s.playbookProblem != nil {
				s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRetain
				s.quiet()
				expect(t, "the configuration", s.Content, ours)
			} else {
				expect(t, "the configuration", s.Content, testkit.Document)
			}
			if finalizers := s.rollback.Finalizers; !s.gone() && slices.Contains(finalizers, strategyv1.Finalizer) {
				t.Errorf("it is held by %v: %s", finalizers, s.message(strategyv1.ConditionReady))
			}
		})
	}
}
