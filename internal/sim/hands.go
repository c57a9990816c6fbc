package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Gone is what Ready says of a rollback that does not exist any more.
const Gone = "gone"

// RollbackNamed is one rollback, the first one if the name is empty; nil without it.
func (w *World) RollbackNamed(name string) *strategyv1.StrategyRollback {
	var list strategyv1.StrategyRollbackList
	w.List(&list)
	at := slices.IndexFunc(list.Items, func(r strategyv1.StrategyRollback) bool { return name == "" || r.Name == name })
	if at < 0 {
		return nil
	}
	return &list.Items[at]
}

// Ready is the reason of a rollback's summary.
func (w *World) Ready(name string) string { return w.Reason(name, strategyv1.ConditionReady) }

// Reason of one of a rollback's conditions.
func (w *World) Reason(name, condition string) string {
	rollback := w.RollbackNamed(name)
	if rollback == nil {
		return Gone
	}
	return conditions.Reason(rollback.Status.Conditions, condition)
}

// Record is the operator's record of its edits on the configuration.
func (w *World) Record() record.State {
	w.T.Helper()
	var configMap corev1.ConfigMap
	if w.find(ConfigMap, &configMap) != nil {
		return record.State{}
	}
	state, err := record.ParseState(configMap.Annotations[strategyv1.AnnotationEdits])
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	return state
}

// Decide lets a user decide about a rollback: the first one if the name is empty. Approvals, overrides and renewals name
// the digest, or the plan that is there if it is empty. No two decisions are made in the same second.
func (w *World) Decide(user, name string, verdict strategyv1.DecisionVerdict, digest string) {
	w.T.Helper()
	rollback := w.RollbackNamed(name)
	if rollback == nil {
		w.T.Fatalf("%s decides about rollback %q, which does not exist", user, name)
	}
	needsDigest := []strategyv1.DecisionVerdict{strategyv1.DecisionApprove, strategyv1.DecisionOverride, strategyv1.DecisionRenew}
	if digest == "" && slices.Contains(needsDigest, verdict) {
		digest = rollback.Status.Plan.Digest
	}
	w.decideLater(user, strategyv1.StrategyDecisionSpec{
		Target: strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: rollback.Name}, Verdict: verdict, Digest: digest,
	})
}

// Pass lets time pass.
func (w *World) Pass(d time.Duration) { w.Clock.SetTime(w.Clock.Now().Add(d)) }

// PassUntil lets time pass until a moment, if that is not over.
func (w *World) PassUntil(at time.Time) {
	if at.After(w.Clock.Now()) {
		w.Clock.SetTime(at)
	}
}

// Edit is carol with an editor: one text of the configuration becomes another.
func (w *World) Edit(before, after string) { w.EditAs("kubectl-edit", before, after) }

// EditAs is an edit by whoever calls themselves a field manager.
func (w *World) EditAs(manager, before, after string) {
	w.T.Helper()
	var configMap corev1.ConfigMap
	w.Get(ConfigMap, &configMap)
	if !strings.Contains(configMap.Data[testkit.DataKey], before) {
		w.T.Fatalf("the configuration has no %q to edit: %s", before, configMap.Data[testkit.DataKey])
	}
	configMap.Data[testkit.DataKey] = strings.Replace(configMap.Data[testkit.DataKey], before, after, 1)
	if err := w.API.As("carol").Update(context.Background(), &configMap, client.FieldOwner(manager)); err != nil {
		w.T.Fatalf("%v", err)
	}
}

// Configure makes a document the configuration that the scheduler runs, before anything else happens.
func (w *World) Configure(document string) {
	w.T.Helper()
	Change(w, ConfigMap, &corev1.ConfigMap{}, func(c *corev1.ConfigMap) { c.Data[testkit.DataKey] = document })
	w.running = document
}

// DeleteRollback is carol, who deletes a rollback; what holds it is waited for.
func (w *World) DeleteRollback(name string) {
	w.T.Helper()
	object := &strategyv1.StrategyRollback{ObjectMeta: w.named(name)}
	if err := w.API.As("carol").Delete(context.Background(), object); err != nil {
		w.T.Fatalf("delete rollback %s: %v", name, err)
	}
}

// Release takes the finalizer off by force.
func (w *World) Release(name string) {
	w.T.Helper()
	Change(w, name, &strategyv1.StrategyRollback{}, func(r *strategyv1.StrategyRollback) { r.Finalizers = nil })
}

// Unrecord is carol, who takes the operator's record off the configuration.
func (w *World) Unrecord() {
	w.T.Helper()
	var configMap corev1.ConfigMap
	w.Get(ConfigMap, &configMap)
	delete(configMap.Annotations, strategyv1.AnnotationEdits)
	if err := w.API.As("carol").Update(context.Background(), &configMap, client.FieldOwner("kubectl-edit")); err != nil {
		w.T.Fatalf("%v", err)
	}
}
