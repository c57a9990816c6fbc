package namespaces

import (
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A megabyte in an object, in whatever field, does not stay in the operator's memory; of an object as they usually are nothing is missing.
func TestTheCacheKeepsNothingLarge(t *testing.T) {
	meta := func(large string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: "one", Generation: 2, Annotations: map[string]string{"note": large}, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}}
	}
	pod := func(large string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Args: []string{large}}}}}
	}
	labels := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}}
	for name, make := range map[string]func(inAnnotation, inside string) client.Object{
		"PodTemplate": func(a, in string) client.Object { return &corev1.PodTemplate{ObjectMeta: meta(a), Template: pod(in)} },
		"Deployment": func(a, in string) client.Object {
			return &appsv1.Deployment{ObjectMeta: meta(a), Spec: appsv1.DeploymentSpec{Selector: labels, Template: pod(in)}, Status: appsv1.DeploymentStatus{Replicas: 1}}
		},
		"ControllerRevision": func(a, in string) client.Object {
			return &appsv1.ControllerRevision{ObjectMeta: meta(a), Data: runtime.RawExtension{Raw: []byte(`"` + in + `"`)}, Revision: 3}
		},
	} {
		t.Run(name, func(t *testing.T) {
			megabyte := strings.Repeat("x", 1<<20)
			for _, large := range []client.Object{make(megabyte, ""), make("", megabyte)} {
				kept := keep(t, large)
				if size := kept.(interface{ Size() int }).Size(); size > 500 || kept.GetName() != "one" || kept.GetGeneration() != 2 {
					t.Errorf("%d bytes are kept: %.300v", size, kept)
				}
				if again := keep(t, kept.DeepCopyObject().(client.Object)); !reflect.DeepEqual(again, kept) {
					t.Errorf("kept once more it is another one: %v", again)
				}
			}
			if _, versionOnly := make("", "").(*appsv1.ControllerRevision); versionOnly {
				return
			}
			usual := make("a", "b")
			usual.SetManagedFields(nil)
			if kept := keep(t, make("a", "b")); !reflect.DeepEqual(kept, usual) {
				t.Errorf("a usual one lost something: %v", kept)
			}
		})
	}
}

func keep(t *testing.T, object client.Object) client.Object {
	t.Helper()
	for kind, by := range CacheOptions("trading").ByObject {
		if reflect.TypeOf(kind) == reflect.TypeOf(object) {
			kept, err := by.Transform(object)
			if err != nil {
				t.Fatal(err)
			}
			return kept.(client.Object)
		}
	}
	t.Fatalf("a cache has no %T", object)
	return nil
}
