package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// What a tool applies out of Git again and again stays as it is: with both kinds of kubectl apply. kubectl replace, which Argo CD has as an option, would take
// off what the API server and people set, and is refused with the reason.
func TestObjectsOutOfGitAreAppliedAgainAndNotReplaced(t *testing.T) {
	const text = `
apiVersion: strategy.tradeops.dev/v1alpha1
kind: StrategyIncident
metadata: {name: out-of-git}
spec: {playbookName: multi-strategy, type: PnL, severity: Warning, schedule: fast, summary: out of Git}
---
apiVersion: strategy.tradeops.dev/v1alpha1
kind: StrategyRollback
metadata: {name: out-of-git}
spec: {playbookName: multi-strategy, reason: out of Git, actions: [{type: DisableSchedule, schedule: fast}]}
`
	file := filepath.Join(t.TempDir(), "git.yaml")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	run := kubectl(t)
	clientSide, serverSide := []string{"apply", "-f", file}, []string{"apply", "-f", file, "--server-side", "--force-conflicts", "--field-manager=argocd-controller"}
	for _, first := range [][]string{clientSide, serverSide} {
		out, err := run(first...)
		if err != nil {
			t.Fatalf("%v: %s", first, out)
		}
		before := generations(t)
		for _, again := range [][]string{clientSide, serverSide, clientSide} {
			if out, err := run(again...); err != nil {
				t.Errorf("%v after %v: %s", again, first, out)
			}
		}
		out, err = run("replace", "-f", file)
		if err == nil || strings.Count(out, "requestedBy, which was set when it was created, is missing: kubectl replace") != 2 {
			t.Errorf("replaced: %s", out)
		}
		if now := generations(t); now != before {
			t.Errorf("generations %v, before %v", now, before)
		}
		if out, err := run("delete", "-f", file); err != nil {
			t.Fatal(out)
		}
	}
}

// generations of the incident and the rollback out of Git: they count changes of what is asked for.
func generations(t *testing.T) [2]int64 {
	t.Helper()
	var incident strategyv1.StrategyIncident
	var rollback strategyv1.StrategyRollback
	at := client.ObjectKey{Namespace: "trading", Name: "out-of-git"}
	must(t, admin.Get(t.Context(), at, &incident))
	must(t, admin.Get(t.Context(), at, &rollback))
	return [2]int64{incident.Generation, rollback.Generation}
}
