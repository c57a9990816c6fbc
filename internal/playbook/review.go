package playbook

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
)

// ReviewWanted says whether the labels of a namespace ask for two persons for each playbook. Where they are not known, it is taken for granted
// that they do: not to know is no permission.
func ReviewWanted(labels map[string]string, known bool) bool {
	value, found := labels[strategyv1.LabelPlaybookReview]
	return !known || found && value != "false"
}

// ReviewCommand is how the second person looks at a playbook and decides.
func ReviewCommand(name, namespace string) string {
	return fmt.Sprintf("kubectl strategy review %s -n %s", name, namespace)
}

// review takes up what people decided about versions of the playbook. That is recorded where the namespace does not ask for it, too: so the
// label can come when everything is approved.
func (p *plan) review() {
	p.approvedBefore()
	for _, decided := range p.out.Unanswered() {
		if decided.Verdict == strategyv1.DecisionApprove || decided.Verdict == strategyv1.DecisionDeny {
			p.reviewed(decided)
		}
	}
	p.showReview()
}

// reviewed takes up one decision, when it is known by whom it is, and once it can be logged: others act on an approval as soon as it stands
// in the status. That whoever approves is not who writes was asked by the admission policy.
func (p *plan) reviewed(decided facts.Decided) {
	known, void, pause := decide.Vouched(p.seen.Identity, decided, "decide again")
	switch why := p.notReviewed(decided); {
	case p.seen.Log.Problem != nil:
		p.out.Wake(p.now.Add(cmp.Or(p.seen.Log.Problem.Retry, pass.Recheck)))
	case why != "":
		p.out.Refuse(decided, why)
	case void != "":
		p.out.Void(decided, void)
	case !known: // it may count yet
		p.out.Wake(p.now.Add(cmp.Or(pause, pass.Recheck)))
	case decided.Verdict == strategyv1.DecisionDeny:
		p.deny(decided)
	case p.sound: // else it waits until the playbook can be run at all, and is frozen
		p.approve(decided)
	}
}

func (p *plan) approve(decided facts.Decided) {
	p.next.Approved = &strategyv1.ApprovedRevision{Revision: p.next.Revision, Digest: decided.Digest, Decision: *decide.Reference(decided)}
	message := decide.Because("revision "+p.next.Revision+" approved", decided)
	p.note(strategyv1.EventPlaybookApproved, message, decided.By)
	p.out.Tell(corev1.EventTypeNormal, strategyv1.ReasonApproved, message)
	p.out.Honour(decided)
}

// deny: of what was approved it takes the approval back.
func (p *plan) deny(decided facts.Decided) {
	if p.isApproved(decided.Digest) {
		p.next.Approved = nil
	}
	message := decide.Because("revision "+revisionName(p.seen.Playbook.Name, decided.Digest)+" denied", decided)
	p.note(strategyv1.EventPlaybookDenied, message, decided.By)
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonDenied, message)
	p.out.Honour(decided)
}

func (p *plan) isApproved(digest string) bool {
	return p.next.Approved != nil && p.next.Approved.Digest == digest
}

// notReviewed says why a decision is not about the playbook as it is now; empty: it is.
func (p *plan) notReviewed(decided facts.Decided) string {
	playbook := p.seen.Playbook
	approves := decided.Verdict == strategyv1.DecisionApprove
	switch {
	case decided.Time.Before(&playbook.CreationTimestamp):
		return "it was made before this playbook: there was another one of its name. Look again: " + ReviewCommand(playbook.Name, playbook.Namespace)
	case approves && p.isApproved(decided.Digest):
		return "this version is approved already" + by(p.next.Approved.Decision)
	case approves && p.deniedSince(decided):
		return "it was denied since. Look again: " + ReviewCommand(playbook.Name, playbook.Namespace)
	case decided.Digest != p.digest && (approves || !p.isApproved(decided.Digest)):
		return "it names another version of the playbook than the one that is there now, " + p.digest + ". Look again: " + ReviewCommand(playbook.Name, playbook.Namespace)
	}
	return ""
}

