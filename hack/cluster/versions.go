package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	kubernetesModule = "k8s.io/kubernetes"
	apiServer        = "kube-apiserver"
)

var (
	released  = regexp.MustCompile(`^v1\.[0-9]+\.[0-9]+$`)
	goVersion = regexp.MustCompile(`(?m)^go \S+$`)
	staged    = regexp.MustCompile(`(k8s\.io/\S+) => \./staging/`)
)

// withAPIServer are the targets with the API server of another version. The
// others stay: etcd and kubectl may be newer than the API server they serve.
func withAPIServer(version string, targets []target) ([]target, error) {
	if !released.MatchString(version) {
		return nil, fmt.Errorf("--kubernetes %q is no version of Kubernetes; write it like %s", version, kubernetesVersion)
	}
	if version == kubernetesVersion {
		return targets, nil
	}
	var changed []target
	for _, t := range targets {
		if t.name == apiServer {
			t.version = version
		}
		changed = append(changed, t)
	}
	return changed, nil
}

// isOtherKubernetes: it is built of another version of Kubernetes.
func (t target) isOtherKubernetes() bool {
	return t.version != "" && strings.HasPrefix(t.pkg, kubernetesModule+"/")
}

// makeModule makes a module that requires a version of Kubernetes and nothing
// else, and gives its folder. `go install` cannot build a module that replaces
// others, as this one does.
func makeModule(ctx context.Context, l layout, version string) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", kubernetesModule+"@"+version).Output()
	var downloaded struct{ GoMod, Error string }
	if json.Unmarshal(output, &downloaded) != nil || downloaded.GoMod == "" {
		return "", fmt.Errorf("cannot download %s %s: %s (%w); check that there is such a version, and that modules can be downloaded",
			kubernetesModule, version, downloaded.Error, err)
	}
	theirs, err := os.ReadFile(downloaded.GoMod)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(l.dir, "module")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, writeFile(filepath.Join(dir, "go.mod"), []byte(moduleFor(version, string(theirs))), 0o644)
}

// moduleFor is the go.mod for a version whose own one is known. That one
// points some modules at folders of its repository; what is published under
// the matching v0 version is the same source.
func moduleFor(version, theirs string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "module kubernetes\n\n%s\n\nrequire %s %s\n\nreplace (\n", goVersion.FindString(theirs), kubernetesModule, version)
	for _, match := range staged.FindAllStringSubmatch(theirs, -1) {
		fmt.Fprintf(&text, "\t%s => %s v0%s\n", match[1], match[1], strings.TrimPrefix(version, "v1"))
	}
	return text.String() + ")\n"
}
