package input

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
)

const reviews = "kubectl strategy review multi-strategy -n "

// twoPersons is a world in which each playbook needs a second person; nobody has looked at it yet.
func twoPersons(t *testing.T) *story {
	t.Helper()
	s := tell(t, nil)
	s.Labels = map[string]string{strategyv1.LabelPlaybookReview: "true"}
	s.later(recheck)
	return s
}

func (s *story) approves() {
	s.t.Helper()
	s.Review(sim.Reviewer, strategyv1.DecisionApprove)
	s.settle()
}

// edits is the author, who takes the second person out of every remedy.
func (s *story) edits() {
	s.t.Helper()
	sim.Change(s.World, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(playbook *strategyv1.StrategyPlaybook) {
		for i := range playbook.Spec.Remediations {
			playbook.Spec.Remediations[i].Approval.Mode = strategyv1.ApprovalAutomatic
		}
	})
	s.settle()
}

func (s *story) playbook() *strategyv1.StrategyPlaybook {
	var playbook strategyv1.StrategyPlaybook
	s.Get(sim.Playbook, &playbook)
	return &playbook
}

// TestNothingIsChangedOnAPlaybookThatNobodyApproved: an incident calls people, and a rollback that somebody asked for does not start.
func TestNothingIsChangedOnAPlaybookThatNobodyApproved(t *testing.T) {
	t.Parallel()
	s := twoPersons(t)
	s.edits()
	s.ReportIncident(nil)
	s.AskRollback("less", nil)
	s.breaks()
	s.settle()
	s.stalls(aRollback(), "less", "AwaitingReview", "that a second person approved can be used", reviews)
	if incident := s.Incident(); incident.Status.Review == "" || conditions.Reason(incident.Status.Conditions, strategyv1.ConditionOnHold) != "AwaitingReview" || len(incident.Status.Deadlines) == 0 {
		t.Errorf("%+v", incident.Status)
	}
	s.noJobs()
	s.approves()
	s.later(recheck)
	s.is(anIncident(), "pnl", "LooksLikeFalseAlarm")
	s.is(aRollback(), "less", "AwaitingApproval")
	if s.Incident().Status.Review != "" {
		t.Error("it waits still")
	}
}

// TestTheLabelComesAndGoes: what runs goes on as it began, whatever the label says then; what waits need not any more.
func TestTheLabelComesAndGoes(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.ReportIncident(nil)
	s.settle()
	before := s.Incident().Status.PlaybookRevision
	s.Labels = map[string]string{strategyv1.LabelPlaybookReview: ""}
	s.edits()
	s.later(recheck)
	if now := s.Incident().Status; now.Review != "" || now.PlaybookRevision != before || conditions.True(now.Conditions, strategyv1.ConditionOnHold) {
		t.Errorf("an incident that ran does not go on: %+v", now.Conditions)
	}
	s.ReportAs("slow", func(spec *strategyv1.StrategyIncidentSpec) { spec.Schedule = "slow" })
	s.settle()
	if s.IncidentNamed("slow").Status.Review == "" {
		t.Error("a new one waits for nobody")
	}
	s.Labels = nil
	s.later(recheck)
	if now := s.IncidentNamed("slow").Status; now.Review != "" || conditions.True(now.Conditions, strategyv1.ConditionOnHold) {
		t.Errorf("it waits still: %+v", now.Conditions)
	}
}

// TestAnApprovedVersionThatIsLost, or is not what was approved, is no approval of the one that is there.
func TestAnApprovedVersionThatIsLost(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{"lost": "does not exist", "another one in its place": "does not hold the playbook that its name was made of"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := twoPersons(t)
			s.settle()
			s.approves()
			approved := s.playbook().Status.Approved
			if approved == nil {
				t.Fatalf("it is not approved: %+v", s.playbook().Status)
			}
			s.edits()
			s.is(aPlaybook(), sim.Playbook, "AwaitingReview")
			var present appsv1.ControllerRevision
			s.Get(s.playbook().Status.Revision, &present)
			s.Delete(approved.Revision, &appsv1.ControllerRevision{})
			if name != "lost" {
				forged := present.DeepCopy()
				forged.Name, forged.UID, forged.ResourceVersion = approved.Revision, "", ""
				s.Create(forged)
			}
			s.later(recheck)
			s.ReportIncident(nil)
			s.settle()
			if message := conditions.Message(s.playbook().Status.Conditions, strategyv1.ConditionReady); !strings.Contains(message, says) {
				t.Errorf("the playbook says %q", message)
			}
			if status := s.Incident().Status; status.Review == "" || len(s.Jobs) > 0 {
				t.Errorf("the incident runs: %+v", status)
			}
		})
	}
}

// TestChecksThatNobodyApprovedAreNotTakenOver, not even by an approver.
func TestChecksThatNobodyApprovedAreNotTakenOver(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.ReportIncident(nil)
	s.settle()
	s.Labels = map[string]string{strategyv1.LabelPlaybookReview: "true"}
	s.edits()
	s.DecideAbout("bob", strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: "pnl"}, strategyv1.DecisionAdoptChecks)
	s.settle()
	answers := s.Incident().Status.Answers
	if len(answers) != 1 || answers[0].Outcome != strategyv1.OutcomeRefused || !strings.Contains(answers[0].Message, "that a second person approved can be used") {
		t.Errorf("bob hears %+v", answers)
	}
	if s.Incident().Status.AdoptedChecks != nil {
		t.Error("they are taken over")
	}
}
