package rollback

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// restoring undoes exactly this rollback's edits: gate, release, restart, proof.
func (p *plan) restoring() pass.Outcome {
	if p.next.Restore == nil || lifecycle.Parked(p.next) { // what was written by mistake is taken back: stray
		return pass.GoOn
	}
	switch p.claimed() {
	case "":
		if p.holder() == nil {
			p.withdraw("withdrawn before anything was changed", p.next.Restore.By)
		} else { // written in the moment in which the claim was given up
			p.release()
		}
	case strategyv1.ClaimHold:
		if p.gateHolds() && p.outOfGit() {
			p.release()
		}
	case strategyv1.ClaimRelease:
		p.takeBack()
	}
	return pass.Ends
}

// incidentClosed withdraws what an incident asked for and does not need any more: whoever closed it was told of no change that is still to come.
// What people asked for themselves is theirs to withdraw.
func (p *plan) incidentClosed() pass.Outcome {
	incident := p.seen.Incident
	if incident == nil || p.seen.Rollback.Spec.IncidentUID == "" || !lifecycle.Closed(incident.Status) || p.holder() != nil {
		return pass.GoOn
	}
	p.withdraw(fmt.Sprintf("withdrawn before anything was changed: incident %s, which asked for it, was closed", incident.Name), "")
	return pass.Ends
}

func (p *plan) withdraw(message, by string) {
	p.out.Set(strategyv1.ConditionRestored, metav1.ConditionTrue, strategyv1.ReasonWithdrawn, message)
	p.out.Note(strategyv1.EventWithdrawn, message, by)
	p.end(strategyv1.EndWithdrawn)
	p.out.Done(strategyv1.ReasonWithdrawn, message)
}

// ungated requests are obeyed at once: a revert undoes a change that made things worse, and a person may lift the gate.
func (p *plan) ungated() bool {
	return p.reverts() || p.overridden()
}

// releasing: the gate held, or there was none; from then on the edits are undone.
func (p *plan) releasing() bool { return p.next.Restore.AllowedTime != nil }

// allow says, once, that the edits are undone from now on.
func (p *plan) allow() {
	if p.releasing() {
		return
	}
	p.next.Restore.AllowedTime = new(p.out.Stamp())
	p.out.Set(strategyv1.ConditionRestored, metav1.ConditionFalse, strategyv1.ReasonRestoring, "the edits are about to be undone")
	p.out.Note(strategyv1.EventConfigChange, "undoing the edits: "+p.summary(), p.next.Restore.By)
}

// release asks the writer of the configuration to undo the edits, after the log says so.
func (p *plan) release() {
	if p.holder() != nil { // seen for the first time, perhaps
		p.out.Set(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits")
	}
	p.out.Working(p.undoing(), "undoing the edits: "+p.summary())
	p.allow()
	if !p.out.Logged() {
		p.out.AwaitLog()
		return
	}
	p.ask(strategyv1.ClaimRelease)
	p.next.Config.UndoneFrom = ""
	if p.lost() != nil {
		p.next.Config.UndoneFrom = strategyv1.UndoneFromReceipt
	}
	if !p.stands() { // nothing will be written, so nothing will tell
		p.out.Wake(p.now)
	}
	p.out.Wake(p.now.Add(pass.Recheck))
}

// undoing is the reason of Ready while edits are undone: Reverting after checks that failed, else Restoring.
func (p *plan) undoing() string {
	if p.reverts() {
		return strategyv1.ReasonReverting
	}
	return strategyv1.ReasonRestoring
}

// takeBack waits until the running scheduler has the configuration without the edits.
func (p *plan) takeBack() {
	if p.lost() != nil && p.next.Config.UndoneFrom == "" {
		p.recordFailed()
		return
	}
	if p.stands() {
		p.out.Working(p.undoing(), "waiting for the configuration to be written")
		p.lateRestore("the edits were not undone in time; " + p.notWritten())
		return
	}
	if !lifecycle.Changed(p.next) {
		p.withdraw("withdrawn before anything was changed", p.next.Restore.By)
		return
	}
	p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonRestored, "the edits were undone")
	proof := p.prove(strategyv1.StageRestoreProof)
	switch {
	case proof.failed != "":
		p.notRestored(proof.failed)
	case proof.unmeasured != "":
		p.notRestored("it could not be proved that the scheduler runs without them: " + proof.unmeasured)
	case proof.proved:
		p.restored()
	default:
		p.await(proof, p.undoing())
		p.lateRestore(proof.waiting)
	}
}

