package rollback_test

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// pair are two rollbacks that both hold the same allocation, the first one applied first.
func pair(t *testing.T) (first, second *story) {
	t.Helper()
	first = newStory(t).byHand(testkit.Allocate("cross", "0.0"))
	second = first.beside("second", testkit.Allocate("cross", "0.0"), testkit.Disable("slow"))
	first.approved()
	second.approved()
	expect(t, "the first", first.ready(), "Verified")
	expect(t, "the second", second.ready(), "Verified")
	return first, second
}

// The same edit of two rollbacks goes when the last of them is restored, in whichever order.
func TestSharedEditsGoWithTheLastHolder(t *testing.T) {
	for name, firstFirst := range map[string]bool{"the first is restored first": true, "the second is restored first": false} {
		t.Run(name, func(t *testing.T) {
			first, second := pair(t)
			earlier, later := first, second
			if !firstFirst {
				earlier, later = second, first
			}
			for _, edit := range second.rollback.Status.Plan.Edits[:1] { // what people put there, not what the first one did
				expect(t, "the second one's plan", *edit.From, "0.6")
			}
			earlier.decide(strategyv1.DecisionRestore, "carol")
			together(earlier, later)
			expect(t, "restored", earlier.ready(), "Restored")
			says := "undone, except what other rollbacks hold, too, and undo in the end: /risk_profiles/balanced/strategy_allocations/cross (" + later.rollback.Name + ")"
			expect(t, "its message", earlier.message(strategyv1.ConditionRestored), says)
			expect(t, "the other", later.ready(), "Verified")
			if !strings.Contains(first.Content, "cross: 0.0}") {
				t.Errorf("the edit is gone:\n%s", first.Content)
			}
			later.decide(strategyv1.DecisionRestore, "carol")
			together(earlier, later)
			expect(t, "the other in the end", later.ready(), "Restored")
			if got := later.message(strategyv1.ConditionRestored); !strings.HasPrefix(got, "the configuration and the running scheduler are as they were before") {
				t.Errorf("it says %q", got)
			}
			expect(t, "the configuration", first.Content, testkit.Document)
		})
	}
}

func TestSharedEditsRestoredTogether(t *testing.T) {
	first, second := pair(t)
	writes := first.Writes
	first.decide(strategyv1.DecisionRestore, "carol")
	second.decide(strategyv1.DecisionRestore, "carol")
	together(first, second)
	expect(t, "the first", first.ready(), "Restored")
	expect(t, "the second", second.ready(), "Restored")
	expect(t, "the configuration", first.Content, testkit.Document)
	if first.Writes != writes+1 {
		t.Errorf("%d writes", first.Writes-writes)
	}
}

// A person's value stays, whichever rollback held the path.
func TestAPersonOverwritesASharedEdit(t *testing.T) {
	for name, order := range map[string][]int{"first, second": {0, 1}, "second, first": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			first, second := pair(t)
			stories := []*story{first, second}
			byHand := strings.Replace(first.Content, "cross: 0.0}", "cross: 0.3}", 1)
			first.Edit(byHand)
			together(first, second)
			for _, i := range order {
				expect(t, "Ready", stories[i].ready(), "Overwritten")
				stories[i].decide(strategyv1.DecisionRestore, "carol")
				together(first, second)
			}
			expect(t, "the last one", stories[order[1]].message(strategyv1.ConditionRestored),
				"undone, except where someone changed the value after us, which was left as it is: /risk_profiles/balanced/strategy_allocations/cross")
			expect(t, "the configuration", first.Content, strings.Replace(testkit.Document, "cross: 0.6}", "cross: 0.3}", 1))
		})
	}
}

