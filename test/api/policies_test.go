package api_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tradeops.dev/strategy-operator/controllers/policies"
)

// TestWhatTheOperatorKnowsOfThePolicies, with the operator's own rights: whatever is changed meanwhile, and put back, is noticed, and a restart
// forgets nothing.
func TestWhatTheOperatorKnowsOfThePolicies(t *testing.T) {
	ctx := t.Context()
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "strategy-operator-playbooks"}}
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "strategy-operator-playbooks"}}
	must(t, admin.Get(ctx, client.ObjectKeyFromObject(binding), binding))
	must(t, admin.Get(ctx, client.ObjectKeyFromObject(policy), policy))
	clock := clocktesting.NewFakePassiveClock(time.Now().Add(time.Hour))
	restarted := func() *policies.Proof {
		proof, err := policies.New(bare(operator), clock, operator)
		must(t, err)
		return proof
	}
	asked := func(proof *policies.Proof, differs string) time.Time {
		t.Helper()
		since, why, err := proof.InForce(ctx)
		must(t, err)
		if (why == "") != (differs == "") || !strings.Contains(why, differs) {
			t.Fatalf("it says %q, want %q", why, differs)
		}
		return since
	}
	patch := func(object client.Object, text string) {
		t.Helper()
		must(t, admin.Patch(ctx, object.DeepCopyObject().(client.Object), client.RawPatch("application/merge-patch+json", []byte(text))))
	}
	proof := restarted()
	first := asked(proof, "")
	if first.After(time.Now().Add(time.Minute)) {
		t.Errorf("policies that were never changed are as they are since %v", first)
	}

	patch(binding, `{"spec":{"validationActions":["Warn"]}}`)
	asked(proof, "ValidatingAdmissionPolicyBinding strategy-operator-playbooks is not what this version of the operator comes with: spec.validationActions[0]; kubectl apply")
	patch(binding, `{"spec":{"validationActions":["Deny"]}}`)
	second := asked(proof, "")
	if !second.After(clock.Now()) {
		t.Errorf("a binding that was changed and put back is as it is since %v", second)
	}
	clock.SetTime(clock.Now().Add(time.Hour))
	if again := asked(restarted(), ""); !again.Equal(second) {
		t.Errorf("a restart forgets since when: %v, and it was %v", again, second)
	}

	patch(policy, `{"spec":{"failurePolicy":"Ignore"}}`)
	asked(proof, "ValidatingAdmissionPolicy strategy-operator-playbooks is not what this version of the operator comes with: spec.failurePolicy")
	patch(policy, `{"spec":{"failurePolicy":"Fail"}}`)
	if third := asked(proof, ""); !third.After(clock.Now()) {
		t.Errorf("a policy that was changed and put back is as it is since %v", third)
	}
	patch(policy, `{"spec":{"failurePolicy":"Ignore"}}`)
	patch(policy, `{"spec":{"failurePolicy":"Fail"}}`)
	watches(t, proof) // nobody asks meanwhile
	seen := clock.Now()
	clock.SetTime(seen.Add(time.Hour))
	if since := asked(proof, ""); since.After(seen.Add(time.Minute)) {
		t.Errorf("a change counts from %v, when somebody asked, and it was there at %v", since, seen)
	}
	patch(policy, `{"metadata":{"labels":{"team":"platform"}}}`)
	clock.SetTime(clock.Now().Add(time.Hour))
	if fourth := asked(proof, ""); fourth.After(clock.Now()) {
		t.Error("a label changes what a policy says")
	}

	must(t, admin.Delete(ctx, binding.DeepCopy()))
	asked(proof, "ValidatingAdmissionPolicyBinding strategy-operator-playbooks is not there; kubectl apply")
	binding.ResourceVersion, binding.UID = "", ""
	must(t, admin.Create(ctx, binding))
	asked(proof, "")
	must(t, admin.Delete(context.WithoutCancel(ctx), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "strategy-operator-system", Name: policies.Name}}))
}

// watches has the proof look at the policies by itself, until it remembers something new.
func watches(t *testing.T, proof *policies.Proof) {
	t.Helper()
	remembered := func() string {
		var known corev1.ConfigMap
		must(t, admin.Get(t.Context(), client.ObjectKey{Namespace: "strategy-operator-system", Name: policies.Name}, &known))
		return known.ResourceVersion
	}
	before := remembered()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- proof.Start(ctx) }()
	must(t, eventually(ctx, func() (bool, error) { return remembered() != before, nil }))
	stop()
	must(t, <-ended)
}

// TestTheOperatorMayReadEachPolicy: a role lists them by name, and a new one must be in it.
func TestTheOperatorMayReadEachPolicy(t *testing.T) {
	objects, err := rendered("config/rbac")
	must(t, err)
	var named []string
	for _, object := range objects {
		if object.GetName() != "strategy-operator-kinds" || object.GetKind() != "ClusterRole" {
			continue
		}
		for _, rule := range object.Object["rules"].([]any) {
			if names, _ := rule.(map[string]any)["resourceNames"].([]any); names != nil {
				for _, name := range names {
					named = append(named, name.(string))
				}
			}
		}
	}
	shipped, err := policies.Shipped(operator)
	must(t, err)
	for _, object := range shipped {
		if !slices.Contains(named, object.GetName()) {
			t.Errorf("the operator may not read %s %s; add it to ClusterRole strategy-operator-kinds", object.GetKind(), object.GetName())
		}
	}
}
