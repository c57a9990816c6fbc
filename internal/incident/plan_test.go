package incident_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

type reports = map[string]*testkit.Report

// In each story the world goes up to a point; then one decision is compared as a whole.
func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		given      func(*story)
		conditions string
		actions    string
		next       string
	}{
		"a new incident starts all triage checks at once": {
			given:      func(*story) {},
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/Triaging",
			actions:    "log 0+ incident; create Job Triage/audit/1; create Job Triage/load/1",
			next:       "4m0s",
		},
		"triage waits for its checks": {
			given:      func(s *story) { s.quiet() },
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/Triaging", next: "4m0s",
		},
		"a check that has ended waits until its report is stored": {
			given:      func(s *story) { s.quiet(); s.reports(reports{"audit": testkit.OK()}); s.Step() },
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/Triaging",
			next:       "4m0s",
		},
		"a judged check's Job is deleted after the log has the verdict": {
			given:      func(s *story) { s.quiet(); s.reports(reports{"audit": testkit.OK()}); s.Step(); s.Step() },
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/Triaging",
			actions:    "log 1+ check; delete Job triage-audit", next: "4m0s",
		},
		"escalates to L2 at once when the audit fails while other checks still run": {
			given:      func(s *story) { s.quiet(); s.reports(reports{"audit": testkit.Fail()}); s.Step(); s.Step() },
			conditions: "Triaged=True/RuleHeld SLAMet=Unknown/WithinLimits Escalated=True/RuleHeld Ready=False/Diagnosing",
			actions:    "log 1+ check,escalated; delete Job triage-audit; create Job Diagnosis/load/1; create Job Diagnosis/smoke/1; tell Diagnosing", next: "5m0s",
		},
		"a check that could not measure is tried again": {
			given:      func(s *story) { s.quiet(); s.reports(reports{"load": testkit.Broken()}); s.Step(); s.Step() },
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/Triaging",
			actions:    "log 1+ check; delete Job triage-load; create Job Triage/load/2", next: "4m0s",
		},
		"a check that measured bad is not tried again": {
			given:      func(s *story) { s.quiet(); s.reports(reports{"load": testkit.Fail()}); s.Step(); s.Step() },
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/Triaging",
			actions:    "log 1+ check; delete Job triage-load", next: "4m0s",
		},
		"a false alarm is closed when the rule holds after all checks": {
			given: func(s *story) {
				s.incident.Spec.RequestedBy = intake
				s.quiet()
				s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
				s.Step()
				s.Step()
			},
			conditions: "Triaged=True/FalseAlarm SLAMet=True/WithinLimits Resolved=True/FalseAlarm Ready=True/FalseAlarm",
			actions:    "log 1+ check,check,acknowledged; delete Job triage-audit; delete Job triage-load; tell FalseAlarm", next: "0s",
		},
		"no false alarm while a check still runs": {
			given:      func(s *story) { s.reports(reports{"audit": testkit.OK()}); s.quiet() },
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/Triaging", next: "4m0s",
		},
		"triage that decides nothing has answered and waits for time or a person": {
			given:      func(s *story) { s.reports(reports{"audit": testkit.Warn(), "load": testkit.OK()}); s.quiet() },
			conditions: "Triaged=True/ChecksJudged SLAMet=Unknown/WithinLimits Ready=False/Triaging", next: "4m0s",
		},
		"a false-alarm rule that errors means no": {
			given: func(s *story) {
				s.Spec.Triage.FalseAlarm.When = "checks.all(c, c.report.nope == 1.0)"
				s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
				s.quiet()
			},
			conditions: "Triaged=True/ChecksJudged SLAMet=Unknown/WithinLimits Ready=False/Triaging", next: "4m0s",
		},
		"an escalate rule that errors waits while checks still run": {
			given: func(s *story) {
				s.Spec.Triage.Escalate[0].When = "checks.exists(c, c.name == 'audit' && c.report.nope == 1.0)"
				s.reports(reports{"audit": testkit.OK()})
				s.quiet()
			},
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/Triaging", next: "4m0s",
		},
		"an escalate rule that errors escalates once every check is judged": {
			given: func(s *story) {
				s.Spec.Triage.Escalate[0].When = "checks.exists(c, c.name == 'audit' && c.report.nope == 1.0)"
				s.quiet()
				s.reports(reports{"Triage/audit": testkit.OK(), "Triage/load": testkit.OK()})
				s.Step()
				s.Step()
			},
			conditions: "Triaged=True/RuleErrored SLAMet=Unknown/WithinLimits Escalated=True/RuleErrored Ready=False/Diagnosing",
			actions:    "log 1+ check,check,escalated; delete Job triage-audit; delete Job triage-load; create Job Diagnosis/load/1; create Job Diagnosis/smoke/1; tell Diagnosing", next: "15m0s",
		},
		"a person escalates while checks still run": {
			given:      func(s *story) { s.quiet(); s.At(time.Minute); s.decide(strategyv1.DecisionEscalate, "bob") },
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Ready=False/Diagnosing",
			actions:    "log 1+ escalated; create Job Diagnosis/load/1; create Job Diagnosis/smoke/1; answer d-bob Honoured; tell Diagnosing", next: "15m0s",
		},
		"a person's false alarm closes at once": {
			given:      func(s *story) { s.quiet(); s.At(time.Minute); s.decide(strategyv1.DecisionFalseAlarm, "bob") },
			conditions: "Triaged=Unknown/Triaging SLAMet=True/WithinLimits Resolved=True/FalseAlarm Ready=True/FalseAlarm",
			actions:    "log 1+ acknowledged; delete Job triage-audit; delete Job triage-load; answer d-bob Honoured; tell FalseAlarm", next: "1m0s",
		},
		"a person resolves at once": {
			given:      func(s *story) { s.quiet(); s.At(time.Minute); s.decide(strategyv1.DecisionResolve, "bob") },
			conditions: "Triaged=Unknown/Triaging SLAMet=True/WithinLimits Resolved=True/Resolved Ready=True/Resolved",
			actions:    "log 1+ closed; delete Job triage-audit; delete Job triage-load; answer d-bob Honoured; tell Resolved", next: "1m0s",
		},
		"closed and clean: nothing more": {
			given:      func(s *story) { s.decide(strategyv1.DecisionResolve, "bob"); s.quiet(); s.At(100 * time.Hour) },
			conditions: "Triaged=Unknown/Triaging SLAMet=True/WithinLimits Resolved=True/Resolved Ready=True/Resolved", next: "never",
		},
		"a deleted incident does nothing": {
			given: func(s *story) {
				s.quiet()
				s.incident.DeletionTimestamp = new(metav1.NewTime(s.Now))
				s.At(time.Hour)
			},
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/Triaging", next: "never",
		},
		"cause unknown asks a person": {
			given:      func(s *story) { s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.OK()}) },
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=False/CauseUnknown Ready=False/NeedsPerson Stalled=True/NeedsPerson",
			next:       "15m0s",
		},
		"a cause without remedy asks a person": {
			given:      func(s *story) { s.diagnosed(reports{"load": testkit.Fail(), "smoke": testkit.OK()}) },
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Ready=False/NeedsPerson Stalled=True/NeedsPerson",
			next:       "15m0s",
		},
		"a cause rule that errors asks a person": {
			given: func(s *story) {
				s.Spec.Diagnosis.Causes[0].When = "checks.exists(c, c.name == 'smoke' && c.report.nope == 1.0)"
				s.diagnosed(reports{"load": testkit.Fail(), "smoke": testkit.OK()})
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=False/RuleErrored Ready=False/NeedsPerson Stalled=True/NeedsPerson",
			next:       "15m0s",
		},
		"a cause whose remedy the playbook lacks asks a person": {
			given: func(s *story) {
				s.Spec.Diagnosis.Causes[0].Remediation = "gone"
				s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Ready=False/RemediationNotFound Stalled=True/RemediationNotFound",
			next:       "15m0s",
		},
		"a remedy for the incident's schedule needs one": {
			given: func(s *story) {
				s.incident.Spec.Schedule = ""
				s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Ready=False/NeedsPerson Stalled=True/NeedsPerson",
			next:       "15m0s",
		},
		"creates the rollback once the cause is found": {
			given: func(s *story) {
				s.diagnosing()
				s.reports(reports{"Diagnosis/load": testkit.OK(), "Diagnosis/smoke": testkit.Fail()})
				s.Step()
				s.Step()
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Contained=False/Mitigating Ready=False/Mitigating",
			actions:    "log 2+ check,check,diagnosed; delete Job diagnosis-load; delete Job diagnosis-smoke; create rollback pnl-12345678; tell Mitigating", next: "30s",
		},
		"a rollback that its controller has not seen is waited for": {
			given:      func(s *story) { s.mitigating() },
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Contained=False/Mitigating Ready=False/Mitigating",
			next:       "15m0s",
		},
		"contained while the rollback is verified": {
			given: func(s *story) {
				s.mitigating()
				s.rollbackIs(strategyv1.ReasonVerified, metav1.ConditionTrue, metav1.ConditionFalse)
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Contained=True/Verified Ready=False/Contained",
			actions:    "log 5+ contained; tell Contained", next: "0s", // somebody waits: the head of the log goes into the status
		},
		"restored, and it was never contained -> a person": {
			given: func(s *story) {
				s.mitigating()
				s.rollbackIs(strategyv1.ReasonRestored, metav1.ConditionTrue, metav1.ConditionFalse)
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Contained=False/Restored Ready=False/NeedsPerson Stalled=True/NeedsPerson",
			actions:    "warn NeedsPerson", next: "15m0s",
		},
		"restored -> resolved": {
			given: func(s *story) {
				s.mitigating()
				s.verified()
				s.rollbackIs(strategyv1.ReasonRestored, metav1.ConditionTrue, metav1.ConditionFalse)
			},
			conditions: "Triaged=True/PersonDecided SLAMet=True/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Contained=False/Restored Resolved=True/Resolved Ready=True/Resolved",
			actions:    "log 6+ closed; tell Resolved", next: "0s",
		},
		"denied -> a person": {
			given: func(s *story) {
				s.mitigating()
				s.rollbackIs(strategyv1.ReasonDenied, metav1.ConditionFalse, metav1.ConditionTrue)
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Contained=False/Denied Ready=False/NeedsPerson Stalled=True/NeedsPerson",
			actions:    "warn NeedsPerson", next: "15m0s",
		},
		"withdrawn -> a person": {
			given: func(s *story) {
				s.mitigating()
				s.rollbackIs(strategyv1.ReasonWithdrawn, metav1.ConditionTrue, metav1.ConditionFalse)
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Contained=False/Withdrawn Ready=False/NeedsPerson Stalled=True/NeedsPerson",
			actions:    "warn NeedsPerson", next: "15m0s",
		},
		"a deleted rollback is not created again": {
			given: func(s *story) {
				s.mitigating()
				clear(s.Rollbacks)
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Contained=False/Mitigating Ready=False/NeedsPerson Stalled=True/NeedsPerson",
			actions:    "warn NeedsPerson", next: "15m0s",
		},
		"a false alarm is not honoured while there is a rollback": {
			given: func(s *story) {
				s.mitigating()
				s.rollbackIs(strategyv1.ReasonAwaitingApproval, metav1.ConditionFalse, metav1.ConditionFalse)
				s.decide(strategyv1.DecisionFalseAlarm, "bob")
			},
			conditions: "Triaged=True/PersonDecided SLAMet=Unknown/WithinLimits Escalated=True/PersonDecided Diagnosed=True/CauseFound Contained=False/Mitigating Ready=False/Mitigating",
			actions:    "log 5+ not_honoured; answer d-bob Refused", next: "never",
		},
		"a PodTemplate that is gone is reported and looked for again": {
			given:      func(s *story) { s.Templates = nil },
			conditions: "Triaged=Unknown/Triaging SLAMet=Unknown/WithinLimits Ready=False/PodTemplateNotFound Stalled=True/PodTemplateNotFound",
			actions:    "log 0+ incident; warn PodTemplateNotFound", next: "0s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			decision := s.plan()
			expect(t, "conditions", testkit.Conditions(decision.Status.Conditions), c.conditions)
			expect(t, "actions", strings.Join(testkit.Describe(decision.Steps.InOrder()), "; "), c.actions)
			expect(t, "next", until(decision.NextAt), c.next)
		})
	}
}

// diagnosing is an incident that a person handed to L2; its diagnosis runs.
func (s *story) diagnosing() {
	s.T.Helper()
	s.quiet()
	s.decide(strategyv1.DecisionEscalate, "bob")
	s.quiet()
}

// diagnosed is the same with these reports.
func (s *story) diagnosed(by reports) {
	s.T.Helper()
	s.diagnosing()
	s.reports(reports{"Diagnosis/load": by["load"], "Diagnosis/smoke": by["smoke"]})
	s.quiet()
}

func (s *story) mitigating() {
	s.T.Helper()
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
	if len(s.Rollbacks) != 1 {
		s.T.Fatalf("no rollback: %s", testkit.Conditions(s.incident.Status.Conditions))
	}
}
