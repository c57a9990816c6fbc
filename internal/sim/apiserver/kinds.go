package apiserver

import (
	"fmt"
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	groupschema "k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/crd"
	"tradeops.dev/strategy-operator/internal/schema"
)

// Kinds are what an API server serves. They are made once, for all servers: reading the schemas takes a second.
type Kinds struct {
	Scheme *runtime.Scheme
	Mapper meta.RESTMapper

	byType map[reflect.Type]*kind
	memo   memo
}

// kind is one kind of objects.
type kind struct {
	gvk         groupschema.GroupVersionKind
	resource    string
	status      bool           // it has a status subresource
	generations bool           // changes of the spec are counted
	schema      *schema.Schema // of a CustomResourceDefinition; nil: built in
	complete    func(client.Object)
}

func (k *kind) group() groupschema.GroupResource {
	return groupschema.GroupResource{Group: k.gvk.Group, Resource: k.resource}
}

// NewKinds reads the schemas.
func NewKinds() (*Kinds, error) {
	k := &Kinds{Scheme: runtime.NewScheme(), byType: map[reflect.Type]*kind{}}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, strategyv1.AddToScheme} {
		if err := add(k.Scheme); err != nil {
			return nil, err
		}
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	k.Mapper = mapper
	for _, one := range []struct {
		object      client.Object
		crd         []byte
		status      bool
		generations bool
		complete    func(client.Object)
	}{
		{object: &strategyv1.StrategyPlaybook{}, crd: crd.Playbook, status: true, generations: true},
		{object: &strategyv1.StrategyIncident{}, crd: crd.Incident, status: true, generations: true},
		{object: &strategyv1.StrategyRollback{}, crd: crd.Rollback, status: true, generations: true},
		{object: &strategyv1.StrategyDecision{}, crd: crd.Decision, status: true, generations: true},
		{object: &strategyv1.StrategyAlert{}, crd: crd.Alert, status: true, generations: true},
		{object: &corev1.ConfigMap{}},
		{object: &corev1.Secret{}},
		{object: &corev1.PodTemplate{}},
		{object: &corev1.Pod{}, status: true, complete: completePod},
		{object: &batchv1.Job{}, status: true, generations: true, complete: completeJob},
		{object: &appsv1.Deployment{}, status: true, generations: true, complete: completeDeployment},
		{object: &appsv1.ControllerRevision{}},
	} {
		gvks, _, err := k.Scheme.ObjectKinds(one.object)
		if err != nil {
			return nil, err
		}
		plural, _ := meta.UnsafeGuessKindToResource(gvks[0])
		made := &kind{gvk: gvks[0], resource: plural.Resource, status: one.status, generations: one.generations, complete: one.complete}
		if one.crd != nil {
			if made.schema, err = schema.New(one.crd); err != nil {
				return nil, err
			}
		}
		mapper.Add(gvks[0], meta.RESTScopeNamespace)
		k.byType[reflect.TypeOf(one.object).Elem()] = made
	}
	return k, nil
}

// of is the kind of an object.
func (k *Kinds) of(object runtime.Object) (*kind, error) {
	if known, ok := k.byType[reflect.TypeOf(object).Elem()]; ok {
		return known, nil
	}
	return nil, fmt.Errorf("the simulated API server does not serve %T", object)
}

// KindOf names an object's kind.
func (k *Kinds) KindOf(object runtime.Object) string {
	known, err := k.of(object)
	if err != nil {
		return fmt.Sprintf("%T", object)
	}
	return known.gvk.Kind
}

// itemKind is the kind of a list's items.
func (k *Kinds) itemKind(list client.ObjectList) (*kind, error) {
	items := reflect.ValueOf(list).Elem().FieldByName("Items")
	if !items.IsValid() {
		return nil, fmt.Errorf("%T has no items", list)
	}
	if known, ok := k.byType[items.Type().Elem()]; ok {
		return known, nil
	}
	return nil, fmt.Errorf("the simulated API server does not serve %T", list)
}

func (k *Kinds) fresh(object client.Object) client.Object {
	made, _ := reflect.New(reflect.TypeOf(object).Elem()).Interface().(client.Object)
	return made
}
