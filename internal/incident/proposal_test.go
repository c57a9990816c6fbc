package incident_test

import (
	"fmt"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

const prometheusRules = `groups:
- name: multi_strategy_runtime
  rules:
  - alert: LatencyHigh
    expr: latency_ms > 250 # noisy
    for: 2m
`

// withFatigue makes alert fatigue the cause, and a patch of the rules of Prometheus the remedy.
func (s *story) withFatigue() {
	s.Spec.Diagnosis.Causes = []strategyv1.CauseRule{{Name: "AlertFatigue", When: "incident.alertCount > 20.0", Remediation: "tune-alerts"}}
	s.Spec.Remediations = []strategyv1.RemediationSpec{{Name: "tune-alerts", Proposal: &strategyv1.ProposalSpec{
		Document: strategyv1.DocumentReference{ConfigMapName: "prometheus-rules", Key: "rules.yml"},
		Edits:    []strategyv1.DocumentEdit{{Path: "/groups/[name=multi_strategy_runtime]/rules/[alert=LatencyHigh]/for", Value: &apiextensionsv1.JSON{Raw: []byte(`"10m"`)}}},
	}}}
	s.documents = map[string]facts.Document{"tune-alerts": {Document: testkit.Parsed(s.T, prometheusRules)}}
	s.rules = []strategyv1.AlertRuleStatus{{Name: "LatencyHigh", Series: 2, Occurrences: 21, Incidents: 1, SinceTime: metav1.NewTime(testkit.T0)}}
	s.incident.Status.AlertCount = 21
}

func TestAProposalIsShownAndNothingIsChanged(t *testing.T) {
	s := newStory(t)
	s.withFatigue()
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.OK()})
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/Proposed")
	expect(t, "the log", s.events(), "incident escalated check check diagnosed proposed")
	proposal := s.incident.Status.Proposal
	expect(t, "the patch", proposal.Patch, "--- rules.yml\n+++ rules.yml\n@@ -6 +6 @@\n-    for: 2m\n+    for: \"10m\"\n")
	expect(t, "how often the alert fired", fmt.Sprint(proposal.Alerts[0].Name, " ", proposal.Alerts[0].Occurrences), "LatencyHigh 21")
	expect(t, "the evidence", string(s.Objects[proposal.EvidenceKey]), proposal.Patch)
	if len(s.Rollbacks) > 0 {
		t.Errorf("rollbacks: %v", sortedNames(s.Rollbacks))
	}
	s.decide(strategyv1.DecisionResolve, "bob")
	s.quiet()
	expect(t, "when people have applied it", s.condition(strategyv1.ConditionReady), "True/Resolved")
}

// The patch that people see is the one in the evidence, also where nothing could be stored until the document was another one.
func TestAProposalIsStoredAsItWasShown(t *testing.T) {
	s := newStory(t)
	s.withFatigue()
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.OK()})
	shown := *s.incident.Status.Proposal
	delete(s.Objects, shown.EvidenceKey)
	s.Logs[prefix] = s.Logs[prefix][:5] // without that it was proposed
	s.documents["tune-alerts"] = facts.Document{Document: testkit.Parsed(t, strings.Replace(prometheusRules, "2m", "3m", 1))}
	s.quiet()
	expect(t, "what is shown", s.incident.Status.Proposal.Patch, shown.Patch)
	expect(t, "the evidence", string(s.Objects[shown.EvidenceKey]), shown.Patch)
}

func TestAProposalThatCannotBeMade(t *testing.T) {
	for name, c := range map[string]struct {
		document facts.Document
		reason   string
		says     string
	}{
		"the ConfigMap is gone":     {facts.Document{Problem: &facts.Problem{Reason: strategyv1.ReasonConfigMapNotFound, Message: "ConfigMap trading/prometheus-rules does not exist"}}, "ConfigMapNotFound", "does not exist"},
		"the path is not there":     {facts.Document{Document: testkit.Parsed(t, "groups: []\n")}, "NeedsPerson", "/groups/[name=multi_strategy_runtime]"},
		"it has that value already": {facts.Document{Document: testkit.Parsed(t, strings.Replace(prometheusRules, "2m", "10m", 1))}, "NeedsPerson", "has what is proposed already"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.withFatigue()
			s.documents["tune-alerts"] = c.document
			s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.OK()})
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/"+c.reason)
			if message := messageOf(s, strategyv1.ConditionReady); !strings.Contains(message, c.says) {
				t.Errorf("it says %q, without %q", message, c.says)
			}
		})
	}
}

func messageOf(s *story, kind string) string {
	for _, c := range s.incident.Status.Conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}
