package rollout_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"tradeops.dev/strategy-operator/internal/rollout"
)

func TestAChangeReachesOnlyContainersThatReadTheKey(t *testing.T) {
	named := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	items := func(keysAndPaths ...string) (all []corev1.KeyToPath) {
		for i := 0; i < len(keysAndPaths); i += 2 {
			all = append(all, corev1.KeyToPath{Key: keysAndPaths[i], Path: keysAndPaths[i+1]})
		}
		return all
	}
	volume := func(name string, items []corev1.KeyToPath) corev1.Volume {
		return corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named(name), Items: items}}}
	}
	projected := func(sources ...corev1.ConfigMapProjection) corev1.Volume {
		source := &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{}}}}
		for i := range sources {
			source.Sources = append(source.Sources, corev1.VolumeProjection{ConfigMap: &sources[i]})
		}
		return corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{Projected: source}}
	}
	mounts := func(mount corev1.VolumeMount) corev1.Container {
		return corev1.Container{VolumeMounts: []corev1.VolumeMount{mount}}
	}
	all := mounts(corev1.VolumeMount{Name: "config"})
	variable := func(name, key string) corev1.Container {
		return corev1.Container{Env: []corev1.EnvVar{{Name: "A", Value: "b"}, {Name: "C", ValueFrom: &corev1.EnvVarSource{
			ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: named(name), Key: key},
		}}}}
	}
	variables := corev1.Container{EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{}}, {ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: named("core")}}}}
	pod := func(volume corev1.Volume, containers ...corev1.Container) corev1.PodSpec {
		return corev1.PodSpec{Volumes: []corev1.Volume{{Name: "other"}, volume}, Containers: containers}
	}
	core := corev1.ConfigMapProjection{LocalObjectReference: named("core")}
	onlyOther := corev1.ConfigMapProjection{LocalObjectReference: named("core"), Items: items("other.yaml", "other.yaml")}
	for name, c := range map[string]struct {
		pod  corev1.PodSpec
		says string // empty: it does
	}{
		"the whole ConfigMap":              {pod(volume("core", nil), all), ""},
		"this key":                         {pod(volume("core", items("core.yaml", "x/y.yaml")), all), ""},
		"another key":                      {pod(volume("core", items("other.yaml", "core.yaml")), all), "uses other keys of ConfigMap core, and not core.yaml"},
		"in no container":                  {pod(volume("core", nil)), "no container of Deployment bot mounts key core.yaml of ConfigMap core from its volume config"},
		"a container that mounts another":  {pod(volume("core", nil), mounts(corev1.VolumeMount{Name: "other"})), "no container of Deployment bot mounts"},
		"one of two containers":            {pod(volume("core", nil), mounts(corev1.VolumeMount{Name: "other"}), all), ""},
		"in an init container":             {corev1.PodSpec{Volumes: []corev1.Volume{volume("core", nil)}, InitContainers: []corev1.Container{all}}, ""},
		"the file of the key":              {pod(volume("core", nil), mounts(corev1.VolumeMount{Name: "config", SubPath: "core.yaml"})), ""},
		"the file of another key":          {pod(volume("core", nil), mounts(corev1.VolumeMount{Name: "config", SubPath: "other.yaml"})), "no container"},
		"the folder that it is in":         {pod(volume("core", items("core.yaml", "x/y.yaml")), mounts(corev1.VolumeMount{Name: "config", SubPath: "x/"})), ""},
		"a folder with a like name":        {pod(volume("core", items("core.yaml", "xx/y.yaml")), mounts(corev1.VolumeMount{Name: "config", SubPath: "x"})), "no container"},
		"a part that nobody knows":         {pod(volume("core", nil), mounts(corev1.VolumeMount{Name: "config", SubPathExpr: "$(WHICH)"})), ""},
		"projected":                        {pod(projected(core), all), ""},
		"another key projected":            {pod(projected(onlyOther), all), "uses other keys"},
		"projected twice, once as a whole": {pod(projected(onlyOther, core), all), ""},
		"as variables":                     {pod(corev1.Volume{}, variables), ""},
		"as a variable":                    {pod(corev1.Volume{}, variable("core", "core.yaml")), ""},
		"another key as a variable":        {pod(corev1.Volume{}, variable("core", "other.yaml")), "uses other keys"},
		"a variable of another":            {pod(corev1.Volume{}, variable("core-2", "core.yaml")), "does not use ConfigMap core; it uses: core-2. If its name carries a hash"},
		"another, and two of it":           {pod(volume("b", nil), all, variable("a", "x"), variable("b", "x")), "it uses: a, b."},
		"none":                             {pod(corev1.Volume{}), "does not use ConfigMap core; it uses none"},
	} {
		t.Run(name, func(t *testing.T) {
			d := rolledOut()
			d.Spec.Template.Spec = c.pod
			got := rollout.Unused(d, "core", "core.yaml")
			if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
				t.Errorf("it says %q, not %q", got, c.says)
			}
		})
	}
}
