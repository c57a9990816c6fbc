package scenarios

import (
	"context"
	"slices"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/sim"
)

// Step is something that people do once, when it is time, after the steps before it.
type Step sim.Step

// ready: the summary of a rollback has a reason.
func ready(name, reason string) func(*sim.World) bool {
	return func(w *sim.World) bool { return w.Ready(name) == reason }
}

// condition: a condition of a rollback has a reason.
func condition(name, kind, reason string) func(*sim.World) bool {
	return func(w *sim.World) bool { return w.Reason(name, kind) == reason }
}

// says: the message of a rollback's condition has a text.
func says(name, kind, text string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		rollback := w.RollbackNamed(name)
		return rollback != nil && strings.Contains(conditions.Message(rollback.Status.Conditions, kind), text)
	}
}

// logged: everything that a rollback's status tells is in its log. An object that is deleted without a finalizer takes with
// it what is not.
func logged(name string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		rollback := w.RollbackNamed(name)
		prefix := evidence.Prefix(w.Namespace, name, string(rollback.UID), rollback.CreationTimestamp.Time)
		_, err := w.Bucket.Get(context.Background(), evidence.LogKey(prefix, int64(len(rollback.Status.Timeline))))
		return err == nil
	}
}

func both(one, other func(*sim.World) bool) func(*sim.World) bool {
	return func(w *sim.World) bool { return one(w) && other(w) }
}

// claimed: a rollback asks for something, and the configuration is not written for it yet.
func claimed(name string, claim strategyv1.ClaimState) func(*sim.World) bool {
	return func(w *sim.World) bool {
		rollback := w.RollbackNamed(name)
		if rollback == nil || rollback.Status.Config == nil || rollback.Status.Config.Claim != claim {
			return false
		}
		holder := w.Record().Holder(string(rollback.UID))
		return (holder != nil) == (claim != strategyv1.ClaimHold)
	}
}

// released: a rollback is being restored, and its edits are gone already.
func released(name string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		rollback := w.RollbackNamed(name)
		return ready(name, strategyv1.ReasonRestoring)(w) && w.Record().Holder(string(rollback.UID)) == nil
	}
}

// decides: a person decides about the plan that is there.
func decides(user, name string, verdict strategyv1.DecisionVerdict) func(*sim.World) {
	return func(w *sim.World) { w.Decide(user, name, verdict, "") }
}

// approve: bob does when he is asked.
func approve(name string) Step {
	return Step{ready(name, strategyv1.ReasonAwaitingApproval), decides("bob", name, strategyv1.DecisionApprove)}
}

// restore: bob does when the change is verified.
func restore(name string) Step {
	return restoreWhen(name, strategyv1.ReasonVerified)
}

func restoreWhen(name, reason string) Step {
	return Step{ready(name, reason), decides("bob", name, strategyv1.DecisionRestore)}
}

// restoreAfter: bob does when another rollback has ended.
func restoreAfter(other, reason, name string) Step {
	return Step{both(ready(other, reason), ready(name, strategyv1.ReasonVerified)), decides("bob", name, strategyv1.DecisionRestore)}
}

// approveAfter: bob does when another rollback is verified.
func approveAfter(other, name string) Step {
	return Step{both(ready(other, strategyv1.ReasonVerified), ready(name, strategyv1.ReasonAwaitingApproval)), decides("bob", name, strategyv1.DecisionApprove)}
}

// deletes: carol does.
func deletes(name string) func(*sim.World) {
	return func(w *sim.World) { w.DeleteRollback(name) }
}

// edits: carol does, by hand.
func edits(before, after string) func(*sim.World) {
	return func(w *sim.World) { w.Edit(before, after) }
}

// boxEnds: the clock goes on until so long before the end of a rollback's time box.
func boxEnds(name string, before time.Duration) func(*sim.World) {
	return func(w *sim.World) { w.PassUntil(w.RollbackNamed(name).Status.Plan.Until.Add(-before)) }
}

// onIncident: bob decides about the incident when it has a reason.
func onIncident(reason string, verdict strategyv1.DecisionVerdict) Step {
	return Step{func(w *sim.World) bool {
		incident := w.Incident()
		return incident != nil && conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady) == reason
	}, func(w *sim.World) { w.DecideOnIncident(reason, verdict) }}
}

// looksAgain: nothing happens any more, and time goes by until the operator looks again by itself. The writer of the
// configuration had nothing to write for what is asked, so nothing wakes the rollback before.
func looksAgain(name string) Step {
	return Step{func(w *sim.World) bool {
		return w.Idle && slices.Contains([]string{strategyv1.ReasonRestoring, strategyv1.ReasonRestored, strategyv1.ReasonWithdrawn}, w.Ready(name))
	}, passes(30 * time.Second)}
}
