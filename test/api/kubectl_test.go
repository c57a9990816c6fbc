package api_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// kubectl runs kubectl itself, as an administrator of the namespace trading.
func kubectl(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, os.WriteFile(config, kubeconfig, 0o600))
	return func(args ...string) (string, error) {
		ctx, enough := context.WithTimeout(t.Context(), time.Minute)
		defer enough()
		command := exec.CommandContext(ctx, filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), append(args, "--kubeconfig="+config, "--namespace=trading")...)
		output, err := command.CombinedOutput()
		return string(output), err
	}
}

// listing is one object, with names and words as they are in earnest, and what kubectl shows of it.
type listing struct {
	resource string
	object   client.Object
	observed func() // writes the status
	columns  string
	wide     string            // beside them
	fields   map[string]string // that can be selected
	narrow   bool              // the ordinary view fits on a screen of 100 columns
}

func moment(text string) metav1.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return metav1.NewTime(at)
}

func ready(reason string) []metav1.Condition {
	return []metav1.Condition{{Type: strategyv1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason, Message: "as it is", LastTransitionTime: moment("2026-11-23T10:15:00Z")}}
}

func inTrading(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "trading", Name: name}
}

func everyKind() []listing {
	due := moment("2026-11-23T10:30:00Z")
	incident := &strategyv1.StrategyIncident{ObjectMeta: inTrading("multi-strategy-pnl-d852e4b6953e"), Spec: strategyv1.StrategyIncidentSpec{
		PlaybookName: "of-columns", Type: "PnL", Severity: "Warning", Schedule: "cross_exchange_watch", Mode: strategyv1.IncidentDrill, RequestedBy: "alice",
	}}
	rollback := &strategyv1.StrategyRollback{ObjectMeta: inTrading("multi-strategy-pnl-d852e4b6953e-f7877201"), Spec: strategyv1.StrategyRollbackSpec{
		PlaybookName: "of-columns", IncidentName: incident.Name, RemediationName: "disable-schedule", Mode: strategyv1.ModeDrill, RequestedBy: "bob",
		Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "cross_exchange_watch"}},
	}}
	decision := &strategyv1.StrategyDecision{ObjectMeta: inTrading("deny-multi-strategy-pnl-d852e4b6953e-f7877201-gqbt9"), Spec: strategyv1.StrategyDecisionSpec{
		Target: strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: rollback.Name}, Verdict: strategyv1.DecisionDeny, By: "bob", Reason: "of a test",
	}}
	alert := &strategyv1.StrategyAlert{ObjectMeta: inTrading("multistrategypnldrawdown-4991fb37f215de37"), Spec: strategyv1.StrategyAlertSpec{
		Labels: map[string]strategyv1.AlertText{"alertname": "MultiStrategyPnlDrawdown"}, Sender: "alertmanager", State: strategyv1.AlertFiring, StartTime: due,
		Occurrence: 1, ChangedTime: due, Heard: 1, HeardTime: due,
	}}
	return []listing{
		{
			"sinc", incident, func() {
				incident.Status = strategyv1.StrategyIncidentStatus{
					State: strategyv1.IncidentMitigation, WaitsFor: strategyv1.WhoApprover, DueTime: &due, Severity: "Critical", Level: strategyv1.LevelL2,
					Cause: &strategyv1.CauseStatus{Name: "SignalDegradation", Remediation: "disable-schedule"}, Conditions: ready(strategyv1.ReasonFollowsParent),
				}
			},
			"NAME SEVERITY STATUS WAITS-FOR DUE AGE", "MODE TYPE SCHEDULE STRATEGY LEVEL STATE ONHOLD CAUSE REMEDY BY", map[string]string{
				"spec.type": "PnL", "spec.severity": "Warning", "spec.schedule": "cross_exchange_watch", "spec.mode": "Drill", "status.severity": "Critical",
				"status.state": "Mitigation", "status.waitsFor": "Approver",
			}, true,
		},
		{
			"srb", rollback, func() {
				rollback.Status = strategyv1.StrategyRollbackStatus{
					State: strategyv1.RollbackAwaitingApproval, WaitsFor: strategyv1.WhoApprover, DueTime: &due, Conditions: ready(strategyv1.ReasonAwaitingApproval),
				}
			},
			"NAME STATUS WAITS-FOR DUE AGE", "MODE INCIDENT STATE INEFFECT ONHOLD EXPIRES REMEDY BY DECIDED-BY", map[string]string{
				"spec.incidentName": incident.Name, "spec.mode": "Drill", "status.state": "AwaitingApproval", "status.waitsFor": "Approver",
			}, true,
		},
		{
			"sdec", decision, func() {
				decision.Status.Answer = &strategyv1.DecisionAnswer{Outcome: strategyv1.OutcomeRefused, Message: "it has ended", Time: due}
			},
			"NAME TARGET VERDICT BY OUTCOME AGE", "KIND REASON ANSWER", map[string]string{
				"spec.target.kind": strategyv1.KindRollback, "spec.target.name": rollback.Name, "spec.verdict": "Deny", "spec.by": "bob", "status.answer.outcome": "Refused",
			}, false,
		},
		{
			"sal", alert, func() {
				alert.Status = strategyv1.StrategyAlertStatus{Outcome: strategyv1.AlertOpened, IncidentName: incident.Name, Severity: "Critical"}
			},
			"NAME ALERT STATE OUTCOME INCIDENT HEARD", "OCCURRENCE SEVERITY AGE STATUS", map[string]string{"spec.state": "Firing", "status.outcome": "Opened"}, false,
		},
	}
}

