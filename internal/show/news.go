package show

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// News tells what is new since it was last asked: for output that cannot be drawn again.
type News struct {
	told map[string]string // what was last told under a key
}

// fact is something to tell. It is new when its key was last told with another value, or never.
type fact struct {
	key  string
	is   string
	at   time.Time
	text []string
}

// Lines are the facts of the subject that were not told before, the oldest first.
func (n *News) Lines(s Subject, now time.Time) []string {
	if n.told == nil {
		n.told = map[string]string{}
	}
	var facts []fact
	if s.Incident != nil {
		facts = append(facts, factsOf("incident", s.Incident.ObjectMeta, s.Incident.Status.Timeline, s.Incident.Status.Conditions, now)...)
	}
	for i := range s.Rollbacks {
		rollback := &s.Rollbacks[i]
		if plan := rollback.Status.Plan; plan != nil {
			facts = append(facts, planFact(rollback, plan, now))
		}
		facts = append(facts, factsOf("rollback", rollback.ObjectMeta, rollback.Status.Timeline, rollback.Status.Conditions, now)...)
	}
	slices.SortStableFunc(facts, func(a, b fact) int { return a.at.Compare(b.at) })
	var lines []string
	for _, f := range facts {
		if told, found := n.told[f.key]; !found || told != f.is {
			n.told[f.key] = f.is
			lines = append(lines, f.text...)
		}
	}
	return lines
}

// columns of a line: what the fact is about, and the word for it.
func row(at, now time.Time, about, word, message string) string {
	return sentence("  ", clock(at, now), pad(about, 8), pad(word, 20), message)
}

func factsOf(about string, meta metav1.ObjectMeta, timeline []strategyv1.TimelineEntry, conditions []metav1.Condition, now time.Time) []fact {
	id := about + "/" + meta.Name + "/" + string(meta.UID)
	var facts []fact
	for _, entry := range timeline {
		facts = append(facts, fact{
			key: fmt.Sprintf("%s/%d", id, entry.Seq), at: entry.Time.Time,
			text: []string{row(entry.Time.Time, now, about, or(string(entry.Event)), Line(entry.Message))},
		})
	}
	if ready := find(conditions, strategyv1.ConditionReady); ready.Type != "" {
		word := "-> " + Line(ready.Reason)
		facts = append(facts, fact{
			key: id + "/ready", is: ready.Reason + "/" + ready.Message, at: now,
			text: []string{row(now, now, about, word, Line(ready.Message))},
		})
	}
	return facts
}

func planFact(rollback *strategyv1.StrategyRollback, plan *strategyv1.RollbackPlan, now time.Time) fact {
	lines := []string{row(plan.RevisionTime.Time, now, "rollback", "plan", fmt.Sprintf("%s, revision %d, %s", or(rollback.Name), plan.Revision, or(plan.Digest)))}
	for _, line := range (Options{Full: true}).diffLines(plan.Diff) {
		lines = append(lines, "    "+line)
	}
	return fact{key: fmt.Sprintf("plan/%s/%s", rollback.Name, rollback.UID), is: plan.Digest, at: plan.RevisionTime.Time, text: lines}
}
