package argocd

import (
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// Managers are the field managers by which Argo CD writes.
const (
	Manager         = "argocd-controller"
	replaceManager  = "argocd-application-controller"
	kubectlsManager = "kubectl-client-side-apply"
)

// Command is one call of kubectl, with the manifest that it gets as a file after -f.
type Command struct {
	Arguments []string
	Manifest  []byte
}

// Commands are what a sync with these options does, in order. Live is nil where the object is not there.
func (a Application) Commands(target, live *unstructured.Unstructured, options []string) ([]Command, error) {
	has := func(option string) bool { return slices.Contains(options, option) }
	if has(Respect) && live != nil {
		var err error
		if target, err = a.respected(target, live); err != nil {
			return nil, err
		}
	}
	command := func(arguments ...string) Command { return Command{Arguments: arguments, Manifest: encode(target)} }
	switch {
	case has(Replace) && live == nil:
		return []Command{command("create", "--field-manager="+replaceManager)}, nil
	case has(Replace):
		return []Command{command("replace", "--field-manager="+replaceManager)}, nil
	case !has(ServerSide):
		return []Command{command("apply", "--field-manager="+Manager)}, nil
	}
	apply := command("apply", "--server-side", "--force-conflicts", "--field-manager="+Manager)
	if live != nil && slices.ContainsFunc(live.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool { return entry.Manager == kubectlsManager }) {
		return []Command{command("apply", "--field-manager="+kubectlsManager), apply}, nil
	}
	return []Command{apply}, nil
}

// Synced says whether the cluster holds what Git says, but for what is ignored.
func (a Application) Synced(target, live *unstructured.Unstructured) (bool, error) {
	if live == nil {
		return false, nil
	}
	wanted, is, err := a.normalized(target, live)
	if err != nil {
		return false, err
	}
	if slices.Contains(a.Spec.SyncPolicy.Options, ServerSide) {
		return serverSideSame(wanted, is)
	}
	last := wanted
	if text := live.GetAnnotations()[corev1.LastAppliedConfigAnnotation]; text != "" {
		last = &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(text), &last.Object); err != nil {
			return false, err
		}
		pointers, _ := a.ignores(last)
		point(pointers, last)
	}
	schema, err := strategicpatch.NewPatchMetaFromStruct(corev1.ConfigMap{})
	if err != nil {
		return false, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(encode(last), encode(wanted), encode(is), schema, true)
	if err != nil {
		return false, err
	}
	predicted, err := patched(is, patch)
	return err == nil && equality.Semantic.DeepEqual(predicted, is), err
}

// serverSideSame: nothing would be set, and nothing that Argo CD owns and Git does not have any more would be taken away.
func serverSideSame(wanted, is *unstructured.Unstructured) (bool, error) {
	compared, err := compare(is, wanted)
	if err != nil || !compared.Modified.Empty() || !compared.Added.Empty() {
		return false, err
	}
	for _, entry := range is.GetManagedFields() {
		if entry.Manager != Manager || entry.Operation != metav1.ManagedFieldsOperationApply {
			continue
		}
		owned, err := ownedBy(entry.FieldsV1.GetRawBytes())
		if err != nil {
			return false, err
		}
		if !owned.Leaves().Intersection(compared.Removed).Empty() {
			return false, nil
		}
	}
	return true, nil
}
