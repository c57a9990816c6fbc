package rollback

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/rules"
)

// Requests that are not a StrategyDecision; a decision's name cannot look like these.
const (
	requestFailedAfter  = "onFailedAfter"
	requestDesiredState = "spec.desiredState"
	requestTimeBox      = "timeBox"
	requestDeletion     = "deletion"
)

// maxSeen is how many decisions a request remembers.
const maxSeen = 64

// defaultGate holds when no check of the gate says otherwise.
const defaultGate = "checks.all(c, c.verdict in ['Pass', 'Warn'])"

// restoreRequested takes up the newest request, one at a time.
func (p *plan) restoreRequested() bool {
	if p.status.Restore != nil && !p.mayAskAgain() {
		return false
	}
	if p.Rollback.Spec.DesiredState == strategyv1.StateRestored && (p.status.Restore == nil || p.Rollback.Generation > p.status.Restore.SpecGeneration) {
		p.request(requestDesiredState, "")
		return false
	}
	asked := newRestore(p.status.Restore, p.Decided)
	if asked == nil {
		if p.stillUnenforced() {
			return true
		}
		p.gateOverridden()
		return false
	}
	if !p.identity().Enforced {
		p.BadInput(strategyv1.ReasonIdentityUnenforced, notHonoured(*asked, p.unvouched(*asked)))
		return true
	}
	p.request(asked.Name, asked.By)
	return false
}

// stillUnenforced goes on saying so until the policies are back.
func (p *plan) stillUnenforced() bool {
	lost := p.status.VoidedTime != nil && p.Reason(strategyv1.ConditionReady) == strategyv1.ReasonIdentityUnenforced && !p.identity().Enforced
	if lost {
		p.BadInput(strategyv1.ReasonIdentityUnenforced, p.Message(strategyv1.ConditionReady))
	}
	return lost
}

// gateOverridden restores without the gate that failed, because a person says so.
func (p *plan) gateOverridden() {
	if !lifecycle.GateFailed(p.status) {
		return
	}
	decided, refusal := p.lifted(fresh(p.status.Restore, p.Decided))
	if refusal != "" {
		p.notePerDecision(refusal)
	}
	if decided == nil {
		return
	}
	p.status.Override = &strategyv1.DecisionReference{Name: decided.Name, Verdict: decided.Verdict, By: decided.By, Time: decided.Time}
	p.Note(strategyv1.EventOverridden, because("the restore gate was lifted", *decided), decided.By)
	p.request(decided.Name, decided.By)
}

// newRestore is the newest Restore decision that was not there when the last request was seen, or nil.
func newRestore(current *strategyv1.RestoreStatus, decided []facts.Decided) *facts.Decided {
	names := fresh(current, decided)
	for i, candidate := range slices.Backward(decided) {
		if candidate.Verdict == strategyv1.DecisionRestore && slices.Contains(names, candidate.Name) {
			return &decided[i]
		}
	}
	return nil
}

// fresh are the names of the decisions that can ask for a restore and have not. Those that are too old to be remembered
// have.
func fresh(current *strategyv1.RestoreStatus, decided []facts.Decided) []string {
	names := recent(decided)
	if current == nil {
		return names
	}
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(current.Seen, name) })
}

// recent are the names of the newest decisions that can ask for a restore.
func recent(decided []facts.Decided) []string {
	var names []string
	for _, d := range decided {
		if d.Verdict == strategyv1.DecisionRestore || d.Verdict == strategyv1.DecisionOverride {
			names = append(names, d.Name)
		}
	}
	return names[max(0, len(names)-maxSeen):]
}

func (p *plan) request(request, by string) {
	attempt := int32(1)
	if p.status.Restore != nil {
		attempt = p.status.Restore.Attempt + 1
	}
	p.status.Restore = &strategyv1.RestoreStatus{
		Request: request, By: by, RequestedTime: p.Stamp(), SpecGeneration: p.Rollback.Generation, Attempt: attempt, Seen: recent(p.Decided),
	}
	if p.claimed() == strategyv1.ClaimRelease && p.status.Proof != nil {
		p.status.Proof.Edited = "" // what the scheduler said before is no answer to this request
	}
	p.Set(strategyv1.ConditionRestored, metav1.ConditionUnknown, strategyv1.ReasonCheckingRestore, "asked for by "+request)
	p.Note(strategyv1.EventRestoreRequested, "asked for by "+request, by)
}

