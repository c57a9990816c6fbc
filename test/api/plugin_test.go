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
