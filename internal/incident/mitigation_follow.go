package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// maxRollbacks is how many rollbacks stay in the status.
const maxRollbacks = 16

// seeRollbacks records the rollbacks as they are, whatever else is wrong: who closes an incident counts what reached the configuration. One
// that is gone stays as it was last seen: it must not be asked for again, and what it left must be told.
func (p *plan) seeRollbacks() {
	if !p.started() {
		return
	}
	for _, rollback := range p.current() {
		p.see(&rollback)
	}
	for i := range p.next.Rollbacks {
		if known := &p.next.Rollbacks[i]; !p.exists(known.UID) {
			p.seeLeft(known)
		}
	}
	p.containedNoMore()
	for len(p.next.Rollbacks) > maxRollbacks { // the oldest go first, but those that left something last
		at := slices.IndexFunc(p.next.Rollbacks, func(r strategyv1.IncidentRollback) bool { return len(r.Edits) == 0 })
		p.next.Rollbacks = slices.Delete(p.next.Rollbacks, max(0, at), max(0, at)+1)
	}
}

// see records one rollback. Another one of its name that is gone keeps its own entry: what that left is not this one's.
func (p *plan) see(rollback *strategyv1.StrategyRollback) {
	uid := string(rollback.UID)
	at := slices.IndexFunc(p.next.Rollbacks, func(r strategyv1.IncidentRollback) bool { return r.UID == uid })
	if at < 0 {
		p.next.Rollbacks = append(p.next.Rollbacks, strategyv1.IncidentRollback{Name: rollback.Name, UID: uid})
		at = len(p.next.Rollbacks) - 1
	}
	known := &p.next.Rollbacks[at]
	before := *known
	*known = strategyv1.IncidentRollback{
		Name: rollback.Name, UID: uid, Remediation: rollback.Spec.RemediationName, Round: p.next.Round,
		Status: conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady), WrittenTime: before.WrittenTime,
	}
	if lifecycle.Changed(rollback.Status) {
		known.WrittenTime = rollback.Status.Config.WrittenTime
	}
	known.Edits, known.EditTotal = p.inForce(rollback, before)
	if lifecycle.Claim(rollback.Status) == strategyv1.ClaimForget {
		known.LeftTime = before.LeftTime
		p.seeLeft(known)
	}
}

func (p *plan) exists(uid string) bool {
	return slices.ContainsFunc(p.seen.Rollbacks, func(r strategyv1.StrategyRollback) bool { return string(r.UID) == uid })
}

// mitigate follows the rollbacks: contained while one is verified, recovering when it was restored.
func (p *plan) mitigate() pass.Outcome {
	current := p.currentRollback()
	reason := conditions.Reason(current.Status.Conditions, strategyv1.ConditionReady)
	message := fmt.Sprintf("rollback %s: %s", current.Name, orElse(conditions.Message(current.Status.Conditions, strategyv1.ConditionReady), "not seen by its controller yet"))
	if refusal := p.out.LastRefusal(); refusal != "" {
		message += ". " + refusal
	}
	verified, restored := lifecycle.Contains(current.Status), lifecycle.EndedAs(current.Status, strategyv1.EndRestored)
	if verified {
		p.contained(current)
	} else if conditions.True(current.Status.Conditions, strategyv1.ConditionVerified) {
		p.wasContained() // it was in effect, and nobody looked then
	}
	if current.Status.WaitsFor == strategyv1.WhoApprover {
		p.turnOf(strategyv1.WhoApprover, timeOf(current.Status.DueTime))
	}
	left := p.left()
	if !restored || left != "" {
		p.next.RestoredTime = nil
	}
	if restored {
		p.restored(current, message, left)
		return pass.Ends
	}
	switch {
	case conditions.True(current.Status.Conditions, strategyv1.ConditionStalled) || lifecycle.Ended(current.Status):
		if !verified {
			p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, orElse(reason, strategyv1.ReasonMitigating), message)
		}
		p.out.Stall(strategyv1.ReasonNeedsPerson, message)
	case verified:
		p.turnOf(strategyv1.WhoNobody, timeOf(current.Status.DueTime))
		p.out.Working(strategyv1.ReasonContained, message)
	default:
		p.out.Working(strategyv1.ReasonMitigating, message)
	}
	return pass.Ends
}

