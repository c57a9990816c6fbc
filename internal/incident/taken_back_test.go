package incident_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// sometimesTrue has the conditions that some plan of some test set to True.
var sometimesTrue sync.Map

// trueOf is one way in which a condition is True, and the fact that makes it wrong.
type trueOf struct {
	given, then func(*story)
	itself      string // the wrong that the fact is about
	// unseen: what hides the fact. Until it is over the condition may stay, and Ready says what is wrong.
	unseen []string
}

// takenBack is, for each condition, what takes a True back. A condition without an entry fails the test.
var takenBack = map[string]map[string]trueOf{
	strategyv1.ConditionReady:    {"it is reopened": {given: (*story).closed, then: (*story).reopen}},
	strategyv1.ConditionResolved: {"it is reopened": {given: (*story).closed, then: (*story).reopen}},
	strategyv1.ConditionSLAMet:   {"it is reopened": {given: (*story).closed, then: (*story).reopen}},
	strategyv1.ConditionDiagnosed: {
		"it is reopened, and diagnosed anew": {given: func(s *story) { s.mitigating(); s.closed() }, then: func(s *story) { s.reports(nil); s.reopen() }},
	},
	strategyv1.ConditionNotified: {
		"the next one is not delivered": {
			given: func(s *story) { s.withWebhook(); s.quiet(); s.deliver() },
			then: func(s *story) {
				s.At(5 * time.Minute)
				s.quiet()
				s.fails(3, "no answer")
			},
		},
	},
	strategyv1.ConditionStalled: {
		"the log can be read again": {given: func(s *story) {
			s.quiet()
			s.logProblem = &facts.Problem{Reason: strategyv1.ReasonEvidenceUnavailable}
			s.quiet()
		}, then: func(s *story) { s.logProblem = nil }, itself: "no log"},
		"the PodTemplate is there": {
			given: func(s *story) { s.Templates = nil; s.quiet() }, then: func(s *story) { s.Templates = testkit.Templates() },
		},
		"its rollback goes on": {
			given: func(s *story) {
				s.mitigating()
				s.rollbackIs(strategyv1.ReasonGuardExceeded, metav1.ConditionFalse, metav1.ConditionTrue)
				s.quiet()
			},
			then: func(s *story) {
				s.rollbackIs(strategyv1.ReasonApplying, metav1.ConditionFalse, metav1.ConditionFalse)
			},
		},
		"it is closed": {given: func(s *story) { s.logProblem = wrong; s.quiet(); s.logProblem = nil; s.Templates = nil; s.quiet() }, then: (*story).close},
	},
	strategyv1.ConditionOnHold: {
		"released": {
			given: func(s *story) { s.quiet(); s.suspended = true; s.quiet() }, then: func(s *story) { s.suspended = false }, itself: "on hold", unseen: []string{"no playbook", "not served"},
		},
		"it is closed": {given: func(s *story) { s.quiet(); s.suspended = true; s.quiet() }, then: (*story).close},
	},
	strategyv1.ConditionAcknowledged: {
		"its time is over": {given: (*story).acknowledge, then: func(s *story) { s.Now = s.Now.Add(time.Hour) }},
		"it is closed":     {given: (*story).acknowledge, then: (*story).close},
	},
	strategyv1.ConditionContained: {
		"its rollback is not in effect any more": {given: (*story).contained, then: func(s *story) {
			s.rollbackHas(strategyv1.ConditionInEffect, metav1.ConditionUnknown)
		}},
		"its rollback is undone":               {given: (*story).contained, then: func(s *story) { s.rollbackIs(strategyv1.ReasonRestored, metav1.ConditionTrue, metav1.ConditionFalse) }},
		"its rollback is deleted":              {given: (*story).contained, then: func(s *story) { clear(s.Rollbacks) }},
		"its parent is not contained any more": {given: (*story).follows, then: func(s *story) { s.parentIs(metav1.ConditionFalse) }},
		"its parent is deleted":                {given: (*story).follows, then: func(s *story) { s.parent, s.neighbours = nil, nil }},
		"it was closed, its rollback undone, and it is reopened": {given: func(s *story) { s.contained(); s.closed() }, then: func(s *story) {
			s.rollbackIs(strategyv1.ReasonRestored, metav1.ConditionTrue, metav1.ConditionFalse)
			s.reopen()
		}},
	},
	strategyv1.ConditionQuiet: {
		"a signal is too high":  {given: (*story).isQuiet, then: func(s *story) { s.signals["drawdown"] = 5 }},
		"a signal is not known": {given: (*story).isQuiet, then: (*story).loseSignal},
		"an alert fires":        {given: (*story).isQuiet, then: func(s *story) { s.fired(strategyv1.AlertFiring) }},
	},
	strategyv1.ConditionCommitted: {
		"it is reopened": {given: func(s *story) { s.pushed(); s.became(strategyv1.WriteBackCommitted); s.closed() }, then: (*story).reopen},
	},
	strategyv1.ConditionSignalsKnown: {
		"one is not known": {given: (*story).isQuiet, then: (*story).loseSignal},
	},
}

// once are conditions that say what happened: another fact does not make that untrue.
var once = map[string]string{
	strategyv1.ConditionTriaged:    "the triage is over",
	strategyv1.ConditionEscalated:  "L2 was called: the level only rises",
	strategyv1.ConditionLeadCalled: "the lead was called: the level only rises",
}

var wrong = &facts.Problem{Reason: strategyv1.ReasonSecretNotFound, Message: "not there"}

