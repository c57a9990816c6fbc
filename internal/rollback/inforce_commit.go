package rollback

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// writesBack is the file that the playbook has edits committed to; nil: to none. Of a drill nothing is.
func (p *plan) writesBack() *strategyv1.WriteBackSpec {
	if p.gitOpsMode() != strategyv1.GitOpsWriteBack {
		return nil
	}
	return p.seen.Playbook.Spec.Scheduler.GitOps.WriteBack
}

// askCommit has the edits committed, once they were written and the log says so: an emergency does not wait for Git. Nothing takes the edits back
// because a commit failed. Where their inverse was asked for, and the restore came to nothing, they are committed once more.
func (p *plan) askCommit() {
	if p.wantsCommit() {
		p.announceCommit(strategyv1.WriteBackApplied, "the edits", "")
	}
}

// wantsCommit: what stands in the configuration is not what was asked to be committed last.
func (p *plan) wantsCommit() bool {
	asked := p.next.WriteBack
	same := asked != nil && asked.Change == strategyv1.WriteBackApplied && asked.Revision == p.next.Config.Revision
	return !same && p.committable()
}

// wantsInverse: the edits are undone when the inverse of what was committed is.
func (p *plan) wantsInverse() bool {
	return p.next.WriteBack.Change == strategyv1.WriteBackApplied && p.next.Restore != nil && !lifecycle.Parked(p.next) && p.releasing()
}

// committable: what was approved to be committed stands in the configuration, or a GitOps controller put back what it knows, which the commit ends. Nobody
// wants it undone. On hold nothing is begun.
func (p *plan) committable() bool {
	approved := p.next.Plan != nil && p.next.Plan.GitOps != nil && p.next.Plan.GitOps.CommitsTo != ""
	if !approved || p.phase() != inForce || p.seen.Playbook.Hold != nil || p.blind() != nil || p.lost() != nil || p.seen.Config.Document == nil {
		return false
	}
	return p.written() && p.next.Config.WrittenRevision == p.next.Config.Revision && (p.overwrittenPath() == "" || p.seePutBack() != nil)
}

// announceCommit says what will be committed, and asks for it when that is in the log.
func (p *plan) announceCommit(change strategyv1.WriteBackChange, what, by string) {
	message := fmt.Sprintf("committing %s of revision %d to %s", what, p.next.Config.Revision, p.next.Plan.GitOps.CommitsTo)
	if p.out.Message(strategyv1.ConditionCommitted) != message {
		p.out.Set(strategyv1.ConditionCommitted, metav1.ConditionUnknown, strategyv1.ReasonCommitting, message)
		p.out.Note(strategyv1.EventConfigChange, message, by)
	}
	if !p.out.Logged() {
		p.out.AwaitLog()
		return
	}
	p.next.WriteBack = &strategyv1.WriteBackStatus{Change: change, Revision: p.next.Config.Revision, AskedTime: p.out.Stamp()}
	p.out.Wake(p.commitBy())
}

// seeCommitted keeps what became of a commit. It is done elsewhere, and told in each life of the operator anew, until it is in the status.
func (p *plan) seeCommitted() {
	if !lifecycle.CommitPending(p.next) || p.wantsCommit() || p.wantsInverse() { // or it would take back that the next one is announced, without end
		return
	}
	asked, seen := p.next.WriteBack, p.seen.Committed
	if p.now.Before(p.commitBy()) {
		p.out.Wake(p.commitBy())
	}
	if seen == nil || seen.Change != asked.Change || seen.Revision != asked.Revision {
		return
	}
	if seen.Problem != nil {
		if seen.Problem.Reason == strategyv1.ReasonFileDiffers { // what was pushed is not what waits for its merge any more
			asked.State, asked.Commit, asked.Branch = "", "", ""
		}
		p.notCommitted(seen.Problem.Reason, seen.Problem.Message, seen.Person)
		return
	}
	asked.State, asked.Commit, asked.Branch = seen.State, seen.Commit, seen.Branch
	status, reason, message := p.committedWords(seen.Left)
	if p.out.Reason(strategyv1.ConditionCommitted) == reason { // it was said
		return
	}
	p.out.Set(strategyv1.ConditionCommitted, status, reason, message)
	p.out.Note(strategyv1.EventCommitted, message, "")
	if reason == strategyv1.ReasonNotOurCommit {
		p.out.Tell(corev1.EventTypeWarning, reason, message)
	}
}

