package api_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestThePluginNamesItsUser: where nothing is stamped, what `kubectl strategy` creates carries the name of whoever runs it.
func TestThePluginNamesItsUser(t *testing.T) {
	standing(t, "pause", strategyv1.DeletionRetain)
	awaitsApproval(t, "pause")
	withoutStamps(t)
	run := plugin(t)

	said, err := run("--as=alice", "approve", "pause", "--yes", "--reason=mine")
	if err == nil || !strings.Contains(said, "alice may not Approve: the verb approve on strategyrollbacks in namespace trading is not granted") {
		t.Errorf("alice approves: %v: %s", err, said)
	}
	said, err = run("--as=bob", "approve", "pause", "--yes", "--reason=checked with the desk", "--wait=0")
	if err != nil || !strings.Contains(said, "Approve of pause by bob") || strings.Contains(said, "Warning") {
		t.Errorf("bob approves: %v: %s", err, said)
	}
	said, err = run("--as=bob", "deny", "pause")
	if err == nil || !strings.Contains(said, "deny needs a reason") {
		t.Errorf("bob denies without a reason: %v: %s", err, said)
	}

	var made []strategyv1.StrategyDecision
	var list strategyv1.StrategyDecisionList
	must(t, admin.List(t.Context(), &list, client.InNamespace("trading")))
	for _, decision := range list.Items {
		if strings.HasPrefix(decision.Name, "approve-pause-") && decision.Spec.Reason == "checked with the desk" {
			tidyUp(t, &decision)
			made = append(made, decision)
		}
	}
	if len(made) != 1 || made[0].Spec.By != "bob" || made[0].Spec.Digest != digest {
		t.Errorf("recorded: %+v", made)
	}
}

// TestEachVerbAsEachUser: alice is L1, bob is L2, carol leads, dora audits, mallory is nobody. What one may not do is refused by the API server, and said.
func TestEachVerbAsEachUser(t *testing.T) {
	book := &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "multi-strategy"}, Spec: demo(t)}
	give(t, book)
	give(t, &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "verbs"}, Spec: strategyv1.StrategyIncidentSpec{
		PlaybookName: "multi-strategy", Type: "PnL", Severity: "Critical", Mode: strategyv1.IncidentLive,
	}})
	run := plugin(t)
	const reason = "--reason=of a test"
	for _, test := range []struct {
		user string
		line []string
		done bool
		says string
	}{
		{"alice", nil, true, "kubectl strategy status verbs -n trading"},
		{"mallory", nil, false, "mallory"},
		{"alice", []string{"status", "sinc/verbs"}, true, "StrategyIncident trading/verbs New"},
		{"mallory", []string{"status", "sinc/verbs"}, false, "forbidden"},
		{"alice", []string{"timeline", "verbs"}, true, "nothing happened yet"},
		{"alice", []string{"wait", "verbs", "--timeout=1ms"}, false, "did not come to closed within 1ms"},
		{"alice", []string{"doctor"}, true, "a decision in another name is refused"},
		{"mallory", []string{"doctor"}, false, "forbidden"},
		{"alice", []string{"acknowledge", "verbs", reason, "--wait=0"}, true, "Acknowledge of verbs by alice"},
		{"mallory", []string{"acknowledge", "verbs", reason, "--wait=0"}, false, "forbidden"},
		{"alice", []string{"propose", "verbs", "--disable=x", reason, "--wait=0"}, false, "forbidden"},
		{"bob", []string{"propose", "verbs", "--disable=x", reason, "--wait=0"}, true, "disable schedule x, asked for by bob"},
		{"bob", []string{"propose", "verbs", "--disable=x", "--dry-run", reason, "--wait=0"}, true, "asked for by bob"},
		{"alice", []string{"hold", "spb/multi-strategy", reason, "--wait=0"}, true, "Hold of multi-strategy by alice"},
		{"alice", []string{"release", "spb/multi-strategy", reason, "--wait=0"}, false, "alice may not Release"},
		{"bob", []string{"release", "spb/multi-strategy", reason, "--wait=0"}, true, "Release of multi-strategy by bob"},
		{"alice", []string{"logs", "verbs"}, true, "verbs has run no check yet"},
		{"bob", []string{"logs", "verbs"}, true, "verbs has run no check yet"},
		{"bob", []string{"doctor"}, true, "a decision in another name is refused"},
		{"bob", []string{"report", "Latency", "of a test", "--playbook=multi-strategy", "--dry-run"}, true, "accepts the report"},
		{"carol", []string{"propose", "verbs", "--disable=x", reason, "--wait=0"}, true, "disable schedule x, asked for by carol"},
		{"dora", []string{"status", "sinc/verbs"}, true, "StrategyIncident trading/verbs New"},
		{"dora", []string{"timeline", "verbs"}, true, "nothing happened yet"},
		{"dora", []string{"logs", "verbs"}, true, "verbs has run no check yet"},
		{"dora", []string{"acknowledge", "verbs", reason, "--wait=0"}, false, "forbidden"},
		{"dora", []string{"report", "Latency", "of a test", "--playbook=multi-strategy"}, false, "forbidden"},
		{"mallory", []string{"logs", "verbs"}, false, "forbidden"},
		{"mallory", []string{"oncall"}, false, "forbidden"},
		{"alice", []string{"version"}, true, "operator: not known"},
	} {
		said, err := run(append([]string{"--as=" + test.user}, test.line...)...)
		if (err == nil) != test.done || !strings.Contains(strings.Join(strings.Fields(said), " "), test.says) {
			t.Errorf("%s: %v: %v, and not %q: %s", test.user, test.line, err, test.says, said)
		}
	}
	tidyUpAfterVerbs(t)
}

