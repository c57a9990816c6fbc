package rollback_test

import (
	"slices"
	"strings"
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
	// unseen: what hides the fact. Until it is over the condition may stay; nothing is written, and Ready says what is wrong.
	unseen []string
}

// takenBack is, for each condition, what takes a True back. A condition without an entry fails the test.
var takenBack = map[string]map[string]trueOf{
	strategyv1.ConditionReady: {
		"the scheduler started on what was overwritten": {given: (*story).approved, then: (*story).overwrittenAndRestarted},
		"it was overwritten":                            {given: (*story).approved, then: (*story).overwrite},
		"the time box ended":                            {given: (*story).approved, then: (*story).boxIsOver},
		"the ConfigMap is gone":                         {given: (*story).approved, then: (*story).loseConfig},
	},
	strategyv1.ConditionStalled: {
		"the configuration can be read again": {
			given: func(s *story) { s.approved(); s.configProblem = wrongConfig; s.quiet() }, then: func(s *story) { s.configProblem = nil }, itself: "bad configuration",
		},
		"the log can be read again": {
			given: func(s *story) { s.approved(); s.logProblem = wrongLog; s.quiet() }, then: func(s *story) { s.logProblem = nil }, itself: "no log",
		},
		"the Deployment is there again": {given: (*story).withoutDeployment, then: func(s *story) { s.Deployment = testkit.New(s.T).Deployment }},
	},
	strategyv1.ConditionOnHold: {
		"released":                {given: (*story).heldBefore, then: (*story).release, itself: "on hold", unseen: []string{"no playbook", "not served"}},
		"released while in force": {given: (*story).heldInForce, then: (*story).release, itself: "on hold", unseen: []string{"no playbook", "not served"}},
		"it was denied":           {given: (*story).heldBefore, then: (*story).deny, unseen: []string{"not served"}},
	},
	strategyv1.ConditionPlanned: {
		"its schedule is gone": {given: (*story).awaits, then: (*story).unschedule, unseen: []string{"no playbook", "no log", "bad configuration", "not served"}},
	},
	strategyv1.ConditionApproved: {
		"its schedule is gone": {given: (*story).waits, then: (*story).unschedule, unseen: []string{"no playbook", "no log", "bad configuration", "not served"}},
		"it was denied":        {given: (*story).waits, then: (*story).deny, unseen: []string{"not served"}},
		"the time box ended":   {given: (*story).waits, then: (*story).boxIsOver, unseen: []string{"no playbook", "not served"}},
	},
	strategyv1.ConditionApplied: {
		"it was overwritten":            {given: (*story).approved, then: (*story).overwrite},
		"it was replaced":               {given: (*story).approved, then: (*story).replace},
		"the ConfigMap is gone":         {given: (*story).approved, then: (*story).loseConfig},
		"it was undone, and not proved": {given: (*story).approved, then: (*story).undo},
	},
	strategyv1.ConditionInEffect: {
		"the scheduler started on what was overwritten": {given: (*story).approved, then: (*story).overwrittenAndRestarted, unseen: []string{"no playbook", "not served"}},
		"the time box ended":                            {given: (*story).approved, then: (*story).boxIsOver},
		"it was undone, and not proved":                 {given: (*story).approved, then: (*story).undo},
	},
}

// measured are conditions that say what was measured or done once. Another fact does not make that untrue, and another condition says
// whether it still counts.
var measured = map[string]string{
	strategyv1.ConditionVerified:  "the checks after the change were not worse; InEffect says whether the change still is",
	strategyv1.ConditionRestored:  "it has ended",
	strategyv1.ConditionCommitted: "it was committed; Applied says whether the edits still stand where they count",
}

var (
	wrongConfig = &facts.Problem{Reason: strategyv1.ReasonConfigInvalid, Message: "line 3"}
	wrongLog    = &facts.Problem{Reason: strategyv1.ReasonSecretNotFound, Message: "no key"}
)

// wrongs are what may be wrong at the same time: how it begins, and how it ends.
var wrongs = map[string]struct{ begins, ends func(*story) }{
	"nothing": {func(*story) {}, func(*story) {}},
	"no playbook": {func(s *story) {
		s.playbookProblem = &facts.Problem{Reason: strategyv1.ReasonPlaybookNotFound, Message: "the revision is lost"}
	}, func(s *story) { s.playbookProblem = nil }},
	"no log":            {func(s *story) { s.logProblem = wrongLog }, func(s *story) { s.logProblem = nil }},
	"bad configuration": {func(s *story) { s.configProblem = wrongConfig }, func(s *story) { s.configProblem = nil }},
	"not served": {func(s *story) {
		s.notServed = &facts.Problem{Reason: strategyv1.ReasonNamespaceNotServed, Message: "no label"}
	}, func(s *story) { s.notServed = nil }},
	"on hold": {func(s *story) { s.suspended = true }, func(s *story) { s.suspended = false }},
}