// TestWhatKubectlShows: the columns of each kind, and that what says where things stand fits on a screen. And each field that can be selected
// selects: from Kubernetes 1.31 on, and nothing of the operator needs it.
func TestWhatKubectlShows(t *testing.T) {
	run := kubectl(t)
	selectable := fieldsOfCRDs(t)
	for _, one := range everyKind() {
		as := map[string]string{"sinc": "alice", "srb": "bob", "sdec": "bob", "sal": operator}[one.resource]
		by := one.object.DeepCopyObject().(client.Object)
		must(t, naming(bare(as), as).Create(t.Context(), one.object))
		t.Cleanup(func() { tidyUp(t, by) })
		one.observed()
		must(t, bare(operator).Status().Update(t.Context(), one.object))

		table, err := run("get", one.resource, one.object.GetName())
		must(t, err)
		lines := strings.Split(strings.TrimRight(table, "\n"), "\n")
		if got := strings.Join(strings.Fields(lines[0]), " "); got != one.columns {
			t.Errorf("%s: the columns are %s", one.resource, got)
		}
		for _, line := range lines {
			if one.narrow && len(line) > 100 {
				t.Errorf("%s: %d columns: %s", one.resource, len(line), line)
			}
		}
		table, err = run("get", one.resource, one.object.GetName(), "-o", "wide")
		must(t, err)
		if got, _, _ := strings.Cut(table, "\n"); strings.Join(strings.Fields(got), " ") != one.columns+" "+one.wide {
			t.Errorf("%s: the wide columns are %s", one.resource, got)
		}

		for field, value := range one.fields {
			found, err := run("get", one.resource, "-o", "name", "--field-selector", field+"="+value)
			if err != nil || !strings.Contains(found, "/"+one.object.GetName()) {
				t.Errorf("%s with %s=%s: %s, %v", one.resource, field, value, found, err)
			}
			if found, err := run("get", one.resource, "-o", "name", "--field-selector", field+"!="+value); err != nil || strings.Contains(found, "/"+one.object.GetName()) {
				t.Errorf("%s with another %s: %s, %v", one.resource, field, found, err)
			}
			if !selectable[one.resource+" "+field] {
				t.Errorf("%s of %s can be selected and stands in no CRD", field, one.resource)
			}
			delete(selectable, one.resource+" "+field)
		}
	}
	if len(selectable) > 0 {
		t.Errorf("these fields are selected by no test: %v", selectable)
	}
}

