package incident_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// lessSevere is an incident that was reported as a warning, with checks for some severities only.
func lessSevere(t testkit.T) *story {
	s := newStory(t)
	s.incident.Spec.Severity, s.incident.Spec.RequestedBy = strategyv1.SeverityWarning, "system:serviceaccount:trading:alerts"
	branch := []strategyv1.StageCheck{
		{Name: "audit"},
		{Name: "load", Severities: []strategyv1.Severity{"Info", "Warning"}},
		{Name: "smoke", Severities: []strategyv1.Severity{"Critical"}},
	}
	s.Spec.Triage.Checks, s.Spec.Diagnosis.Checks = branch, branch
	s.Spec.Triage.Escalate = nil
	return s
}

// raise is a later report of the same, which is more severe.
func (s *story) raise(severity strategyv1.Severity) {
	s.same = []strategyv1.StrategyIncident{other("later", time.Minute, func(o *strategyv1.StrategyIncident) { o.Spec.Severity = severity })}
}

// ran are the attempts that were begun, each once.
func (s *story) ran() string {
	s.T.Helper()
	for name, times := range s.Created {
		if times != 1 {
			s.T.Fatalf("Job %s was created %d times", name, times)
		}
	}
	all := s.Jobs()
	for _, record := range s.incident.Status.Checks {
		attempt := fmt.Sprintf("%s/%s/%d", record.Stage, record.Name, record.Attempt)
		if !slices.Contains(all, attempt) {
			all = append(all, attempt)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// A stage runs what its incident needs now; what it began with stays in it, and nothing runs twice.
func TestARaisedIncidentRunsWhatItNeedsNow(t *testing.T) {
	well := reports{"audit": testkit.OK(), "load": testkit.OK(), "smoke": testkit.OK()}
	for name, c := range map[string]struct {
		story func(*story)
		jobs  string
		ready string
	}{
		"never raised": {func(s *story) {
			s.reports(well)
			s.quiet()
		}, "Triage/audit/1 Triage/load/1", "True/FalseAlarm"},
		"before its first check began": {func(s *story) {
			s.raise("Critical")
			s.reports(well)
			s.quiet()
		}, "Triage/audit/1 Triage/smoke/1", "True/FalseAlarm"},
		"while its checks run": {func(s *story) {
			s.quiet()
			s.raise("Critical")
			s.quiet()
		}, "Triage/audit/1 Triage/load/1 Triage/smoke/1", "False/Triaging"},
		"when all of them passed: no false alarm without what a critical one needs": {func(s *story) {
			s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
			s.pass() // its Jobs
			s.Step()
			s.Step() // their reports: the pass that takes them up sees the other incident, too
			s.raise("Critical")
			s.quiet()
		}, "Triage/audit/1 Triage/load/1 Triage/smoke/1", "False/Triaging"},
		"and then that passes, too": {func(s *story) {
			s.quiet()
			s.raise("Critical")
			s.reports(well)
			s.quiet()
		}, "Triage/audit/1 Triage/load/1 Triage/smoke/1", "True/FalseAlarm"},
		"what it began with counts": {func(s *story) {
			s.quiet()
			s.raise("Critical")
			s.reports(reports{"audit": testkit.OK(), "load": testkit.Fail(), "smoke": testkit.OK()})
			s.quiet()
		}, "Triage/audit/1 Triage/load/1 Triage/smoke/1", "False/Triaging"},
		"what was optional and not measured still is": {func(s *story) {
			s.Spec.Triage.Checks[1].Need = strategyv1.NeedOptional
			s.reports(reports{"load": testkit.Broken()})
			s.quiet()
			s.raise("Critical")
			s.reports(well)
			s.quiet()
		}, "Triage/audit/1 Triage/load/1 Triage/load/2 Triage/smoke/1", "False/Triaging"},
		"past a severity that never counted": {func(s *story) {
			s.incident.Spec.Severity = strategyv1.SeverityInfo
			s.Spec.Triage.Checks[0].Severities = []strategyv1.Severity{"Warning"}
			s.quiet()
			s.raise("Critical")
			s.quiet()
		}, "Triage/load/1 Triage/smoke/1", "False/Triaging"},
		"before the next stage": {func(s *story) {
			s.reports(reports{"audit": testkit.Warn(), "load": testkit.OK(), "Triage/smoke": testkit.OK()})
			s.quiet()
			s.raise("Critical")
			s.quiet()
			s.decide(strategyv1.DecisionEscalate, "bob")
			s.quiet()
		}, "Diagnosis/audit/1 Diagnosis/smoke/1 Triage/audit/1 Triage/load/1 Triage/smoke/1", "False/Diagnosing"},
		"while the next stage runs": {func(s *story) {
			s.reports(reports{"audit": testkit.Warn(), "Triage/load": testkit.OK()})
			s.decide(strategyv1.DecisionEscalate, "bob")
			s.quiet()
			s.raise("Critical")
			s.reports(reports{"Diagnosis/audit": testkit.OK(), "Diagnosis/load": testkit.OK()})
			s.quiet()
		}, "Diagnosis/audit/1 Diagnosis/load/1 Diagnosis/smoke/1", "False/Diagnosing"},
	} {
		t.Run(name, func(t *testing.T) {
			s := lessSevere(t)
			c.story(s)
			expect(t, "Jobs", s.ran(), c.jobs)
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
		})
	}
}

// What was judged is not all any more: the condition says so, and nobody is asked to decide on less.
func TestARaisedIncidentIsNotTriagedAnyMore(t *testing.T) {
	s := lessSevere(t)
	s.incident.Spec.RequestedBy = "alice"
	s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
	s.quiet()
	expect(t, "before", s.condition(strategyv1.ConditionTriaged), "True/LooksLikeFalseAlarm")
	s.raise("Critical")
	s.quiet()
	expect(t, "raised", s.condition(strategyv1.ConditionTriaged), "Unknown/Triaging")
	expect(t, "it waits for", string(s.incident.Status.WaitsFor), "Machine")
	s.reports(reports{"smoke": testkit.OK()})
	s.quiet()
	expect(t, "after", s.condition(strategyv1.ConditionTriaged), "True/LooksLikeFalseAlarm")
}

// A check is told the severity that counts when it starts, and its report is judged by the same, however the incident was raised since.
func TestACheckIsJudgedAsItWasTold(t *testing.T) {
	s := lessSevere(t)
	for i := range s.Spec.Checks {
		s.Spec.Checks[i].Verdicts = []strategyv1.VerdictRule{
			{When: "incident.severity == 'Critical'", Verdict: strategyv1.VerdictWarn}, {When: "true", Verdict: strategyv1.VerdictPass},
		}
	}
	s.quiet()
	s.raise("Critical")
	s.quiet()
	s.reports(reports{"audit": testkit.OK(), "load": testkit.OK(), "smoke": testkit.OK()})
	s.quiet()
	var verdicts []string
	for _, record := range s.incident.Status.Checks {
		verdicts = append(verdicts, record.Name+" "+string(record.Verdict))
	}
	expect(t, "verdicts", strings.Join(verdicts, ", "), "audit Pass, load Pass, smoke Warn")
}
