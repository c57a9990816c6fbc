package gitops

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// Field managers by which the tools write. Argo CD's is the same with and without server-side apply; kubectl's is not.
const (
	managerKustomize   = "kustomize-controller"
	managerHelmRelease = "helm-controller"
	managerResourceSet = "flux-operator"
	managerArgo        = "argocd-controller"
	managerHelm        = "helm"
	managerApply       = "kubectl-client-side-apply"
	managerServerApply = "kubectl" // with the operation Apply only
)

// EditManager is the operator's name as a field manager while edits are in a configuration. Whoever undoes the last of them has it under another name:
// Argo CD can be told to leave alone what a field manager has, and else would, after the first emergency, for ever.
const EditManager = "strategy-operator-edit"

// Labels and annotations by which the tools mark what they apply.
const (
	groupKustomize   = "kustomize.toolkit.fluxcd.io"
	groupHelmRelease = "helm.toolkit.fluxcd.io"
	groupResourceSet = "resourceset.fluxcd.controlplane.io"

	argoTracking    = "argocd.argoproj.io/tracking-id"
	argoInstance    = "argocd.argoproj.io/instance"
	commonInstance  = "app.kubernetes.io/instance" // charts and people write it, too
	commonManagedBy = "app.kubernetes.io/managed-by"
	helmName        = "meta.helm.sh/release-name"
	helmNamespace   = "meta.helm.sh/release-namespace"
)

// maxName is how long a name may be, in bytes.
const maxName = 253

// Kept is what is kept of the field managers of a ConfigMap: of their fields, which may be larger than all else, only the keys of data.
func Kept(managed []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	var kept []metav1.ManagedFieldsEntry
	for _, entry := range managed {
		if entry.Subresource == "" {
			kept = append(kept, metav1.ManagedFieldsEntry{Manager: entry.Manager, Operation: entry.Operation, Time: entry.Time, FieldsV1: onlyData(entry.FieldsV1)})
		}
	}
	return kept
}

// mark is what an object tells of one tool.
type mark struct {
	kind            strategyv1.OwnerKind
	name, namespace string // of the tool's object
	metadata        bool   // a label or an annotation says so
	wrote           bool   // the tool's field manager wrote it
}

// OwnerOf is what applies a ConfigMap, as far as it tells; nil: it names nothing that is known. Of several, the first one that is marked and has
// written it, too: labels are copied from one object to the next, and stay when the tool is gone.
func OwnerOf(configMap *corev1.ConfigMap) *strategyv1.ConfigOwner {
	var best *mark
	for _, found := range marksOf(configMap) {
		if (found.metadata || found.wrote) && (best == nil || found.weight() > best.weight()) {
			best = &found
		}
	}
	if best == nil {
		return nil
	}
	owner := &strategyv1.ConfigOwner{
		Kind: best.kind, Name: clean(best.name), Namespace: clean(best.namespace), RestsOn: best.restsOn(),
		PausedBy: pausedBy(best.kind, configMap),
	}
	owner.Outcome = outcome(*owner, configMap)
	return owner
}

// clean is a name that can be shown as it is, or empty: shortened or cleaned, it would be the name of another one.
func clean(name string) string {
	if bounded.Line(name, maxName) != name {
		return ""
	}
	return name
}

// marksOf are all tools in the order in which they are believed. What deploys through another one comes first: an object of a HelmRelease has
// the marks of Helm, one of an Application those of kubectl.
func marksOf(configMap *corev1.ConfigMap) []mark {
	labels, annotations := configMap.Labels, configMap.Annotations
	wrote := func(manager string) bool { return wrote(configMap, manager) }
	flux := func(kind strategyv1.OwnerKind, group, manager string) mark {
		name := labels[group+"/name"]
		return mark{kind, name, labels[group+"/namespace"], name != "", wrote(manager)}
	}
	application := application(configMap)
	application.wrote = wrote(managerArgo)
	if application.name == "" && application.wrote {
		application.name = labels[commonInstance]
		application.metadata = application.name != ""
	}
	release := annotations[helmName]
	return []mark{
		flux(strategyv1.OwnerKustomization, groupKustomize, managerKustomize),
		flux(strategyv1.OwnerHelmRelease, groupHelmRelease, managerHelmRelease),
		flux(strategyv1.OwnerResourceSet, groupResourceSet, managerResourceSet),
		application,
		{strategyv1.OwnerHelm, release, annotations[helmNamespace], release != "" && labels[commonManagedBy] == "Helm", wrote(managerHelm)},
		{strategyv1.OwnerKubectl, "", "", annotations[corev1.LastAppliedConfigAnnotation] != "", wrote(managerApply) || wroteBy(configMap, managerServerApply, metav1.ManagedFieldsOperationApply)},
	}
}