// fieldsOfCRDs are all fields that can be selected, with the short names of their kinds.
func fieldsOfCRDs(t *testing.T) map[string]bool {
	t.Helper()
	objects, err := rendered("config/crd")
	must(t, err)
	all := map[string]bool{}
	for _, object := range objects {
		var crd apiextensionsv1.CustomResourceDefinition
		must(t, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &crd))
		for _, version := range crd.Spec.Versions {
			for _, field := range version.SelectableFields {
				all[crd.Spec.Names.ShortNames[0]+" "+strings.TrimPrefix(field.JSONPath, ".")] = true
			}
		}
	}
	return all
}

// waitLines are the commands that the documents show for whoever waits, in the order of an incident's way.
func waitLines(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs/incidents.md"))
	must(t, err)
	var lines []string
	for _, found := range regexp.MustCompile("(?m)^kubectl (wait .*?) +#").FindAllStringSubmatch(string(text), -1) {
		lines = append(lines, found[1])
	}
	if len(lines) != 4 {
		t.Fatalf("docs/incidents.md shows %d lines with kubectl wait: %v", len(lines), lines)
	}
	return lines
}

// TestKubectlWaits: each line of docs/incidents.md waits for what it says, and for nothing else. That the operator writes these conditions and states,
// and when, is watched in every run of every scenario.
func TestKubectlWaits(t *testing.T) {
	run := kubectl(t)
	kinds := everyKind()
	incident, rollback := kinds[0].object.(*strategyv1.StrategyIncident), kinds[1].object.(*strategyv1.StrategyRollback)
	for object, by := range map[client.Object]string{incident: "alice", rollback: "bob"} {
		must(t, as(by).Create(t.Context(), object))
		t.Cleanup(func() { tidyUp(t, object) })
	}
	condition := func(list *[]metav1.Condition, kind string) {
		meta.SetStatusCondition(list, metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: "AsItIs", LastTransitionTime: moment("2026-11-23T10:15:00Z")})
	}
	states := []struct {
		name  string
		reach func()
	}{
		{"reported", func() {}},
		{"an approval is asked for", func() { incident.Status.WaitsFor = strategyv1.WhoApprover }},
		{"contained", func() {
			incident.Status.WaitsFor = strategyv1.WhoNobody
			condition(&rollback.Status.Conditions, strategyv1.ConditionReady)
			condition(&incident.Status.Conditions, strategyv1.ConditionContained)
		}},
		{"restored", func() {
			condition(&rollback.Status.Conditions, strategyv1.ConditionRestored)
			meta.RemoveStatusCondition(&incident.Status.Conditions, strategyv1.ConditionContained)
		}},
		{"closed", func() { condition(&incident.Status.Conditions, strategyv1.ConditionReady) }},
	}
	first := []string{"an approval is asked for", "contained", "restored", "closed"} // of each line
	last := []string{"an approval is asked for", "contained", "closed", "closed"}
	lines := waitLines(t)
	held := make([]string, len(lines))
	for _, state := range states {
		state.reach()
		must(t, as(operator).Status().Update(t.Context(), incident))
		must(t, as(operator).Status().Update(t.Context(), rollback))
		for i, line := range lines {
			words := strings.Fields(strings.NewReplacer("INCIDENT", incident.Name, "ROLLBACK", rollback.Name, "'", "").Replace(line))
			words = slices.DeleteFunc(words, func(word string) bool {
				return strings.HasPrefix(word, "--timeout") || word == "-n" || word == "trading"
			})
			said, err := run(append(words, "--timeout=0")...)
			if err == nil {
				held[i] += state.name + ";"
			} else if !strings.Contains(said, "timed out") && !strings.Contains(said, "condition not met") {
				t.Errorf("%s: %s", line, said)
			}
		}
	}
	for i, line := range lines {
		names := []string{}
		for _, state := range states {
			names = append(names, state.name)
		}
		from, to := slices.Index(names, first[i]), slices.Index(names, last[i])
		if want := strings.Join(names[from:to+1], ";") + ";"; held[i] != want {
			t.Errorf("kubectl %s holds when: %s want: %s", line, held[i], want)
		}
	}
}
