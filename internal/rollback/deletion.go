package rollback

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
)

// deletionPatience is how long a deletion may take beyond the rollout's time-out: whatever stands in its way then, the
// object goes.
const deletionPatience = 2 * time.Minute

// deleted lets go of a rollback: its edits stay for good (Retain), or are undone first (Restore). Nothing may keep it
// from ending: what cannot be done in time is told, and left.
func (p *plan) deleted() bool {
	if p.Rollback.DeletionTimestamp.IsZero() {
		return false
	}
	if p.hasEnded() {
		return false // like any other that has ended
	}
	if p.finalized() && !p.deletionHeld() && !p.hopeless() {
		p.finishDeleted()
	}
	return true
}

// hopeless lets go of what the operator can do nothing about.
func (p *plan) hopeless() bool {
	switch {
	case p.NotServed != nil:
		p.leave("the operator no longer serves this namespace")
	case p.Config.Gone:
		p.leave("the configuration is gone")
	case p.overdue():
		p.leave("it took too long: " + p.Message(strategyv1.ConditionReady))
	default:
		return false
	}
	return true
}

// finishDeleted leaves the edits to people, or undoes them, as the policy says.
func (p *plan) finishDeleted() {
	switch {
	case p.unseen() && p.Rollback.Spec.DeletionPolicy == strategyv1.DeletionRestore:
		p.requestDeletion()
		p.Blocked(*p.Config.Problem)
	case p.unseen():
		p.retain()
	case p.claimed() == strategyv1.ClaimHold && p.holder() == nil:
		p.ask(strategyv1.ClaimRelease) // or the writer may still write it when the object is gone
		p.Working(strategyv1.ReasonRestoring, "deleted before anything was changed")
		p.Wake(p.Now)
	case p.stray():
	case p.holder() == nil && p.claimed() != strategyv1.ClaimRelease:
		p.leave("")
	case p.Rollback.Spec.DeletionPolicy == strategyv1.DeletionRestore:
		p.restoreDeleted()
	case p.holder() == nil:
		p.leave("the edits were undone, but nobody waited for the scheduler to run without them")
	default:
		p.retain()
	}
}

// unseen: there may be edits, but the configuration cannot be read.
func (p *plan) unseen() bool {
	return p.Config.Problem != nil && p.claimed() != ""
}

// overdue counts from when the operator took the deletion up: it may have been away before.
func (p *plan) overdue() bool {
	since := p.Now
	switch {
	case p.status.Restore != nil && p.status.Restore.Request == requestDeletion:
		since = p.status.Restore.RequestedTime.Time
	case p.claimed() == strategyv1.ClaimForget, p.claimed() == strategyv1.ClaimRelease && p.status.Restore == nil:
		since = p.status.Config.ClaimedTime.Time
	}
	if resumed := p.resumed(); resumed.After(since) { // until then it had to wait
		since = resumed
	}
	deadline := since.Add(deletionPatience + time.Duration(p.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds)*time.Second)
	p.Wake(deadline)
	return !p.Now.Before(deadline)
}

// retain asks the writer to drop its record: the edits are people's from then on.
func (p *plan) retain() {
	message := "deleted with deletionPolicy Retain: the edits stay in the configuration, and nobody undoes them: " + p.summary()
	if others := p.sharedWith(); len(others) > 0 {
		message += ". Other rollbacks hold some of them, too, and undo those in the end: " + strings.Join(others, ", ")
	}
	if p.claimed() != strategyv1.ClaimForget {
		p.Note(strategyv1.EventRetained, message, "")
		p.ask(strategyv1.ClaimForget)
	}
	p.Working(strategyv1.ReasonRetained, message)
}

// restoreDeleted undoes the edits and restarts the scheduler. There is no gate: whoever deletes has the verb restore.
func (p *plan) restoreDeleted() {
	if p.Playbook.Problem != nil { // nobody knows what to restart
		if p.claimed() != strategyv1.ClaimRelease {
			p.requestDeletion()
			p.Note(strategyv1.EventConfigChange, "deleted with deletionPolicy Restore: undoing the edits. "+p.Playbook.Problem.Message, "")
			p.ask(strategyv1.ClaimRelease)
		}
		if p.holder() == nil {
			p.leave("the edits were undone, but the scheduler was not restarted: " + p.Playbook.Problem.Message)
		}
		return
	}
	p.requestDeletion()
	if problem := p.problem(); problem != nil && p.claimed() != strategyv1.ClaimRelease {
		p.Blocked(*problem)
		return
	}
	if p.status.Restore.Result == strategyv1.RestoreNotInEffect {
		p.leave(p.Message(strategyv1.ConditionRestored))
		return
	}
	p.restoring()
}

// requestDeletion asks for the restore, once.
func (p *plan) requestDeletion() {
	if p.status.Restore == nil || p.status.Restore.Request != requestDeletion {
		p.request(requestDeletion, "")
	}
}

// leave lets the object go and says once what was not done, if anything.
func (p *plan) leave(undone string) {
	p.letGo()
	if n := len(p.status.Timeline); undone == "" || n > 0 && p.status.Timeline[n-1].Event == strategyv1.EventLeft {
		return
	}
	switch {
	case p.holder() != nil:
		undone = "deleted, but the edits are still in the configuration: " + undone
	case !p.Config.Gone && (p.unseen() || p.NotServed != nil && p.claimed() != ""):
		undone = "deleted, and nobody knows whether the edits are still in the configuration: " + undone
	}
	p.Note(strategyv1.EventLeft, undone, "")
	p.Stall(strategyv1.ReasonRetained, undone)
}

func (p *plan) letGo() { p.setFinalizer(false) }

func (p *plan) finalized() bool {
	return slices.Contains(p.Rollback.Finalizers, strategyv1.Finalizer)
}

// setFinalizer says whether the finalizer has to be changed first.
func (p *plan) setFinalizer(present bool) bool {
	if p.finalized() == present {
		return false
	}
	finalizers := slices.DeleteFunc(slices.Clone(p.Rollback.Finalizers), func(name string) bool { return name == strategyv1.Finalizer })
	if present {
		finalizers = append(finalizers, strategyv1.Finalizer)
	}
	p.finalizer = &action.SetFinalizers{
		Key:        types.NamespacedName{Namespace: p.Rollback.Namespace, Name: p.Rollback.Name},
		Finalizers: finalizers,
	}
	return true
}
