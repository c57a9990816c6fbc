package scenarios

import (
	"fmt"
	"slices"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/sim"
)

// Watch looks at every version of the configuration, and at every state, that the operator writes.
type Watch struct {
	before   record.State
	told     int // lines of the trace that were looked at
	Problems []string
}

// Look checks what must hold right after a write, whatever was stopped since.
func (o *Watch) Look(w *sim.World, effects []string) {
	for ; o.told < len(w.Trace); o.told++ {
		o.event(w.Trace[o.told])
	}
	writes := 0
	for _, effect := range effects {
		if effect == "update configmaps/"+sim.ConfigMap {
			writes++
		}
		o.place(w, effect)
	}
	if writes == 0 {
		return
	}
	if writes > 1 {
		o.problem("%d writes of the configuration in one pass", writes)
	}
	now := w.Record()
	for _, holder := range now.Holders {
		if before := o.before.Holder(holder.UID); before == nil || before.Revision != holder.Revision {
			o.written(w, now, holder, before == nil)
		}
	}
	o.before = now
}

// written: a rollback's edits came into the configuration, or were renewed there.
func (o *Watch) written(w *sim.World, now record.State, holder record.Holder, added bool) {
	rollback := w.RollbackNamed(holder.Name)
	if rollback == nil || string(rollback.UID) != holder.UID {
		o.problem("the edits of %s were written, which does not exist", holder.Name)
		return
	}
	if !slices.Contains(rollback.Finalizers, strategyv1.Finalizer) {
		o.problem("the edits of %s were written, and nothing keeps it from being deleted", holder.Name)
	}
	claim := rollback.Status.Config
	if claim == nil || claim.Claim != strategyv1.ClaimHold || claim.Revision != holder.Revision {
		o.problem("revision %d of %s was written, which does not ask for it: %+v", holder.Revision, holder.Name, claim)
	}
	if !conditions.True(rollback.Status.Conditions, strategyv1.ConditionApproved) {
		o.problem("the edits of %s were written without an approval", holder.Name)
	}
	if added && rollback.Status.Override == nil {
		o.guard(w, now, holder.Name)
	}
}

// guard: nobody joins who would exceed it.
func (o *Watch) guard(w *sim.World, now record.State, name string) {
	var playbook strategyv1.StrategyPlaybook
	w.Get(sim.Playbook, &playbook)
	guard := playbook.Spec.Guard
	if guard == nil {
		return
	}
	var disabled []string
	for _, holder := range now.Holders {
		disabled = append(disabled, holder.Disables...)
	}
	slices.Sort(disabled)
	disabled = slices.Compact(disabled)
	if limit := int(guard.MaxActiveRollbacks); limit > 0 && len(now.Holders) > limit {
		o.problem("%s exceeds the guard: %d rollbacks are active, at most %d may be", name, len(now.Holders), limit)
	}
	if limit := int(guard.MaxDisabledSchedules); limit > 0 && len(disabled) > limit {
		o.problem("%s exceeds the guard: %v do not trade, at most %d may be", name, disabled, limit)
	}
}

func (o *Watch) problem(format string, args ...any) {
	o.Problems = append(o.Problems, fmt.Sprintf(format, args...))
}
