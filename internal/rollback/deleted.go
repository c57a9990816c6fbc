package rollback

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// unfinalized: without the finalizer nothing of it was ever written, and nothing keeps it.
func (p *plan) unfinalized() pass.Outcome { return pass.Outcome(!p.finalized()) }

// deletionHeld: undoing the edits of a deleted rollback waits, too. Leaving them to people does not: it changes nothing.
func (p *plan) deletionHeld() pass.Outcome {
	if !p.out.Held() || p.seen.Rollback.Spec.DeletionPolicy != strategyv1.DeletionRestore || p.claimed() == "" {
		return pass.GoOn
	}
	p.out.Stall(p.out.Reason(strategyv1.ConditionOnHold), "deleted with deletionPolicy Restore: the edits are undone when the playbook is released. "+p.out.Message(strategyv1.ConditionOnHold))
	return pass.Ends
}

// hopeless lets go of what the operator can do nothing about.
func (p *plan) hopeless() pass.Outcome {
	switch {
	case p.seen.NotServed != nil && p.seen.NotServed.Lost && p.claimed() != "":
		p.out.Blocked(*p.seen.NotServed) // its edits may be in the configuration, and the right may come back
	case p.seen.NotServed != nil:
		p.leave("the operator no longer serves this namespace")
	case p.seen.Config.Gone:
		p.leave("the configuration is gone")
	case p.overdue():
		p.leave("it took too long: " + p.out.Message(strategyv1.ConditionReady))
	default:
		return pass.GoOn
	}
	return pass.Ends
}

// finishDeleted leaves the edits to people, or undoes them, as the policy says. Where the gate was being asked and cannot be now, the time for the
// deletion begins anew: how long the gate took is not the fault of what is wrong now, and that may be over in the next pass.
func (p *plan) finishDeleted() pass.Outcome {
	asked := p.gateAsked()
	p.finishes()
	if asked && !p.gateAsked() && !p.releasing() && p.next.Restore.Result == "" {
		p.next.Restore.RequestedTime = p.out.Stamp()
	}
	return pass.Ends
}

func (p *plan) finishes() {
	switch {
	case p.unseen() && p.seen.Rollback.Spec.DeletionPolicy == strategyv1.DeletionRestore:
		p.requestDeletion()
		p.out.Blocked(*p.seen.Config.Problem)
	case p.unseen():
		p.retain()
	case p.lost() != nil && p.seen.Rollback.Spec.DeletionPolicy != strategyv1.DeletionRestore:
		p.leave("deleted with deletionPolicy Retain, and the record of the edits is gone or was changed by somebody else")
	case p.claimed() == strategyv1.ClaimHold && !p.stands():
		p.ask(strategyv1.ClaimRelease) // or the writer may still write it when the object is gone
		p.out.Working(strategyv1.ReasonRestoring, "deleted before anything was changed")
		p.out.Wake(p.now)
	case p.stray() == pass.Ends:
	case !p.stands() && p.claimed() != strategyv1.ClaimRelease:
		p.leave("")
	case p.seen.Rollback.Spec.DeletionPolicy == strategyv1.DeletionRestore:
		p.restoreDeleted()
	case p.holder() == nil:
		p.leave("the edits were undone, but nobody waited for the scheduler to run without them")
	default:
		p.retain()
	}
}

// unseen: there may be edits, but the configuration cannot be read.
func (p *plan) unseen() bool {
	return p.seen.Config.Problem != nil && p.claimed() != ""
}

// overdue counts from when the operator took the deletion up: it may have been away before. The gate takes its own time, and so does whoever
// is asked to lift it.
func (p *plan) overdue() bool {
	p.takeUp()
	since := p.now
	switch {
	case p.gateAsked():
		return false
	case p.undoesDeleted():
		since = p.next.Restore.RequestedTime.Time
		if allowed := p.next.Restore.AllowedTime; allowed != nil && allowed.After(since) {
			since = allowed.Time
		}
		if asked := p.next.WriteBack; asked != nil && asked.Change == strategyv1.WriteBackUndone && p.commitBy().After(since) { // Git has its own time
			since = p.commitBy()
		}
	case p.claimed() == strategyv1.ClaimForget, p.claimed() == strategyv1.ClaimRelease && p.next.Restore == nil:
		since = p.next.Config.ClaimedTime.Time
	}
	if resumed := p.resumed(); resumed.After(since) { // until then it had to wait
		since = resumed
	}
	deadline := since.Add(p.seen.Pauses.Deletion + time.Duration(p.seen.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds)*time.Second)
	p.out.Wake(deadline)
	return !p.now.Before(deadline)
}

