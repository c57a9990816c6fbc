package incident

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// decisions about the incident, answered or not, that are newer than the one that reopened it last.
func (p *plan) decisions() []facts.Decided { return p.sinceReopened(p.out.Made()) }

// pending are those that nothing has become of yet, oldest first.
func (p *plan) pending() []facts.Decided { return p.sinceReopened(p.out.Unanswered()) }

func (p *plan) sinceReopened(all []facts.Decided) (newer []facts.Decided) {
	for _, decided := range all {
		if p.next.Reopened == nil || decided.Time.After(p.next.Reopened.Time.Time) {
			newer = append(newer, decided)
		}
	}
	return newer
}

// current are the rollbacks of this round: those that ended before it began are history.
func (p *plan) current() []strategyv1.StrategyRollback {
	if p.next.RoundTime == nil {
		return p.seen.Rollbacks
	}
	var current []strategyv1.StrategyRollback
	for i := range p.seen.Rollbacks {
		if !p.isHistory(&p.seen.Rollbacks[i]) {
			current = append(current, p.seen.Rollbacks[i])
		}
	}
	return current
}

// isHistory: it ended in an earlier round. The status knows in which it was seen last; only for one that it never saw does the time count, since a
// clock that was set back would make what is done now history, and it would be asked for again.
func (p *plan) isHistory(rollback *strategyv1.StrategyRollback) bool {
	if !lifecycle.Ended(rollback.Status) {
		return false
	}
	at := slices.IndexFunc(p.next.Rollbacks, func(r strategyv1.IncidentRollback) bool { return r.UID == string(rollback.UID) })
	if at < 0 {
		return !rollback.Status.End.Time.After(p.next.RoundTime.Time)
	}
	return max(1, p.next.Rollbacks[at].Round) < p.next.Round
}

// knownRollbacks are those of this round that the status names, also where they are gone.
func (p *plan) knownRollbacks() (known []strategyv1.IncidentRollback) {
	for _, rollback := range p.next.Rollbacks {
		if max(1, rollback.Round) == max(1, p.next.Round) {
			known = append(known, rollback)
		}
	}
	return known
}

// nextRound begins anew with the remedy: what rollbacks did so far is history.
func (p *plan) nextRound() {
	p.next.Round, p.next.RoundTime = max(1, p.next.Round)+1, new(p.out.Stamp())
	p.next.ContainedTime, p.next.RestoredTime, p.next.QuietTime = nil, nil, nil
	p.next.WaitingSince, p.next.ParentName, p.next.ParentUID = nil, "", ""
}

// reopened: somebody takes back that the incident was closed, within the playbook's time, whoever or whatever closed it.
func (p *plan) reopened() {
	if !p.isClosed() || p.isDeleted() {
		return
	}
	for decided := range decide.Oldest(p.pending(), strategyv1.DecisionReopen) {
		if p.notReopened(decided) == "" && !decided.Time.After(p.reopensUntil()) {
			p.reopen(decided)
			return
		}
	}
}

// notReopened says why a Reopen decision never counts; empty: it does, or only the playbook says, which cannot be read now, whether it came in time.
func (p *plan) notReopened(decided facts.Decided) string {
	if !p.isClosed() {
		return "the incident is not closed"
	}
	switch until := p.reopensUntil(); {
	case decided.Time.Time.Before(p.next.ClosedTime.Time):
		return "it was made before the incident was closed"
	case decided.Time.After(until) && p.seen.Playbook.Problem == nil:
		return "it could be reopened until " + until.UTC().Format(time.RFC3339) + "; report a new incident"
	}
	return ""
}

// reopensUntil is until when an incident that was closed can be reopened, as far as that is known.
func (p *plan) reopensUntil() time.Time {
	reopens := defaultReopen
	if seconds := p.recovery().ReopenSeconds; seconds > 0 {
		reopens = time.Duration(seconds) * time.Second
	}
	return p.next.ClosedTime.Add(reopens)
}

const defaultReopen = 86400 * time.Second

// reopen goes on at L2, with new deadlines and a new diagnosis. Decisions that are not newer were about what is over.
func (p *plan) reopen(decided facts.Decided) {
	p.next.Report = nil // of what is not over
	p.next.Reopened = decide.Reference(decided)
	p.next.ClosedTime, p.next.NextAllowedTime, p.next.Strikes = nil, nil, 0
	p.next.Cause, p.next.Proposal, p.next.Deadlines = nil, nil, nil
	p.nextRound()
	if p.next.Acknowledgement != nil {
		p.next.Acknowledgement = nil
		p.out.Set(strategyv1.ConditionAcknowledged, metav1.ConditionFalse, strategyv1.ReasonAckEnded, "it was before the incident was reopened")
	}
	message := decide.Because("reopened", decided)
	p.out.Note(strategyv1.EventReopened, message+p.call(strategyv1.LevelL2), decided.By)
	p.out.Honour(decided)
	p.out.Set(strategyv1.ConditionResolved, metav1.ConditionFalse, strategyv1.ReasonReopened, message)
	if p.out.Reason(strategyv1.ConditionCommitted) != "" {
		p.out.Set(strategyv1.ConditionCommitted, metav1.ConditionUnknown, strategyv1.ReasonReopened, "what was proposed before the incident was reopened is left as it is")
	}
	if p.out.Reason(strategyv1.ConditionDiagnosed) != "" {
		p.out.Set(strategyv1.ConditionDiagnosed, metav1.ConditionUnknown, strategyv1.ReasonReopened, "the cause is looked for anew")
	}
	p.out.Set(strategyv1.ConditionEscalated, metav1.ConditionTrue, strategyv1.ReasonReopened, message)
	if !p.out.Is(strategyv1.ConditionTriaged) {
		p.out.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, strategyv1.ReasonReopened, message)
	}
	p.notify(strategyv1.NotifyLevelCalled, lifecycle.Level(p.next), message)
	if conditions.True(p.next.Conditions, strategyv1.ConditionSLAMet) {
		p.out.Set(strategyv1.ConditionSLAMet, metav1.ConditionUnknown, strategyv1.ReasonWithinLimits, "no deadline has passed")
	}
	p.lateDeadlines()
}

// lateDeadlines sets the deadlines of an incident that was reopened, as soon as its playbook can be read, and says whether it did.
func (p *plan) lateDeadlines() bool {
	if p.next.Deadlines != nil || !p.running() {
		return false
	}
	p.setDeadlines()
	return true
}

// setDeadlines counts them from the beginning; whoever reopened the incident has answered for L1.
func (p *plan) setDeadlines() {
	p.next.Deadlines = nil // they count anew, and not from each other
	p.next.Deadlines = []strategyv1.Deadline{
		{Level: strategyv1.LevelL1, Time: p.after(p.seen.Playbook.Spec.Triage.RespondWithinSeconds)},
		{Level: strategyv1.LevelL2, Time: p.after(p.seen.Playbook.Spec.Diagnosis.RespondWithinSeconds)},
	}
	if reopened := p.next.Reopened; reopened != nil {
		p.answered(strategyv1.LevelL1, reopened.Time, reopened.By)
	}
}
