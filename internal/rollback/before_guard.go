package rollback

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/record"
)

// refusal says why the writer of the configuration would refuse the plan now, or is nil. The writer asks again within
// its own compare-and-swap; this is only for people, and for not claiming in vain.
func (p *plan) refusal() *record.Refusal {
	claim := record.Claim{
		UID: p.uid(), Name: p.seen.Rollback.Name, Revision: p.next.Plan.Revision,
		Edits: p.next.Plan.Edits, Disables: p.next.Plan.Disables, Guard: p.guardSpec(),
	}
	if p.tried == nil || !p.tried.claim.Same(claim) { // several rules of a pass ask
		_, _, refusal := record.Try(p.seen.Config.Document, p.seen.Config.State, claim, p.now)
		p.tried = &tried{claim, refusal}
	}
	return p.tried.refusal
}

// tried is what the writer would say about a claim.
type tried struct {
	claim   record.Claim
	refusal *record.Refusal
}

// guardSpec is the guard that binds this rollback; none once an approver lifted it.
func (p *plan) guardSpec() *strategyv1.GuardSpec {
	if p.next.Override != nil {
		return nil
	}
	return p.seen.Playbook.Spec.Guard
}

// guard waits for room, or for an approver who lifts the guard.
func (p *plan) guard() pass.Outcome {
	return p.waitsForRoom(p.refusal())
}

// waitsForRoom says whether a refusal is one that time or an approver can cure, and tells so.
func (p *plan) waitsForRoom(refusal *record.Refusal) pass.Outcome {
	if refusal == nil {
		return pass.GoOn
	}
	message := refusal.Message
	if refusal.Reason == strategyv1.ReasonGuardExceeded {
		lifted, waits := p.lifted(p.recent())
		if lifted != nil {
			p.liftGuard(*lifted)
			return pass.GoOn
		}
		p.asks = strategyv1.WhoApprover
		message += fmt.Sprintf(". It waits for room; to go ahead all the same: kubectl strategy override %s -n %s", p.seen.Rollback.Name, p.seen.Rollback.Namespace)
		if why := cmp.Or(waits, p.out.LastRefusal()); why != "" {
			message += ". " + why
		}
	}
	if p.out.Reason(strategyv1.ConditionApplied) != refusal.Reason {
		p.out.Note(strategyv1.EventHeldBack, message, "")
	}
	p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, refusal.Reason, message)
	p.out.BadInput(refusal.Reason, message)
	return pass.Ends
}

func (p *plan) liftGuard(decided facts.Decided) {
	p.next.Override = decide.Reference(decided)
	p.out.Note(strategyv1.EventOverridden, decide.Because("the guard was lifted", decided), decided.By)
	p.out.Honour(decided)
	p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonPlanned, decide.Because("the guard was lifted", decided))
}

// lifted is the newest Override decision of these (by UID) that counts; else why one that may count yet does not.
func (p *plan) lifted(among []string) (lifted *facts.Decided, waits string) {
	for one := range decide.Newest(p.seen.Decided, strategyv1.DecisionOverride) {
		if known := p.next.Override; known != nil && one.Name == known.Name && !one.Time.After(known.Time.Time) {
			break // and what is older
		}
		if !slices.Contains(among, one.UID) {
			continue
		}
		why := p.notLifted(one)
		if why == "" {
			return &one, ""
		}
		if p.unanswered == nil {
			p.out.Refuse(one, why)
			continue
		}
		waits = cmp.Or(waits, decide.NotHonoured(one, why))
	}
	return nil, waits
}

func (p *plan) notLifted(decided facts.Decided) string {
	return decide.Objection(decided, decide.NamesPlan(p.next.Plan.Digest, "override again"), p.fourEyes(), p.vouchedFor)
}

// vouchedFor is the test that identities are enforced, so that it is known whose decision it is.
func (p *plan) vouchedFor(decided facts.Decided) string {
	identity := p.identity()
	known, void, pause := decide.Vouched(identity, decided, "decide again")
	switch {
	case known:
		return ""
	case void == "": // it may count yet
		p.out.Wake(p.now.Add(pause))
		return identity.Problem.Message
	}
	p.unvouched(decided, void)
	return void
}

// awaitResume: before the claim, a held rollback is planned and approved, and goes no further.
func (p *plan) awaitResume() pass.Outcome {
	if !p.out.Held() {
		return pass.GoOn
	}
	p.out.Working(strategyv1.ReasonApproved, "approved; nothing is written while the playbook is on hold: "+p.summary())
	return pass.Ends
}