// A value that a person put over a rollback's edit is theirs: another rollback of the same edit does not overwrite it
// behind the back of whoever approved, but waits until the first one is restored.
func TestASecondHolderDoesNotOverwriteAPerson(t *testing.T) {
	for name, approvedBefore := range map[string]bool{"planned after the person": false, "approved before the person": true} {
		t.Run(name, func(t *testing.T) {
			first := newStory(t).byHand(testkit.Allocate("cross", "0.0"))
			first.approved()
			second := first.beside("second", testkit.Allocate("cross", "0.0"))
			if approvedBefore {
				second.writerStopped = true
				second.approved()
				expect(t, "claimed", second.ready(), "Applying")
			}
			byHand := strings.Replace(first.Content, "cross: 0.0}", "cross: 0.3}", 1)
			first.Edit(byHand)
			second.writerStopped = false
			together(first, second)
			second.decide(strategyv1.DecisionApprove, "bob")
			together(first, second)
			expect(t, "the configuration", first.Content, byHand)
			expect(t, "the second", second.ready(), "PathHeldByOther")
			if got := second.message(strategyv1.ConditionReady); !strings.Contains(got, "rollback off") || !strings.Contains(got, "cross") {
				t.Errorf("it says %q", got)
			}
			first.decide(strategyv1.DecisionRestore, "carol")
			together(first, second)
			expect(t, "the first", first.message(strategyv1.ConditionRestored), "undone, except where someone changed the value after us, which was left as it is: /risk_profiles/balanced/strategy_allocations/cross")
			second.decide(strategyv1.DecisionApprove, "dave")
			together(first, second)
			expect(t, "the second in the end", second.ready(), "Verified")
			expect(t, "its plan", *second.rollback.Status.Plan.Edits[0].From, "0.3")
			second.decide(strategyv1.DecisionRestore, "carol")
			together(first, second)
			expect(t, "the configuration in the end", first.Content, strings.Replace(testkit.Document, "cross: 0.6}", "cross: 0.3}", 1))
		})
	}
}

// Another value at the same place waits: undone in the wrong order it would bring back what nobody wants.
func TestAnotherValueAtTheSamePlaceWaits(t *testing.T) {
	first := newStory(t).byHand(testkit.Allocate("cross", "0.0"))
	first.approved()
	second := first.beside("second", testkit.Allocate("cross", "0.1"))
	together(first, second)
	expect(t, "the second", second.ready(), "PathHeldByOther")
	expect(t, "it says", second.message(strategyv1.ConditionPlanned), "/risk_profiles/balanced/strategy_allocations/cross is already changed by rollback off; it waits until that one is restored")
	first.decide(strategyv1.DecisionRestore, "carol")
	together(first, second)
	expect(t, "when the place is free", second.ready(), "AwaitingApproval")
	second.decide(strategyv1.DecisionApprove, "bob")
	together(first, second)
	expect(t, "approved", second.ready(), "Verified")
	expect(t, "its plan", *second.rollback.Status.Plan.Edits[0].From, "0.6")
}

// Deleted with Retain, a shared edit is still the other's, who undoes it in the end; the log says so.
func TestASharedEditOfADeletedRollback(t *testing.T) {
	first, second := pair(t)
	first.Delete("off")
	together(first, second)
	if !first.gone() || first.Config().State.Holder(string(first.rollback.UID)) != nil {
		t.Fatal("the first is still there")
	}
	if log := first.logText(); !strings.Contains(log, "Other rollbacks hold some of them, too, and undo those in the end: /risk_profiles/balanced/strategy_allocations/cross (second)") {
		t.Errorf("the log does not say it:\n%s", log)
	}
	second.decide(strategyv1.DecisionRestore, "carol")
	together(first, second)
	expect(t, "the configuration", first.Content, testkit.Document)
}

// Edits of one flow list, applied in one order and undone in the other.
func TestTwoSchedulesOfTwoRollbacks(t *testing.T) {
	for name, first := range map[string]int{"first out": 0, "last out": 1} {
		t.Run(name, func(t *testing.T) {
			a := newStory(t).byHand(testkit.Disable("fast"))
			b := a.beside("second", testkit.Disable("slow"))
			together(a, b)
			a.decide(strategyv1.DecisionApprove, "bob")
			b.decide(strategyv1.DecisionApprove, "bob")
			together(a, b)
			if a.Writes != 1 {
				t.Errorf("%d writes for two claims at once", a.Writes)
			}
			stories := []*story{a, b}
			for _, i := range []int{first, 1 - first} {
				stories[i].decide(strategyv1.DecisionRestore, "carol")
				together(a, b)
				expect(t, "Ready", stories[i].ready(), "Restored")
			}
			expect(t, "the configuration", a.Content, testkit.Document)
		})
	}
}
