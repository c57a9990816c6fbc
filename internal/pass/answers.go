package pass

import (
	"slices"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
)

// maxUnlogged is how many entries may wait for a log that cannot be written before decisions wait, too: the rest of the room, of 256 entries in
// all, is for what the operator itself has to tell.
const maxUnlogged = 200

// maxAnswers is how many answers a status keeps, as the API has it.
const maxAnswers = 64

// forHolds is how many of them only holds get: one must act whatever else is there.
const forHolds = 8

// Decisions tells the pass which decisions there are about its object, oldest first, and gives back those that may count: of what was
// answered only what was honoured is of interest to a rule. One that nobody is named in is refused, since nobody could be asked about it; a
// hold is not, since it makes things safer.
func (p *Pass) Decisions(namespace string, decided []facts.Decided) []facts.Decided {
	p.namespace, p.decided = namespace, decided
	p.holdBack()
	var may []facts.Decided
	for _, one := range decided {
		if one.By == "" && one.Verdict != strategyv1.DecisionHold {
			p.Refuse(one, "nobody says who made it: spec.by is empty. Decide again with kubectl strategy, or install the stamping policies")
		}
		if outcome := p.outcome(one); outcome == "" || outcome == strategyv1.OutcomeHonoured {
			p.made = append(p.made, one)
			if !p.waits[one.UID] {
				may = append(may, one)
			}
		}
	}
	return may
}

// holdBack keeps from the rules what there is no room to answer. It waits until others have heard of theirs: an answer that is dropped before
// would have its decision taken up twice. Holds come first, then the oldest of each verdict in turn, so that many of one keep no other away.
func (p *Pass) holdBack() {
	room := maxAnswers
	for _, answer := range *p.Status.Answers {
		if p.unheard(answer) {
			room--
		}
	}
	p.waits = map[string]bool{}
	var others []facts.Decided
	turn, of := map[string]int{}, map[strategyv1.DecisionVerdict]int{}
	for _, one := range p.Unanswered() {
		switch {
		case one.Verdict != strategyv1.DecisionHold:
			turn[one.UID] = of[one.Verdict]
			of[one.Verdict]++
			others = append(others, one)
		case room > 0:
			room--
		default:
			p.waits[one.UID] = true
		}
	}
	slices.SortStableFunc(others, func(a, b facts.Decided) int { return turn[a.UID] - turn[b.UID] })
	for _, one := range others[min(len(others), max(0, room-forHolds)):] {
		p.waits[one.UID] = true
	}
	if len(p.waits) > 0 {
		p.Wake(p.Now.Add(Recheck))
	}
}

// Made are all decisions that may count, also those that this pass has no room to answer.
func (p *Pass) Made() []facts.Decided { return p.made }

// Unanswered are the decisions that nothing has become of yet, oldest first, without those that there is no room to answer now.
func (p *Pass) Unanswered() []facts.Decided {
	return slices.DeleteFunc(slices.Clone(p.decided), func(one facts.Decided) bool { return p.waits[one.UID] || p.Answered(one) })
}

// Answered says whether it is known what became of a decision.
func (p *Pass) Answered(decided facts.Decided) bool { return p.outcome(decided) != "" }

func (p *Pass) outcome(decided facts.Decided) strategyv1.DecisionOutcome {
	if decided.Outcome != "" {
		return decided.Outcome
	}
	if known := p.answerTo(decided); known != nil {
		return known.Outcome
	}
	return ""
}

func (p *Pass) answerTo(decided facts.Decided) *strategyv1.AnsweredDecision {
	at := slices.IndexFunc(*p.Status.Answers, func(a strategyv1.AnsweredDecision) bool { return a.UID == decided.UID })
	if at < 0 {
		return nil
	}
	return &(*p.Status.Answers)[at]
}

// Honour records that a decision counted. Whoever calls it has noted before what came of it.
func (p *Pass) Honour(decided facts.Decided) {
	if entries := *p.Status.Timeline; len(entries) > 0 && !p.Answered(decided) {
		newest := entries[len(entries)-1]
		p.answer(decided, strategyv1.OutcomeHonoured, newest.Message, newest.Seq)
	}
}

// Refuse records, once, that a decision does not count and never will.
func (p *Pass) Refuse(decided facts.Decided, why string) {
	p.reject(decided, strategyv1.OutcomeRefused, why)
}

// Void records, once, that nobody knows who made a decision.
func (p *Pass) Void(decided facts.Decided, why string) {
	p.reject(decided, strategyv1.OutcomeVoided, why)
}

func (p *Pass) reject(decided facts.Decided, outcome strategyv1.DecisionOutcome, why string) {
	if p.Answered(decided) || p.waits[decided.UID] || len(*p.Status.Timeline) >= maxUnlogged {
		return
	}
	p.Note(strategyv1.EventNotHonoured, decide.NotHonoured(decided, why), decided.By)
	entries := *p.Status.Timeline
	p.answer(decided, outcome, why, entries[len(entries)-1].Seq)
}

// answer makes room by dropping the oldest answer that its decision has heard of, or that has lost its decision. There is one: see holdBack.
func (p *Pass) answer(decided facts.Decided, outcome strategyv1.DecisionOutcome, message string, seq int64) {
	answers := *p.Status.Answers
	if len(answers) >= maxAnswers {
		at := slices.IndexFunc(answers, func(a strategyv1.AnsweredDecision) bool { return !p.unheard(a) })
		answers = slices.Delete(slices.Clone(answers), at, at+1)
	}
	if *p.Status.Log == nil {
		seq = 0 // nothing is logged yet, and maybe never
	}
	*p.Status.Answers = append(answers, strategyv1.AnsweredDecision{
		Name: decided.Name, UID: decided.UID,
		DecisionAnswer: strategyv1.DecisionAnswer{Outcome: outcome, Message: bounded.Line(message, 1024), Time: p.Stamp(), Seq: seq},
	})
}

// unheard says whether a decision is there that does not say yet what became of it.
func (p *Pass) unheard(answer strategyv1.AnsweredDecision) bool {
	return slices.ContainsFunc(p.decided, func(d facts.Decided) bool { return d.UID == answer.UID && d.Outcome == "" })
}

// answers tell the decisions what became of them.
func (p *Pass) answers() (told []action.Action) {
	for _, answer := range *p.Status.Answers {
		if p.unheard(answer) {
			told = append(told, action.AnswerDecision{Namespace: p.namespace, Name: answer.Name, UID: answer.UID, Answer: answer.DecisionAnswer})
		}
	}
	return told
}

// LastRefusal is what was said of the newest decision, if it did not count; whoever looks at the object reads it there.
func (p *Pass) LastRefusal() string {
	answers := *p.Status.Answers
	if len(answers) == 0 {
		return ""
	}
	newest := answers[len(answers)-1]
	at := slices.IndexFunc(p.decided, func(d facts.Decided) bool { return d.UID == newest.UID })
	if newest.Outcome == strategyv1.OutcomeHonoured || at < 0 {
		return ""
	}
	return decide.NotHonoured(p.decided[at], newest.Message)
}
