package main

import (
	"slices"
	"strings"
	"testing"
)

func TestModuleForAVersion(t *testing.T) {
	got := moduleFor("v1.34.3", `module k8s.io/kubernetes

go 1.24.0

godebug default=go1.24

require (
	k8s.io/api v0.0.0
	k8s.io/klog/v2 v2.130.1
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/pod-security-admission => ./staging/src/k8s.io/pod-security-admission
)
`)
	want := `module kubernetes

go 1.24.0

require k8s.io/kubernetes v1.34.3

replace (
	k8s.io/api => k8s.io/api v0.34.3
	k8s.io/pod-security-admission => k8s.io/pod-security-admission v0.34.3
)
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestOnlyTheAPIServerIsOfAnotherVersion(t *testing.T) {
	same, err := withAPIServer(kubernetesVersion, testTargets)
	if err != nil || !slices.Equal(same, testTargets) {
		t.Errorf("of its own version: %v, %v", same, err)
	}
	other, err := withAPIServer("v1.34.3", testTargets)
	if err != nil {
		t.Fatal(err)
	}
	for i, target := range other {
		if target.isOtherKubernetes() != (target.name == "kube-apiserver") {
			t.Errorf("%s: other Kubernetes is %t", target.name, target.isOtherKubernetes())
		}
		if args := strings.Join(target.goArgs(""), " "); target.isOtherKubernetes() && !strings.Contains(args, "gitVersion=v1.34.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34") {
			t.Errorf("%s is built by go %s", target.name, args)
		}
		if changed := target.stamp("") != testTargets[i].stamp(""); changed != target.isOtherKubernetes() {
			t.Errorf("%s: built again is %t", target.name, changed)
		}
	}
	for _, version := range []string{"", "1.34.3", "v1.34", "v2.0.0", "v1.34.3-rc.1", "latest"} {
		if _, err := withAPIServer(version, testTargets); err == nil || !strings.Contains(err.Error(), "write it like v1.") {
			t.Errorf("%q: %v", version, err)
		}
	}
}