// mayAskAgain: after a request that came to nothing, or a restore that did not come into effect, a new one starts anew.
func (p *plan) mayAskAgain() bool { return p.status.Restore.Result != "" }

// restoring undoes exactly this rollback's edits: gate, release, restart, proof.
func (p *plan) restoring() bool {
	if p.status.Restore == nil || lifecycle.Parked(p.status) {
		return false
	}
	switch p.claimed() {
	case "":
		if p.holder() == nil {
			p.withdrawn()
		} else { // written in the moment in which the claim was given up
			p.release()
		}
	case strategyv1.ClaimHold:
		if p.gateHolds() {
			p.release()
		}
	case strategyv1.ClaimRelease:
		p.takeBack()
	}
	return true
}

func (p *plan) withdrawn() {
	message := "withdrawn before anything was changed"
	p.Set(strategyv1.ConditionRestored, metav1.ConditionTrue, strategyv1.ReasonWithdrawn, message)
	p.Note(strategyv1.EventWithdrawn, message, p.status.Restore.By)
	p.end(strategyv1.EndWithdrawn)
	p.Done(strategyv1.ReasonWithdrawn, message)
}

// ungated requests are obeyed at once: a revert undoes a change that made things worse, whoever deletes may restore, and a
// person may lift the gate.
func (p *plan) ungated() bool {
	request := p.status.Restore.Request
	return request == requestFailedAfter || request == requestDeletion || p.status.Override != nil && request == p.status.Override.Name
}

// gateHolds runs the checks of the gate. What is not written needs none.
func (p *plan) gateHolds() bool {
	gate := p.remediation.Restore
	if gate == nil || p.ungated() || p.releasing() || p.holder() == nil {
		return true
	}
	stage := p.run(strategyv1.StageRestore, p.status.Restore.Attempt, gate.Checks)
	if stage.Missing != "" {
		return false
	}
	if !stage.Done {
		p.Working(strategyv1.ReasonCheckingRestore, fmt.Sprintf("before restoring: %d of %d checks judged", len(stage.Final), len(gate.Checks)))
		return false
	}
	rule := gate.When
	if rule == "" {
		rule = defaultGate
	}
	held, err := rules.Eval(rule, rules.Vars{Rollback: p.facts(), Checks: checks.Facts(stage.Final, p.Runs.Outcomes)})
	if err == nil && held {
		return true
	}
	message := fmt.Sprintf("not restored, the change stays in effect: the gate %q does not hold (%s)", rule, verdicts(stage.Final))
	if err != nil {
		message = fmt.Sprintf("not restored, the change stays in effect: the gate cannot be evaluated: %v", err)
	}
	message += fmt.Sprintf(". To try again: %s; to restore all the same: kubectl strategy override %s -n %s", p.restoreCommand(), p.Rollback.Name, p.Rollback.Namespace)
	if until := p.until(); !until.IsZero() {
		message += fmt.Sprintf(". The time box ends at %s; to keep the change longer: %s", rfc3339(until), p.renewCommand())
	}
	p.status.Restore.Result = strategyv1.RestoreGateFailed
	p.Set(strategyv1.ConditionRestored, metav1.ConditionFalse, strategyv1.ReasonRestoreGateFailed, message)
	p.Note(strategyv1.EventRestoreRefused, message, "")
	p.Stall(strategyv1.ReasonRestoreGateFailed, message)
	return false
}

// releasing: the gate held, or there was none; from then on the edits are undone.
func (p *plan) releasing() bool { return p.status.Restore.AllowedTime != nil }

