package api_test

import (
	"context"
	"os"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// An API server before 1.36 cannot stamp names. API_TEST_STAMPS=no says that the tests run on one: what config/without-stamps
// has is installed, and people name themselves in what they create, as `kubectl strategy` does. It is asked each time, so that
// go test sees during a test what its result hangs on.
func stamps() bool { return os.Getenv("API_TEST_STAMPS") != "no" }

// installed is what `kubectl apply -k` gets.
func installed() string {
	if stamps() {
		return "config/default"
	}
	return "config/without-stamps"
}

func needStamps(t *testing.T) {
	t.Helper()
	if !stamps() {
		t.Skip("it is about stamps, and API_TEST_STAMPS=no: this API server cannot stamp")
	}
}

// selfNaming names its user in what it creates.
type selfNaming struct {
	client.Client
	user string
}

// naming is the client that a user works with.
func naming(acting client.Client, user string) client.Client {
	if stamps() {
		return acting
	}
	return selfNaming{acting, user}
}

// Create implements client.Client.
func (n selfNaming) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	if name := author(object); name != nil && *name == "" {
		*name = n.user
	}
	if manifest, ok := object.(*unstructured.Unstructured); ok {
		field := map[string]string{
			strategyv1.KindDecision: "by", strategyv1.KindIncident: "requestedBy", strategyv1.KindRollback: "requestedBy",
		}[manifest.GetKind()]
		spec, _ := manifest.Object["spec"].(map[string]any)
		if field != "" && spec != nil && spec[field] == nil {
			spec[field] = n.user
		}
	}
	return n.Client.Create(ctx, object, options...)
}

// author is who an object says made it; nil if it has no such field.
func author(object client.Object) *string {
	switch typed := object.(type) {
	case *strategyv1.StrategyDecision:
		return &typed.Spec.By
	case *strategyv1.StrategyIncident:
		return &typed.Spec.RequestedBy
	case *strategyv1.StrategyRollback:
		return &typed.Spec.RequestedBy
	}
	return nil
}

// withoutStamps takes the stamps away for the length of a test.
func withoutStamps(t *testing.T) {
	t.Helper()
	if stamps() {
		takeAway(t,
			&admissionregistrationv1.MutatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "strategy-operator-stamp-decisions"}},
			&admissionregistrationv1.MutatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "strategy-operator-stamp-requests"}})
	}
	bob, alice := bare("bob"), bare("alice")
	must(t, eventually(t.Context(), forgedIsRefused(t.Context(), bob, decision("Deny", ""))))
	must(t, eventually(t.Context(), forgedIsRefused(t.Context(), bob, rollback(""))))
	must(t, eventually(t.Context(), forgedIsRefused(t.Context(), alice, incident(""))))
}

// TestWithoutStamps: the stamping policies are comfort; the checking ones alone are the boundary.
func TestWithoutStamps(t *testing.T) {
	withoutStamps(t)
	bob, alice := bare("bob"), bare("alice")
	refused(t, bob.Create(t.Context(), decision("Deny", ""), client.DryRunAll), `a client may only name itself: by is "", the request comes from "bob"`)
	refused(t, bob.Create(t.Context(), decision("Deny", "bob"), client.DryRunAll), "")
	refused(t, bob.Create(t.Context(), decision("Deny", "carol"), client.DryRunAll), onlyItself)
	refused(t, alice.Create(t.Context(), decision("Deny", "alice"), client.DryRunAll), "alice may not Deny")
	refused(t, alice.Create(t.Context(), incident(""), client.DryRunAll), `requestedBy is "", the request comes from "alice"`)
	refused(t, alice.Create(t.Context(), incident("alice"), client.DryRunAll), "")
	refused(t, bob.Create(t.Context(), rollback("bob"), client.DryRunAll), "")
	refused(t, bare(operator).Create(t.Context(), rollback("alice"), client.DryRunAll), "")
	refused(t, bare(operator).Create(t.Context(), rollback(""), client.DryRunAll), onlyItself) // delegating is naming someone
}

// TestApplyAgain: who applies a manifest again, by another tool, does not lose the stamp and changes nothing.
func TestApplyAgain(t *testing.T) {
	needStamps(t)
	manifest := parse(t, validIncident)
	manifest.SetGenerateName("")
	manifest.SetName("applied")
	manifest.SetNamespace("trading")
	var versions []string
	for _, owner := range []string{"kubectl", "flux", "flux"} {
		sent := manifest.DeepCopy()
		must(t, admin.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(sent), client.FieldOwner(owner), client.ForceOwnership))
		stored := incident("")
		stored.GenerateName, stored.Name = "", "applied"
		must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(stored), stored))
		if stored.Spec.RequestedBy != "admin" {
			t.Errorf("applied by %s: requestedBy = %q", owner, stored.Spec.RequestedBy)
		}
		versions = append(versions, stored.ResourceVersion)
	}
	if versions[1] != versions[2] {
		t.Errorf("applying again changed something: %v", versions)
	}
}
