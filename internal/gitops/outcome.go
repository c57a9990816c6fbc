package gitops

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// pause is a label or an annotation of an object by which its owner leaves it alone.
type pause struct{ key, value string }

// pauses of each kind. Flux's ssa: Merge is none: it keeps what others add, and puts back what it has a value for, as this key.
var pauses = map[strategyv1.OwnerKind][]pause{
	strategyv1.OwnerKustomization: {
		{groupKustomize + "/reconcile", "disabled"}, {groupKustomize + "/ssa", "Ignore"}, {groupKustomize + "/ssa", "IfNotPresent"},
	},
	strategyv1.OwnerResourceSet: {{"fluxcd.controlplane.io/reconcile", "disabled"}},
	strategyv1.OwnerHelmRelease: {{groupHelmRelease + "/driftDetection", "disabled"}}, // between two upgrades
}

// While is what a pause of a kind means as long as it stands on the ConfigMap.
func While(kind strategyv1.OwnerKind) string {
	if kind == strategyv1.OwnerHelmRelease {
		return "Flux does not correct the ConfigMap, and the next upgrade of the release writes it all the same"
	}
	return "nothing that Git says of the ConfigMap arrives"
}

// on says whether it stands on a ConfigMap. Flux reads both labels and annotations, and takes no notice of upper and lower case.
func (p pause) on(configMap *corev1.ConfigMap) bool {
	return strings.EqualFold(configMap.Labels[p.key], p.value) || strings.EqualFold(configMap.Annotations[p.key], p.value)
}

func (p pause) String() string { return p.key + ": " + p.value }

func pausedBy(kind strategyv1.OwnerKind, configMap *corev1.ConfigMap) string {
	for _, pause := range pauses[kind] {
		if pause.on(configMap) {
			return pause.String()
		}
	}
	return ""
}

// outcome is what becomes of an edit that the owner did not make, and what to do so that it stays.
func outcome(owner strategyv1.ConfigOwner, configMap *corev1.ConfigMap) string {
	name := object(owner)
	switch owner.Kind {
	case strategyv1.OwnerKustomization:
		if owner.PausedBy != "" {
			return stays(owner, "Flux does not apply the ConfigMap")
		}
		return fmt.Sprintf("Flux applies the ConfigMap again within the interval of Kustomization %s, and puts the edit back then. %s", name, keep(owner.Kind, configMap))
	case strategyv1.OwnerResourceSet:
		if owner.PausedBy != "" {
			return stays(owner, "the Flux Operator does not apply the ConfigMap") + "; Flux Operators before August 2026 take it off and put the edit back"
		}
		return fmt.Sprintf("the Flux Operator applies the ConfigMap again within the interval of ResourceSet %s, and puts the edit back then. %s", name, keep(owner.Kind, configMap))
	case strategyv1.OwnerHelmRelease:
		if owner.PausedBy != "" {
			return fmt.Sprintf("Flux puts the edit back at the next upgrade of HelmRelease %s, and not before: %s stands on the ConfigMap", name, owner.PausedBy)
		}
		return fmt.Sprintf("Flux puts the edit back at the next upgrade of HelmRelease %s and, where its spec.driftDetection.mode is enabled, within its interval. So that it stays: flux suspend helmrelease, and flux resume helmrelease once the edit is undone", name)
	case strategyv1.OwnerApplication:
		return fmt.Sprintf("Argo CD shows Application %s as OutOfSync, and puts the edit back at its next sync; where selfHeal is on, within seconds. "+
			"It stays where the Application has %s, which cannot be seen from here; else there must be no sync, and no selfHeal, until the edit is undone", name, leavesAlone(configMap))
	case strategyv1.OwnerHelm:
		return fmt.Sprintf("the edit stays until somebody upgrades or rolls back release %s, which puts it back", name)
	}
	return "the edit stays until somebody applies the file of the ConfigMap again, which puts it back"
}

// leavesAlone is what an Application must have. That it does is nowhere on the ConfigMap; how it was applied is.
func leavesAlone(configMap *corev1.ConfigMap) string {
	needs := "managedFieldsManagers: [" + EditManager + "] for this ConfigMap in spec.ignoreDifferences, and the sync options RespectIgnoreDifferences=true and ServerSideApply=true"
	if wroteBy(configMap, managerArgo, metav1.ManagedFieldsOperationUpdate) && !wroteBy(configMap, managerArgo, metav1.ManagedFieldsOperationApply) {
		needs += " (the last is missing: it was applied from the client's side)"
	}
	return needs
}

func stays(owner strategyv1.ConfigOwner, why string) string {
	return fmt.Sprintf("the edit stays: %s, since %s stands on it", why, owner.PausedBy)
}

// keep is how an owner is told to leave the ConfigMap alone.
func keep(kind strategyv1.OwnerKind, configMap *corev1.ConfigMap) string {
	pause := pauses[kind][0]
	return fmt.Sprintf("So that it stays: kubectl annotate configmap %s -n %s %s=%s, and %s- once the edit is undone", configMap.Name, configMap.Namespace, pause.key, pause.value, pause.key)
}
