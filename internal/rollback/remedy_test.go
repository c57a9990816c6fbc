package rollback_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// A remedy's approval is for what the playbook means by it, for an incident whose cause asks for it. Anything else that names it must be
// approved by somebody else.
func TestTheApprovalOfARemedyIsForItsOwnActions(t *testing.T) {
	foreign := strategyv1.RollbackAction{Type: strategyv1.ActionSetAllocation, RiskProfile: "balanced", Bucket: "cross", Allocation: "999.0"}
	for name, c := range map[string]struct {
		given func(*story)
		own   bool
		says  string
	}{
		"its own":                          {func(*story) {}, true, ""},
		"of a strategy with two":           {func(s *story) { both(s, "fast", "slow") }, true, ""},
		"on the ladder of the cause":       {func(s *story) { ladder(s) }, true, ""},
		"other actions":                    {func(s *story) { s.rollback.Spec.Actions = []strategyv1.RollbackAction{foreign} }, false, "its actions are not those of remedy"},
		"one action more":                  {func(s *story) { s.rollback.Spec.Actions = append(s.rollback.Spec.Actions, foreign) }, false, "its actions are not those of remedy"},
		"another schedule":                 {func(s *story) { s.rollback.Spec.Actions[0].Schedule = "slow" }, false, "its actions are not those of remedy"},
		"somebody asked, not its incident": {func(s *story) { s.rollback.Spec.IncidentUID = "" }, false, "its incident did not ask for it"},
		"for no incident":                  {func(s *story) { s.incident, s.rollback.Spec.IncidentName = nil, "" }, false, "for no incident"},
		"its incident was deleted":         {func(s *story) { s.incident = nil }, false, "for no incident"},
		"nobody knows the cause":           {func(s *story) { s.incident.Status.Cause = nil }, false, "the cause of its incident is not known"},
		"the cause asks for another":       {func(s *story) { s.incident.Status.Cause.Remediation = "disable" }, false, "is not one for cause"},
		"the cause asks for none":          {func(s *story) { s.incident.Status.Cause.Remediation = "" }, false, "is not one for cause"},
		"the cause concerns no schedules":  {func(s *story) { s.incident.Status.Cause.Schedules = nil }, false, "its actions are not those of remedy"},
	} {
		for _, remedy := range []string{"automatic", "keep"} { // nobody is asked; whoever asked may approve
			t.Run(name+"/"+remedy, func(t *testing.T) {
				s := newStory(t)
				s.remedy(remedy)
				c.given(s)
				s.quiet()
				s.decide(strategyv1.DecisionApprove, "alice")
				s.quiet()
				approved := conditions.True(s.rollback.Status.Conditions, strategyv1.ConditionApproved)
				if approved != c.own {
					t.Fatalf("approved: %v; %s", approved, s.message(strategyv1.ConditionReady))
				}
				for _, text := range []string{s.message(strategyv1.ConditionPlanned), s.logText()} {
					if !strings.Contains(text, c.says) {
						t.Errorf("it does not say %q: %s", c.says, text)
					}
				}
				if c.own {
					return
				}
				if s.Content != testkit.Document {
					t.Errorf("it was changed: %s", s.Content)
				}
				s.decide(strategyv1.DecisionApprove, "bob")
				s.quiet()
				expect(t, "with another person", s.ready(), "Verified")
			})
		}
	}
}

// both makes it about two schedules, as of a strategy.
func both(s *story, names ...string) {
	s.rollback.Spec.Actions, s.incident.Status.Cause.Schedules = nil, names
	for _, name := range names {
		s.rollback.Spec.Actions = append(s.rollback.Spec.Actions, testkit.Disable(name))
	}
}

// ladder makes its remedy follow another one, which follows it.
func ladder(s *story) {
	first := s.Spec.Remediations[0]
	first.OnFailedAfter, first.Then = strategyv1.FailedAfterNext, s.rollback.Spec.RemediationName
	s.Spec.Remediations[0] = first
	s.incident.Status.Cause.Remediation = first.Name
	for i := range s.Spec.Remediations {
		if s.Spec.Remediations[i].Name == s.rollback.Spec.RemediationName {
			s.Spec.Remediations[i].Then = first.Name
		}
	}
}

// A rollback that names an incident is for that incident: of its playbook, and of its mode.
func TestARollbackThatIsNotForItsIncidentIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		says  string // empty: it is not refused
	}{
		"another playbook":          {func(s *story) { s.incident.Spec.PlaybookName = "other" }, "incident pnl runs on playbook other, and this rollback names playbook multi-strategy"},
		"an exercise of a real one": {func(s *story) { s.rollback.Spec.Mode = strategyv1.ModeDrill }, "incident pnl has mode Live, and this rollback has mode Drill"},
		"a change for an exercise":  {func(s *story) { s.incident.Spec.Mode = strategyv1.IncidentDrill }, "incident pnl has mode Drill, and this rollback has mode Live"},
		"a dry run of a real one":   {func(s *story) { s.rollback.Spec.Mode = strategyv1.ModeDryRun }, ""},
		"a dry run of an exercise": {func(s *story) {
			s.incident.Spec.Mode, s.rollback.Spec.Mode = strategyv1.IncidentDrill, strategyv1.ModeDryRun
		}, ""},
		"its incident was deleted":     {func(s *story) { s.incident = nil }, ""},
		"what is in force is not left": {func(s *story) { s.approved(); s.incident.Spec.PlaybookName = "other" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.remedy("disable")
			c.given(s)
			s.quiet()
			if refused := s.ready() == strategyv1.ReasonIncidentMismatch; refused != (c.says != "") {
				t.Fatalf("refused: %v; %s", refused, s.message(strategyv1.ConditionReady))
			}
			if !strings.Contains(s.message(strategyv1.ConditionReady), c.says) {
				t.Errorf("it does not say %q: %s", c.says, s.message(strategyv1.ConditionReady))
			}
		})
	}
}

// A remedy whose approval was asked for in time is not asked again when its incident goes.
func TestAnApprovalStaysWhenTheIncidentGoes(t *testing.T) {
	s := newStory(t)
	s.remedy("automatic")
	s.quiet()
	s.incident.DeletionTimestamp = new(metav1.NewTime(s.Now))
	s.quiet()
	s.incident = nil
	s.quiet()
	expect(t, "Ready", s.ready(), "Verified")
}

// What a person stopped for good stays so, whatever becomes of the rollback that wanted the same for a while.
func TestWhatAPersonStoppedForGoodStaysStopped(t *testing.T) {
	const theirs = "{schedule: fast, reason: mine}"
	s := newStory(t)
	s.Content = strings.Replace(testkit.Document, "      schedules:\n", "      initial_suspensions: ["+theirs+"]\n      schedules:\n", 1)
	s.Running = s.Content
	s.byHand(testkit.Disable("fast"), testkit.Disable("slow"))
	s.approved()
	expect(t, "Ready", s.ready(), "Verified")
	if message := s.message(strategyv1.ConditionPlanned); !strings.Contains(message, `Left as it is: the schedule "fast" is suspended already, without an end`) {
		t.Errorf("the plan does not say so: %s", message)
	}
	if disables := strings.Join(s.rollback.Status.Plan.Disables, " "); disables != "fast slow" || !strings.Contains(s.Content, theirs) {
		t.Errorf("disables %s\n%s", disables, s.Content)
	}
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "undone", s.ready(), "Restored")
	if strings.Count(s.Content, theirs) != 1 || strings.Contains(s.Content, "slow, reason") {
		t.Errorf("it is\n%s", s.Content)
	}
}
