package incident

import (
	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// decisions about the incident that count: those that are newer than the one that reopened it last.
func (p *plan) decisions() []facts.Decided {
	reopened := p.next.Reopened
	if reopened == nil {
		return p.seen.Decided
	}
	var newer []facts.Decided
	for _, decided := range p.seen.Decided {
		if decided.Time.After(reopened.Time.Time) {
			newer = append(newer, decided)
		}
	}
	return newer
}

// current are the rollbacks of this round: those that ended before it began are history.
func (p *plan) current() []strategyv1.StrategyRollback {
	began := p.next.RoundTime
	if began == nil {
		return p.seen.Rollbacks
	}
	var current []strategyv1.StrategyRollback
	for _, rollback := range p.seen.Rollbacks {
		if lifecycle.Ended(rollback.Status) && !rollback.Status.End.Time.After(began.Time) {
			continue
		}
		current = append(current, rollback)
	}
	return current
}
