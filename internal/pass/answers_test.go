package pass_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/internal/timeline"
)

func decided(n int, verdict strategyv1.DecisionVerdict) facts.Decided {
	return facts.Decided{Name: fmt.Sprintf("d%d", n), UID: fmt.Sprintf("u%d", n), Verdict: verdict, By: "bob", Time: metav1.NewTime(testkit.T0)}
}

// TestADecisionIsAnsweredOnce, after what became of it is logged, and again until it says so itself.
func TestADecisionIsAnsweredOnce(t *testing.T) {
	status := &strategyv1.StrategyIncidentStatus{Log: &strategyv1.LogStatus{Prefix: "p/"}}
	one := decided(1, strategyv1.DecisionEscalate)
	passes := func(outcome strategyv1.DecisionOutcome, act bool) string {
		one.Outcome = outcome
		p := newPass(facts.Log{}, status)
		p.Decisions("ns", []facts.Decided{one})
		if act {
			p.Refuse(one, "it came too late")
			p.Refuse(one, "it came too late")
		}
		steps, _ := p.Finish(timeline.Subject{}, lifecycle.Turn{Who: strategyv1.WhoL1})
		return strings.Join(testkit.Describe(steps.InOrder()), "; ")
	}
	if got := passes("", true); got != "log 0+ not_honoured; answer d1 Refused" {
		t.Errorf("it is refused: %s", got)
	}
	if got := passes("", true); got != "log 0+ not_honoured; answer d1 Refused" { // the process died before it was told
		t.Errorf("it was not told: %s", got)
	}
	if got := passes(strategyv1.OutcomeRefused, true); got != "log 0+ not_honoured" {
		t.Errorf("it was told: %s", got)
	}
	if len(status.Answers) != 1 || status.Answers[0].Seq != 1 || status.Answers[0].Message != "it came too late" || len(status.Timeline) != 1 {
		t.Errorf("%+v, %+v", status.Answers, status.Timeline)
	}
}

// TestWhatMayCount: what was refused is nothing for a rule, and what nobody is named in counts only where it makes things safer.
func TestWhatMayCount(t *testing.T) {
	refused, honoured, unnamed, hold := decided(1, "Approve"), decided(2, "Approve"), decided(3, "Approve"), decided(4, strategyv1.DecisionHold)
	refused.Outcome, honoured.Outcome, unnamed.By, hold.By = strategyv1.OutcomeRefused, strategyv1.OutcomeHonoured, "", ""
	status := &strategyv1.StrategyIncidentStatus{Log: &strategyv1.LogStatus{}}
	p := newPass(facts.Log{}, status)
	var names []string
	for _, one := range p.Decisions("ns", []facts.Decided{refused, honoured, unnamed, hold}) {
		names = append(names, one.Name)
	}
	if got := strings.Join(names, " "); got != "d2 d4" {
		t.Errorf("%s may count", got)
	}
	if len(status.Answers) != 1 || !strings.Contains(status.Answers[0].Message, "nobody says who made it") {
		t.Errorf("whoever made d3 hears %+v", status.Answers)
	}
	if unanswered := p.Unanswered(); len(unanswered) != 1 || unanswered[0].Name != "d4" {
		t.Errorf("unanswered: %v", unanswered)
	}
}

// TestThereIsRoomForTheNewestAnswers: those go first that their decisions have heard of; a status never has more than the API takes.
func TestThereIsRoomForTheNewestAnswers(t *testing.T) {
	status := &strategyv1.StrategyIncidentStatus{Log: &strategyv1.LogStatus{}}
	var all []facts.Decided
	for n := range 200 {
		if n >= 3 {
			all[n-3].Outcome = strategyv1.OutcomeRefused // told
		}
		all = append(all, decided(n, "Approve"))
		p := newPass(facts.Log{Entries: int64(n)}, status)
		p.Decisions("ns", all)
		p.Refuse(all[n], "no")
	}
	if len(status.Answers) != 64 || status.Answers[63].Name != "d199" || status.Answers[61].Name != "d197" {
		t.Errorf("%d answers, the newest is %+v", len(status.Answers), status.Answers[len(status.Answers)-1])
	}
}

