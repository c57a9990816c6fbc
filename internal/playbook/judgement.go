package playbook

import (
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/facts"
)

// Judgement is what is known of a spec by itself, without a cluster. It is made once for each spec: rules are compiled for it, and
// samples are judged.
type Judgement struct {
	Problem *facts.Problem // nil: the playbook is sound in itself
}

const (
	// tellAfter is from when on it is told that a judgement is waited for; most take less.
	tellAfter = 2 * time.Second
	// maxProblem bounds what is remembered of a problem; a condition shows as much.
	maxProblem = 4096
)

// Judge makes the judgement of a spec. The owner is the playbook's namespace.
func Judge(owner string, spec strategyv1.StrategyPlaybookSpec) Judgement {
	problem := References(owner, spec)
	if problem != nil {
		problem.Message = bounded.Text(problem.Message, maxProblem)
	}
	return Judgement{Problem: problem}
}

// awaitJudgement: nothing starts on a spec before it is judged, since its generation is not observed. One that was judged before the
// operator was started again stays what it was meanwhile.
func (p *plan) awaitJudgement() {
	told := p.seen.AwaitedSince.Add(tellAfter)
	switch {
	case p.next.ObservedGeneration == p.seen.Playbook.Generation:
	case p.now.Before(told):
		p.out.Wake(told)
	default:
		p.out.Blocked(facts.Problem{
			Reason: strategyv1.ReasonBeingChecked, Passes: true, Retry: time.Minute,
			Message: "the rules and samples of the newest version are being checked, which takes long; incidents start when it is done",
		})
	}
}
