package rollback

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/record"
)

// start freezes the playbook, and the cause that the change is made for: an incident that is reopened forgets it.
func (p *plan) start() {
	if p.next.PlaybookRevision != "" || p.hasEnded() || p.isDeleted() || p.problem() != nil {
		return
	}
	p.next.PlaybookRevision = p.seen.Playbook.Revision
	if incident := p.seen.Incident; incident != nil {
		p.next.Cause = incident.Status.Cause.DeepCopy()
	}
	if incident := p.seen.Incident; incident != nil && incident.Status.PlaybookRevision == p.next.PlaybookRevision {
		p.next.AdoptedChecks = incident.Status.AdoptedChecks.DeepCopy()
	}
	p.out.StartLog()
}

// seeWritten keeps that edits of this rollback were in the configuration. The record there is the only proof, and it is gone when they
// are undone.
func (p *plan) seeWritten() {
	holder := p.holder()
	if holder == nil { // the record may have been changed before anybody saw it
		holder = p.lost()
	}
	if holder == nil || p.next.Config == nil {
		return
	}
	p.next.Config.Receipts = record.Seen(p.next.Config.Receipts, holder.Receipt())
	p.next.Config.WrittenRevision = max(p.next.Config.WrittenRevision, holder.Revision)
	if p.next.Config.WrittenTime == nil {
		p.next.Config.WrittenTime = new(p.out.Stamp())
	}
}

// holdBack: of a playbook on hold nothing new is started. One that is gone may have been on hold: what was claimed before goes on, so that it
// can be undone, and nothing else is begun.
func (p *plan) holdBack() {
	if !p.running() {
		return
	}
	hold := p.seen.Playbook.Hold
	if hold == nil || hold.Reason == strategyv1.ReasonPlaybookGone && p.claimed() != "" {
		p.out.Resume()
		return
	}
	p.out.Hold(*hold, hold.Message+": nothing is written, restarted, checked or restored; what is in force stays in force, and the strategies go on trading. "+hold.Ends)
}

// resumed is when new effects were allowed again; zero if they always were. What could not happen before is not late.
func (p *plan) resumed() time.Time {
	if conditions.Reason(p.next.Conditions, strategyv1.ConditionOnHold) != strategyv1.ReasonReleased {
		return time.Time{}
	}
	return conditions.Since(p.next.Conditions, strategyv1.ConditionOnHold)
}

// collect takes up what ended Jobs tell, of any stage: evidence is kept even when the procedure has moved on.
func (p *plan) collect() {
	if p.running() {
		p.out.Collect(checks.Collect(p.seen.Playbook.Spec.Checks, p.next.Checks, p.seen.Runs.Jobs, p.verdictVars()))
	}
}

// denied ends a rollback of which nothing is written. Its claim is taken back: should the writer write in this very moment, the rule of
// what has ended releases it.
func (p *plan) denied() {
	if p.hasEnded() || p.isDeleted() || !p.deniable() {
		return
	}
	denied := decide.First(decide.Newest(p.seen.Decided, strategyv1.DecisionDeny))
	if denied == nil {
		return
	}
	if p.claimed() != "" {
		p.unclaim()
	}
	message := decide.Because("denied", *denied)
	p.next.Decision = decide.Reference(*denied)
	p.end(strategyv1.EndDenied)
	p.out.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonDenied, message)
	p.out.Note(strategyv1.EventDenied, message, denied.By)
	p.out.Honour(*denied)
	p.out.Stall(strategyv1.ReasonDenied, message+". Nothing was changed")
}

// deniable: nothing was written, as far as anybody can see. Where the configuration cannot be read a claim may have been written.
func (p *plan) deniable() bool {
	switch p.claimed() {
	case "":
		return p.next.Restore == nil
	case strategyv1.ClaimHold:
		return p.next.Restore == nil && p.seen.Config.Problem == nil && p.holder() == nil && !lifecycle.Changed(p.next)
	}
	return false
}

// answerRest says of the decisions that no rule took up why they never will be; the others wait for their moment.
func (p *plan) answerRest() {
	for _, decided := range p.out.Unanswered() {
		if why := p.tooLate(decided); why != "" {
			p.out.Refuse(decided, why)
		}
	}
}

// tooLate says why a decision cannot count any more; empty: it may.
func (p *plan) tooLate(decided facts.Decided) string {
	name, namespace := p.seen.Rollback.Name, p.seen.Rollback.Namespace
	approved := p.out.Is(strategyv1.ConditionApproved)
	bound := decided.Verdict == strategyv1.DecisionApprove || decided.Verdict == strategyv1.DecisionOverride || decided.Verdict == strategyv1.DecisionRenew
	switch {
	case p.hasEnded():
		return fmt.Sprintf("the rollback has ended (%s): %s", p.next.End.How, p.out.Message(strategyv1.ConditionReady))
	case p.deaf(decided.Verdict):
		return "the rollback is being deleted"
	case decided.Verdict == strategyv1.DecisionApprove && approved:
		return "it is approved already: " + p.out.Message(strategyv1.ConditionApproved)
	case bound && p.next.Plan != nil && decided.Digest != p.next.Plan.Digest:
		return decide.NamesPlan(p.next.Plan.Digest, "decide again")(decided)
	case decided.Verdict == strategyv1.DecisionDeny && p.written():
		return fmt.Sprintf("it is applied already. To undo it: kubectl strategy restore %s -n %s", name, namespace)
	case decided.Verdict == strategyv1.DecisionRenew && p.next.Plan != nil && p.until().IsZero():
		return "it has no time box: it stays until somebody restores it"
	}
	return ""
}

// end is the last thing that happens to a rollback; nothing takes it back.
func (p *plan) end(how strategyv1.Ending) {
	p.next.End = &strategyv1.RollbackEnd{How: how, Time: p.out.Stamp()}
	p.out.Over()
}

func (p *plan) hasEnded() bool { return lifecycle.Ended(p.next) }

// ended: only Jobs that are still there are removed, and the finalizer. What a write that was on its way left in the
// configuration is undone first.
func (p *plan) ended() pass.Outcome {
	p.out.DeleteJobs(p.seen.Runs.Jobs)
	if p.holder() != nil {
		if p.claimed() != strategyv1.ClaimRelease {
			p.ask(strategyv1.ClaimRelease)
		}
		return pass.Ends
	}
	readable := p.seen.NotServed == nil && p.seen.Log.Problem == nil
	switch {
	case readable && p.out.Logged(), !readable && p.isDeleted():
		p.letGo(false)
	case p.isDeleted(): // the log can be read, and maybe not be written
		if due := p.seen.Rollback.DeletionTimestamp.Add(p.seen.Pauses.Deletion); p.now.Before(due) {
			p.out.Wake(due)
		} else {
			p.letGo(true)
		}
	case !readable:
		p.out.Wake(p.now.Add(pass.Recheck)) // the last entry is not lost when the key is gone for a while
	}
	return pass.Ends
}