// application is the one that Argo CD's marks name. The annotation of an object that was copied names another one, and Argo CD does not take the
// copy for its own either.
func application(configMap *corev1.ConfigMap) mark {
	name, of, _ := strings.Cut(configMap.Annotations[argoTracking], ":")
	if of != "/ConfigMap:"+configMap.Namespace+"/"+configMap.Name {
		name = ""
	}
	if name == "" {
		name = configMap.Labels[argoInstance]
	}
	found := mark{kind: strategyv1.OwnerApplication, name: name, metadata: name != ""}
	if namespace, in, qualified := strings.Cut(name, "_"); qualified { // an underscore is in no name
		found.namespace, found.name = namespace, in
	}
	return found
}

func wrote(configMap *corev1.ConfigMap, manager string) bool {
	return slices.ContainsFunc(configMap.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool { return entry.Manager == manager })
}

func wroteBy(configMap *corev1.ConfigMap, manager string, operation metav1.ManagedFieldsOperationType) bool {
	return slices.ContainsFunc(configMap.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager == manager && entry.Operation == operation
	})
}

// weight: a name that the tool confirms is more than a write without a name, and that is more than a name alone.
func (m mark) weight() int {
	weight := 0
	if m.metadata {
		weight++
	}
	if m.wrote {
		weight += 2
	}
	return weight
}

func (m mark) restsOn() strategyv1.OwnerSource {
	switch {
	case m.metadata && m.wrote:
		return strategyv1.OwnerByBoth
	case m.wrote:
		return strategyv1.OwnerByFieldManager
	}
	return strategyv1.OwnerByMetadata
}

// tools are the kinds of owners in words.
var tools = map[strategyv1.OwnerKind]string{
	strategyv1.OwnerKustomization: "Flux, Kustomization", strategyv1.OwnerHelmRelease: "Flux, HelmRelease",
	strategyv1.OwnerResourceSet: "the Flux Operator, ResourceSet", strategyv1.OwnerApplication: "Argo CD, Application",
	strategyv1.OwnerHelm: "Helm, release", strategyv1.OwnerKubectl: "kubectl apply",
}

// Ref is an owner in a few words.
func Ref(owner strategyv1.ConfigOwner) string {
	if owner.Kind == strategyv1.OwnerKubectl {
		return tools[owner.Kind]
	}
	return tools[owner.Kind] + " " + object(owner)
}

// Sentence is who the owner is, what that rests on, and what becomes of an edit.
func Sentence(owner strategyv1.ConfigOwner) string {
	return fmt.Sprintf("the ConfigMap is applied by %s, too (%s): %s", Ref(owner), basis[owner.RestsOn], owner.Outcome)
}

// basis is how far an owner can be believed.
var basis = map[strategyv1.OwnerSource]string{
	strategyv1.OwnerByBoth:         "its labels or annotations say so, and a field manager of that name wrote it",
	strategyv1.OwnerByFieldManager: "a field manager of that name wrote it",
	strategyv1.OwnerByMetadata:     "only its labels or annotations say so, which anybody may have written",
}

// object is the name of an owner, with its namespace where that is known.
func object(owner strategyv1.ConfigOwner) string {
	switch {
	case owner.Name == "":
		return "(name unknown)"
	case owner.Namespace == "":
		return owner.Name
	}
	return owner.Namespace + "/" + owner.Name
}
