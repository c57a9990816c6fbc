package argocd

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/yaml"
)

// Options of a sync that are known here.
const (
	Respect    = "RespectIgnoreDifferences=true"
	ServerSide = "ServerSideApply=true"
	Replace    = "Replace=true"
)

// Application is what of an Argo CD Application decides over the sync of a ConfigMap.
type Application struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Ignore     []Ignore `json:"ignoreDifferences"`
		SyncPolicy struct {
			Automated *struct {
				SelfHeal bool `json:"selfHeal"`
			} `json:"automated"`
			Options []string `json:"syncOptions"`
		} `json:"syncPolicy"`
	} `json:"spec"`
}

// Ignore is one entry of spec.ignoreDifferences.
type Ignore struct {
	Group     string   `json:"group"`
	Kind      string   `json:"kind"`
	Name      string   `json:"name"`
	Namespace string   `json:"namespace"`
	Pointers  []string `json:"jsonPointers"`
	Managers  []string `json:"managedFieldsManagers"`
}

// Parse is an Application out of its manifest.
func Parse(manifest []byte) (app Application, err error) {
	if err := yaml.Unmarshal(manifest, &app); err != nil {
		return app, fmt.Errorf("the Application: %w", err)
	}
	for _, option := range app.Spec.SyncPolicy.Options {
		if !slices.Contains([]string{Respect, ServerSide, Replace}, option) {
			return app, fmt.Errorf("the stand-in does not know the option %s", option)
		}
	}
	return app, nil
}

func (a Application) ignores(object *unstructured.Unstructured) (pointers, managers []string) {
	for _, each := range a.Spec.Ignore {
		kind := object.GroupVersionKind()
		if each.Group == kind.Group && each.Kind == kind.Kind && (each.Name == "" || each.Name == object.GetName()) &&
			(each.Namespace == "" || each.Namespace == object.GetNamespace()) {
			pointers, managers = append(pointers, each.Pointers...), append(managers, each.Managers...)
		}
	}
	return pointers, managers
}

// Target is an object of Git as Argo CD wants it: with the annotation that says which Application it is of.
func (a Application) Target(manifest []byte) (*unstructured.Unstructured, error) {
	target := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(manifest, &target.Object); err != nil {
		return nil, fmt.Errorf("the manifest: %w", err)
	}
	annotations := target.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations["argocd.argoproj.io/tracking-id"] = fmt.Sprintf("%s:/%s:%s/%s", a.Metadata.Name, target.GetKind(), target.GetNamespace(), target.GetName())
	target.SetAnnotations(annotations)
	return target, nil
}

// normalized are both objects without what is ignored.
func (a Application) normalized(target, live *unstructured.Unstructured) (wanted, is *unstructured.Unstructured, err error) {
	wanted, is = target.DeepCopy(), live.DeepCopy()
	pointers, managers := a.ignores(target)
	compared, err := compare(live, target)
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range live.GetManagedFields() {
		if !slices.Contains(managers, entry.Manager) {
			continue
		}
		owned, err := ownedBy(entry.FieldsV1.GetRawBytes())
		if err != nil {
			return nil, nil, err
		}
		for path := range owned.Intersection(compared.Modified).All() {
			unstructured.RemoveNestedField(wanted.Object, names(path)...)
			unstructured.RemoveNestedField(is.Object, names(path)...)
		}
	}
	point(pointers, wanted)
	point(pointers, is)
	return wanted, is, nil
}

// point takes out what JSON pointers point to.
func point(pointers []string, object *unstructured.Unstructured) {
	for _, pointer := range pointers {
		path := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
		for i := range path {
			path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(path[i])
		}
		unstructured.RemoveNestedField(object.Object, path...)
	}
}

func names(path fieldpath.Path) (names []string) {
	for _, element := range path {
		if element.FieldName != nil {
			names = append(names, *element.FieldName)
		}
	}
	return names
}

func ownedBy(fields []byte) (*fieldpath.Set, error) {
	owned := &fieldpath.Set{}
	if err := owned.FromJSON(strings.NewReader(string(fields))); err != nil {
		return nil, fmt.Errorf("managed fields: %w", err)
	}
	return owned, nil
}

func compare(live, target *unstructured.Unstructured) (*typed.Comparison, error) {
	is, err := typed.DeducedParseableType.FromUnstructured(live.Object)
	if err != nil {
		return nil, err
	}
	wanted, err := typed.DeducedParseableType.FromUnstructured(target.Object)
	if err != nil {
		return nil, err
	}
	return is.Compare(wanted)
}

// respected is the target with what is ignored as it is in the cluster.
func (a Application) respected(target, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	wanted, compared, err := a.normalized(target, live)
	if err != nil {
		return nil, err
	}
	ignored, err := strategicpatch.CreateTwoWayMergePatch(encode(compared), encode(live), corev1.ConfigMap{})
	if err != nil {
		return nil, err
	}
	return patched(wanted, ignored)
}

func patched(object *unstructured.Unstructured, patch []byte) (*unstructured.Unstructured, error) {
	merged, err := strategicpatch.StrategicMergePatch(encode(object), patch, corev1.ConfigMap{})
	if err != nil {
		return nil, err
	}
	result := &unstructured.Unstructured{}
	return result, json.Unmarshal(merged, &result.Object)
}

func encode(object *unstructured.Unstructured) []byte {
	text, err := json.Marshal(object.Object)
	if err != nil {
		panic(err) // it came out of JSON
	}
	return text
}
