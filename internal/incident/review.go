package incident

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/pass"
)

// reviewed: an incident that began while nobody had approved its playbook goes on on the version that is approved now, or that needs no approval
// any more. Deadlines stay as they are: they were told to people. What rules of another version found is found anew.
func (p *plan) reviewed() {
	if p.next.Review != strategyv1.ReviewAwaited || !p.running() {
		return
	}
	if p.seen.Playbook.AwaitsReview {
		p.out.Wake(p.now.Add(pass.Recheck)) // a namespace whose labels were not known for a moment tells nobody that they are
		return
	}
	before, now := p.next.PlaybookRevision, p.seen.Playbook.Revision
	p.next.Review, p.next.PlaybookRevision, p.next.Dashboards = "", now, p.seen.Playbook.Spec.Dashboards
	p.out.Note(strategyv1.EventPlaybookApproved, fmt.Sprintf("it began on revision %s, which nobody had approved, and goes on on revision %s", before, now), "")
	if before != now && p.next.Cause != nil {
		p.next.Cause = nil
		meta.RemoveStatusCondition(&p.next.Conditions, strategyv1.ConditionDiagnosed)
	}
}
