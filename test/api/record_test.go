package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestDefaults sends objects that say no more than they must.
func TestDefaults(t *testing.T) {
	tests := map[string]struct{ sent, want string }{
		"an incident": {
			sent: `{apiVersion: strategy.tradeops.dev/v1alpha1, kind: StrategyIncident, spec: {playbookName: p, type: Risk}}`,
			want: `{"playbookName":"p","mode":"Live","requestedBy":"admin","severity":"Warning","type":"Risk"}`,
		},
		"a rollback": {
			sent: `{apiVersion: strategy.tradeops.dev/v1alpha1, kind: StrategyRollback, spec: {playbookName: p, actions: [{type: DisableSchedule, schedule: s}]}}`,
			want: `{"actions":[{"schedule":"s","type":"DisableSchedule"}],"deletionPolicy":"Retain","desiredState":"Applied","mode":"Live","playbookName":"p","requestedBy":"admin"}`,
		},
		"a decision": {
			sent: `{apiVersion: strategy.tradeops.dev/v1alpha1, kind: StrategyDecision, spec: {target: {kind: StrategyIncident, name: i}, verdict: Resolve, reason: done}}`,
			want: `{"by":"admin","reason":"done","target":{"kind":"StrategyIncident","name":"i"},"verdict":"Resolve"}`,
		},
		"a playbook": {
			sent: `
apiVersion: strategy.tradeops.dev/v1alpha1
kind: StrategyPlaybook
spec:
  scheduler: {name: s, environment: e, config: {configMapName: c}, rollout: {deploymentName: d}, proof: {check: plan}}
  checks: [{name: plan, podTemplateName: tools, command: [x], verdicts: [{when: "true", verdict: Pass}]}]
  triage: {}
  diagnosis: {}
  remediations: [{name: r, approval: {}, actions: [{type: DisableSchedule}]}]
  signingKeySecretName: k
`,
			want: `{
"scheduler":{"name":"s","environment":"e","config":{"configMapName":"c","key":"core.yaml","format":"BotCore"},
  "rollout":{"deploymentName":"d","timeoutSeconds":180},"proof":{"check":"plan","proves":"Loaded"}},
"checks":[{"name":"plan","podTemplateName":"tools","command":["x"],"timeoutSeconds":120,"startTimeoutSeconds":300,"retries":0,"reportFrom":"Log",
  "verdicts":[{"when":"true","verdict":"Pass"}]}],
"triage":{"respondWithinSeconds":300},
"diagnosis":{"respondWithinSeconds":900},
"remediations":[{"name":"r","approval":{"mode":"Required","timeoutSeconds":900,"requester":"Denied"},"actions":[{"type":"DisableSchedule"}],
  "onFailedAfter":"Revert","maxDurationSeconds":14400}],
"signingKeySecretName":"k"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			object := parse(t, test.sent)
			object.SetNamespace("default")
			object.SetName("defaults")
			must(t, admin.Create(t.Context(), object, client.DryRunAll))
			var want any
			must(t, json.Unmarshal([]byte(test.want), &want))
			got, err := json.Marshal(object.Object["spec"]) // to compare numbers as JSON has them
			must(t, err)
			var spec any
			must(t, json.Unmarshal(got, &spec))
			if diff := cmp.Diff(want, spec); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNamesOfIncidents(t *testing.T) {
	for length, want := range map[int]string{200: "", 201: "the name of an incident has at most 200 characters"} {
		object := incident("")
		object.GenerateName, object.Name = "", strings.Repeat("a", length)
		refused(t, admin.Create(t.Context(), object, client.DryRunAll), want)
	}
}

// TestRecords changes what exists.
func TestRecords(t *testing.T) {
	const (
		fixedDecision = "a decision is a record and cannot be changed; make another decision"
		fixedIncident = "only suspend of an incident may change; create another incident"
		fixedRollback = "only desiredState and deletionPolicy of a rollback may change; create another rollback"
		kept          = "requestedBy, which was set when it was created, is missing"
	)
	tests := map[string]struct {
		valid string
		edits []edit // one at a time
		want  string
	}{
		"a decision": {validDecision, []edit{
			set("target.name", "other"), set("verdict", "Deny"), set("reason", "other"), drop("reason"), set("by", "mallory"), drop("by"),
			set("digest", strings.Replace(digest, "0", "f", 1)),
		}, fixedDecision},
		"an incident": {validIncident, []edit{
			set("playbookName", "other"), set("type", "Risk"), set("severity", "Info"), set("schedule", "other"), drop("schedule"),
			set("summary", "other"), set("detectedTime", "2020-01-01T00:00:00Z"), drop("detectedTime"), set("requestedBy", "mallory"),
			set("strategy", "other"), set("mode", "Drill"), drop("summary"),
		}, fixedIncident},
		"who reports":              {validIncident, []edit{drop("requestedBy")}, kept},
		"who asks":                 {validRollback, []edit{drop("requestedBy")}, kept},
		"an incident's suspension": {validIncident, []edit{set("suspend", true), set("suspend", false)}, ""},
		"a rollback": {validRollback, []edit{
			set("playbookName", "other"), set("incidentName", "other"), drop("incidentName"), set("incidentUID", "1"), set("remediationName", "other"),
			set("maxDurationSeconds", int64(1)), drop("maxDurationSeconds"), set("actions.0.schedule", "other"),
			set("actions.1.allocation", "0.2"), set("actions.2.feed", "other"), set("actions.3.limits.cpuPercent", "90"), set("actions.4.limit", int64(0)),
			set("actions", []any{disable(0)}), set("requestedBy", "mallory"),
			set("reason", "other"), drop("reason"), set("mode", "DryRun"),
		}, fixedRollback},
		"a rollback's state":    {validRollback, []edit{set("desiredState", "Restored")}, ""},
		"a rollback's policy":   {validRollback, []edit{set("deletionPolicy", "Restore"), drop("deletionPolicy")}, ""},
		"nothing of a rollback": {validRollback, []edit{set("playbookName", "multi-strategy")}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			object := parse(t, test.valid)
			must(t, admin.Create(t.Context(), object))
			for _, change := range test.edits {
				t.Run(fmt.Sprintf("%s=%v", change.path, change.value), func(t *testing.T) {
					changed := object.DeepCopy()
					apply(t, changed, []edit{change})
					refused(t, admin.Update(t.Context(), changed, client.DryRunAll), test.want)
				})
			}
			labelled := object.DeepCopy()
			labelled.SetLabels(map[string]string{"desk": "crypto"})
			refused(t, admin.Update(t.Context(), labelled), "")
		})
	}
	t.Run("a restored rollback stays restored", func(t *testing.T) {
		object := rollback("")
		object.Spec.DesiredState = strategyv1.StateRestored
		must(t, admin.Create(t.Context(), object))
		object.Spec.DesiredState = strategyv1.StateApplied
		refused(t, admin.Update(t.Context(), object, client.DryRunAll), "a restored rollback cannot be applied again; create another rollback")
	})
	t.Run("a time box cannot be added", func(t *testing.T) {
		object := rollback("")
		must(t, admin.Create(t.Context(), object))
		object.Spec.MaxDurationSeconds = new(int32)
		refused(t, admin.Update(t.Context(), object, client.DryRunAll), fixedRollback)
	})
}

// TestStatus: what the operator writes stands beside the spec, and nobody else writes it.
func TestStatus(t *testing.T) {
	reported := incident("")
	must(t, as("alice").Create(t.Context(), reported))
	reported.Spec.Summary = "changed under a status update"
	reported.Status.Level = strategyv1.LevelL2
	reported.Status.Conditions = []metav1.Condition{{
		Type: "Ready", Status: "Unknown", Reason: "Triaging", Message: "0 of 3 checks judged", LastTransitionTime: metav1.Unix(1e9, 0),
	}}
	for _, user := range []string{"alice", "bob", "dana"} {
		refused(t, as(user).Status().Update(t.Context(), reported.DeepCopy()), `cannot update resource "strategyincidents/status"`)
	}
	must(t, as(operator).Status().Update(t.Context(), reported))
	if reported.Spec.Summary != "" || reported.Status.Level != strategyv1.LevelL2 {
		t.Errorf("after a status update: summary %q, level %q", reported.Spec.Summary, reported.Status.Level)
	}
	reported.Status.Level = "L3"
	refused(t, as(operator).Status().Update(t.Context(), reported), "status.level: Unsupported value")

	asked := rollback("")
	must(t, as("bob").Create(t.Context(), asked))
	asked.Status.Plan = &strategyv1.RollbackPlan{
		Revision: 1, Digest: digest, PlannedTime: metav1.Unix(1e9, 0), RevisionTime: metav1.Unix(1e9, 0),
		Edits: []strategyv1.PlannedEdit{{Path: "/a", To: "b"}},
	}
	must(t, as(operator).Status().Update(t.Context(), asked))
	statusOfRollback(t, asked.DeepCopy())
	asked.Spec.DesiredState = strategyv1.StateRestored
	refused(t, as(operator).Update(t.Context(), asked), `cannot update resource "strategyrollbacks"`)

	object := parse(t, validPlaybook)
	must(t, admin.Create(t.Context(), object))
	procedure := &strategyv1.StrategyPlaybook{}
	must(t, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, procedure))
	procedure.Status.Revision = "playbook-0123456789"
	must(t, as(operator).Status().Update(t.Context(), procedure))
}

// statusOfRollback: what a rollback's status may say.
func statusOfRollback(t *testing.T, asked *strategyv1.StrategyRollback) {
	t.Helper()
	asked.Status.Plan.Renewals, asked.Status.Plan.Disables = 2, []string{"cross_exchange_watch"}
	asked.Status.Override = &strategyv1.DecisionReference{Name: "override-x", Verdict: strategyv1.DecisionOverride, By: "bob", Time: metav1.Unix(1e9, 0)}
	asked.Status.Config = &strategyv1.ConfigClaim{
		ConfigMapName: "bot-core-config", Key: "core.yaml", Claim: strategyv1.ClaimForget, Revision: 1, Guard: &strategyv1.GuardSpec{MaxActiveRollbacks: 2},
	}
	asked.Status.Checks = []strategyv1.CheckStatus{{Stage: strategyv1.StageProbe, Name: "kraken-probe", Attempt: 1, Verdict: strategyv1.VerdictPass}}
	asked.Status.Restore = &strategyv1.RestoreStatus{Request: "deletion", RequestedTime: metav1.Unix(1e9, 0), SpecGeneration: 1, Attempt: 1, Seen: []string{"override-x"}}
	must(t, as(operator).Status().Update(t.Context(), asked))
	if diff := cmp.Diff(&strategyv1.GuardSpec{MaxActiveRollbacks: 2}, asked.Status.Config.Guard); diff != "" {
		t.Errorf("guard (-want +got):\n%s", diff)
	}
	for want, change := range map[string]func(*strategyv1.StrategyRollbackStatus){
		"status.config.claim: Unsupported value":     func(s *strategyv1.StrategyRollbackStatus) { s.Config.Claim = "Keep" },
		"status.config.guard: Invalid value":         func(s *strategyv1.StrategyRollbackStatus) { s.Config.Guard = &strategyv1.GuardSpec{} },
		"status.config.revision: Invalid value":      func(s *strategyv1.StrategyRollbackStatus) { s.Config.Revision = -1 },
		"status.plan.renewals: Invalid value":        func(s *strategyv1.StrategyRollbackStatus) { s.Plan.Renewals = -1 },
		"status.plan.disables[0]: Invalid value":     func(s *strategyv1.StrategyRollbackStatus) { s.Plan.Disables = []string{""} },
		"status.plan.disables[1]: Duplicate value":   func(s *strategyv1.StrategyRollbackStatus) { s.Plan.Disables = []string{"a", "a"} },
		"status.checks[0].stage: Unsupported value":  func(s *strategyv1.StrategyRollbackStatus) { s.Checks[0].Stage = "Other" },
		"status.restore.seen[1]: Duplicate value":    func(s *strategyv1.StrategyRollbackStatus) { s.Restore.Seen = []string{"a", "a"} },
		"status.restore.seen[0]: Invalid value":      func(s *strategyv1.StrategyRollbackStatus) { s.Restore.Seen = []string{""} },
		"status.override.verdict: Unsupported value": func(s *strategyv1.StrategyRollbackStatus) { s.Override.Verdict = "Other" },
	} {
		changed := asked.DeepCopy()
		change(&changed.Status)
		refused(t, as(operator).Status().Update(t.Context(), changed), want)
	}
}

// TestValuesOfFeeds: the operator reads what an author wrote, of any type. JSON knows no order of keys and no 65.0.
func TestValuesOfFeeds(t *testing.T) {
	for written, want := range map[string]string{
		`kraken_spot`: `"kraken_spot"`, `"yes"`: `"yes"`, `yes`: `true`, `3`: `3`, `0.5`: `0.5`, `65.0`: `65`, `1e3`: `1000`,
		`9007199254740993`: `9007199254740993`, `[a, {b: 1}]`: `["a",{"b":1}]`, `{b: 1, a: [2]}`: `{"a":[2],"b":1}`,
	} {
		object := parse(t, strings.Replace(validPlaybook, "value: kraken_spot", "value: "+written, 1))
		must(t, admin.Create(t.Context(), object, client.DryRunAll))
		procedure := &strategyv1.StrategyPlaybook{}
		must(t, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, procedure))
		if got := string(procedure.Spec.Feeds[0].Edits[0].Value.Raw); got != want {
			t.Errorf("%s is read as %s, want %s", written, got, want)
		}
	}
}
