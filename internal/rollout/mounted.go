package rollout

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Unused says why a change of a ConfigMap's key cannot reach the containers of a Deployment; empty if one reads it: mounted as a volume, or
// as a variable. Init containers count: they run at each start, and may hand on what they read.
func Unused(deployment *appsv1.Deployment, configMap, key string) string {
	pod := deployment.Spec.Template.Spec
	containers := slices.Concat(pod.InitContainers, pod.Containers)
	var used, notMounted []string
	for _, volume := range pod.Volumes {
		for name, items := range projected(volume) {
			if used = append(used, name); name != configMap {
				continue
			}
			if !has(items, key) {
				continue
			}
			if isMounted(containers, volume.Name, items, key) {
				return ""
			}
			notMounted = append(notMounted, volume.Name)
		}
	}
	for _, container := range containers {
		for name, keys := range variables(container) {
			used = append(used, name)
			if name == configMap && (keys == nil || slices.Contains(keys, key)) {
				return ""
			}
		}
	}
	switch {
	case len(notMounted) > 0:
		return fmt.Sprintf("no container of Deployment %s mounts key %s of ConfigMap %s from its volume %s", deployment.Name, key, configMap, strings.Join(notMounted, ", "))
	case slices.Contains(used, configMap):
		return fmt.Sprintf("Deployment %s uses other keys of ConfigMap %s, and not %s", deployment.Name, configMap, key)
	case len(used) == 0:
		return fmt.Sprintf("Deployment %s does not use ConfigMap %s; it uses none", deployment.Name, configMap)
	}
	slices.Sort(used)
	return fmt.Sprintf("Deployment %s does not use ConfigMap %s; it uses: %s. If its name carries a hash, name the current one in the playbook",
		deployment.Name, configMap, strings.Join(slices.Compact(used), ", "))
}

// projected are the ConfigMaps of a volume, with the keys that it takes, by the path at which they stand; nil: all, by their names.
func projected(volume corev1.Volume) map[string][]corev1.KeyToPath {
	found := map[string][]corev1.KeyToPath{}
	if volume.ConfigMap != nil {
		found[volume.ConfigMap.Name] = volume.ConfigMap.Items
	}
	if volume.Projected == nil {
		return found
	}
	for _, source := range volume.Projected.Sources {
		if source.ConfigMap == nil {
			continue
		}
		if before, twice := found[source.ConfigMap.Name]; twice && (before == nil || source.ConfigMap.Items == nil) {
			found[source.ConfigMap.Name] = nil
			continue
		}
		found[source.ConfigMap.Name] = append(found[source.ConfigMap.Name], source.ConfigMap.Items...)
	}
	return found
}

func has(items []corev1.KeyToPath, key string) bool {
	return items == nil || slices.ContainsFunc(items, func(item corev1.KeyToPath) bool { return item.Key == key })
}

// isMounted says whether a container sees a key of a volume: all of the volume, or the file or the folder that the key is in.
func isMounted(containers []corev1.Container, volume string, items []corev1.KeyToPath, key string) bool {
	paths := []string{key}
	if items != nil {
		paths = nil
		for _, item := range items {
			if item.Key == key {
				paths = append(paths, item.Path)
			}
		}
	}
	for _, container := range containers {
		for _, mount := range container.VolumeMounts {
			if mount.Name != volume {
				continue
			}
			part := strings.Trim(mount.SubPath, "/")
			sees := func(path string) bool { return part == "" || path == part || strings.HasPrefix(path, part+"/") }
			if mount.SubPathExpr != "" || slices.ContainsFunc(paths, sees) { // what an expression becomes is not known here
				return true
			}
		}
	}
	return false
}

// variables are the ConfigMaps that a container has as variables, with the keys; nil: all.
func variables(container corev1.Container) map[string][]string {
	found := map[string][]string{}
	for _, variable := range container.Env {
		if variable.ValueFrom != nil && variable.ValueFrom.ConfigMapKeyRef != nil {
			from := variable.ValueFrom.ConfigMapKeyRef
			found[from.Name] = append(found[from.Name], from.Key)
		}
	}
	for _, source := range container.EnvFrom {
		if source.ConfigMapRef != nil {
			found[source.ConfigMapRef.Name] = nil
		}
	}
	return found
}
