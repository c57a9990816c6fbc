package incident

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// pushesTo is the file that the playbook has the proposal of the incident pushed for; nil: none, or the playbook cannot be read.
func (p *plan) pushesTo() *strategyv1.WriteBackSpec {
	if p.next.Proposal == nil {
		return nil
	}
	remediation, found := p.remediation(p.next.Proposal.Remediation)
	if !found || remediation.Proposal == nil {
		return nil
	}
	return remediation.Proposal.WriteBack
}

// willPush keeps the edits to push with a proposal, and says what will be pushed: so that it stands in the log before anybody has it. Of a drill nothing
// is pushed, and a push cannot be part of what is shown.
func (p *plan) willPush(edits []strategyv1.PlannedEdit) string {
	to := p.pushesTo()
	if to == nil {
		return ""
	}
	if p.isDrill() {
		return "; this is a drill, so it is not pushed"
	}
	for _, edit := range edits {
		if err := change.Fits(edit); err != nil {
			p.out.Set(strategyv1.ConditionCommitted, metav1.ConditionFalse, strategyv1.ReasonEditRefused, "the patch is not pushed: "+err.Error())
			return fmt.Sprintf("; it is not pushed: %v", err)
		}
	}
	p.next.Proposal.Edits = edits
	return fmt.Sprintf("; it is pushed to branch %s of %s, for people to merge into branch %s", p.proposalBranch(), to.URL, to.Branch)
}

// proposalBranch is where the proposal is pushed to.
func (p *plan) proposalBranch() string {
	round, asked := int64(max(1, p.next.Round)), p.next.Proposal.WriteBack
	switch {
	case asked != nil && asked.Branch != "":
		return asked.Branch
	case asked != nil:
		round = asked.Revision
	}
	return p.pushesTo().PushBranch + "/" + gitops.ProposalBranch(p.seen.Incident, round)
}

// askPush has the patch pushed, once, after the log says so. On hold nothing is begun.
func (p *plan) askPush() {
	proposal := p.next.Proposal
	if len(proposal.Edits) == 0 || proposal.WriteBack != nil || p.pushesTo() == nil || p.out.Held() {
		return
	}
	if !p.proposalLogged() {
		p.out.AwaitLog()
		return
	}
	proposal.WriteBack = &strategyv1.WriteBackStatus{Change: strategyv1.WriteBackApplied, Revision: int64(max(1, p.next.Round)), AskedTime: p.out.Stamp()}
	p.out.Set(strategyv1.ConditionCommitted, metav1.ConditionUnknown, strategyv1.ReasonCommitting, "the patch is pushed to branch "+p.proposalBranch())
}

// whatToApply is what people are asked to do with the patch. That it is pushed, or cannot be, does not ask them anew.
func (p *plan) whatToApply() string {
	document := p.next.Proposal.Document
	byHand := fmt.Sprintf("apply the patch in status.proposal to ConfigMap %s, key %s, where it comes from", document.ConfigMapName, document.Key)
	to, asked := p.pushesTo(), p.next.Proposal.WriteBack
	switch {
	case to == nil, len(p.next.Proposal.Edits) == 0:
		return byHand
	case asked == nil, asked.State == "", asked.State == strategyv1.WriteBackOpen:
		return fmt.Sprintf("merge branch %s of %s, as soon as the condition Committed says that it is there, or %s", p.proposalBranch(), to.URL, byHand)
	}
	return p.out.Message(strategyv1.ConditionCommitted)
}

// seePushed keeps what became of the push, and of the branch. It is seen elsewhere, and told in each life of the operator anew, until it is in the status.
func (p *plan) seePushed() {
	seen := p.seen.Committed
	if seen == nil || !lifecycle.PushPending(p.next) || seen.Revision != p.next.Proposal.WriteBack.Revision {
		return
	}
	asked := p.next.Proposal.WriteBack
	if seen.Problem != nil {
		p.notPushed(*seen.Problem, seen.Person)
		return
	}
	news := asked.State != seen.State
	asked.State, asked.Commit, asked.Branch = seen.State, seen.Commit, seen.Branch
	status, reason, message := p.pushedWords(seen.Left)
	p.out.Set(strategyv1.ConditionCommitted, status, reason, message)
	if news {
		p.out.Note(strategyv1.EventCommitted, message, "")
		p.out.Tell(corev1.EventTypeNormal, reason, message)
	}
}

