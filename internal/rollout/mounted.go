package rollout

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// ConfigMapsOf are the ConfigMaps that a Deployment's pods read.
func ConfigMapsOf(deployment *appsv1.Deployment) []string {
	var names []string
	pod := deployment.Spec.Template.Spec
	for _, volume := range pod.Volumes {
		if volume.ConfigMap != nil {
			names = append(names, volume.ConfigMap.Name)
		}
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.ConfigMap != nil {
				names = append(names, source.ConfigMap.Name)
			}
		}
	}
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		names = append(names, configMapsOfEnv(container)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func configMapsOfEnv(container corev1.Container) []string {
	var names []string
	for _, source := range container.EnvFrom {
		if source.ConfigMapRef != nil {
			names = append(names, source.ConfigMapRef.Name)
		}
	}
	for _, variable := range container.Env {
		if variable.ValueFrom != nil && variable.ValueFrom.ConfigMapKeyRef != nil {
			names = append(names, variable.ValueFrom.ConfigMapKeyRef.Name)
		}
	}
	return names
}
