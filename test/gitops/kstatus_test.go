package gitops

import (
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestHealthWithoutExpressions is what Flux makes of the conditions by itself, with the library that kustomize-controller asks. It is why the expressions
// are there: what waits for a person is failed in one kind and in progress in the others, what nobody has looked at is current, and a rollback that was
// denied is failed for ever.
func TestHealthWithoutExpressions(t *testing.T) {
	said := map[string][]string{}
	eachStatus(t, func(_ string, object client.Object, content map[string]any) {
		kind, is := expected(object)
		content["apiVersion"], content["kind"] = strategyv1.GroupVersion.String(), kind
		result, err := status.Compute(&unstructured.Unstructured{Object: content})
		if err != nil {
			t.Fatal(err)
		}
		what := kind + " " + is
		if got := string(result.Status); !slices.Contains(said[what], got) {
			said[what] = append(said[what], got)
			slices.Sort(said[what])
		}
	})
	want := map[string][]string{
		"StrategyIncident " + progressing: {"Current", "InProgress"},
		"StrategyIncident " + suspended:   {"InProgress"},
		"StrategyIncident " + degraded:    {"Failed"},
		"StrategyIncident " + healthy:     {"Current"},
		"StrategyRollback " + progressing: {"Current", "InProgress", "Terminating"},
		"StrategyRollback " + suspended:   {"InProgress"},
		"StrategyRollback " + degraded:    {"Failed", "Terminating"},
		"StrategyRollback " + healthy:     {"Current", "Failed"},
		"StrategyPlaybook " + progressing: {"Current", "InProgress"},
		"StrategyPlaybook " + suspended:   {"Failed"},
		"StrategyPlaybook " + degraded:    {"Failed"},
		"StrategyPlaybook " + healthy:     {"Current"},
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("what Flux says without the expressions (-documented +now):\n%s", diff)
	}
}
