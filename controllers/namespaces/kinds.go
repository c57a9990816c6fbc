package namespaces

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
)

// kinds are what is read in a served namespace, in the order in which the rights are asked for.
func kinds() []client.Object {
	return []client.Object{
		&corev1.ConfigMap{}, &corev1.Pod{}, &corev1.PodTemplate{}, &batchv1.Job{}, &appsv1.Deployment{}, &appsv1.ControllerRevision{},
	}
}

// CacheOptions limits what is watched in a served namespace: of some kinds only what is the operator's own or opted in.
func CacheOptions(namespace string) cache.Options {
	ours := must(labels.NewRequirement(strategyv1.LabelOwnerUID, selection.Exists, nil))
	frozen := must(labels.NewRequirement(strategyv1.LabelPlaybook, selection.Exists, nil))
	managed := labels.SelectorFromSet(labels.Set{strategyv1.LabelManaged: strategyv1.ManagedValue})
	return cache.Options{
		DefaultTransform:  cache.TransformStripManagedFields(), // half of an object, and nobody here reads it
		DefaultNamespaces: map[string]cache.Config{namespace: {}},
		ByObject: map[client.Object]cache.ByObject{
			&corev1.ConfigMap{}:          {Label: managed, Transform: versionOf},
			&batchv1.Job{}:               {Label: labels.NewSelector().Add(ours), Transform: stateOf},
			&corev1.Pod{}:                {Label: labels.NewSelector().Add(ours), Transform: stateOf},
			&appsv1.ControllerRevision{}: {Label: labels.NewSelector().Add(frozen), Transform: versionOf},
			&corev1.PodTemplate{}:        {Transform: smallOnly},
			&appsv1.Deployment{}:         {Transform: smallOnly},
		},
	}
}

// versionOf keeps of a ConfigMap or a ControllerRevision that there is one, and which version: whoever may edit a namespace may opt in any number
// of ConfigMaps, of 1 MB each. What one says is read when somebody asks for it.
func versionOf(object any) (any, error) {
	switch kept := object.(type) {
	case *corev1.ConfigMap:
		kept.ManagedFields, kept.Annotations, kept.Data, kept.BinaryData = nil, nil, nil, nil
	case *appsv1.ControllerRevision:
		kept.ManagedFields, kept.Annotations, kept.Data = nil, nil, runtime.RawExtension{}
	}
	return object, nil
}

// Small is how large a PodTemplate or a Deployment may be, in bytes, for a cache to keep it whole. Usual ones have a few thousand.
const Small = 32 << 10

// smallOnly keeps of a large PodTemplate or Deployment that there is one: neither needs a label to be watched, so anybody who may create them
// fills the cache. One that has no containers here, which the API server lets nobody store, is read when somebody asks for it.
func smallOnly(object any) (any, error) {
	switch kept := object.(type) {
	case *corev1.PodTemplate:
		kept.ManagedFields = nil
		if kept.Size() > Small {
			kept.Annotations, kept.Template = nil, corev1.PodTemplateSpec{}
		}
	case *appsv1.Deployment:
		kept.ManagedFields = nil
		if kept.Size() > Small {
			kept.Annotations, kept.Spec.Template, kept.Spec.Selector = nil, corev1.PodTemplateSpec{}, nil
		}
	}
	return object, nil
}

// stateOf keeps of a check's Job or pod what became of it. Neither is ever written back from a cache.
func stateOf(object any) (any, error) {
	switch kept := object.(type) {
	case *batchv1.Job:
		checks.Abridge(kept)
	case *corev1.Pod:
		checks.AbridgePod(kept)
	}
	return object, nil
}

// Own says whether an object, or a list, is of one of the operator's own kinds. These are watched in all namespaces, so that
// the operator can say that one is not served.
func Own(object runtime.Object, scheme *runtime.Scheme) bool {
	kind, err := apiutil.GVKForObject(object, scheme)
	return err == nil && kind.Group == strategyv1.GroupVersion.Group
}

// must is for label selectors made of constants.
func must(requirement *labels.Requirement, err error) labels.Requirement {
	if err != nil {
		panic(err)
	}
	return *requirement
}
