package rollback

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/record"
)

// maxReapplies is how often edits of one approval are written again. More would be a war of two writers, each of which restarts the scheduler.
const maxReapplies = 3

// putBack is what a GitOps controller put back and the operator may write again.
type putBack struct {
	path  string    // the first one
	count int32     // of the write that is to come
	at    time.Time // not before
	asked bool      // the writer was told
}

// seePutBack is what may be written again; nil: nothing was put back, or a person has to look at it.
func (p *plan) seePutBack() *putBack {
	writer := p.seen.Config.Writer
	if !p.mayReapply() || writer == nil || !gitops.IsController(writer.Manager) {
		return nil
	}
	holder := p.holder()
	count := max(holder.Reapplied, min(p.next.Config.Reapplies, holder.Reapplied+1))
	asked := count > holder.Reapplied
	if !asked {
		count++
	}
	if count > maxReapplies {
		return nil
	}
	paths, _ := record.PutBack(p.seen.Config.Document, p.seen.Config.State, p.uid())
	_, _, refusal := record.Reapply(p.seen.Config.Document, p.seen.Config.State, record.Claim{UID: p.uid(), Name: p.seen.Rollback.Name, Reapplies: count}, p.now)
	if len(paths) == 0 || refusal != nil {
		return nil
	}
	return &putBack{paths[0], count, p.reapplyTime(holder.Since, count), asked}
}

// mayReapply: the edits were agreed to be written again, are in the record, and nothing is over.
func (p *plan) mayReapply() bool {
	if !p.coexists() || p.phase() != inForce || !p.written() || p.blind() != nil || p.seen.Config.Document == nil {
		return false
	}
	if p.out.Reason(strategyv1.ConditionApplied) == strategyv1.ReasonOverwritten { // somebody wanted it so, whoever applied it since
		return false
	}
	until := p.until()
	over := !until.IsZero() && !p.now.Before(until)
	return !over && !meta.IsStatusConditionFalse(p.next.Conditions, strategyv1.ConditionInEffect) // it never came into effect, or it ended
}

// coexists: what was approved is to be written again where a tool puts back what was there before.
func (p *plan) coexists() bool {
	if p.next.Plan == nil || p.next.Plan.GitOps == nil || p.isDrill() {
		return false
	}
	mode := p.next.Plan.GitOps.Mode
	return mode == strategyv1.GitOpsCoexist || mode == strategyv1.GitOpsWriteBack
}

// reapplyTime: the first one is written at once, and each later one has a longer pause after the one before it.
func (p *plan) reapplyTime(since time.Time, count int32) time.Time {
	wait := time.Duration(0)
	switch count {
	case 2:
		wait = p.seen.Pauses.Reapply
	case 3:
		wait = 5 * p.seen.Pauses.Reapply
	}
	at := since.Add(wait)
	if latest := p.now.Add(wait); at.After(latest) { // the clock was set back since
		return latest
	}
	return at
}

func (p *plan) putBackWords(back putBack) string {
	return fmt.Sprintf("%q put back what %s held before the edit; the edits are written again at %s (%d of at most %d times)",
		p.seen.Config.Writer.Manager, back.path, rfc3339(back.at), back.count, maxReapplies)
}

// reapply asks the writer for the edits once more, after the log says so. It looks at nothing else meanwhile: there is nothing to prove.
func (p *plan) reapply() pass.Outcome {
	back := p.seePutBack()
	if back == nil {
		return pass.GoOn
	}
	p.asks = strategyv1.WhoMachine
	p.out.Working(strategyv1.ReasonPutBack, p.putBackWords(*back))
	switch {
	case back.asked:
		p.out.Wake(p.now.Add(pass.Recheck))
	case p.now.Before(back.at):
		p.out.Wake(back.at)
	case !p.out.Logged():
		p.out.AwaitLog()
	default:
		p.next.Config.Reapplies = back.count
		p.out.Wake(p.now.Add(pass.Recheck))
	}
	return pass.Ends
}

// seeWaiting says that edits were put back and will be written again. What the scheduler started on meanwhile is told: it is not in effect there.
func (p *plan) seeWaiting(back putBack) {
	message := p.putBackWords(back)
	if p.out.Message(strategyv1.ConditionApplied) != message {
		p.out.NoteRepeated(strategyv1.EventConfigChange, message)
	}
	p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonPutBack, message)
	if started := p.startedWhileIn(); started != "" {
		p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonPutBack,
			fmt.Sprintf("the change was in effect, and since then it was put back and %s: nobody knows what the scheduler has in force", started))
	}
}

// seeStandAgain: what was put back stands again. A scheduler that did not start meanwhile has had the change all along; one that did is asked anew,
// where it can be.
func (p *plan) seeStandAgain() {
	if p.out.Reason(strategyv1.ConditionApplied) != strategyv1.ReasonPutBack || !p.written() || p.seen.Config.Document == nil {
		return
	}
	message := "the configuration holds the edits again"
	started := p.startedWhileIn()
	doubted := p.out.Reason(strategyv1.ConditionInEffect) == strategyv1.ReasonPutBack
	switch {
	case p.unseenPods != nil:
		p.out.Wake(p.now.Add(p.unseenPods.Retry))
		return
	case started == "" && !doubted:
	case p.provesRunning():
		message += "; the scheduler was started meanwhile, and is asked what it has in force"
		p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonPutBack, message)
		p.forgetProof()
	default:
		message += "; the scheduler was started meanwhile, and nobody can ask it what it has in force"
		p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonOverwritten, message)
	}
	p.out.NoteRepeated(strategyv1.EventConfigChange, message)
	p.out.Set(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits")
}

// startedWhileIn says what of the scheduler started since the change came into effect; empty: nothing did, or it was not in effect. A container may
// start again in its pod, which nothing tells.
func (p *plan) startedWhileIn() string {
	if !p.out.Is(strategyv1.ConditionInEffect) || p.isDrill() || p.blind() != nil {
		return ""
	}
	p.out.Wake(p.now.Add(pass.Recheck))
	return p.startedSince()
}
