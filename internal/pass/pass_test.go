package pass_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/internal/timeline"
)

func newPass(log facts.Log, status *strategyv1.StrategyIncidentStatus) *pass.Pass {
	return pass.New(testkit.T0, 1, "p/", log, pass.Status{
		Conditions: &status.Conditions, Timeline: &status.Timeline, Checks: &status.Checks, Running: &status.Running, Log: &status.Log, Answers: &status.Answers,
	})
}

func TestTheOrderOfActions(t *testing.T) {
	deletion := action.DeleteJob{Key: types.NamespacedName{Name: "job-1"}}
	for name, c := range map[string]struct {
		log     facts.Log
		started bool
		actions string
	}{
		"evidence, log, effect, event":                  {facts.Log{}, true, "store x; log 0+ check; delete Job job; warn Triaging"},
		"no effect before the log was started":          {facts.Log{}, false, "store x; warn Triaging"},
		"no effect while the log cannot be written":     {facts.Log{Problem: &facts.Problem{}}, true, "store x; warn Triaging"},
		"what the log has already is not written again": {facts.Log{Entries: 1, Head: "h"}, true, "store x; delete Job job; warn Triaging"},
	} {
		t.Run(name, func(t *testing.T) {
			status := &strategyv1.StrategyIncidentStatus{}
			if c.started {
				status.Log = &strategyv1.LogStatus{Prefix: "p/"}
			}
			p := newPass(c.log, status)
			p.Do(deletion)
			p.Note(strategyv1.EventCheck, "m", "")
			p.Keep("p/x", nil)
			p.Working("Triaging", "m")
			steps, next := p.Finish(timeline.Subject{}, lifecycle.Turn{Who: strategyv1.WhoL1})
			if got := strings.Join(testkit.Describe(steps.InOrder()), "; "); got != c.actions {
				t.Errorf("got %s, want %s", got, c.actions)
			}
			if !next.Equal(testkit.T0) {
				t.Errorf("stored evidence is judged at once, not at %v", next)
			}
		})
	}
}

// TestThatTheOperatorBeginsIsNoNews, but that somebody else must do something is, at once.
func TestThatTheOperatorBeginsIsNoNews(t *testing.T) {
	for who, want := range map[strategyv1.Who]string{strategyv1.WhoMachine: "", strategyv1.WhoApprover: "warn Triaging"} {
		p := newPass(facts.Log{}, &strategyv1.StrategyIncidentStatus{})
		p.Working("Triaging", "m")
		steps, _ := p.Finish(timeline.Subject{}, lifecycle.Turn{Who: who})
		if got := strings.Join(testkit.Describe(steps.InOrder()), "; "); got != want {
			t.Errorf("%s's turn: got %s, want %s", who, got, want)
		}
	}
}

func TestEventsTellAChangeOnly(t *testing.T) {
	status := &strategyv1.StrategyIncidentStatus{}
	for i, c := range []struct {
		set  func(*pass.Pass)
		next strategyv1.Who
		want string
	}{
		{func(p *pass.Pass) { p.Working("A", "m") }, strategyv1.WhoApprover, "warn A"}, // somebody is to decide
		{func(p *pass.Pass) { p.Working("A", "another message") }, strategyv1.WhoApprover, ""},
		{func(p *pass.Pass) { p.Working("D", "m") }, strategyv1.WhoMachine, "tell D"},
		{func(p *pass.Pass) { p.Stall("B", "m") }, strategyv1.WhoNobody, "warn B"},
		{func(p *pass.Pass) { p.BadInput("B", "m") }, strategyv1.WhoL2, ""},
		{func(p *pass.Pass) { p.Done("C", "m") }, strategyv1.WhoNobody, "tell C"},
	} {
		p := newPass(facts.Log{}, status)
		c.set(p)
		steps, _ := p.Finish(timeline.Subject{}, lifecycle.Turn{Who: c.next})
		if got := strings.Join(testkit.Describe(steps.InOrder()), "; "); got != c.want {
			t.Errorf("%d: got %q, want %q", i, got, c.want)
		}
	}
}

// TestAConditionThatIsAgainWhatItWasDidNotChange: how long something lasts is counted from its transition.
func TestAConditionThatIsAgainWhatItWasDidNotChange(t *testing.T) {
	status := &strategyv1.StrategyIncidentStatus{}
	p := newPass(facts.Log{}, status)
	p.Stall("A", "m")
	p.Finish(timeline.Subject{}, lifecycle.Turn{})
	later := testkit.T0.Add(time.Hour)
	p = pass.New(later, 1, "p/", facts.Log{}, pass.Status{Conditions: &status.Conditions, Timeline: &status.Timeline, Checks: &status.Checks, Running: &status.Running, Log: &status.Log, Answers: &status.Answers})
	p.Working("B", "m")
	p.Stall("A", "m")
	p.Finish(timeline.Subject{}, lifecycle.Turn{})
	if since := conditions.Since(status.Conditions, strategyv1.ConditionStalled); !since.Equal(testkit.T0) {
		t.Errorf("stalled since %s", since)
	}
	p.Working("B", "m")
	p.Finish(timeline.Subject{}, lifecycle.Turn{})
	if since := conditions.Since(status.Conditions, strategyv1.ConditionStalled); !since.Equal(later) {
		t.Errorf("not stalled since %s", since)
	}
}

func TestTheNextPassIsTheEarliestWake(t *testing.T) {
	p := newPass(facts.Log{}, &strategyv1.StrategyIncidentStatus{})
	p.Wake(testkit.T0.Add(time.Hour))
	p.BadInput("A", "m")
	p.Wake(testkit.T0.Add(time.Minute))
	p.Wake(time.Time{})
	if _, next := p.Finish(timeline.Subject{}, lifecycle.Turn{Who: strategyv1.WhoL1}); !next.Equal(testkit.T0.Add(pass.Recheck)) {
		t.Errorf("next at %v", next)
	}
}

func TestLoggedMeansEverythingNoted(t *testing.T) {
	status := &strategyv1.StrategyIncidentStatus{Log: &strategyv1.LogStatus{}, Timeline: []strategyv1.TimelineEntry{{Seq: 1, Time: metav1.NewTime(testkit.T0)}}}
	p := newPass(facts.Log{Entries: 1, Head: "h"}, status)
	if !p.Logged() || *status.Log.Entries != 1 || status.Log.Head != "h" || status.Log.Prefix != "p/" {
		t.Errorf("%+v", status.Log)
	}
	p.Note(strategyv1.EventCheck, "m", "")
	if p.Logged() {
		t.Errorf("the second entry is not in the log")
	}
}