// lateRestore asks L2, and keeps waiting: the edits are gone, so there is nothing to fall back to.
func (p *plan) lateRestore(waiting string) {
	if !p.late() {
		p.out.Wake(p.effectDeadline())
		return
	}
	p.out.BadInput(strategyv1.ReasonNotInEffect, "the restore is not in effect in time: "+waiting)
}

func (p *plan) notRestored(message string) {
	message = "the edits were undone, but " + message + ". To prove it again: " + p.restoreCommand() + "; " + p.adoptCommand()
	if p.next.Restore.Result != strategyv1.RestoreNotInEffect {
		p.next.Restore.Result = strategyv1.RestoreNotInEffect
		p.out.Note(strategyv1.EventFailed, message, "")
	}
	p.out.Set(strategyv1.ConditionRestored, metav1.ConditionFalse, strategyv1.ReasonNotInEffect, message)
	p.out.Stall(strategyv1.ReasonNotInEffect, message)
}

func (p *plan) restored() {
	message := p.asBefore() + "; undone: " + change.Sentence(p.seen.Rollback.Spec.Actions) // without its end, which is over
	reason := strategyv1.ReasonRestored
	if others := p.sharedWith(); len(others) > 0 {
		message = "undone, except what other rollbacks hold, too, and undo in the end: " + strings.Join(others, ", ")
	}
	if conflicts := p.conflicts(); len(conflicts) > 0 {
		reason = strategyv1.ReasonRestoreConflict
		message = "undone, except where someone changed the value after us, which was left as it is: " + strings.Join(conflicts, ", ")
	}
	message += p.resumedTool() + p.stillInGit()
	p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionFalse, strategyv1.ReasonRestored, message)
	p.out.Set(strategyv1.ConditionRestored, metav1.ConditionTrue, reason, message)
	p.out.Note(strategyv1.EventRestored, message, p.next.Restore.By)
	p.dropReceipts()
	if p.reverts() {
		p.end(strategyv1.EndReverted)
		p.out.Stall(strategyv1.ReasonReverted, "reverted after failed checks: "+p.out.Message(strategyv1.ConditionVerified))
		return
	}
	p.end(strategyv1.EndRestored)
	p.out.Done(strategyv1.ReasonRestored, message)
}

// resumedTool says what became of the annotation that was set with the edits, as the ConfigMap is now.
func (p *plan) resumedTool() string {
	if p.next.Plan.GitOps == nil || p.next.Plan.GitOps.Pause == "" {
		return ""
	}
	if owner := p.seen.Config.Owner; owner != nil && owner.PausedBy != "" {
		return fmt.Sprintf(". Mind that %s stands on the ConfigMap, for other edits or by somebody else: %s", owner.PausedBy, gitops.While(owner.Kind))
	}
	return fmt.Sprintf("; %s is off the ConfigMap, and the tool applies it again", p.next.Plan.GitOps.Pause)
}

// conflicts are the edited paths whose value is not the one from before our edit: somebody else changed them, and they were left alone. What
// another rollback changes by now is no conflict: it waits there for that one's restore.
func (p *plan) conflicts() []string {
	var paths []string
	for _, edit := range p.next.Plan.Edits {
		if !p.holdsEarlier(edit) && p.seen.Config.State.HolderOf(edit.Path, p.uid()) == "" {
			paths = append(paths, edit.Path)
		}
	}
	return paths
}

// holdsEarlier says whether an edited path holds what it held when it was planned.
func (p *plan) holdsEarlier(edit strategyv1.PlannedEdit) bool {
	value, found, err := p.seen.Config.Document.Get(edit.Path)
	return err == nil && found == (edit.From != nil) && (edit.From == nil || value == *edit.From)
}

// sharedWith are the edited paths that another rollback still holds, and which.
func (p *plan) sharedWith() []string {
	var paths []string
	for _, edit := range p.next.Plan.Edits {
		if other := p.seen.Config.State.HolderOf(edit.Path, p.uid()); other != "" {
			paths = append(paths, fmt.Sprintf("%s (%s)", edit.Path, other))
		}
	}
	return paths
}