// approvedBefore: a playbook that was deleted and made again under its name, or whose status was lost, has the version that was approved last.
// Only the operator writes what became of a decision.
func (p *plan) approvedBefore() {
	if p.next.Approved != nil || p.seen.Playbook.Status.Log != nil {
		return
	}
	denied := map[string]bool{}
	for _, decided := range slices.Backward(p.seen.Decided) {
		switch {
		case decided.Outcome != strategyv1.OutcomeHonoured:
		case decided.Verdict == strategyv1.DecisionDeny:
			denied[decided.Digest] = true
		case decided.Verdict == strategyv1.DecisionApprove && !denied[decided.Digest]:
			name := revisionName(p.seen.Playbook.Name, decided.Digest)
			p.next.Approved = &strategyv1.ApprovedRevision{Revision: name, Digest: decided.Digest, Decision: *decide.Reference(decided)}
			p.note(strategyv1.EventPlaybookApproved, decide.Because("revision "+name+" is still approved", decided), decided.By)
			p.out.Wake(p.now) // whether it is still there is seen in the next pass
			return
		case decided.Verdict == strategyv1.DecisionApprove:
			return // it was the last, and was taken back
		}
	}
}

// showReview says whether a second person agreed to the playbook as it is now, and what runs until then.
func (p *plan) showReview() {
	if !p.seen.Review {
		meta.RemoveStatusCondition(&p.next.Conditions, strategyv1.ConditionReviewed)
		return
	}
	p.out.Wake(p.now.Add(pass.Recheck)) // a namespace whose labels were not known for a moment tells nobody that they are
	if p.isApproved(p.digest) {
		p.out.Set(strategyv1.ConditionReviewed, metav1.ConditionTrue, strategyv1.ReasonApproved, "approved"+by(p.next.Approved.Decision))
		return
	}
	if denied := p.denied(); denied != nil {
		p.out.Set(strategyv1.ConditionReviewed, metav1.ConditionFalse, strategyv1.ReasonDenied, decide.Because("this version was denied", *denied)+". "+p.runsNow())
		return
	}
	p.out.Set(strategyv1.ConditionReviewed, metav1.ConditionFalse, strategyv1.ReasonAwaitingReview, p.awaits())
}

// awaits says who has to do what.
func (p *plan) awaits() string {
	playbook := p.seen.Playbook
	return fmt.Sprintf("this version waits until somebody approves it who may approve playbooks and may not write them: %s. %s",
		ReviewCommand(playbook.Name, playbook.Namespace), p.runsNow())
}

// runsNow is what incidents run on while this version is not approved.
func (p *plan) runsNow() string {
	switch {
	case p.next.Approved == nil:
		return "No version is approved: new incidents run clocks and calls only, no Job is started and nothing is changed"
	case p.seen.ApprovedLost != "":
		return "The version that was approved last cannot be used: " + p.seen.ApprovedLost + ". New incidents run clocks and calls only, no Job is started and nothing is changed"
	}
	return "Until then what is new runs on revision " + p.next.Approved.Revision + ", approved" + by(p.next.Approved.Decision)
}

// denied is the decision by which this version is denied; nil: nobody denied it.
func (p *plan) denied() *facts.Decided {
	for _, decided := range slices.Backward(p.seen.Decided) {
		if decided.Digest == p.digest && decided.Verdict == strategyv1.DecisionDeny && p.counted(decided) {
			return &decided
		}
	}
	return nil
}

// deniedSince: an approval waits while the playbook cannot be run, and a denial does not.
func (p *plan) deniedSince(decided facts.Decided) bool {
	denied := p.denied()
	return denied != nil && decided.Digest == p.digest && decided.Time.Before(&denied.Time)
}

func (p *plan) counted(decided facts.Decided) bool {
	return decided.Outcome == strategyv1.OutcomeHonoured || slices.ContainsFunc(p.next.Answers, func(a strategyv1.AnsweredDecision) bool {
		return a.UID == decided.UID && a.Outcome == strategyv1.OutcomeHonoured
	})
}

// by is who decided and when: " by bob at 2026-11-23T10:15:00Z (StrategyDecision d1)".
func by(decision strategyv1.DecisionReference) string {
	return fmt.Sprintf(" by %s at %s (StrategyDecision %s)", decision.By, decision.Time.UTC().Format(time.RFC3339), decision.Name)
}
