package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const modulePath = "tradeops.dev/strategy-operator/hack/cluster"

// target is one program to build. With a version it is a module of its own
// whose dependencies do not agree with those of this one, or of another version
// of Kubernetes.
type target struct {
	name    string
	pkg     string
	version string
}

// testTargets is what envtest needs. They come first, so that tests can start
// while the rest is still being built.
var testTargets = []target{
	{name: "etcd", pkg: "go.etcd.io/etcd/server/v3"},
	{name: apiServer, pkg: kubernetesModule + "/cmd/kube-apiserver"},
	{name: "kubectl", pkg: "k8s.io/kubernetes/cmd/kubectl"},
}

var clusterTargets = append(testTargets[:len(testTargets):len(testTargets)],
	target{name: "kubelet", pkg: "k8s.io/kubernetes/cmd/kubelet"},
	target{name: "kube-controller-manager", pkg: "k8s.io/kubernetes/cmd/kube-controller-manager"},
	target{name: "kube-scheduler", pkg: "k8s.io/kubernetes/cmd/kube-scheduler"},
	target{name: "kube-proxy", pkg: "k8s.io/kubernetes/cmd/kube-proxy"},
	target{name: "coredns", pkg: "github.com/coredns/coredns", version: coreDNSVersion},
	target{name: "pause", pkg: modulePath + "/pause"},
)

// benchTargets is what `make bench` needs: a real Job controller, and kwok, which plays nodes and pods.
var benchTargets = append(testTargets[:len(testTargets):len(testTargets)],
	target{name: "kube-controller-manager", pkg: "k8s.io/kubernetes/cmd/kube-controller-manager"},
	target{name: "kwok", pkg: "sigs.k8s.io/kwok/cmd/kwok", version: kwokVersion},
)

// assets builds what envtest needs, or the benchmark, with the API server of a version, and prints the folder, alone, on stdout.
func assets(ctx context.Context, l layout, forBench bool, version string) error {
	targets := testTargets
	if forBench {
		targets = benchTargets
	}
	targets, err := withAPIServer(version, targets)
	if err != nil {
		return err
	}
	if err := build(ctx, l, targets); err != nil {
		return err
	}
	fmt.Println(l.binDir())
	return nil
}

// build makes those targets whose binary is missing or of another version.
func build(ctx context.Context, l layout, targets []target) error {
	module, err := moduleDir()
	if err != nil {
		return err
	}
	if len(missing(l, module, targets)) == 0 {
		return nil
	}
	// Two builds of the same thing would only slow each other down; what the
	// other run has built meanwhile is not built again.
	unlock, err := lock(ctx, l.bin(".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	todo := missing(l, module, targets)
	begin := time.Now()
	for i, t := range todo {
		progress("building %d of %d: %s (%s so far)", i+1, len(todo), t.name, seconds(time.Since(begin)))
		if err := buildOne(ctx, l, module, t); err != nil {
			return err
		}
	}
	if len(todo) > 0 {
		progress("built %d programs in %s", len(todo), seconds(time.Since(begin)))
	}
	return nil
}

func missing(l layout, module string, targets []target) []target {
	built := readStamps(l)
	var todo []target
	for _, t := range targets {
		if built[t.name] != t.stamp(module) || !exists(l.bin(t.name)) {
			todo = append(todo, t)
		}
	}
	return todo
}

// outdated tells whether the binaries are not those that would be built now.
func outdated(l layout) bool {
	module, err := moduleDir()
	return err == nil && len(missing(l, module, clusterTargets)) > 0
}

// buildOne builds into a temporary folder and renames: a program that is
// running cannot be written to, and half a program must not be found.
func buildOne(ctx context.Context, l layout, module string, t target) error {
	out, err := os.MkdirTemp(l.binDir(), ".build-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(out) }()
	goCommand := exec.CommandContext(ctx, "go", t.goArgs(out)...)
	goCommand.Dir = module
	if t.isOtherKubernetes() {
		if goCommand.Dir, err = makeModule(ctx, l, t.version); err != nil {
			return err
		}
	}
	goCommand.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOBIN="+out)
	if output, err := goCommand.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", t.name, err, withoutDownloads(string(output)))
	}
	if err := os.Rename(filepath.Join(out, t.name), l.bin(t.name)); err != nil {
		return err
	}
	stamps := readStamps(l)
	stamps[t.name] = t.stamp(module)
	text, err := json.MarshalIndent(stamps, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(stampFile(l), text, 0o644)
}

// withoutDownloads leaves the errors of a build: they would be lost among
// hundreds of lines about modules.
func withoutDownloads(output string) string {
	var kept strings.Builder
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "go: downloading ") {
			kept.WriteString(line)
		}
	}
	return strings.TrimSpace(kept.String())
}

func (t target) goArgs(out string) []string {
	flags := func(version string) []string {
		return []string{"-buildvcs=false", "-trimpath", "-ldflags", linkerFlags(version)}
	}
	build := []string{"build", "-o", filepath.Join(out, t.name)}
	switch {
	case t.version == "":
		return append(append(build, flags(kubernetesVersion)...), t.pkg)
	case t.isOtherKubernetes(): // into a module that knows no checksums yet
		return append(append(append(build, "-mod=mod"), flags(t.version)...), t.pkg)
	}
	return append(append([]string{"install"}, flags(kubernetesVersion)...), t.pkg+"@"+t.version)
}

// linkerFlags sets the version: without it clients cannot parse what the API
// server and the kubelet say of themselves.
func linkerFlags(version string) string {
	flags := []string{"-s", "-w"}
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X", pkg+".gitVersion="+version,
			"-X", pkg+".gitMajor="+parts[0],
			"-X", pkg+".gitMinor="+parts[1])
	}
	return strings.Join(flags, " ")
}

// stamp changes when the target has to be built again.
func (t target) stamp(module string) string {
	hash := sha256.New()
	hash.Write(fmt.Appendln(nil, t.goArgs(""), runtime.Version()))
	if t.version == "" {
		content, _ := os.ReadFile(filepath.Join(module, "go.mod"))
		hash.Write(content)
	}
	if strings.HasPrefix(t.pkg, modulePath) {
		content, _ := os.ReadFile(filepath.Join(module, strings.TrimPrefix(t.pkg, modulePath), "main.go"))
		hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16]
}

func stampFile(l layout) string { return l.bin(".built.json") }

func readStamps(l layout) map[string]string {
	stamps := map[string]string{}
	text, err := os.ReadFile(stampFile(l))
	if err != nil || json.Unmarshal(text, &stamps) != nil {
		return map[string]string{}
	}
	return stamps
}

// moduleDir finds this module's source: it is the working directory when run
// as "go run .", or below the root of the repository.
func moduleDir() (string, error) {
	working, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for _, dir := range []string{working, filepath.Join(working, "hack", "cluster")} {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.Contains(string(text), "module "+modulePath+"\n") {
			return dir, nil
		}
	}
	return "", errors.New("run this in hack/cluster: the programs are built from the module there")
}
