package crash

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// moment is a copy of a story right after one of its side effects.
type moment struct {
	effect string
	world  *World
}

// moments of a story, up to its end.
func moments(t *testing.T, name string) (all []moment) {
	t.Helper()
	_, done := uncut(t, scenarios.Named(name), func(r *run, point Point) {
		if point.Mode == After {
			all = append(all, moment{"", r.Fork()})
		}
	})
	for i := range all {
		all[i].effect = fmt.Sprintf("%d (%s)", i+1, done[i])
	}
	return all
}

// A cluster is restored from a backup that is older than its bucket, and perhaps than its configuration: what happened since stands in the
// logs alone. Nothing is done on what an object says that is older than its log, that log is not continued, and somebody is told.
func TestAnOldBackup(t *testing.T) {
	all := moments(t, "main story")
	inForce := -1
	for i, one := range all {
		if rollback := one.world.Rollback(); rollback != nil && lifecycle.Contains(rollback.Status) {
			inForce = i
			break
		}
	}
	for when, now := range map[string]int{"in force": inForce, "over": len(all) - 1} {
		for i := range now {
			for _, kept := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, restored to effect %s, configuration kept: %t", when, all[i].effect, kept), func(t *testing.T) {
					t.Parallel()
					afterBackup(t, all[now].world.Restored(all[i].world, kept))
				})
			}
		}
	}
}

func afterBackup(t *testing.T, w *World) {
	releases := false // what was asked to be undone is undone: nobody took that back
	if rollback := w.Rollback(); rollback != nil {
		releases = lifecycle.Claim(rollback.Status) == strategyv1.ClaimRelease
	}
	content, holders, behind := w.Content(), w.Record().Holders, olderThanLog(w)
	logs := map[string]int{}
	for _, prefix := range behind {
		logs[prefix] = entries(w, prefix)
	}
	r := &run{World: w}
	r.start(&Cut{})
	for range 4 {
		if !r.goOn(context.Background()) {
			t.Fatalf("it never ends: %v", r.operator.LastError())
		}
		w.Pass(2 * time.Hour)
	}
	trace := func() string { return strings.Join(w.Trace, "\n") }
	for _, problem := range r.watch.Problems {
		t.Errorf("%s\n%s", problem, trace())
	}
	for object, prefix := range behind {
		if after := entries(w, prefix); after != logs[prefix] {
			t.Errorf("the log of %s had %d entries and has %d", object, logs[prefix], after)
		}
	}
	if len(behind) == 0 {
		return
	}
	for object, status := range openConditions(w) {
		if behind[object] != "" && (!conditions.True(status, strategyv1.ConditionStalled) || conditions.Reason(status, strategyv1.ConditionReady) != strategyv1.ReasonLogConflict) {
			t.Errorf("%s is older than its log, and nobody is told: %+v\n%s", object, meta.FindStatusCondition(status, strategyv1.ConditionReady), trace())
		}
	}
	if now := w.Content(); now != content && !releases {
		t.Errorf("the configuration was\n%s\nand is\n%s\n%s", content, now, trace())
	}
	for _, holder := range w.Record().Holders {
		known := false
		for _, before := range holders {
			known = known || before.UID == holder.UID && before.Revision == holder.Revision
		}
		if !known {
			t.Errorf("the edits of %s were written\n%s", holder.Name, trace())
		}
	}
	if slices.Contains(r.cut.Effects, "patch deployments/"+sim.Deployment) {
		t.Errorf("the scheduler was restarted\n%s", trace())
	}
	r.wayOut(t)
}

// wayOut: people close and delete what is older than its log, and it goes.
func (r *run) wayOut(t *testing.T) {
	for _, name := range r.Names(&strategyv1.StrategyIncidentList{}) {
		r.DecideAbout("bob", strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: name}, strategyv1.DecisionResolve)
	}
	for _, name := range r.Names(&strategyv1.StrategyRollbackList{}) {
		r.DeleteRollback(name)
	}
	for range 3 {
		r.goOn(context.Background())
		r.Pass(time.Hour)
	}
	if open := openConditions(r.World); len(open) > 0 {
		t.Errorf("it cannot be closed: %+v\n%s", open, strings.Join(r.Trace, "\n"))
	}
	if left := r.Names(&strategyv1.StrategyRollbackList{}); len(left) > 0 {
		t.Errorf("%v never goes\n%s", left, strings.Join(r.Trace, "\n"))
	}
}

// olderThanLog are the objects whose status does not tell all that stands in their logs, with the places of these.
func olderThanLog(w *World) map[string]string {
	found := map[string]string{}
	var incidents strategyv1.StrategyIncidentList
	w.List(&incidents)
	for i := range incidents.Items {
		object := &incidents.Items[i]
		prefix := evidence.Prefix(object.Namespace, object.Name, string(object.UID), object.CreationTimestamp.Time)
		if entries(w, prefix) > len(object.Status.Timeline) {
			found["incident "+object.Name] = prefix
		}
	}
	var rollbacks strategyv1.StrategyRollbackList
	w.List(&rollbacks)
	for i := range rollbacks.Items {
		object := &rollbacks.Items[i]
		prefix := evidence.Prefix(object.Namespace, object.Name, string(object.UID), object.CreationTimestamp.Time)
		if entries(w, prefix) > len(object.Status.Timeline) {
			found["rollback "+object.Name] = prefix
		}
	}
	return found
}

// entries are how many a log has.
func entries(w *World, prefix string) int {
	for n := 0; ; n++ {
		if _, err := w.Bucket.Get(context.Background(), evidence.LogKey(prefix, int64(n)+1)); err != nil {
			return n
		}
	}
}

// openConditions are those of what is neither closed nor ended.
func openConditions(w *World) map[string][]metav1.Condition {
	open := map[string][]metav1.Condition{}
	var incidents strategyv1.StrategyIncidentList
	w.List(&incidents)
	for _, object := range incidents.Items {
		if !lifecycle.Closed(object.Status) {
			open["incident "+object.Name] = object.Status.Conditions
		}
	}
	var rollbacks strategyv1.StrategyRollbackList
	w.List(&rollbacks)
	for _, object := range rollbacks.Items {
		if !lifecycle.Ended(object.Status) {
			open["rollback "+object.Name] = object.Status.Conditions
		}
	}
	return open
}
