package rollback

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// adoptChecks takes over the checks and the proof of the playbook's newest revision, when somebody says so: a rollback stays on the revision
// that it started on, and would ask a broken check again for ever.
func (p *plan) adoptChecks() {
	if !p.running() || p.isDeleted() {
		return
	}
	for decided := range decide.Oldest(p.out.Unanswered(), strategyv1.DecisionAdoptChecks) {
		if p.vouchedFor(decided) != "" { // nobody knows who says so, or it may count yet
			continue
		}
		newest := facts.Want(&p.needs, NeedNewest, p.seen.Newest)
		if why := decide.NotAdopted(p.seen.Playbook, newest); why != "" {
			p.out.Refuse(decided, why)
			continue
		}
		p.next.AdoptedChecks = decide.Adopted(decided, newest, p.next.AdoptedChecks, p.out.Stamp())
		p.seen.Playbook = p.seen.Playbook.WithChecks(newest)
		p.out.Note(strategyv1.EventChecksAdopted, decide.Because("the checks and the proof of revision "+newest.Revision+" were taken over", decided), decided.By)
		p.out.Honour(decided)
		p.askAgain()
	}
}

// askAgain forgets what the checks before could not tell, or told wrongly. What they showed to be well stays.
func (p *plan) askAgain() {
	if p.next.Proof != nil {
		p.next.Proof.Edited = "" // what the scheduler said is no answer to another question
	}
	bad := func(kind string, reasons ...string) {
		if slices.Contains(reasons, p.out.Reason(kind)) && !p.out.Is(kind) {
			meta.RemoveStatusCondition(&p.next.Conditions, kind)
		}
	}
	if p.claimed() == strategyv1.ClaimHold && (p.next.Restore == nil || lifecycle.Parked(p.next)) {
		bad(strategyv1.ConditionInEffect, strategyv1.ReasonUnproved, strategyv1.ReasonNotInEffect)
		bad(strategyv1.ConditionVerified, strategyv1.ReasonUnproved, strategyv1.ReasonNotInEffect, strategyv1.ReasonUnmeasuredAfter, strategyv1.ReasonFailedAfter)
	}
	if p.next.Restore != nil && p.next.Restore.Result == strategyv1.RestoreNotInEffect {
		p.next.Restore.Result = ""
	}
}

// roundOf a stage: when checks were taken over, those of an open stage run anew.
func (p *plan) roundOf(round int32) int32 {
	if p.next.AdoptedChecks == nil {
		return round
	}
	return round + p.next.AdoptedChecks.Count
}

// adoptCommand is what helps against a check that is broken.
func (p *plan) adoptCommand() string {
	return fmt.Sprintf("if the check is broken, fix the playbook, then: kubectl strategy adopt-checks rollback/%s -n %s", p.seen.Rollback.Name, p.seen.Rollback.Namespace)
}