// notCommitted: what was pushed may have arrived, where only the answer is missing.
func (p *plan) notCommitted(reason, why string, person bool) {
	if p.saidAllTheSame() {
		return
	}
	status := metav1.ConditionUnknown
	message := "not committed to " + p.next.Plan.GitOps.CommitsTo + ": " + why + "; it is tried again"
	if person {
		status = metav1.ConditionFalse
		message += " every few minutes; until then a GitOps tool may put back what the repository holds"
	}
	if p.next.WriteBack.State == strategyv1.WriteBackOpen { // it was there when it was looked at last
		message = fmt.Sprintf("pushed to branch %s; whether somebody merged it cannot be seen: %s", p.next.WriteBack.Branch, why)
	}
	if p.out.Reason(strategyv1.ConditionCommitted) != reason {
		p.out.Tell(corev1.EventTypeWarning, reason, message)
	}
	if person && p.out.Message(strategyv1.ConditionCommitted) != message { // an answer that is lost is none of the log's business
		p.out.NoteRepeated(strategyv1.EventNotCommitted, message)
	}
	p.out.Set(strategyv1.ConditionCommitted, status, reason, message)
}

// committedWords are what a job came to.
func (p *plan) committedWords(left []string) (status metav1.ConditionStatus, reason, message string) {
	asked, to := p.next.WriteBack, p.next.Plan.GitOps.CommitsTo
	kept := ""
	if len(left) > 0 {
		kept = "; somebody else wrote there, which stays: " + strings.Join(left, ", ")
	}
	undone := asked.Change == strategyv1.WriteBackUndone
	switch {
	case asked.State == strategyv1.WriteBackOpen && undone:
		return metav1.ConditionTrue, strategyv1.ReasonPullRequestOpen, fmt.Sprintf("the inverse was pushed to branch %s as commit %.12s; the repository holds the edits until somebody merges it", asked.Branch, asked.Commit)
	case asked.State == strategyv1.WriteBackOpen:
		return metav1.ConditionFalse, strategyv1.ReasonPullRequestOpen, fmt.Sprintf("pushed to branch %s as commit %.12s; until somebody merges it a GitOps tool may put back what the repository holds", asked.Branch, asked.Commit)
	case asked.State == strategyv1.WriteBackWithdrawn:
		return metav1.ConditionFalse, strategyv1.ReasonCommitUndone, fmt.Sprintf("nobody had merged branch %s, and it was deleted: the edits never were in %s", asked.Branch, to)
	case asked.State == strategyv1.WriteBackLeft && len(left) > 0:
		return metav1.ConditionTrue, strategyv1.ReasonNotOurCommit, fmt.Sprintf("nothing was committed to %s%s; a GitOps tool brings that back", to, kept)
	case asked.State == strategyv1.WriteBackLeft:
		return metav1.ConditionFalse, strategyv1.ReasonCommitUndone, fmt.Sprintf("%s does not hold the edits", to)
	case undone:
		return metav1.ConditionFalse, strategyv1.ReasonCommitUndone, fmt.Sprintf("the inverse is commit %.12s of %s%s", asked.Commit, to, kept)
	}
	return metav1.ConditionTrue, strategyv1.ReasonCommitted, fmt.Sprintf("the edits are commit %.12s of %s", asked.Commit, to)
}

// commitBy is until when a commit has time before somebody is asked. On hold it could not be made.
func (p *plan) commitBy() time.Time {
	timeout := defaultCommitTimeout
	if to := p.writesBack(); to != nil && to.TimeoutSeconds > 0 {
		timeout = time.Duration(to.TimeoutSeconds) * time.Second
	}
	at := p.next.WriteBack.AskedTime.Time
	if resumed := p.resumed(); resumed.After(at) {
		at = resumed
	}
	if at.After(p.now) { // the clock was set back since
		at = p.now
	}
	return at.Add(timeout)
}

// defaultCommitTimeout is that of the API, where the playbook says nothing any more.
const defaultCommitTimeout = 120 * time.Second

// uncommitted: somebody has to see to it that the edits get into the repository. A branch that waits for its merge was seen by somebody.
func (p *plan) uncommitted() bool {
	asked := p.next.WriteBack
	if asked == nil || asked.Change != strategyv1.WriteBackApplied || asked.State != "" {
		return false
	}
	p.out.Wake(p.now.Add(pass.Recheck))
	return p.needsPerson() || !p.out.Held() && !p.now.Before(p.commitBy())
}

// needsPerson: it was seen that trying again does not help.
func (p *plan) needsPerson() bool {
	switch p.out.Reason(strategyv1.ConditionCommitted) {
	case strategyv1.ReasonRepositoryInvalid, strategyv1.ReasonPushRefused, strategyv1.ReasonFileDiffers:
		return true
	}
	return false
}
