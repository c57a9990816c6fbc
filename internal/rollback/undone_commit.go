package rollback

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// outOfGit has the inverse committed before the edits are undone: else the GitOps tool brings them back. It says whether they may be undone now.
func (p *plan) outOfGit() bool {
	asked := p.next.WriteBack
	if asked == nil { // nothing was ever committed
		return true
	}
	p.allow()
	p.out.Working(p.undoing(), "undoing the edits: "+p.summary()+"; first their inverse is committed to "+p.next.Plan.GitOps.CommitsTo)
	if asked.Change != strategyv1.WriteBackUndone {
		p.announceCommit(strategyv1.WriteBackUndone, "the inverse of the edits", p.next.Restore.By)
		return false
	}
	if asked.State != "" && asked.State != strategyv1.WriteBackOpen {
		return true
	}
	if p.now.Before(p.commitBy()) {
		p.out.Wake(p.commitBy())
		return false
	}
	if p.insists() {
		p.undoAllTheSame()
		return true
	}
	p.out.Stall(p.out.Reason(strategyv1.ConditionCommitted), "the edits are not undone: "+p.notOutOfGit()+". To undo them all the same: "+p.restoreCommand())
	return false
}

func (p *plan) notOutOfGit() string {
	return "their inverse is not in the repository in time, and a GitOps tool would bring them back: " + p.out.Message(strategyv1.ConditionCommitted)
}

// undoAllTheSame says, once, that Git still has what is undone.
func (p *plan) undoAllTheSame() {
	if p.saidAllTheSame() {
		return
	}
	reason, message := p.out.Reason(strategyv1.ConditionCommitted), allTheSame+": "+p.notOutOfGit()+". Take them out of the repository by hand, or pause the tool"
	p.out.Set(strategyv1.ConditionCommitted, metav1.ConditionTrue, reason, message)
	p.out.Note(strategyv1.EventNotCommitted, message, p.next.Restore.By)
	p.out.Tell(corev1.EventTypeWarning, reason, message)
}

const allTheSame = "the edits are undone all the same"

func (p *plan) saidAllTheSame() bool {
	return strings.HasPrefix(p.out.Message(strategyv1.ConditionCommitted), allTheSame)
}

// insists: somebody asked for it, whom no rule overrules, or what is undone did harm.
func (p *plan) insists() bool {
	asked := p.next.Restore
	return asked.By != "" || asked.Request == requestDesiredState || asked.Request == requestDeletion || p.reverts()
}

// stuckInGit: a request that no person made waits for somebody, because the inverse cannot be committed.
func (p *plan) stuckInGit() bool {
	asked := p.next.WriteBack
	return asked != nil && asked.Change == strategyv1.WriteBackUndone && p.claimed() == strategyv1.ClaimHold && p.next.Restore != nil &&
		(asked.State == "" || asked.State == strategyv1.WriteBackOpen) && !p.insists() && !p.now.Before(p.commitBy())
}

// stillInGit says that the repository may hold what was undone.
func (p *plan) stillInGit() string {
	if p.next.WriteBack == nil || !p.out.Is(strategyv1.ConditionCommitted) {
		return ""
	}
	return ". Mind that the repository may still hold the edits, and a GitOps tool would bring them back: " + p.next.Plan.GitOps.CommitsTo
}

// inGit is a sentence about what the repository has of edits that nobody commits or undoes any more, as it was seen last; empty: nothing was asked of
// it, or it has nothing of what was undone.
func (p *plan) inGit() string {
	asked := p.next.WriteBack
	if asked == nil {
		return ""
	}
	to, applied := p.next.Plan.GitOps.CommitsTo, asked.Change == strategyv1.WriteBackApplied
	switch {
	case applied && asked.State == strategyv1.WriteBackCommitted:
		return fmt.Sprintf(". Git keeps the edits: commit %.12s of %s", asked.Commit, to)
	case applied && asked.State == strategyv1.WriteBackOpen:
		return fmt.Sprintf(". Branch %s keeps the edits as commit %.12s, and somebody may still merge it into %s", asked.Branch, asked.Commit, to)
	case applied:
		return ". It is not known that Git has the edits, and a GitOps tool may put back what it holds: " + to
	case asked.State == "" || asked.State == strategyv1.WriteBackOpen:
		return ". It is not known that Git has their inverse, and a GitOps tool may bring the edits back: " + to
	case p.stands():
		return ". Git does not hold the edits any more, and a GitOps tool may put back what it holds: " + to
	}
	return ""
}
