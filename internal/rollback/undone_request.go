package rollback

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
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

// restoreRequested takes up the newest request, one at a time.
func (p *plan) restoreRequested() pass.Outcome {
	p.askedToo()
	if p.next.Restore != nil && !p.mayAskAgain() {
		return pass.GoOn
	}
	if p.seen.Rollback.Spec.DesiredState == strategyv1.StateRestored && (p.next.Restore == nil || p.seen.Rollback.Generation > p.next.Restore.SpecGeneration) {
		p.request(requestDesiredState, "")
		return pass.GoOn
	}
	asked := p.newRestore()
	if asked == nil {
		if p.stillUnenforced() {
			return pass.Ends
		}
		p.gateOverridden()
		return pass.GoOn
	}
	identity := p.identity()
	switch known, void, _ := decide.Vouched(identity, *asked, "decide again"); {
	case void != "":
		p.unvouched(*asked, void)
		p.out.BadInput(strategyv1.ReasonIdentityUnenforced, decide.NotHonoured(*asked, void))
		return pass.Ends
	case !known:
		p.out.Blocked(*identity.Problem)
		return pass.Ends
	}
	p.request(asked.Name, asked.By)
	p.out.Honour(*asked)
	p.askedToo()
	return pass.GoOn
}

// askedToo answers those that the last request saw: they asked for the same.
func (p *plan) askedToo() {
	if p.next.Restore == nil {
		return
	}
	fresh := p.fresh()
	for one := range decide.Oldest(p.out.Unanswered(), strategyv1.DecisionRestore) {
		if slices.Contains(fresh, one.UID) || p.vouchedFor(one) != "" {
			continue
		}
		p.out.Note(strategyv1.EventRestoreRequested, "asked for by "+one.Name+", too", one.By)
		p.out.Honour(one)
	}
}

// stillUnenforced goes on saying so until the policies are back.
func (p *plan) stillUnenforced() pass.Outcome {
	lost := p.next.VoidedTime != nil && p.out.Reason(strategyv1.ConditionReady) == strategyv1.ReasonIdentityUnenforced && !p.identity().Enforced
	if lost {
		p.out.BadInput(strategyv1.ReasonIdentityUnenforced, p.out.Message(strategyv1.ConditionReady))
	}
	return pass.Outcome(lost)
}

// gateOverridden restores without the gate that failed, because an approver says so.
func (p *plan) gateOverridden() {
	if !lifecycle.GateFailed(p.next) {
		return
	}
	decided, _ := p.lifted(p.fresh())
	if decided == nil {
		return
	}
	p.next.Override = decide.Reference(*decided)
	p.out.Note(strategyv1.EventOverridden, decide.Because("the restore gate was lifted", *decided), decided.By)
	p.out.Honour(*decided)
	p.request(decided.Name, decided.By)
}

// newRestore is the newest Restore decision that was not there when the last request was seen, or nil.
func (p *plan) newRestore() *facts.Decided {
	fresh := p.fresh()
	for one := range decide.Newest(p.seen.Decided, strategyv1.DecisionRestore) {
		if slices.Contains(fresh, one.UID) {
			return &one
		}
	}
	return nil
}

// fresh are the UIDs of the Restore and Override decisions that were not acted on yet: those that the last request did not see. Only
// the newest are remembered; older ones count as acted on.
func (p *plan) fresh() []string {
	recent := p.recent()
	if p.next.Restore == nil {
		return recent
	}
	return slices.DeleteFunc(recent, func(uid string) bool { return slices.Contains(p.next.Restore.Seen, uid) })
}

// recent are the UIDs of the newest decisions that can ask for a restore: one that is made again under its name is another one.
func (p *plan) recent() []string {
	var recent []string
	for _, d := range p.out.Made() {
		if d.Verdict == strategyv1.DecisionRestore || d.Verdict == strategyv1.DecisionOverride {
			recent = append(recent, d.UID)
		}
	}
	return recent[max(0, len(recent)-maxSeen):]
}

// reverts says whether what is being undone did harm, or nothing.
func (p *plan) reverts() bool {
	return p.next.Restore != nil && p.next.Restore.Purpose == strategyv1.PurposeRevert
}

func (p *plan) request(request, by string) {
	attempt, purpose := int32(1), strategyv1.PurposeRestore
	if request == requestFailedAfter || p.reverts() {
		purpose = strategyv1.PurposeRevert
	}
	if p.next.Restore != nil {
		attempt = p.next.Restore.Attempt + 1
	}
	p.next.Restore = &strategyv1.RestoreStatus{
		Request: request, By: by, RequestedTime: p.out.Stamp(), SpecGeneration: p.seen.Rollback.Generation, Attempt: attempt, Purpose: purpose, Seen: p.recent(),
	}
	if p.claimed() == strategyv1.ClaimRelease && p.next.Proof != nil {
		p.next.Proof.Edited = "" // what the scheduler said before is no answer to this request
	}
	p.out.Set(strategyv1.ConditionRestored, metav1.ConditionUnknown, strategyv1.ReasonCheckingRestore, "asked for by "+request)
	p.out.Note(strategyv1.EventRestoreRequested, "asked for by "+request, by)
}

// mayAskAgain: after a request that came to nothing, or a restore that did not come into effect or waits for somebody because of Git, a new one
// starts anew.
func (p *plan) mayAskAgain() bool { return p.next.Restore.Result != "" || p.stuckInGit() }