// tidyUpAfterVerbs deletes what the plugin recorded.
func tidyUpAfterVerbs(t *testing.T) {
	t.Helper()
	var decisions strategyv1.StrategyDecisionList
	var rollbacks strategyv1.StrategyRollbackList
	must(t, admin.List(t.Context(), &decisions, client.InNamespace("trading")))
	must(t, admin.List(t.Context(), &rollbacks, client.InNamespace("trading")))
	for i := range decisions.Items {
		if decisions.Items[i].Spec.Reason == "of a test" {
			tidyUp(t, &decisions.Items[i])
		}
	}
	for i := range rollbacks.Items {
		if rollbacks.Items[i].Spec.Reason == "of a test" {
			tidyUp(t, &rollbacks.Items[i])
		}
	}
}

// awaitsApproval is what the operator would write.
func awaitsApproval(t *testing.T, name string) {
	t.Helper()
	object := called(name)
	must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(object), object))
	now := metav1.Unix(1e9, 0)
	object.Status.Plan = &strategyv1.RollbackPlan{
		Revision: 1, Digest: digest, PlannedTime: now, RevisionTime: now, Edits: []strategyv1.PlannedEdit{{Path: "/a", To: "b"}},
	}
	object.Status.Conditions = []metav1.Condition{
		{Type: strategyv1.ConditionPlanned, Status: metav1.ConditionTrue, Reason: strategyv1.ReasonPlanned, LastTransitionTime: now},
		{Type: strategyv1.ConditionApproved, Status: metav1.ConditionUnknown, Reason: strategyv1.ReasonAwaitingApproval, LastTransitionTime: now},
	}
	must(t, as(operator).Status().Update(t.Context(), object))
}

// plugin builds the plugin, and runs it in the namespace trading. It looks at the sources itself, too: go test knows nothing
// of what go build reads.
func plugin(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	source := filepath.Join(repository, "cmd/kubectl-strategy")
	must(t, filepath.WalkDir(source, func(_ string, _ fs.DirEntry, err error) error { return err }))
	folder := t.TempDir()
	program, config := filepath.Join(folder, "kubectl-strategy"), filepath.Join(folder, "kubeconfig")
	must(t, os.WriteFile(config, kubeconfig, 0o600))
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./"+source).CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v: %s", err, output)
	}
	return func(args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), program, append(args, "--kubeconfig="+config, "--namespace=trading")...)
		output, err := command.CombinedOutput()
		return string(output), err
	}
}
