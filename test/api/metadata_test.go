package api_test

import (
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestWhatMayHangOnAnObject: the operator keeps all objects of its kinds, so none may be made large by what nobody asked for.
func TestWhatMayHangOnAnObject(t *testing.T) {
	const applied = "kubectl.kubernetes.io/last-applied-configuration"
	many := map[string]string{}
	for _, letter := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		for _, digit := range strings.Split("0123456789", "") {
			many[letter+digit] = strings.Repeat("x", 63)
		}
	}
	for name, c := range map[string]struct {
		annotations, labels map[string]string
		playbook            bool
		says                string
	}{
		"a few":                     {annotations: map[string]string{"team": "a"}, labels: map[string]string{"team": "a"}},
		"16 kB":                     {annotations: map[string]string{"x": strings.Repeat("x", 16383)}},
		"more":                      {annotations: map[string]string{"x": strings.Repeat("x", 16384)}, says: "too large: 16384 characters at most"},
		"240 kB":                    {annotations: map[string]string{"x": strings.Repeat("x", 240_000)}, says: "too large: 16384"},
		"many small ones":           {annotations: many, says: "too large: 16384"},
		"many labels":               {labels: many, says: "64 at most"},
		"what was applied":          {annotations: map[string]string{applied: strings.Repeat("x", 32_000)}},
		"too much was applied":      {annotations: map[string]string{applied: strings.Repeat("x", 33_000)}, says: "too large: 32768"},
		"an applied large playbook": {annotations: map[string]string{applied: strings.Repeat("x", 240_000)}, playbook: true},
		"a playbook with more":      {annotations: map[string]string{"x": strings.Repeat("x", 16384)}, playbook: true, says: "too large: 16384"},
	} {
		t.Run(name, func(t *testing.T) {
			var object client.Object = incident("")
			if c.playbook {
				object = &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", GenerateName: "hung-"}, Spec: demo(t)}
			}
			object.SetAnnotations(c.annotations)
			object.SetLabels(c.labels)
			refused(t, admin.Create(t.Context(), object, client.DryRunAll), c.says)
		})
	}
}

// TestAnObjectFromBeforeTheLimitCanBeFinished: what was there before the policy is not held back by it.
func TestAnObjectFromBeforeTheLimitCanBeFinished(t *testing.T) {
	large := rollback("")
	large.Annotations = map[string]string{"x": strings.Repeat("x", 20_000)}
	accepted := func() (bool, error) { return admin.Create(t.Context(), large.DeepCopy(), client.DryRunAll) == nil, nil }
	object := large.DeepCopy()
	t.Run("before", func(t *testing.T) {
		takeAway(t, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "strategy-operator-metadata"}})
		must(t, eventually(t.Context(), accepted))
		must(t, admin.Create(t.Context(), object))
	})
	must(t, eventually(t.Context(), func() (bool, error) {
		still, err := accepted()
		return !still, err
	}))
	change := func(what func(*strategyv1.StrategyRollback)) error {
		next := object.DeepCopy()
		what(next)
		err := admin.Patch(t.Context(), next, client.MergeFrom(object))
		if err == nil {
			object = next
		}
		return err
	}
	must(t, change(func(r *strategyv1.StrategyRollback) { r.Finalizers = []string{strategyv1.Finalizer} }))
	refused(t, change(func(r *strategyv1.StrategyRollback) { r.Annotations["y"] = "y" }), "too large: 16384")
	must(t, change(func(r *strategyv1.StrategyRollback) { r.Finalizers = nil }))
	must(t, change(func(r *strategyv1.StrategyRollback) { r.Annotations = nil }))
	must(t, admin.Delete(t.Context(), object))
}

// TestTheQuotaCountsOurKinds: it is enforced by the API server once a controller manager has counted, which here the test does.
func TestTheQuotaCountsOurKinds(t *testing.T) {
	objects, err := rendered("config/quota")
	must(t, err)
	if len(objects) != 1 {
		t.Fatalf("%d objects, want a ResourceQuota", len(objects))
	}
	quota := &corev1.ResourceQuota{}
	must(t, runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0].Object, quota))
	for _, kind := range []string{"strategyplaybooks", "strategyincidents", "strategyrollbacks", "strategydecisions"} {
		if amount := quota.Spec.Hard[corev1.ResourceName("count/"+kind+"."+strategyv1.GroupVersion.Group)]; amount.Value() < 20 {
			t.Errorf("%s: %s", kind, amount.String())
		}
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "quota-", Labels: map[string]string{strategyv1.LabelServe: "false"}}}
	must(t, admin.Create(t.Context(), namespace))
	tidyUp(t, namespace)
	quota.Namespace = namespace.Name
	must(t, admin.Create(t.Context(), quota))
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: quota.Spec.Hard.DeepCopy()}
	must(t, admin.Status().Update(t.Context(), quota))
	tooMany := incident("")
	tooMany.Namespace = namespace.Name
	must(t, eventually(t.Context(), func() (bool, error) { // the API server watches quotas
		err := admin.Create(t.Context(), tooMany.DeepCopy(), client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "exceeded quota: strategy-operator"), nil
	}))
}