// undoesDeleted: the newest request to undo the change is that of its deletion, or of whoever lifted the gate for it.
func (p *plan) undoesDeleted() bool {
	return p.next.Restore != nil && (p.next.Restore.Request == requestDeletion || p.overridden() && p.next.Restore.Result == "")
}

// gateAsked: a deleted rollback waits for the checks of its gate, or for somebody because of it.
func (p *plan) gateAsked() bool {
	if !p.undoesDeleted() || p.seen.Rollback.Spec.DeletionPolicy != strategyv1.DeletionRestore {
		return false
	}
	return lifecycle.GateFailed(p.next) || !p.releasing() && p.out.Reason(strategyv1.ConditionReady) == strategyv1.ReasonCheckingRestore
}

// takeUp begins the time of a deletion anew when a right came back that was lost meanwhile.
func (p *plan) takeUp() {
	if p.out.Reason(strategyv1.ConditionReady) != strategyv1.ReasonNamespaceNotServed {
		return
	}
	if p.next.Restore != nil {
		p.next.Restore.RequestedTime = p.out.Stamp()
	}
	if p.claimed() != "" {
		p.next.Config.ClaimedTime = new(p.out.Stamp())
	}
}

// retain asks the writer to drop its record: the edits are people's from then on.
func (p *plan) retain() {
	message := "deleted with deletionPolicy Retain: the edits stay in the configuration, and nobody undoes them: " + p.summary()
	if others := p.sharedWith(); len(others) > 0 {
		message += ". Other rollbacks hold some of them, too, and undo those in the end: " + strings.Join(others, ", ")
	}
	message += p.inGit() + p.ignored()
	if p.claimed() != strategyv1.ClaimForget {
		p.out.Note(strategyv1.EventRetained, message, "")
		p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonRetained, message)
		p.ask(strategyv1.ClaimForget)
	}
	p.out.Working(strategyv1.ReasonRetained, message)
}

// ignored is a sentence about Argo CD, which may be set up to leave the document alone while the operator's edits are in it, and these stay; empty: something
// else applies it. To hand the document over here would have Argo CD undo what is to stay.
func (p *plan) ignored() string {
	if owner := p.seen.Config.Owner; owner == nil || owner.Kind != strategyv1.OwnerApplication {
		return ""
	}
	return fmt.Sprintf(". Where Argo CD leaves alone what %s has, it goes on with that, and no commit of the document arrives. To have it apply what Git says again: "+
		`kubectl patch configmap %s -n %s --type=merge -p '{"metadata":{"managedFields":[{}]}}'`, gitops.EditManager, p.next.Config.ConfigMapName, p.seen.Rollback.Namespace)
}

// restoreDeleted undoes the edits and restarts the scheduler, through the gate of a restore: deleting is no way around it. Where the gate does
// not hold, or nobody can ask it, the object waits for somebody.
func (p *plan) restoreDeleted() {
	p.requestDeletion()
	p.askedAgain()
	if lifecycle.GateFailed(p.next) {
		p.out.Stall(p.out.Reason(strategyv1.ConditionRestored), p.out.Message(strategyv1.ConditionRestored))
		return
	}
	if p.seen.Playbook.Problem != nil {
		p.restoreUnread()
		return
	}
	if problem := p.problem(); problem != nil && p.claimed() != strategyv1.ClaimRelease {
		p.out.Blocked(*problem)
		return
	}
	if p.next.Restore.Result == strategyv1.RestoreNotInEffect {
		p.leave(p.out.Message(strategyv1.ConditionRestored))
		return
	}
	p.restoring()
}

