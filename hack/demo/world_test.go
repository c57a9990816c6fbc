package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestTheManifestsAreStrictlyValid decodes each document without tolerance for unknown fields and holds its pods to the
// restricted Pod Security standard, which namespaces of the demo enforce.
func TestTheManifestsAreStrictlyValid(t *testing.T) {
	pods := 0
	for _, file := range []string{"exchange.yaml", "scheduler.yaml", "podtemplate.yaml"} {
		data, err := os.ReadFile(filepath.Join("world", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range bytes.Split(data, []byte("\n---\n")) {
			spec := decode(t, file, document)
			if spec == nil {
				continue
			}
			pods++
			restricted(t, file, *spec)
		}
	}
	if pods != 3 {
		t.Errorf("%d pods, want 3", pods)
	}
}

// decode gives the pod that the document describes, if it describes one.
func decode(t *testing.T, file string, document []byte) *corev1.PodSpec {
	t.Helper()
	var kind struct{ Kind string }
	if err := yaml.Unmarshal(document, &kind); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var deployment appsv1.Deployment
	var template corev1.PodTemplate
	targets := map[string]any{
		"Deployment": &deployment, "PodTemplate": &template, "Service": &corev1.Service{}, "ServiceAccount": &corev1.ServiceAccount{},
	}
	target, known := targets[kind.Kind]
	if !known {
		t.Fatalf("%s: unexpected kind %q", file, kind.Kind)
	}
	if err := yaml.UnmarshalStrict(document, target); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	switch kind.Kind {
	case "Deployment":
		if deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
			t.Errorf("%s: the deployment may run two at once", file)
		}
		return &deployment.Spec.Template.Spec
	case "PodTemplate":
		return &template.Template.Spec
	}
	return nil
}

func restricted(t *testing.T, file string, pod corev1.PodSpec) {
	t.Helper()
	security := pod.SecurityContext
	if security == nil || security.RunAsNonRoot == nil || !*security.RunAsNonRoot || security.SeccompProfile == nil ||
		security.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: the pod's security context is not restricted", file)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Errorf("%s: the pod gets a token", file)
	}
	for _, container := range pod.Containers {
		c := container.SecurityContext
		if c == nil || c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation || c.ReadOnlyRootFilesystem == nil ||
			!*c.ReadOnlyRootFilesystem || c.Capabilities == nil || len(c.Capabilities.Drop) != 1 || c.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s: container %s is not restricted", file, container.Name)
		}
	}
}