// TestALogThatIsAwayDoesNotFillTheStatus: entries that are in the log leave the timeline though the log cannot be read now, and decisions wait
// for room.
func TestALogThatIsAwayDoesNotFillTheStatus(t *testing.T) {
	status := &strategyv1.StrategyIncidentStatus{Log: &strategyv1.LogStatus{Prefix: "p/", Entries: new(int64(48)), Head: "h"}}
	for seq := range int64(48) {
		status.Timeline = append(status.Timeline, strategyv1.TimelineEntry{Seq: seq + 1})
	}
	away := facts.Log{Problem: &facts.Problem{Reason: "EvidenceUnavailable"}}
	p := newPass(away, status)
	p.Note(strategyv1.EventExpired, "m", "")
	if n := len(status.Timeline); n != 48 || status.Timeline[47].Seq != 49 {
		t.Errorf("%d entries, the last is %d", n, status.Timeline[n-1].Seq)
	}
	var all []facts.Decided
	for n := range 400 {
		all = append(all, decided(n, "Approve"))
	}
	p = newPass(away, status)
	p.Decisions("ns", all)
	for _, one := range all {
		p.Refuse(one, "no")
	}
	if n := len(status.Timeline); n > 200 || p.Answered(all[399]) {
		t.Errorf("%d entries wait for the log; the last decision is answered: %v", n, p.Answered(all[399]))
	}
}

// TestNothingIsDroppedUnheard: however many decisions there are, and however long nobody can be told, each is taken up once.
func TestNothingIsDroppedUnheard(t *testing.T) {
	status := &strategyv1.StrategyIncidentStatus{Log: &strategyv1.LogStatus{Prefix: "p/"}}
	var all []facts.Decided
	for n := range 100 {
		all = append(all, decided(n, strategyv1.DecisionApprove))
	}
	all = append(all, decided(100, strategyv1.DecisionDeny), decided(101, strategyv1.DecisionHold), decided(102, strategyv1.DecisionHold))
	taken, entries := map[string]int{}, int64(0)
	passes := func(refused bool) {
		p := newPass(facts.Log{Entries: entries}, status)
		p.Decisions("ns", all)
		for _, one := range p.Unanswered() {
			taken[one.Name]++
			p.Note(strategyv1.EventApproved, one.Name, one.By)
			p.Honour(one)
		}
		steps, nextAt := p.Finish(timeline.Subject{}, lifecycle.Turn{Who: strategyv1.WhoL1})
		if len(taken) < len(all) && nextAt.IsZero() {
			t.Error("decisions wait, and nothing wakes the pass")
		}
		if steps.Entries != nil {
			entries += int64(len(steps.Entries.Entries))
		}
		for _, step := range steps.Effects {
			answer := step.(action.AnswerDecision)
			for i := range all {
				if all[i].UID == answer.UID && !refused {
					all[i].Outcome = answer.Answer.Outcome
				}
			}
		}
	}
	for range 5 {
		passes(true)
	}
	if len(taken) != 56 || len(status.Answers) != 56 || taken["d100"]+taken["d101"]+taken["d102"] != 3 || taken["d52"] != 1 || taken["d53"] != 0 {
		t.Errorf("%d were taken up: %v", len(taken), taken)
	}
	all = append(all, decided(103, strategyv1.DecisionHold))
	passes(true)
	if taken["d103"] != 1 {
		t.Error("a hold waits for others")
	}
	for n := range 20 { // more than there is room for
		all = append(all, decided(104+n, strategyv1.DecisionHold))
	}
	passes(true)
	if len(status.Answers) != 64 {
		t.Errorf("%d answers", len(status.Answers))
	}
	for range 5 {
		passes(false)
	}
	for _, one := range all {
		if taken[one.Name] != 1 || one.Outcome == "" {
			t.Errorf("%s was taken up %d times, and hears %q", one.Name, taken[one.Name], one.Outcome)
		}
	}
}

// TestWhatWaitsForRoomIsNotAnswered, whoever asks: also one that names nobody.
func TestWhatWaitsForRoomIsNotAnswered(t *testing.T) {
	status := &strategyv1.StrategyIncidentStatus{Log: &strategyv1.LogStatus{}}
	var all []facts.Decided
	for n := range 100 {
		all = append(all, decided(n, strategyv1.DecisionRenew))
		all[n].By = ""
	}
	p := newPass(facts.Log{}, status)
	if may := p.Decisions("ns", all); len(may) != 0 || len(p.Made()) != 44 || len(status.Answers) != 56 {
		t.Errorf("%d may count, %d were made, %d are answered", len(may), len(p.Made()), len(status.Answers))
	}
}

// TestAnAnswerIsOneLine, and so is an event: what they quote is somebody else's.
func TestAnAnswerIsOneLine(t *testing.T) {
	status := &strategyv1.StrategyIncidentStatus{Log: &strategyv1.LogStatus{}}
	one := decided(1, strategyv1.DecisionEscalate)
	p := newPass(facts.Log{}, status)
	p.Decisions("ns", []facts.Decided{one})
	p.Refuse(one, "it has: fast\nslow")
	p.Tell("Normal", "Reason", "fast\nslow")
	steps, _ := p.Finish(timeline.Subject{}, lifecycle.Turn{})
	if answer, told := status.Answers[0].Message, steps.Events[len(steps.Events)-1].(action.Event).Message; answer != "it has: fast slow" || told != "fast slow" {
		t.Errorf("%q, %q", answer, told)
	}
}
