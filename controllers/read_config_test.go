package controllers

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// apiServer has one ConfigMap, and counts who asks. What it leaves out of an answer is what a cache does not keep.
type apiServer struct {
	client.Reader
	configMap corev1.ConfigMap
	keeps     func(any) (any, error)
	asked     int
}

func (s *apiServer) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	s.asked++
	s.configMap.DeepCopyInto(object.(*corev1.ConfigMap))
	if s.keeps != nil {
		_, err := s.keeps(object)
		return err
	}
	return nil
}

// The cache knows the version of a ConfigMap only, and each version is read once, however many passes ask.
func TestAConfigMapIsReadOnceInEachVersion(t *testing.T) {
	configMap := corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: "trading", Name: "core", UID: "1", ResourceVersion: "5", Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue},
		Annotations: map[string]string{strategyv1.AnnotationEdits: "x"},
	}, Data: map[string]string{"core.yaml": strings.Repeat("x", 500_000)}, BinaryData: map[string][]byte{"b": make([]byte, 500_000)}}
	cache, live := &apiServer{configMap: configMap}, &apiServer{configMap: configMap}
	for object, by := range namespaces.CacheOptions("trading").ByObject {
		if _, is := object.(*corev1.ConfigMap); is {
			cache.keeps = by.Transform
		}
	}
	var kept corev1.ConfigMap
	if _ = cache.Get(t.Context(), client.ObjectKeyFromObject(&configMap), &kept); kept.Size() > 200 {
		t.Errorf("the cache keeps %d bytes of it", kept.Size())
	}
	r := &reader{Client: cache, Live: live}
	read := func(times int, version string) {
		t.Helper()
		for range 3 {
			got, problem, err := r.observeConfigMap(t.Context(), client.ObjectKeyFromObject(&configMap))
			if err != nil || problem != nil || got.ResourceVersion != version || len(got.Data["core.yaml"]) != 500_000 || got.Annotations[strategyv1.AnnotationEdits] != "x" {
				t.Fatalf("%v, %v, %v", problem, err, got)
			}
		}
		if live.asked != times {
			t.Errorf("the API server was asked %d times, not %d", live.asked, times)
		}
	}
	read(1, "5")
	cache.configMap.ResourceVersion, live.configMap.ResourceVersion = "6", "6"
	read(2, "6")
	cache.configMap.UID, live.configMap.UID = "2", "2" // it was replaced
	read(3, "6")
	live.configMap.ResourceVersion = "7" // the cache is late: what is newest counts, until it is not
	read(3, "6")
	cache.configMap.ResourceVersion = "7"
	read(4, "7")
}

// What else applies a ConfigMap is read with it, from its field managers, too, and who wrote the document last; of their fields the keys are kept.
func TestTheOwnerIsReadWithTheConfigMap(t *testing.T) {
	configMap := corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: "trading", Name: "core", UID: "1", ResourceVersion: "5",
		Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue, "kustomize.toolkit.fluxcd.io/name": "apps"},
		ManagedFields: []metav1.ManagedFieldsEntry{{
			Manager: "kustomize-controller", Operation: metav1.ManagedFieldsOperationApply, Time: new(metav1.NewTime(time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC))),
			FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:metadata":{"f:labels":{"f:` + strings.Repeat("x", 10_000) + `":{}}},"f:data":{".":{},"f:core.yaml":{}}}`)},
		}},
	}, Data: map[string]string{"core.yaml": testkit.Document}}
	scheduler := testkit.Playbook().Scheduler
	scheduler.Config = strategyv1.ConfigReference{ConfigMapName: "core", Key: "core.yaml"}
	stripped := *configMap.DeepCopy()
	stripped.ManagedFields = nil
	r := &reader{Client: &apiServer{configMap: stripped}, Live: &apiServer{configMap: configMap}, refusals: &refusals{}}
	for range 2 { // the second one is remembered
		read, err := r.observeConfig(t.Context(), "trading", scheduler)
		if err != nil || read.Problem != nil || read.Owner == nil || read.Owner.Kind != strategyv1.OwnerKustomization || read.Owner.RestsOn != strategyv1.OwnerByBoth {
			t.Fatalf("%v, %+v, %+v", err, read.Problem, read.Owner)
		}
		if read.Writer == nil || read.Writer.Manager != "kustomize-controller" || read.Writer.Time.Hour() != 10 {
			t.Errorf("written by %+v", read.Writer)
		}
	}
	if kept, _ := r.configMaps.get(client.ObjectKeyFromObject(&configMap)); kept.Size() > len(testkit.Document)+1000 {
		t.Errorf("%d bytes are kept of it", kept.Size())
	}
}