func (s *story) awaits() { s.quiet() }

// waits: approved, and another incident's rollback goes first.
func (s *story) waits() {
	s.rollback.Spec.IncidentName = "mine"
	busy := strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Name: "theirs", UID: "00000000"}, Spec: strategyv1.StrategyRollbackSpec{IncidentName: "other"}}
	busy.Status.Config = &strategyv1.ConfigClaim{Claim: strategyv1.ClaimHold}
	s.others = []strategyv1.StrategyRollback{busy}
	s.approved()
}

func (s *story) overwrite() { s.Now = s.Now.Add(time.Minute); s.Edit(testkit.Document) }

func (s *story) overwrittenAndRestarted() { s.overwrite(); s.restarts() }

func (s *story) boxIsOver() { s.Now = s.rollback.Status.Plan.Until.Add(time.Second) }

func (s *story) replace() { s.Edit(testkit.Document); s.Edits = "" }

func (s *story) deny() { s.decide(strategyv1.DecisionDeny, "carol") }

func (s *story) heldBefore() { s.quiet(); s.suspended = true; s.quiet() }

func (s *story) heldInForce() { s.approved(); s.suspended = true; s.quiet() }

func (s *story) release() { s.suspended = false }

// withoutDeployment: written, and nothing runs it.
func (s *story) withoutDeployment() {
	s.writerStopped = true
	s.approved()
	s.Deployment = nil
	s.writes()
	s.quiet()
	s.writerStopped = false
}

func (s *story) loseConfig() {
	s.configProblem = &facts.Problem{Reason: strategyv1.ReasonConfigMapNotFound, Message: "it does not exist"}
}

func (s *story) unschedule() {
	s.Edit(strings.Replace(s.Content, "        fast: {strategy: arb, risk_profile: bold}\n", "", 1))
}

// undo: somebody wants it undone, and it is written so; the scheduler does not come back.
func (s *story) undo() {
	s.rollback.Spec.DesiredState = strategyv1.StateRestored
	s.writerStopped = true
	s.quiet()
	s.Deployment.Spec.Paused = true
	s.writes()
}

// stays says whether a condition is True, as it was. Ready and Stalled are others when they have another reason.
func (s *story) stays(kind, reason string) bool {
	now := s.rollback.Status.Conditions
	summary := kind == strategyv1.ConditionReady || kind == strategyv1.ConditionStalled
	return conditions.True(now, kind) && (!summary || conditions.Reason(now, kind) == reason)
}

// What a condition says is a fact, whatever else is wrong: it is taken back when it is not so any more, and where nobody can see that,
// nothing is done on it, and it is taken back as soon as somebody can.
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
					reason := conditions.Reason(s.rollback.Status.Conditions, kind)
					if !s.stays(kind, reason) {
						t.Fatalf("it is not True: %s", testkit.Conditions(s.rollback.Status.Conditions))
					}
					writes := s.Writes
					c.then(s)
					writes = max(writes, s.Writes)
					what.begins(s)
					s.quiet()
					if !slices.Contains(c.unseen, wrong) {
						if s.stays(kind, reason) {
							t.Fatalf("%s stays: %s; %s", kind, testkit.Conditions(s.rollback.Status.Conditions), s.message(kind))
						}
						return
					}
					if s.Writes != writes || conditions.True(s.rollback.Status.Conditions, strategyv1.ConditionReady) {
						t.Errorf("%d writes, Ready %s", s.Writes-writes, s.condition(strategyv1.ConditionReady))
					}
					what.ends(s)
					s.quiet()
					if s.stays(kind, reason) {
						t.Errorf("%s stays when it can be seen again: %s", kind, testkit.Conditions(s.rollback.Status.Conditions))
					}
				})
			}
		}
	}
}

// TestEveryConditionIsTakenBack: whoever adds a condition says what takes it back.
func TestEveryConditionIsTakenBack(t *testing.T) {
	ofOthers := []string{
		"OnCallKnown", "OnCallMayDecide", "Reviewed", "Triaged", "Acknowledged", "Escalated", "LeadCalled", "Diagnosed", "Contained", "Quiet", "Resolved", "SLAMet", "SignalsKnown", "Notified",
	}
	for _, kind := range testkit.ConditionTypes(t) {
		_, listed := takenBack[kind]
		if _, once := measured[kind]; !listed && !once && !slices.Contains(ofOthers, kind) {
			t.Errorf("%s: what takes it back when it is True and not so any more?", kind)
		}
	}
}
