package gitops

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

type texts = map[string]string

// writer is a field manager with what the operator does not look at: when it wrote, and which fields.
func writer(manager string, operation metav1.ManagedFieldsOperationType) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:data":{"f:core.yaml":{}}}`)}}
}

func TestWhoOwnsAConfigMap(t *testing.T) {
	const update, apply = metav1.ManagedFieldsOperationUpdate, metav1.ManagedFieldsOperationApply
	ours := writer("strategy-operator", update)
	kustomize := texts{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	chart := texts{"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "trading"}
	release := texts{"meta.helm.sh/release-name": "trading", "meta.helm.sh/release-namespace": "desk"}
	byKubectl := texts{"kubectl.kubernetes.io/last-applied-configuration": "{}"}
	with := func(base, more texts) texts {
		all := texts{}
		for _, each := range []texts{base, more} {
			for key, value := range each {
				all[key] = value
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		labels, annotations texts
		writers             []metav1.ManagedFieldsEntry
		want                *strategyv1.ConfigOwner
		outcome             string // a part of it
	}{
		"nobody":                  {},
		"the operator alone":      {writers: []metav1.ManagedFieldsEntry{ours}},
		"a tool nobody knows":     {writers: []metav1.ManagedFieldsEntry{writer("terraform", apply)}},
		"somebody with an editor": {writers: []metav1.ManagedFieldsEntry{writer("kubectl-edit", update), writer("kubectl", update)}},
		"a Kustomization of Flux": {labels: kustomize, writers: []metav1.ManagedFieldsEntry{writer("kustomize-controller", apply), ours},
			want: &strategyv1.ConfigOwner{Kind: "Kustomization", Name: "apps", Namespace: "flux-system", RestsOn: "Both"}, outcome: "within the interval of Kustomization flux-system/apps"},
		"labels that somebody wrote": {labels: kustomize,
			want: &strategyv1.ConfigOwner{Kind: "Kustomization", Name: "apps", Namespace: "flux-system", RestsOn: "Metadata"}, outcome: "kubectl annotate configmap core -n trading kustomize.toolkit.fluxcd.io/reconcile=disabled"},
		"its labels were taken off": {writers: []metav1.ManagedFieldsEntry{writer("kustomize-controller", apply)},
			want: &strategyv1.ConfigOwner{Kind: "Kustomization", RestsOn: "FieldManager"}, outcome: "Kustomization (name unknown)"},
		"Flux is told to leave it alone": {labels: kustomize, annotations: texts{"kustomize.toolkit.fluxcd.io/reconcile": "Disabled"},
			want:    &strategyv1.ConfigOwner{Kind: "Kustomization", Name: "apps", Namespace: "flux-system", RestsOn: "Metadata", PausedBy: "kustomize.toolkit.fluxcd.io/reconcile: disabled"},
			outcome: "the edit stays"},
		"Flux is to do so again": {labels: kustomize, annotations: texts{"kustomize.toolkit.fluxcd.io/reconcile": "enabled"},
			want: &strategyv1.ConfigOwner{Kind: "Kustomization", Name: "apps", Namespace: "flux-system", RestsOn: "Metadata"}, outcome: "puts the edit back"},
		"Flux made it once": {labels: with(kustomize, texts{"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}),
			want:    &strategyv1.ConfigOwner{Kind: "Kustomization", Name: "apps", Namespace: "flux-system", RestsOn: "Metadata", PausedBy: "kustomize.toolkit.fluxcd.io/ssa: IfNotPresent"},
			outcome: "the edit stays"},
		"Flux ignores it": {labels: kustomize, annotations: texts{"kustomize.toolkit.fluxcd.io/ssa": "Ignore"},
			want:    &strategyv1.ConfigOwner{Kind: "Kustomization", Name: "apps", Namespace: "flux-system", RestsOn: "Metadata", PausedBy: "kustomize.toolkit.fluxcd.io/ssa: Ignore"},
			outcome: "the edit stays"},
		"Flux merges, which keeps no key that it has a value for": {labels: kustomize, annotations: texts{"kustomize.toolkit.fluxcd.io/ssa": "Merge"},
			want: &strategyv1.ConfigOwner{Kind: "Kustomization", Name: "apps", Namespace: "flux-system", RestsOn: "Metadata"}, outcome: "puts the edit back"},
		"a HelmRelease of Flux, with the marks of Helm": {
			labels:      with(chart, texts{"helm.toolkit.fluxcd.io/name": "trading", "helm.toolkit.fluxcd.io/namespace": "desk"}),
			annotations: release, writers: []metav1.ManagedFieldsEntry{writer("helm-controller", update)},
			want: &strategyv1.ConfigOwner{Kind: "HelmRelease", Name: "trading", Namespace: "desk", RestsOn: "Both"}, outcome: "spec.driftDetection.mode"},
		"a HelmRelease that does not look at it": {labels: texts{"helm.toolkit.fluxcd.io/name": "trading"}, annotations: texts{"helm.toolkit.fluxcd.io/driftDetection": "disabled"},
			want: &strategyv1.ConfigOwner{Kind: "HelmRelease", Name: "trading", RestsOn: "Metadata", PausedBy: "helm.toolkit.fluxcd.io/driftDetection: disabled"}, outcome: "at the next upgrade of HelmRelease trading, and not before"},
		"a ResourceSet": {labels: texts{"resourceset.fluxcd.controlplane.io/name": "desks", "resourceset.fluxcd.controlplane.io/namespace": "flux-system"},
			writers: []metav1.ManagedFieldsEntry{writer("flux-operator", apply)},
			want:    &strategyv1.ConfigOwner{Kind: "ResourceSet", Name: "desks", Namespace: "flux-system", RestsOn: "Both"}, outcome: "fluxcd.controlplane.io/reconcile=disabled"},
		"a ResourceSet that is told with the key of another controller": {labels: texts{"resourceset.fluxcd.controlplane.io/name": "desks"},
			annotations: texts{"kustomize.toolkit.fluxcd.io/reconcile": "disabled"},
			want:        &strategyv1.ConfigOwner{Kind: "ResourceSet", Name: "desks", RestsOn: "Metadata"}, outcome: "puts the edit back"},
		"a ResourceSet that is told": {labels: texts{"resourceset.fluxcd.controlplane.io/name": "desks"}, annotations: texts{"fluxcd.controlplane.io/reconcile": "disabled"},
			want: &strategyv1.ConfigOwner{Kind: "ResourceSet", Name: "desks", RestsOn: "Metadata", PausedBy: "fluxcd.controlplane.io/reconcile: disabled"}, outcome: "before August 2026"},
		"an Application, through kubectl's code": {annotations: with(byKubectl, texts{"argocd.argoproj.io/tracking-id": "trading:/ConfigMap:trading/core"}),
			writers: []metav1.ManagedFieldsEntry{writer("argocd-controller", update)},
			want:    &strategyv1.ConfigOwner{Kind: "Application", Name: "trading", RestsOn: "Both"}, outcome: "managedFieldsManagers: [strategy-operator-edit]"},
		"an Application that applies from the client's side": {annotations: texts{"argocd.argoproj.io/tracking-id": "trading:/ConfigMap:trading/core"},
			writers: []metav1.ManagedFieldsEntry{writer("argocd-controller", update)},
			want:    &strategyv1.ConfigOwner{Kind: "Application", Name: "trading", RestsOn: "Both"}, outcome: "ServerSideApply=true (the last is missing"},
		"an Application that applies on the server, by now": {annotations: texts{"argocd.argoproj.io/tracking-id": "trading:/ConfigMap:trading/core"},
			writers: []metav1.ManagedFieldsEntry{writer("argocd-controller", update), writer("argocd-controller", apply)},
			want:    &strategyv1.ConfigOwner{Kind: "Application", Name: "trading", RestsOn: "Both"}, outcome: "ServerSideApply=true, which cannot be seen"},
		"an Application in a namespace of its own": {annotations: texts{"argocd.argoproj.io/tracking-id": "desk_trading:/ConfigMap:trading/core"},
			want: &strategyv1.ConfigOwner{Kind: "Application", Name: "trading", Namespace: "desk", RestsOn: "Metadata"}, outcome: "Application desk/trading"},
		"a copy of what an Application made": {annotations: texts{"argocd.argoproj.io/tracking-id": "trading:/ConfigMap:trading/other"}},
		"an Application by Argo CD's own label": {labels: texts{"argocd.argoproj.io/instance": "trading"},
			want: &strategyv1.ConfigOwner{Kind: "Application", Name: "trading", RestsOn: "Metadata"}, outcome: "OutOfSync"},
		"a label that charts write, too": {labels: texts{"app.kubernetes.io/instance": "trading"}},
		"the same label, and Argo CD wrote": {labels: texts{"app.kubernetes.io/instance": "trading"}, writers: []metav1.ManagedFieldsEntry{writer("argocd-controller", apply)},
			want: &strategyv1.ConfigOwner{Kind: "Application", Name: "trading", RestsOn: "Both"}, outcome: "OutOfSync"},
		"Helm": {labels: chart, annotations: release, writers: []metav1.ManagedFieldsEntry{writer("helm", update)},
			want: &strategyv1.ConfigOwner{Kind: "Helm", Name: "trading", Namespace: "desk", RestsOn: "Both"}, outcome: "upgrades or rolls back release desk/trading"},
		"a chart that was rendered, and applied": {labels: chart, annotations: byKubectl, writers: []metav1.ManagedFieldsEntry{writer("kubectl-client-side-apply", update)},
			want: &strategyv1.ConfigOwner{Kind: "Kubectl", RestsOn: "Both"}, outcome: "until somebody applies the file"},
		"kubectl apply --server-side": {writers: []metav1.ManagedFieldsEntry{writer("kubectl", apply)},
			want: &strategyv1.ConfigOwner{Kind: "Kubectl", RestsOn: "FieldManager"}, outcome: "until somebody applies the file"},
		"Helm writes what Flux has left": {labels: with(chart, kustomize), annotations: release, writers: []metav1.ManagedFieldsEntry{writer("helm", update)},
			want: &strategyv1.ConfigOwner{Kind: "Helm", Name: "trading", Namespace: "desk", RestsOn: "Both"}, outcome: "release desk/trading"},
		"a name that would break a terminal": {labels: chart, annotations: texts{"meta.helm.sh/release-name": "a\x1b[2Jb\nc"},
			want: &strategyv1.ConfigOwner{Kind: "Helm", RestsOn: "Metadata"}, outcome: "release (name unknown)"},
		"a name without an end": {labels: chart, annotations: texts{"meta.helm.sh/release-name": strings.Repeat("x", 1<<17), "meta.helm.sh/release-namespace": "desk"},
			want: &strategyv1.ConfigOwner{Kind: "Helm", Namespace: "desk", RestsOn: "Metadata"}, outcome: "release (name unknown)"},
	} {
		t.Run(name, func(t *testing.T) {
			configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
				Namespace: "trading", Name: "core", Labels: c.labels, Annotations: c.annotations, ManagedFields: Kept(c.writers),
			}}
			got := OwnerOf(configMap)
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(strategyv1.ConfigOwner{}, "Outcome")); diff != "" {
				t.Fatal(diff)
			}
			if got == nil {
				return
			}
			if !strings.Contains(got.Outcome, c.outcome) || len(got.Outcome) > 2048 {
				t.Errorf("outcome: %s", got.Outcome)
			}
			if sentence := Sentence(*got); !strings.Contains(sentence, got.Outcome) || !strings.Contains(sentence, Ref(*got)) {
				t.Errorf("sentence: %s", sentence)
			}
		})
	}
}

// Of the field managers only what is looked at is kept: the fields of a large object are many, and a write of its status says nothing of its data.
func TestFieldsAreNotKept(t *testing.T) {
	status := writer("kustomize-controller", metav1.ManagedFieldsOperationApply)
	status.Subresource = "status"
	helm := writer("helm", metav1.ManagedFieldsOperationUpdate)
	helm.FieldsV1 = metav1.NewFieldsV1(`{"f:metadata":{"f:labels":{"f:many":{}}},"f:data":{"f:core.yaml":{"f:deep":{}}}}`)
	got := Kept([]metav1.ManagedFieldsEntry{helm, status})
	want := []metav1.ManagedFieldsEntry{writer("helm", metav1.ManagedFieldsOperationUpdate)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
