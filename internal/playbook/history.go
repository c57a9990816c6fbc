package playbook

import (
	"cmp"
	"slices"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// What holds without spec.history, and in it by default.
const (
	defaultKeep   = 50
	defaultRetain = 30 * 24 * time.Hour
	// floor is how long what somebody decided about, or what changed something, stays at least, however many there are: nobody shall be
	// able to push it out with others.
	floor = 24 * time.Hour
	// strikeFactor bounds what is kept only because it still counts as a strike, or may be reopened.
	strikeFactor = 5
	// MaxForgotten is how many incidents one pass deletes at most, and how many decisions about nothing.
	MaxForgotten = 10
)

// Past is a closed incident that the history has no room or no time for, with everything that is deleted with it.
type Past struct {
	Incident  *strategyv1.StrategyIncident  // as the cache has it: it must not be changed
	Rollbacks []strategyv1.StrategyRollback // all have ended: an incident with another one stays
	Decisions []strategyv1.StrategyDecision // about any of them, honoured or not
}

// Overdue are the closed incidents of a playbook that the history has no room or no time for, oldest first, and when the
// next one will be by time alone; zero if none. Drills are counted apart, and so are duplicates and false alarms: neither a series of
// exercises nor noise must push others out.
// The pointers are into closed.
func Overdue(spec strategyv1.StrategyPlaybookSpec, closed []strategyv1.StrategyIncident, now time.Time) (overdue []*strategyv1.StrategyIncident, nextAt time.Time) {
	var live, noise, drills []*strategyv1.StrategyIncident
	for i := range closed {
		incident := &closed[i]
		switch {
		case incident.Spec.Mode == strategyv1.IncidentDrill:
			drills = append(drills, incident)
		case isNoise(incident):
			noise = append(noise, incident)
		default:
			live = append(live, incident)
		}
	}
	for _, group := range [][]*strategyv1.StrategyIncident{live, noise, drills} {
		gone, next := overdueOf(spec, group, now)
		overdue, nextAt = append(overdue, gone...), checks.Earlier(nextAt, next)
	}
	return overdue, nextAt
}

func overdueOf(spec strategyv1.StrategyPlaybookSpec, closed []*strategyv1.StrategyIncident, now time.Time) (overdue []*strategyv1.StrategyIncident, nextAt time.Time) {
	keep, retain := defaultKeep, defaultRetain
	if spec.History != nil {
		keep, retain = int(spec.History.KeepIncidents), time.Duration(spec.History.RetainSeconds)*time.Second
	}
	slices.SortFunc(closed, func(a, b *strategyv1.StrategyIncident) int { return closedTime(a).Compare(closedTime(b)) })
	for i, incident := range closed {
		newer := len(closed) - 1 - i
		over := closedTime(incident).Add(retain)
		counts := closedTime(incident).Add(strikeWindow(spec))
		reopens := closedTime(incident).Add(reopenTime(spec))
		stays := closedTime(incident).Add(min(floor, retain))
		striking := incident.Status.Strikes > 0 && now.Before(counts) && newer < strikeFactor*keep
		switch {
		case striking:
			nextAt = checks.Earlier(nextAt, counts)
		case matters(incident) && now.Before(stays):
			nextAt = checks.Earlier(nextAt, stays)
		case now.Before(reopens) && newer < strikeFactor*keep:
			nextAt = checks.Earlier(nextAt, reopens)
		case newer >= keep || !now.Before(over):
			overdue = append(overdue, incident)
		default:
			nextAt = checks.Earlier(nextAt, over)
		}
	}
	return overdue, nextAt
}

// Lost are the decisions of a namespace, oldest first, whose target is not there, and when the next one may be one: they do nothing, and a quota
// counts them. There is room for a day to make the target, and to see what became of it. there says which targets are.
//
// A playbook that is made again under its name has the decisions about it: so what was honoured stays, and so does what would make it safer.
func Lost(decisions []strategyv1.StrategyDecision, there func(strategyv1.DecisionTarget) (bool, error), now time.Time) (lost []*strategyv1.StrategyDecision, nextAt time.Time, err error) {
	nextAt = now.Add(floor) // that another one is made, or a target deleted, wakes nobody
	for i := range decisions {
		decision := &decisions[i]
		if outlives(decision) {
			continue
		}
		found, err := there(decision.Spec.Target)
		if err != nil {
			return nil, time.Time{}, err
		}
		over := decision.CreationTimestamp.Add(floor)
		switch {
		case found:
		case now.Before(over):
			nextAt = checks.Earlier(nextAt, over)
		default:
			lost = append(lost, decision)
		}
	}
	slices.SortFunc(lost, func(a, b *strategyv1.StrategyDecision) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return lost, nextAt, nil
}

// outlives says whether a decision may still count when its target is made again.
func outlives(decision *strategyv1.StrategyDecision) bool {
	if decision.Spec.Target.Kind != strategyv1.KindPlaybook {
		return false
	}
	if answer := decision.Status.Answer; answer != nil {
		return answer.Outcome == strategyv1.OutcomeHonoured
	}
	return decision.Spec.Verdict == strategyv1.DecisionHold || decision.Spec.Verdict == strategyv1.DecisionDeny
}

// isNoise says whether an incident was closed as another one's, or as none.
func isNoise(incident *strategyv1.StrategyIncident) bool {
	reason := conditions.Reason(incident.Status.Conditions, strategyv1.ConditionResolved)
	return reason == strategyv1.ReasonDuplicate || reason == strategyv1.ReasonFalseAlarm
}

// matters says whether an incident changed something, or somebody decided about it.
func matters(incident *strategyv1.StrategyIncident) bool {
	return len(incident.Status.Rollbacks) > 0 || len(incident.Status.Answers) > 0
}

// strikeWindow is how long a closed incident may still hold back a remedy.
func strikeWindow(spec strategyv1.StrategyPlaybookSpec) time.Duration {
	if spec.Recovery == nil || spec.Recovery.StrikeWindowSeconds == 0 {
		return 24 * time.Hour
	}
	return time.Duration(spec.Recovery.StrikeWindowSeconds) * time.Second
}

// reopenTime is how long a closed incident may be reopened.
func reopenTime(spec strategyv1.StrategyPlaybookSpec) time.Duration {
	if spec.Recovery == nil || spec.Recovery.ReopenSeconds == 0 {
		return 24 * time.Hour
	}
	return time.Duration(spec.Recovery.ReopenSeconds) * time.Second
}

func closedTime(incident *strategyv1.StrategyIncident) time.Time {
	if incident.Status.ClosedTime == nil {
		return incident.CreationTimestamp.Time
	}
	return incident.Status.ClosedTime.Time
}

// forget writes down what is past, and deletes it. The incident goes last: after a crash in between it is found again.
func forget(o Observed) (actions []action.Action, err error) {
	if o.SigningKey != nil { // what cannot be signed proves nothing later; the playbook says what is wrong with the key
		return nil, nil
	}
	for _, one := range o.Past {
		written, err := epitaphs(one, o.Playbook)
		if err != nil {
			return nil, err
		}
		actions = append(actions, written...)
		for i := range one.Decisions {
			actions = append(actions, action.DeleteObject{Object: &one.Decisions[i]})
		}
		for i := range one.Rollbacks {
			actions = append(actions, action.DeleteObject{Object: &one.Rollbacks[i]})
		}
		actions = append(actions, action.DeleteObject{Object: one.Incident})
	}
	for i := range o.Lost {
		actions = append(actions, action.DeleteObject{Object: &o.Lost[i]})
	}
	return actions, nil
}