// pushedWords are what became of the branch.
func (p *plan) pushedWords(left []string) (status metav1.ConditionStatus, reason, message string) {
	asked := p.next.Proposal.WriteBack
	switch {
	case asked.State == strategyv1.WriteBackOpen:
		return metav1.ConditionFalse, strategyv1.ReasonPullRequestOpen, fmt.Sprintf("the patch was pushed to branch %s as commit %.12s; it waits for somebody to merge it", asked.Branch, asked.Commit)
	case asked.State == strategyv1.WriteBackWithdrawn:
		return metav1.ConditionFalse, strategyv1.ReasonWithdrawn, fmt.Sprintf("branch %s with the patch is gone, and branch %s does not hold it: somebody deleted it, or merged it otherwise. It is not pushed again; apply the patch in status.proposal by hand, or leave it", asked.Branch, p.appliedBranch())
	case len(left) > 0:
		return metav1.ConditionFalse, strategyv1.ReasonFileDiffers, fmt.Sprintf("the patch was merged into branch %s as commit %.12s, and something else stands there now at %s: somebody changed it; look whether that is what you want",
			asked.Branch, asked.Commit, strings.Join(left, ", "))
	}
	return metav1.ConditionTrue, strategyv1.ReasonCommitted, fmt.Sprintf("branch %s holds the patch, with commit %.12s: see that it is applied", asked.Branch, asked.Commit)
}

// notPushed: the patch is in status.proposal all the same, and nothing waits for a repository.
func (p *plan) notPushed(problem facts.Problem, person bool) {
	status, message := metav1.ConditionUnknown, "the patch is not pushed: "+problem.Message+"; it is tried again"
	if person {
		status = metav1.ConditionFalse
	}
	if asked := p.next.Proposal.WriteBack; asked.State == strategyv1.WriteBackOpen { // it was there when it was looked at last
		message = fmt.Sprintf("the patch was pushed to branch %s; whether somebody merged it cannot be seen: %s", asked.Branch, problem.Message)
	}
	if p.out.Reason(strategyv1.ConditionCommitted) != problem.Reason {
		p.out.Tell(corev1.EventTypeWarning, problem.Reason, message)
	}
	if person && p.out.Message(strategyv1.ConditionCommitted) != message { // an answer that is lost is none of the log's business
		p.out.NoteRepeated(strategyv1.EventNotCommitted, message)
	}
	p.out.Set(strategyv1.ConditionCommitted, status, problem.Reason, message)
}

// appliedBranch is the one that people merge into, as far as the playbook can still be read.
func (p *plan) appliedBranch() string {
	if to := p.pushesTo(); to != nil {
		return to.Branch
	}
	return "that is applied"
}

// leavePush says, when the incident is over, what becomes of a branch that nobody merged: nothing. People may be reviewing it, and it changes nothing until
// they merge it. A push that is on its way may still arrive.
func (p *plan) leavePush() string {
	if p.next.Proposal == nil || len(p.next.Proposal.Edits) == 0 {
		return ""
	}
	asked := p.next.Proposal.WriteBack
	switch {
	case asked == nil:
		message := "the proposed patch was not pushed, and will not be"
		p.out.Set(strategyv1.ConditionCommitted, metav1.ConditionFalse, strategyv1.ReasonWithdrawn, message)
		return "; " + message
	case !lifecycle.PushPending(p.next):
		return ""
	}
	message := fmt.Sprintf("branch %s with the proposed patch is left as it is, and not looked at any more: merge it, or delete it", asked.Branch)
	if asked.State == "" {
		message = "the proposed patch was not seen to be pushed, and that is not tried any more"
		if p.pushesTo() != nil {
			message += fmt.Sprintf("; should there be a branch %s all the same, merge it, or delete it", p.proposalBranch())
		}
	}
	p.out.Set(strategyv1.ConditionCommitted, metav1.ConditionFalse, p.out.Reason(strategyv1.ConditionCommitted), message)
	return "; " + message
}
