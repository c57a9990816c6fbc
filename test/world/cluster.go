// Package world is what tests of the whole operator share: a real API server with the CRDs and the admission policies, a
// namespace with everything that an incident needs, and the parts of a cluster that are played: Jobs, pods, the
// Deployment's rollout, the scheduler and the people.
package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// configDir holds the shipped manifests, as seen from the packages of tests.
const configDir = "../../config"

// logLevel keeps the log of hundreds of runs to what nobody expects.
const logLevel = zapcore.DPanicLevel

// Cluster is an API server with the CRDs and the admission policies.
type Cluster struct {
	Config *rest.Config
	Scheme *runtime.Scheme
	Admin  client.Client

	environment *envtest.Environment
	memo        *memo
}

// Run is a package's TestMain: it starts a cluster, runs the tests with it, and stops it. It returns the exit code.
func Run(m interface{ Run() int }, cluster **Cluster) int {
	started, err := Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer started.Stop()
	*cluster = started
	return m.Run()
}

// Start starts a cluster and waits until its policies are in force.
func Start() (*Cluster, error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, errors.New("KUBEBUILDER_ASSETS is not set: run `make test`, which builds etcd and kube-apiserver")
	}
	ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr), func(o *zap.Options) { o.Level = logLevel }))
	c := &Cluster{Scheme: runtime.NewScheme(), memo: &memo{scopes: map[scope]*answers{}}, environment: &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join(configDir, "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}}
	// Lists go straight to etcd: through the watch cache each one waits up to a tenth of a second for news.
	c.environment.ControlPlane.GetAPIServer().Configure().Append("watch-cache", "false")
	var err error
	if c.Config, err = c.environment.Start(); err != nil {
		return nil, fmt.Errorf("start the API server: %w", err)
	}
	if err := c.prepare(); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// Stop ends the API server.
func (c *Cluster) Stop() { _ = c.environment.Stop() }

func (c *Cluster) prepare() (err error) {
	c.Config.QPS = -1
	c.Config.Wrap(c.memo.transport)
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, strategyv1.AddToScheme} {
		if err := add(c.Scheme); err != nil {
			return err
		}
	}
	if c.Admin, err = client.New(c.Config, client.Options{Scheme: c.Scheme}); err != nil {
		return err
	}
	if err := c.InstallPolicies(); err != nil {
		return fmt.Errorf("install the admission policies: %w", err)
	}
	return nil
}

// InstallPolicies applies the shipped admission policies and waits until they are in force.
func (c *Cluster) InstallPolicies() error {
	if err := c.eachPolicy(c.Admin.Create); err != nil {
		return err
	}
	return c.await(func(ctx context.Context) bool {
		for _, object := range probes() {
			if c.Admin.Create(ctx, object, client.DryRunAll) != nil { // the policies do not know the kind yet
				return false
			}
		}
		err := c.Admin.Create(ctx, forged(), client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "may only name itself")
	})
}

// RemovePolicies deletes the admission policies and waits until anybody can be named.
func (c *Cluster) RemovePolicies() error {
	remove := func(ctx context.Context, object client.Object, _ ...client.CreateOption) error {
		return c.Admin.Delete(ctx, object)
	}
	if err := c.eachPolicy(remove); err != nil {
		return err
	}
	return c.await(func(ctx context.Context) bool {
		object := forged()
		err := c.Admin.Create(ctx, object, client.DryRunAll)
		return err == nil && object.Spec.By == forged().Spec.By
	})
}

func (c *Cluster) await(done func(context.Context) bool) error {
	return wait.PollUntilContextTimeout(context.Background(), 100*time.Millisecond, time.Minute, true,
		func(ctx context.Context) (bool, error) { return done(ctx), nil })
}

// forged is a decision in somebody else's name.
func forged() *strategyv1.StrategyDecision {
	return &strategyv1.StrategyDecision{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "forged-"},
		Spec: strategyv1.StrategyDecisionSpec{
			Target: strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: "x"}, Verdict: strategyv1.DecisionDeny, By: "somebody else",
		},
	}
}

// probes are created when the stamping policies are in force.
func probes() []client.Object {
	in := metav1.ObjectMeta{Namespace: "default", GenerateName: "probe-"}
	return []client.Object{
		&strategyv1.StrategyIncident{ObjectMeta: in, Spec: strategyv1.StrategyIncidentSpec{PlaybookName: "x", Type: "PnL"}},
		&strategyv1.StrategyRollback{ObjectMeta: in, Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: "x", Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "x"}},
		}},
		&strategyv1.StrategyDecision{ObjectMeta: in, Spec: strategyv1.StrategyDecisionSpec{
			Target: strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: "x"}, Verdict: strategyv1.DecisionDeny,
		}},
	}
}

// eachPolicy does something with every object of the shipped policies.
func (c *Cluster) eachPolicy(do func(context.Context, client.Object, ...client.CreateOption) error) error {
	files, err := filepath.Glob(filepath.Join(configDir, "admission", "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		objects, err := objectsOf(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, object := range objects {
			if err := do(context.Background(), object); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

func objectsOf(file string) ([]*unstructured.Unstructured, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		if object.Object != nil && object.GetKind() != "Kustomization" {
			objects = append(objects, object)
		}
	}
}