// restored: the change is undone. The incident recovers if that had contained it, and nothing else is left in force.
func (p *plan) restored(current strategyv1.StrategyRollback, message, left string) {
	switch {
	case left != "": // of another rollback
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonRetained, left+". "+p.putBack())
		p.out.Stall(strategyv1.ReasonNeedsPerson, message+"; but "+left+". "+p.putBack())
	case p.next.ContainedTime != nil:
		p.recover(message, conditions.Since(current.Status.Conditions, strategyv1.ConditionRestored))
	default: // undone is not fixed
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonRestored, message)
		p.out.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("%s; it was undone and never contained the incident, so nothing says that the fault is gone. Apply a StrategyRollback with spec.incidentName %s, or %s",
			message, p.seen.Incident.Name, commandTo(p.seen.Incident, "resolve")))
	}
}

// currentRollback is the newest that has not ended, else the newest that was restored, else the newest.
func (p *plan) currentRollback() strategyv1.StrategyRollback {
	rank := func(r strategyv1.StrategyRollback) int {
		switch {
		case !lifecycle.Ended(r.Status):
			return 2
		case lifecycle.EndedAs(r.Status, strategyv1.EndRestored):
			return 1
		}
		return 0
	}
	all := p.current()
	best := all[0]
	for _, rollback := range all[1:] {
		if rank(rollback) >= rank(best) {
			best = rollback
		}
	}
	return best
}

func (p *plan) contained(rollback strategyv1.StrategyRollback) {
	message := fmt.Sprintf("rollback %s is in effect and verified", rollback.Name)
	if rollback.Status.Plan != nil && rollback.Status.Plan.Until != nil {
		message += " until " + rollback.Status.Plan.Until.UTC().Format(time.RFC3339)
	}
	if !p.out.Is(strategyv1.ConditionContained) {
		p.out.Note(strategyv1.EventContained, message, "")
		p.tellFeedSwitched(rollback, message)
	}
	p.wasContained()
	p.out.Set(strategyv1.ConditionContained, metav1.ConditionTrue, strategyv1.ReasonVerified, message)
}

// wasContained remembers since when, for the recovery.
func (p *plan) wasContained() {
	if p.next.ContainedTime == nil {
		p.next.ContainedTime = new(p.out.Stamp())
	}
}

// leftInEffect says what closing an incident does not undo, and what becomes of a change that is still to come.
func (p *plan) leftInEffect() string {
	var applied, applying, withdrawn, waiting []string
	for _, rollback := range p.seen.Rollbacks {
		status := rollback.Status
		undone := meta.IsStatusConditionFalse(status.Conditions, strategyv1.ConditionApplied)
		switch {
		case lifecycle.Ended(status), lifecycle.Changed(status) && undone:
		case lifecycle.Changed(status): // where nobody can see it now, it may
			applied = append(applied, rollback.Name)
		case lifecycle.Claim(status) != "":
			applying = append(applying, rollback.Name)
		case rollback.Spec.IncidentUID != "":
			withdrawn = append(withdrawn, rollback.Name)
		default:
			waiting = append(waiting, rollback.Name)
		}
	}
	text := ""
	for _, one := range []struct {
		names []string
		what  string
	}{
		{applied, "stays applied until it is restored"},
		{applying, "is being applied, and stays so until it is restored"},
		{withdrawn, "has changed nothing yet and is withdrawn"},
		{waiting, "was asked for by somebody, has changed nothing yet, and goes on: to end it, deny or delete it"},
	} {
		if len(one.names) > 0 {
			text += fmt.Sprintf("; rollback %s %s", strings.Join(one.names, ", "), one.what)
		}
	}
	if left := p.left(); left != "" {
		text += "; " + left
	}
	return text
}
