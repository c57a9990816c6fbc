package rollback_test

import (
	"slices"
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// A restore asks what the cause was found by, and what the incident needs since it was raised: a check that is not asked any more would make a
// cause look gone.
func TestTheCauseOfARaisedIncident(t *testing.T) {
	const byWarning, byCritical = "checks.exists(c, c.name == 'smoke' && c.verdict == 'Fail')", "checks.exists(c, c.name == 'audit' && c.verdict == 'Fail')"
	severities := func(severities ...strategyv1.Severity) []strategyv1.Severity { return severities }
	for name, c := range map[string]struct {
		rule    string
		counted []strategyv1.Severity // since the diagnosis began
		fails   string
		asks    string
		ready   string
	}{
		"not raised":                              {byWarning, severities("Warning"), "smoke", "load smoke", "RestoreGateFailed"},
		"found before it was raised":              {byWarning, severities("Warning", "Critical"), "smoke", "audit load smoke", "RestoreGateFailed"},
		"and what it needs now":                   {byCritical, severities("Warning", "Critical"), "audit", "audit load smoke", "RestoreGateFailed"},
		"and all of that is well":                 {byWarning, severities("Warning", "Critical"), "", "audit load smoke", "Restored"},
		"found after it was raised":               {byCritical, severities("Critical"), "audit", "audit load", "RestoreGateFailed"},
		"a status that does not say what counted": {byCritical, nil, "audit", "audit load", "RestoreGateFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := causedBy(t, c.rule)
			s.Spec.Diagnosis.Checks = []strategyv1.StageCheck{
				{Name: "load"}, {Name: "smoke", Severities: severities("Info", "Warning")}, {Name: "audit", Severities: severities("Critical")},
			}
			s.incident.Spec.Severity, s.incident.Status.Severity = strategyv1.SeverityWarning, strategyv1.SeverityCritical
			if len(c.counted) > 0 {
				s.incident.Status.Severity = c.counted[len(c.counted)-1]
				s.incident.Status.Branch = &strategyv1.BranchStatus{Stage: strategyv1.StageDiagnosis, Round: 1, Severities: c.counted}
			}
			all := reports{"load": testkit.OK(), "smoke": testkit.OK(), "audit": testkit.OK()}
			if c.fails != "" {
				all[c.fails] = testkit.Fail()
			}
			s.reports(all)
			s.decide(strategyv1.DecisionRestore, "carol")
			s.quiet()
			expect(t, "Ready", s.ready(), c.ready)
			expect(t, "asked", s.asked(strategyv1.StageRestore), c.asks)
		})
	}
}

// asked are the checks of a stage that were judged.
func (s *story) asked(stage strategyv1.Stage) string {
	var names []string
	for _, record := range s.rollback.Status.Checks {
		if record.Stage == stage {
			names = append(names, record.Name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// An incident that is raised while the gate is asked adds to it, and takes nothing away.
func TestAnIncidentIsRaisedWhileTheGateIsAsked(t *testing.T) {
	s := causedBy(t, "checks.exists(c, c.name == 'smoke' && c.verdict == 'Fail')")
	s.Spec.Diagnosis.Checks = []strategyv1.StageCheck{
		{Name: "smoke", Severities: []strategyv1.Severity{"Warning"}}, {Name: "audit", Severities: []strategyv1.Severity{"Critical"}},
	}
	s.incident.Spec.Severity = strategyv1.SeverityWarning
	s.incident.Status.Branch = &strategyv1.BranchStatus{Stage: strategyv1.StageDiagnosis, Round: 1, Severities: []strategyv1.Severity{"Warning"}}
	s.reports(reports{"load": testkit.OK()})
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "before", strings.Join(s.Jobs(), " "), "Restore/smoke/1")
	s.incident.Status.Severity = strategyv1.SeverityCritical
	s.incident.Status.Branch.Severities = append(s.incident.Status.Branch.Severities, strategyv1.SeverityCritical)
	s.quiet()
	expect(t, "raised", strings.Join(s.Jobs(), " "), "Restore/audit/1 Restore/smoke/1")
	s.reports(reports{"load": testkit.OK(), "smoke": testkit.Fail(), "audit": testkit.OK()})
	s.quiet()
	expect(t, "Ready", s.ready(), "RestoreGateFailed")
}