// wrongs are what may be wrong at the same time: how it begins, and how it ends.
var wrongs = map[string]struct{ begins, ends func(*story) }{
	"nothing":           {func(*story) {}, func(*story) {}},
	"no playbook":       {(*story).losePlaybook, func(s *story) { s.playbookProblem, s.logProblem = nil, nil }},
	"no log":            {func(s *story) { s.logProblem = wrong }, func(s *story) { s.logProblem = nil }},
	"bad configuration": {func(s *story) { s.configProblem = wrong }, func(s *story) { s.configProblem = nil }},
	"not served":        {func(s *story) { s.notServed = wrong }, func(s *story) { s.notServed = nil }},
	"on hold":           {func(s *story) { s.suspended = true }, func(s *story) { s.suspended = false }},
}

// losePlaybook: without it nobody knows which key signs either.
func (s *story) losePlaybook() {
	s.playbookProblem = &facts.Problem{Reason: strategyv1.ReasonPlaybookNotFound, Message: "the revision is lost"}
	s.logProblem = s.playbookProblem
}

func (s *story) close() { s.Now = s.Now.Add(time.Second); s.decide(strategyv1.DecisionResolve, "bob") }

func (s *story) closed() { s.quiet(); s.close(); s.quiet() }

func (s *story) reopen() {
	s.Now = s.Now.Add(time.Second)
	s.decide(strategyv1.DecisionReopen, "carol")
}

func (s *story) acknowledge() { s.quiet(); s.decide(strategyv1.DecisionAcknowledge, "bob"); s.quiet() }

func (s *story) contained() { s.mitigating(); s.verified() }

// isQuiet: contained, with a rule of quiet that holds.
func (s *story) isQuiet() {
	s.Spec.Recovery = &strategyv1.RecoverySpec{Quiet: "signals.drawdown < 4.0", QuietSeconds: 120}
	s.signals = map[string]float64{"drawdown": 1}
	s.contained()
	s.Now = s.Now.Add(time.Minute)
	s.quiet()
}

func (s *story) loseSignal() {
	s.signals, s.unknown = nil, map[string]string{"drawdown": "no series"}
	s.quiet()
	s.Now = s.Now.Add(5 * time.Minute) // one sample that fails is no news
}

// follows: an older incident has the same cause and the remedy, and is contained.
func (s *story) follows() {
	parent := strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Name: "first", UID: "first", CreationTimestamp: metav1.NewTime(testkit.T0.Add(-time.Minute))}}
	parent.Status.PlaybookRevision = "multi-strategy-1"
	parent.Status.Cause = &strategyv1.CauseStatus{Name: "SignalDegradation", Rule: "true", Remediation: "disable", Schedules: []string{"fast"}}
	s.neighbours, s.parent = []strategyv1.StrategyIncident{parent}, &parent
	s.parentIs(metav1.ConditionTrue)
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
}

func (s *story) parentIs(contained metav1.ConditionStatus) {
	conditions.Set(&s.parent.Status.Conditions, s.Now, 1, strategyv1.ConditionContained, contained, "AsItIs", "as it is")
	s.neighbours = []strategyv1.StrategyIncident{*s.parent}
}

// rollbackHas sets one condition of the rollback, and nothing else.
func (s *story) rollbackHas(kind string, status metav1.ConditionStatus) {
	for _, rollback := range s.Rollbacks {
		conditions.Set(&rollback.Status.Conditions, s.Now, 1, kind, status, "AsItIs", "as it is")
	}
}

// stays says whether a condition is True, as it was. A Stalled is another one when it has another reason.
func (s *story) stays(kind, reason string) bool {
	now := s.incident.Status.Conditions
	return conditions.True(now, kind) && (kind != strategyv1.ConditionStalled || conditions.Reason(now, kind) == reason)
}

// What a condition says is a fact, whatever else is wrong: it is taken back when it is not so any more; where nobody can see that, as soon as
// somebody can.
func TestNothingStaysTrueAgainstTheFacts(t *testing.T) {
	for kind, ways := range takenBack {
		for way, c := range ways {
			for wrong, what := range wrongs {
				if wrong == c.itself {
					continue
				}
				t.Run(kind+": "+way+", and "+wrong, func(t *testing.T) {
					s := newStory(t)
					c.given(s)
					reason := conditions.Reason(s.incident.Status.Conditions, kind)
					if !s.stays(kind, reason) {
						t.Fatalf("it is not True: %s", testkit.Conditions(s.incident.Status.Conditions))
					}
					c.then(s)
					what.begins(s)
					s.quiet()
					if slices.Contains(c.unseen, wrong) {
						if conditions.True(s.incident.Status.Conditions, strategyv1.ConditionReady) {
							t.Errorf("Ready is %s", s.condition(strategyv1.ConditionReady))
						}
						what.ends(s)
						s.quiet()
					}
					if s.stays(kind, reason) {
						t.Errorf("%s stays: %s; %s", kind, testkit.Conditions(s.incident.Status.Conditions), conditions.Message(s.incident.Status.Conditions, kind))
					}
				})
			}
		}
	}
}

// TestEveryConditionIsTakenBack: whoever adds a condition says what takes it back.
func TestEveryConditionIsTakenBack(t *testing.T) {
	ofOthers := []string{"OnCallKnown", "OnCallMayDecide", "Reviewed", "Planned", "Approved", "Applied", "InEffect", "Verified", "Restored"}
	for _, kind := range testkit.ConditionTypes(t) {
		_, listed := takenBack[kind]
		if _, only := once[kind]; !listed && !only && !slices.Contains(ofOthers, kind) {
			t.Errorf("%s: what takes it back when it is True and not so any more?", kind)
		}
	}
}