// restoreUnread undoes the edits of a rollback whose playbook cannot be read: nobody knows its gate, so somebody has to say so; nor what to
// restart.
func (p *plan) restoreUnread() {
	switch {
	case p.claimed() == strategyv1.ClaimRelease && p.holder() == nil:
		p.leave("the edits were undone, but the scheduler was not restarted: " + p.seen.Playbook.Problem.Message)
	case p.claimed() == strategyv1.ClaimRelease:
	case !p.overridden() && !p.reverts():
		p.gateFailed("nobody can ask the gate: " + p.seen.Playbook.Problem.Message)
	default:
		p.out.Note(strategyv1.EventConfigChange, "deleted with deletionPolicy Restore: undoing the edits. "+p.seen.Playbook.Problem.Message+p.inGit(), p.next.Restore.By)
		p.ask(strategyv1.ClaimRelease)
	}
}

// requestDeletion asks for the restore, once.
func (p *plan) requestDeletion() {
	if !p.undoesDeleted() {
		p.request(requestDeletion, "")
	}
}

// askedAgain takes up what people decide while a deletion waits for its gate: to lift it, or to ask it once more.
func (p *plan) askedAgain() {
	p.gateOverridden()
	if !lifecycle.GateFailed(p.next) {
		return
	}
	if again := p.newRestore(); again != nil && p.vouchedFor(*again) == "" {
		p.request(requestDeletion, again.By)
		p.out.Honour(*again)
	}
}

// letGoHelp is how a deleted rollback goes without being undone.
func (p *plan) letGoHelp() string {
	return fmt.Sprintf(". To let it go and leave the edits in the configuration, where nobody undoes them: kubectl patch strategyrollback %s -n %s --type=merge -p '{\"spec\":{\"deletionPolicy\":\"Retain\"}}'",
		p.seen.Rollback.Name, p.seen.Rollback.Namespace)
}

// deaf: of decisions about a deleted rollback only those count that lift its gate, or ask it again, while it is asked or failed.
func (p *plan) deaf(verdict strategyv1.DecisionVerdict) bool {
	heard := p.gateAsked() && (verdict == strategyv1.DecisionOverride || verdict == strategyv1.DecisionRestore)
	return p.isDeleted() && !heard
}

// leave lets the object go and says once what was not done, if anything.
func (p *plan) leave(undone string) {
	p.letGo(undone != "")
	if n := len(p.next.Timeline); undone == "" || n > 0 && p.next.Timeline[n-1].Event == strategyv1.EventLeft {
		return
	}
	switch {
	case p.stands():
		undone = "deleted, but the edits are still in the configuration: " + undone
	case !p.seen.Config.Gone && (p.unseen() || p.seen.NotServed != nil && p.claimed() != ""):
		undone = "deleted, and nobody knows whether the edits are still in the configuration: " + undone
	}
	undone += p.inGit()
	p.out.Note(strategyv1.EventLeft, undone, "")
	p.out.Stall(strategyv1.ReasonRetained, undone)
}

// letGo takes the finalizer off; anyway: also when the log cannot be written, since nothing more is waited for.
func (p *plan) letGo(anyway bool) { p.setFinalizer(false, anyway) }

func (p *plan) finalized() bool {
	return slices.Contains(p.seen.Rollback.Finalizers, strategyv1.Finalizer)
}

// setFinalizer says whether the finalizer has to be changed first.
func (p *plan) setFinalizer(present, anyway bool) bool {
	if p.finalized() == present {
		return false
	}
	finalizers := slices.DeleteFunc(slices.Clone(p.seen.Rollback.Finalizers), func(name string) bool { return name == strategyv1.Finalizer })
	if present {
		finalizers = append(finalizers, strategyv1.Finalizer)
	}
	p.out.SetFinalizers(action.SetFinalizers{
		Key:        types.NamespacedName{Namespace: p.seen.Rollback.Namespace, Name: p.seen.Rollback.Name},
		Finalizers: finalizers, Anyway: anyway,
	})
	return true
}
