//go:build e2e

package e2e

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/record"
)

// An alert that is over, and nothing is wrong: the rule says so, and since alice reported it, she is who closes it.
func TestAFalseAlarmIsAcknowledgedAndNothingIsChanged(t *testing.T) {
	s := tell(t)
	incident := s.report("alice", samplePlaybook, func(spec *strategyv1.StrategyIncidentSpec) { spec.Severity = "Warning" })
	s.isTriaged(incident) // without an alert no rule says that nothing is wrong
	s.alert(incident, strategyv1.AlertFiring)
	s.alert(incident, strategyv1.AlertResolved)
	s.reaches(incident, "LooksLikeFalseAlarm", time.Minute)
	s.expect(incident, "Ready=False/LooksLikeFalseAlarm", "Triaged=True/LooksLikeFalseAlarm", "SLAMet=Unknown/WithinLimits")
	s.decides("alice", strategyv1.DecisionFalseAlarm, incident)
	s.reaches(incident, "FalseAlarm", 10*time.Second)
	s.expect(incident, "Ready=True/FalseAlarm", "Resolved=True/FalseAlarm", "Triaged=True/LooksLikeFalseAlarm", "Stalled=False/FalseAlarm", "SLAMet=True/WithinLimits")
	if level := incident.Status.Level; level != strategyv1.LevelL1 {
		s.Errorf("the level is %s, not L1", level)
	}
	if c := condition(incident, strategyv1.ConditionEscalated); c.Type != "" {
		s.Errorf("it was escalated: %+v", c)
	}
	s.passes(incident, 5*time.Second, "Triaging", "LooksLikeFalseAlarm", "FalseAlarm")
	s.noRollback()
	s.configIsAsBefore()
	s.isSuspended()
	events := s.logHolds(incident)
	if local && !slices.Equal(events, []string{"incident", "check", "check", "check", "check", "alert", "alert", "looks_false", "acknowledged"}) {
		s.Errorf("the log says %v", events)
	}
	s.evidenceHolds(incident)
	s.events(incident, "LooksLikeFalseAlarm", "FalseAlarm")
}

// isTriaged waits until L1 has all the evidence, and no rule has decided anything.
func (s *story) isTriaged(incident *strategyv1.StrategyIncident) {
	s.Helper()
	s.eventually(nameOf(incident)+" is triaged", fixed+20*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if condition(incident, strategyv1.ConditionTriaged).Reason != strategyv1.ReasonChecksJudged || condition(incident, strategyv1.ConditionReady).Reason != strategyv1.ReasonTriaging {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
}

func (s *story) noRollback() {
	s.Helper()
	var rollbacks strategyv1.StrategyRollbackList
	s.must(admin.List(s.ctx, &rollbacks, client.InNamespace(s.namespace)))
	if len(rollbacks.Items) != 0 {
		s.Errorf("there are %d rollbacks", len(rollbacks.Items))
	}
}

func TestAFailedAuditEscalatesAtOnceWhileOtherChecksStillRun(t *testing.T) {
	broken := strings.Replace(demoConfig(), "scopes: [runtime.schedule.read]", "scopes: []", 1)
	s := tell(t, with(broken))
	playbook := s.sample("slow-triage")
	for i := range playbook.Spec.Triage.Checks {
		if use := &playbook.Spec.Triage.Checks[i]; use.Name == "load-test" { // half a minute, so that L2 need not wait for it
			use.Env = []strategyv1.EnvVar{{Name: "ITERATIONS", Value: new("10000")}}
		}
	}
	incident := s.report("alice", s.playbook(playbook), func(spec *strategyv1.StrategyIncidentSpec) { spec.Severity = "Warning" })
	s.reaches(incident, "Diagnosing", 30*time.Second)
	s.expect(incident, "Triaged=True/RuleHeld", "Escalated=True/RuleHeld", "Ready=False/Diagnosing")
	s.says(incident, strategyv1.ConditionEscalated, "rule audit-failed")
	if level := incident.Status.Level; level != strategyv1.LevelL2 {
		s.Errorf("the level is %s, not L2", level)
	}
	for _, check := range incident.Status.Checks {
		switch {
		case check.Name == "stage4-audit" && check.Verdict != strategyv1.VerdictFail:
			s.Errorf("the audit is %s: %s", check.Verdict, check.Message)
		case check.Stage == strategyv1.StageTriage && check.Name == "load-test":
			s.Log("the load test was judged before the audit: this run does not show that L2 does not wait for it")
		}
	}

	s.reaches(incident, "NeedsPerson", 2*time.Minute)
	s.expect(incident, "Diagnosed=False/CauseUnknown", "Stalled=True/NeedsPerson")
	s.noRollback()
	s.decides("alice", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 20*time.Second)
	s.says(incident, strategyv1.ConditionResolved, "closed by alice")
	s.configIsAsBefore()
	s.logHolds(incident)
	s.evidenceHolds(incident)
}

// The scheduler runs the configuration that the story is about; nothing else may have touched it.
func (s *story) runs(content string) {
	s.Helper()
	plan, err := s.runningPlan(s.ctx)
	s.must(err)
	if plan.ConfigSHA256 != record.Hash(content) {
		s.Errorf("the scheduler runs %s, not the configuration of the story", plan.ConfigSHA256)
	}
}