// release asks the writer of the configuration to undo the edits, after the log says so.
func (p *plan) release() {
	if p.holder() != nil { // seen for the first time, perhaps
		p.Set(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits")
	}
	p.Working(p.undoing(), "undoing the edits: "+p.summary())
	if !p.releasing() {
		p.status.Restore.AllowedTime = new(p.Stamp())
		p.Set(strategyv1.ConditionRestored, metav1.ConditionFalse, strategyv1.ReasonRestoring, "the edits are about to be undone")
		p.Note(strategyv1.EventConfigChange, "undoing the edits: "+p.summary(), p.status.Restore.By)
	}
	if !p.Logged() {
		p.AwaitLog()
		return
	}
	p.ask(strategyv1.ClaimRelease)
	p.Wake(p.Now.Add(pass.Recheck))
}

// undoing is the word for it: a revert is not a restore.
func (p *plan) undoing() string {
	if p.status.Restore.Request == requestFailedAfter {
		return strategyv1.ReasonReverting
	}
	return strategyv1.ReasonRestoring
}

// takeBack waits until the running scheduler has the configuration without the edits.
func (p *plan) takeBack() {
	if p.holder() != nil {
		p.Working(p.undoing(), "waiting for the configuration to be written")
		p.lateRestore("the edits were not undone in time; the events of the ConfigMap say why")
		return
	}
	if !lifecycle.Changed(p.status) {
		p.withdrawn()
		return
	}
	p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonRestored, "the edits were undone")
	if p.Is(strategyv1.ConditionInEffect) {
		p.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonRestoring, "the edits were undone; it is not proved yet that the scheduler runs without them")
	}
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

// lateRestore tells a person, and keeps waiting: the edits are gone, so there is nothing to fall back to.
func (p *plan) lateRestore(waiting string) {
	if !p.late() {
		p.Wake(p.effectDeadline())
		return
	}
	p.BadInput(strategyv1.ReasonNotInEffect, "the restore is not in effect in time: "+waiting)
}

func (p *plan) notRestored(message string) {
	message = "the edits were undone, but " + message + ". To prove it again: " + p.restoreCommand()
	if p.status.Restore.Result != strategyv1.RestoreNotInEffect {
		p.status.Restore.Result = strategyv1.RestoreNotInEffect
		p.Note(strategyv1.EventFailed, message, "")
	}
	p.Set(strategyv1.ConditionRestored, metav1.ConditionFalse, strategyv1.ReasonNotInEffect, message)
	p.Stall(strategyv1.ReasonNotInEffect, message)
}

func (p *plan) restored() {
	message := "the configuration and the running scheduler are as they were before: " + p.summary()
	if p.isDrill() {
		message = "a drill: the copy is as it was before: " + p.summary()
	}
	reason := strategyv1.ReasonRestored
	if others := p.sharedWith(); len(others) > 0 {
		message = "undone, except what other rollbacks hold, too, and undo in the end: " + strings.Join(others, ", ")
	}
	if conflicts := p.conflicts(); len(conflicts) > 0 {
		reason = strategyv1.ReasonRestoreConflict
		message = "undone, except where someone changed the value after us, which was left as it is: " + strings.Join(conflicts, ", ")
	}
	p.Set(strategyv1.ConditionInEffect, metav1.ConditionFalse, strategyv1.ReasonRestored, message)
	p.Set(strategyv1.ConditionRestored, metav1.ConditionTrue, reason, message)
	p.Note(strategyv1.EventRestored, message, p.status.Restore.By)
	if p.status.Restore.Request == requestFailedAfter {
		p.end(strategyv1.EndReverted)
		p.Stall(strategyv1.ReasonReverted, "reverted after failed checks: "+p.Message(strategyv1.ConditionVerified))
		return
	}
	p.end(strategyv1.EndRestored)
	p.Done(strategyv1.ReasonRestored, message)
}

// conflicts are the edited paths that hold neither what was there before nor nothing, as it was. What another rollback
// changes by now is no conflict: it waits there for that one's restore.
func (p *plan) conflicts() []string {
	var paths []string
	for _, edit := range p.status.Plan.Edits {
		if !p.holdsEarlier(edit) && p.Config.State.HolderOf(edit.Path, p.uid()) == "" {
			paths = append(paths, edit.Path)
		}
	}
	return paths
}

// sharedWith are the edited paths that another rollback still holds, and which.
func (p *plan) sharedWith() []string {
	var paths []string
	for _, edit := range p.status.Plan.Edits {
		if other := p.Config.State.HolderOf(edit.Path, p.uid()); other != "" {
			paths = append(paths, fmt.Sprintf("%s (%s)", edit.Path, other))
		}
	}
	return paths
}

func verdicts(judged []strategyv1.CheckStatus) string {
	words := make([]string, len(judged))
	for i, record := range judged {
		words[i] = fmt.Sprintf("%s %s", record.Name, record.Verdict)
	}
	return strings.Join(words, ", ")
}
