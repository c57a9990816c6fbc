package main

import (
	"context"
	_ "embed" // what the rig is made of
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Who asks the API server: each program has a client certificate of its own, so the audit log tells them apart. The operator
// has the name of its service account, and with it exactly the rights that it is shipped with.
const (
	userAttacker = "attacker"
	userOperator = "system:serviceaccount:strategy-operator-system:strategy-operator"
	userFloor    = "floor"
	userHarness  = "harness"
	userJobs     = "job controller"
	userKwok     = "kwok"
)

const administrators = "system:masters"

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["system:apiserver"]}
- {level: Metadata}
`

//go:embed kwok.yaml
var kwokConfig string

//go:embed cluster.yaml
var clusterObjects string

//go:embed world.yaml
var worldObjects string

// report is what every check prints, in the format of a kubelet's log file.
const report = `2026-11-23T10:15:00.000000000Z stdout F {"status":"ok","issues":[],"warnings":[],"avg_latency_ms":20}` + "\n"

// rig is an API server with a real Job controller and garbage collector, and kwok for the pods.
type rig struct {
	dir       string // temporary: logs, kubeconfigs, evidence
	root      string // of the repository
	bin       string
	served    []string // namespaces
	alerts    string   // where the operator hears alerts; 0: nowhere
	server    *envtest.Environment
	processes []*process

	scheme  *runtime.Scheme
	harness client.Client // our own hands
	seen    cache.Cache   // and eyes
}

// newRig makes the folder of a rig whose operator serves some namespaces; nothing runs yet.
func newRig(root string, served ...string) (*rig, error) {
	dir, err := os.MkdirTemp("", "strategy-operator-bench-")
	return &rig{dir: dir, root: root, served: served, alerts: "0", bin: os.Getenv("KUBEBUILDER_ASSETS"), scheme: runtime.NewScheme()}, err
}

// up starts everything but the program that is measured.
func (r *rig) up(ctx context.Context) error {
	for _, step := range []func(context.Context) error{r.startServer, r.connect, r.apply, r.startJobs, r.startKwok} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stop ends what was started, the last first, and deletes the folder.
func (r *rig) stop() {
	for len(r.processes) > 0 {
		r.processes[len(r.processes)-1].stop()
		r.processes = r.processes[:len(r.processes)-1]
	}
	if r.server != nil {
		_ = r.server.Stop()
	}
	_ = os.RemoveAll(r.dir)
}

func (r *rig) auditLog() string { return filepath.Join(r.dir, "audit.log") }

// reportLog is what every check prints, and hostileLog what those of the namespace hostile do.
func (r *rig) reportLog() string { return filepath.Join(r.dir, "report.log") }

func (r *rig) hostileLog() string { return filepath.Join(r.dir, "hostile.log") }

func (r *rig) startServer(context.Context) error {
	policy := filepath.Join(r.dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	r.server = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join(r.root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	r.server.ControlPlane.GetAPIServer().Configure().
		Append("audit-policy-file", policy).
		Append("audit-log-path", r.auditLog()).
		Append("audit-log-maxsize", "100000"). // megabytes: one file
		Append("kubelet-preferred-address-types", "InternalIP")
	if _, err := r.server.Start(); err != nil {
		return fmt.Errorf("start the API server: %w", err)
	}
	return nil
}

// access is what a program needs to ask the API server in its own name.
func (r *rig) access(user string, groups ...string) (*envtest.AuthenticatedUser, error) {
	return r.server.AddUser(envtest.User{Name: user, Groups: groups}, &rest.Config{QPS: -1})
}

// kubeconfig writes that to a file.
func (r *rig) kubeconfig(user string, groups ...string) (string, error) {
	access, err := r.access(user, groups...)
	if err != nil {
		return "", err
	}
	text, err := access.KubeConfig()
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.dir, strings.NewReplacer(":", "-", " ", "-").Replace(user)+".kubeconfig")
	return path, os.WriteFile(path, text, 0o600)
}

func (r *rig) connect(ctx context.Context) error {
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, strategyv1.AddToScheme} {
		if err := add(r.scheme); err != nil {
			return err
		}
	}
	access, err := r.access(userHarness, administrators)
	if err != nil {
		return err
	}
	if r.harness, err = client.New(access.Config(), client.Options{Scheme: r.scheme}); err != nil {
		return err
	}
	if r.seen, err = cache.New(access.Config(), cache.Options{Scheme: r.scheme}); err != nil {
		return err
	}
	for _, kind := range []client.Object{&strategyv1.StrategyIncident{}, jobMetadata()} {
		if _, err := r.seen.GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return err
		}
	}
	go func() { _ = r.seen.Start(ctx) }()
	if !r.seen.WaitForCacheSync(ctx) {
		return context.Cause(ctx)
	}
	return nil
}

func jobMetadata() *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}}
}

// apply creates the shipped roles and policies, and the world, and waits until the policies are in force.
func (r *rig) apply(ctx context.Context) error {
	if err := r.create(ctx, "", clusterObjects); err != nil {
		return err
	}
	if err := r.createFiles(ctx, "", "rbac", "admission", "stamps"); err != nil {
		return err
	}
	for _, served := range r.served {
		if err := r.create(ctx, served, strings.ReplaceAll(worldObjects, "$NAMESPACE", served)); err != nil {
			return err
		}
		if err := r.createFiles(ctx, served, "namespace"); err != nil {
			return err
		}
	}
	return poll(ctx, "the admission policies are in force", 100*time.Millisecond, func() (bool, error) {
		forged := newIncident(0)
		forged.Spec.RequestedBy = "somebody else"
		refused := r.harness.Create(ctx, forged, client.DryRunAll)
		return refused != nil && strings.Contains(refused.Error(), "may only name itself") &&
			r.harness.Create(ctx, newIncident(0), client.DryRunAll) == nil, nil
	})
}

// createFiles creates what is shipped in folders of config.
func (r *rig) createFiles(ctx context.Context, namespace string, folders ...string) error {
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(r.root, "config", folder, "*.yaml"))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := r.create(ctx, namespace, string(text)); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

// create creates objects; a kustomization would say in which namespace those are that do not say so themselves.
func (r *rig) create(ctx context.Context, namespace, text string) error {
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if object.Object == nil || object.GetKind() == "Kustomization" {
			continue
		}
		if object.GetNamespace() == "" && namespace != "" && object.GetKind() != "Namespace" {
			object.SetNamespace(namespace)
		}
		if err := r.harness.Create(ctx, object); err != nil {
			return err
		}
	}
}

// startJobs starts the two controllers that the work needs, with room enough for it not to wait for them.
func (r *rig) startJobs(context.Context) error {
	kubeconfig, err := r.kubeconfig(userJobs, administrators)
	if err != nil {
		return err
	}
	_, err = r.start("kube-controller-manager", "--kubeconfig="+kubeconfig, "--leader-elect=false", "--secure-port=0",
		"--controllers=job-controller,garbage-collector-controller", "--concurrent-job-syncs=20",
		"--kube-api-qps=1000", "--kube-api-burst=2000")
	return err
}

func (r *rig) startKwok(ctx context.Context) error {
	kubeconfig, err := r.kubeconfig(userKwok, administrators)
	if err != nil {
		return err
	}
	config := filepath.Join(r.dir, "kwok.yaml")
	played := strings.NewReplacer("$REPORT", r.reportLog(), "$HOSTILE", r.hostileLog()).Replace(kwokConfig)
	if err := errors.Join(os.WriteFile(r.reportLog(), []byte(report), 0o600), os.WriteFile(config, []byte(played), 0o600)); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	kwok, err := r.start("kwok", "--kubeconfig="+kubeconfig, "--config="+config,
		"--server-address=127.0.0.1:"+strconv.Itoa(port), "--node-port="+strconv.Itoa(port))
	if err != nil {
		return err
	}
	return poll(ctx, "kwok serves logs", 100*time.Millisecond, func() (bool, error) {
		connection, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second)
		if err != nil {
			return false, kwok.running()
		}
		return true, connection.Close()
	})
}

func (r *rig) start(program string, args ...string) (*process, error) {
	return r.startWith(nil, program, args...)
}

// startWith starts a program with more in its environment.
func (r *rig) startWith(env []string, program string, args ...string) (*process, error) {
	if !filepath.IsAbs(program) {
		program = filepath.Join(r.bin, program)
	}
	started, err := startProcess(r.dir, env, program, args...)
	if err == nil {
		r.processes = append(r.processes, started)
	}
	return started, err
}

// alive returns an error if a program has ended.
func (r *rig) alive() error {
	for _, p := range r.processes {
		if err := p.running(); err != nil {
			return err
		}
	}
	return nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
