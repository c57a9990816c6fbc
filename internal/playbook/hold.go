package playbook

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/subject"
	"tradeops.dev/strategy-operator/internal/timeline"
)

// HoldOf is why nothing new is started for what runs on a playbook; nil: it is not on hold. A playbook that is not there (nil) may have been
// on hold, and is so until it is made again.
func HoldOf(playbook *strategyv1.StrategyPlaybook, namespace, name string) *facts.Hold {
	switch {
	case playbook == nil:
		return &facts.Hold{
			Reason: strategyv1.ReasonPlaybookGone, Message: fmt.Sprintf("StrategyPlaybook %s does not exist any more", name),
			Ends: "To go on, create it again",
		}
	case playbook.Status.Hold != nil:
		return &facts.Hold{
			Reason: strategyv1.ReasonPlaybookHeld, By: playbook.Status.Hold.By,
			Message: fmt.Sprintf("StrategyPlaybook %s is on hold%s", name, decide.HeldBy(*playbook.Status.Hold)),
			Ends:    fmt.Sprintf("To go on: kubectl strategy release playbook/%s -n %s", name, namespace),
		}
	case playbook.Spec.Suspend:
		return &facts.Hold{
			Reason: strategyv1.ReasonPlaybookSuspended, Message: fmt.Sprintf("StrategyPlaybook %s is on hold by spec.suspend", name),
			Ends: "To go on, set it to false where the playbook comes from",
		}
	}
	return nil
}

// heldByPeople takes up holds, at once, and releases that are known to be by whom they say, once they can be logged: others act on a
// release as soon as it stands in the status.
func (p *plan) heldByPeople() {
	p.heldBefore()
	for _, decided := range p.out.Unanswered() {
		switch decided.Verdict {
		case strategyv1.DecisionHold:
			p.next.Hold = decide.Hold(decided)
			message := decide.Because("put on hold", decided)
			p.note(strategyv1.EventOnHold, message, decided.By)
			p.out.Tell(corev1.EventTypeWarning, strategyv1.ConditionOnHold, message)
			p.out.Honour(decided)
		case strategyv1.DecisionRelease:
			p.released(decided)
		}
	}
}

// heldBefore: a playbook that was deleted and made again under its name, or whose status was lost, is on hold as it was.
func (p *plan) heldBefore() {
	if p.next.Hold != nil || p.seen.Playbook.Status.Log != nil { // the log of this pass may be begun already, for what is not answered yet
		return
	}
	for _, decided := range slices.Backward(p.seen.Decided) {
		switch {
		case decided.Outcome != strategyv1.OutcomeHonoured:
		case decided.Verdict == strategyv1.DecisionHold:
			p.next.Hold = decide.Hold(decided)
			p.note(strategyv1.EventOnHold, decide.Because("still on hold", decided), decided.By)
			return
		case decided.Verdict == strategyv1.DecisionRelease:
			return
		}
	}
}

func (p *plan) released(decided facts.Decided) {
	known, void, pause := decide.Vouched(p.seen.Identity, decided, "release again")
	switch {
	case p.next.Hold == nil:
		p.out.Refuse(decided, decide.NotHeld("playbook", nil, p.seen.Playbook.Spec.Suspend))
	case decided.Time.Before(&p.next.Hold.Time):
		p.out.Refuse(decided, decide.HeldSince(*p.next.Hold))
	case void != "":
		p.out.Void(decided, void)
	case !known: // it may count yet
		p.out.Wake(p.now.Add(cmp.Or(pause, pass.Recheck)))
	case p.seen.Log.Problem != nil:
		p.out.Wake(p.now.Add(cmp.Or(p.seen.Log.Problem.Retry, pass.Recheck)))
	default:
		p.next.Hold = nil
		message := decide.Because("released", decided)
		p.note(strategyv1.EventReleased, message, decided.By)
		p.out.Tell(corev1.EventTypeNormal, strategyv1.ReasonReleased, message)
		p.out.Honour(decided)
	}
}

func (p *plan) note(event strategyv1.Event, message, by string) {
	p.startLog()
	p.out.Note(event, message, by)
}

// startLog: a playbook has a log from the first decision on.
func (p *plan) startLog() {
	if p.next.Log == nil && p.seen.Log.Problem == nil {
		p.out.StartLog()
	}
}

// showHold tells whether the playbook is on hold, and what that means.
func (p *plan) showHold() {
	shown := p.seen.Playbook.DeepCopy()
	shown.Status = p.next
	hold := HoldOf(shown, shown.Namespace, shown.Name)
	if hold != nil {
		p.out.Set(strategyv1.ConditionOnHold, metav1.ConditionTrue, hold.Reason, hold.Message+
			": no Job, edit, restart or restore is started for this playbook. What is in force stays in force, the strategies go on trading, deadlines and records go on. "+hold.Ends)
		return
	}
	if p.out.Reason(strategyv1.ConditionOnHold) != "" {
		p.out.Set(strategyv1.ConditionOnHold, metav1.ConditionFalse, strategyv1.ReasonReleased, "new effects are allowed")
	}
}

// subject is what each entry of the playbook's log says about it.
func (p *plan) subject() timeline.Subject {
	playbook := p.seen.Playbook
	return timeline.Subject{
		UID: string(playbook.UID), Kind: "playbook", Severity: "warning", Tags: []string{"playbook"},
		Artefacts: map[string]string{"playbook": playbook.Namespace + "/" + playbook.Name},
		Metadata:  subject.Metadata(playbook.Name, playbook.CreationTimestamp, p.seen.Config.Summary, ""),
	}
}
