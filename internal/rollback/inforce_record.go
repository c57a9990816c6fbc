package rollback

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/record"
)

// lost is what this rollback has in the configuration though the record there does not name it, or says something else of it: somebody
// changed the record. Nothing is undone from that; the receipt says what was written. Nil: nothing is lost.
func (p *plan) lost() *record.Holder {
	if p.holder() != nil || p.hasEnded() || p.claimed() == strategyv1.ClaimForget { // what is left to people needs no record
		return nil
	}
	receipt := record.InForce(p.next.Config)
	if receipt == nil || !record.Stands(p.seen.Config.Document, p.seen.Config.State, *receipt) {
		return nil
	}
	return receipt
}

// stands says whether the configuration has something of this rollback that is to be undone.
func (p *plan) stands() bool { return p.holder() != nil || p.lost() != nil }

// doubted says what is wrong with the record of edits that stand.
func (p *plan) doubted() (reason, message string) {
	help := fmt.Sprintf("The edits stand in ConfigMap %s, and nothing is undone from a record that the operator did not write. Who changed it: kubectl get configmap %s -n %s --show-managed-fields -o yaml. To undo them as the operator wrote them: %s, then somebody who did not ask for the rollback: %s",
		p.next.Config.ConfigMapName, p.next.Config.ConfigMapName, p.seen.Rollback.Namespace, p.restoreCommand(), p.overrideCommand())
	for _, doubt := range p.seen.Config.Doubts {
		if doubt.UID == p.uid() {
			return strategyv1.ReasonRecordForged, fmt.Sprintf("annotation %s was changed by somebody else: %s. %s", strategyv1.AnnotationEdits, doubt.Differs, help)
		}
	}
	return strategyv1.ReasonRecordLost, fmt.Sprintf("annotation %s does not name this rollback any more. %s", strategyv1.AnnotationEdits, help)
}

// stalledFor is the reason of Ready while the edits are not seen to stand.
func (p *plan) stalledFor(reason string) string {
	if p.lost() != nil {
		return reason
	}
	return strategyv1.ReasonOverwritten
}

// seeRecord says once that the record cannot be believed; what was seen in it before stays seen.
func (p *plan) seeRecord() {
	if p.claimed() == "" || p.next.Config.UndoneFrom != "" || p.lost() == nil {
		return
	}
	reason, message := p.doubted()
	if p.out.Reason(strategyv1.ConditionApplied) != reason {
		p.out.Note(strategyv1.EventRecordDoubted, message, "")
	}
	p.out.Set(strategyv1.ConditionApplied, metav1.ConditionUnknown, reason, message)
}

// recordFailed parks a request to undo edits of which there is no record that can be believed: a person has to say that the receipt counts.
// A release that was asked for is taken back, so that nothing is written meanwhile.
func (p *plan) recordFailed() {
	reason, message := p.doubted()
	p.next.Config.Claim, p.next.Config.Revision = strategyv1.ClaimHold, p.next.Config.WrittenRevision
	p.next.Restore.AllowedTime = nil
	if p.isDeleted() {
		message += p.letGoHelp()
	}
	p.park(reason, message)
}

// overridden: somebody lifted the gate for this request.
func (p *plan) overridden() bool {
	return p.next.Restore != nil && p.next.Override != nil && p.next.Restore.Request == p.next.Override.Name
}

func (p *plan) overrideCommand() string {
	return fmt.Sprintf("kubectl strategy override %s -n %s", p.seen.Rollback.Name, p.seen.Rollback.Namespace)
}

// dropReceipts: what was undone never comes back by the operator's hand.
func (p *plan) dropReceipts() {
	if lifecycle.Changed(p.next) {
		p.next.Config.Receipts, p.next.Config.UndoneFrom = nil, ""
	}
}
