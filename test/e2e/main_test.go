//go:build e2e

// Package e2e tells the operator's stories on a real cluster: real pods, schedulers that trade on paper, exchanges with
// faults, people with names. Each test is one story, from a fresh world to its end. A world is a namespace with a scheduler
// and an exchange of its own, so that stories are told side by side; those that touch what all worlds share, the operator,
// are told alone, before the others. A story that fails keeps its world. `make e2e` runs them, and `make e2e-long` those
// that take long; any cluster in KUBECONFIG will do. Where the evidence bucket lies on this machine, as with the local
// cluster, its contents are verified, too.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/admission"
	"tradeops.dev/strategy-operator/controllers/policies"
)

const (
	repository        = "../.."
	operatorNamespace = "strategy-operator-system"
	operatorName      = "strategy-operator"
	samplePlaybook    = "multi-strategy"
	toolsTemplate     = "bot-core-tools"

	// localNode and localVolume are those of hack/cluster, whose volumes are folders of this machine.
	localNode   = "so-node"
	localVolume = "/var/lib/strategy-operator-cluster/evidence"
)

// The cluster, once TestMain has connected to it. admin may do everything.
var (
	server    *rest.Config
	admin     client.Client
	clientset *kubernetes.Clientset
	scheme    = runtime.NewScheme()
	local     bool // the cluster's volumes are on this machine
	worlds    *pool
)

var operatorAt = client.ObjectKey{Namespace: operatorNamespace, Name: operatorName}

func TestMain(m *testing.M) {
	ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr), zap.UseDevMode(false)))
	ctx, cancel := context.WithCancel(context.Background())
	start := time.Now()
	all, err := prepare(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare the cluster:", err)
		os.Exit(1)
	}
	worlds = newPool(all)
	flag.Parse()
	_ = flag.Set("test.parallel", strconv.Itoa(len(all))) // a story without a world would only wait
	fmt.Printf("%d worlds are ready after %.0f s\n", len(all), time.Since(start).Seconds())
	code := m.Run()
	fmt.Print(told.table())
	if code == 0 { // after a failure everything stays as it is, to be looked at
		if err := leave(ctx, all); err != nil {
			fmt.Fprintln(os.Stderr, "clean up:", err)
			code = 1
		}
	}
	fmt.Printf("%.0f s in all\n", time.Since(start).Seconds())
	cancel()
	os.Exit(code)
}

// prepare brings a cluster, fresh or used, to where the stories start. It may run again and again.
func prepare(ctx context.Context) ([]*world, error) {
	if os.Getenv("KUBECONFIG") == "" {
		_ = os.Setenv("KUBECONFIG", filepath.Join(mustAbs(repository), ".cluster/kubeconfig"))
	}
	if err := connect(); err != nil {
		return nil, err
	}
	var node corev1.Node
	err := admin.Get(ctx, client.ObjectKey{Name: localNode}, &node)
	if client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	local = err == nil
	if err := installOperator(ctx); err != nil {
		return nil, err
	}
	all, err := servedWorlds(ctx)
	if err != nil {
		return nil, err
	}
	if err := each(all, func(w *world) error { return w.install(ctx) }); err != nil {
		return nil, err
	}
	if err := certifyMail(ctx, all); err != nil {
		return nil, err
	}
	if err := makeCheckpointKey(ctx); err != nil {
		return nil, err
	}
	if err := restartOperator(ctx); err != nil { // its image may be newer, and before it may have had no rights in the worlds
		return nil, err
	}
	if err := all[0].policiesInForce(ctx); err != nil {
		return nil, err
	}
	return all, each(all, func(w *world) error { return w.begin(ctx) })
}

// leave makes the cluster be as the README's installation leaves it.
func leave(ctx context.Context, all []*world) error {
	err := each(all, func(w *world) error { return w.remove(ctx) })
	return errors.Join(err, client.IgnoreNotFound(admin.Delete(ctx, mailCA())), apply(ctx, "", "-k", "config/default"))
}

// each does the same to all worlds, at the same time.
func each(all []*world, do func(*world) error) error {
	failed := make([]error, len(all))
	var busy sync.WaitGroup
	for i, w := range all {
		busy.Go(func() { failed[i] = do(w) })
	}
	busy.Wait()
	return errors.Join(failed...)
}

func connect() error {
	var err error
	if server, err = clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG")); err != nil {
		return err
	}
	server.QPS = -1
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, strategyv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	if admin, err = client.New(server, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	clientset, err = kubernetes.NewForConfig(server)
	return err
}

// installOperator is what the README tells a platform engineer to do, with namespaces and pauses for stories.
func installOperator(ctx context.Context) error {
	if local { // it has no volume provisioner
		if err := os.MkdirAll(localVolume, 0o750); err != nil {
			return err
		}
		if err := os.Chown(localVolume, 65532, 65532); err != nil {
			return err
		}
		if err := dropReleasedVolume(ctx); err != nil {
			return err
		}
		if err := apply(ctx, "", "-f", "hack/demo/local/volume.yaml"); err != nil {
			return err
		}
	}
	return apply(ctx, "", "-k", "test/e2e/operator")
}

// dropReleasedVolume: a volume whose claim was deleted takes no other one, so it is made again; its folder stays.
func dropReleasedVolume(ctx context.Context) error {
	var volume corev1.PersistentVolume
	at := client.ObjectKey{Name: "strategy-operator-evidence"}
	if err := admin.Get(ctx, at, &volume); err != nil || volume.Status.Phase != corev1.VolumeReleased {
		return client.IgnoreNotFound(err)
	}
	if err := admin.Delete(ctx, &volume); err != nil {
		return err
	}
	return poll(ctx, time.Minute, func(ctx context.Context) error {
		err := admin.Get(ctx, at, &volume)
		if err == nil {
			return errors.New("the released volume is still there")
		}
		return client.IgnoreNotFound(err)
	})
}

// servedWorlds are the namespaces that the operator serves.
func servedWorlds(ctx context.Context) (all []*world, err error) {
	var deployment appsv1.Deployment
	if err := admin.Get(ctx, operatorAt, &deployment); err != nil {
		return nil, err
	}
	for _, argument := range deployment.Spec.Template.Spec.Containers[0].Args {
		if namespaces, found := strings.CutPrefix(argument, "--namespaces="); found {
			for namespace := range strings.SplitSeq(namespaces, ",") {
				all = append(all, &world{namespace: namespace})
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the operator serves no namespace")
	}
	return all, nil
}

func restartOperator(ctx context.Context) error {
	err := admin.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(operatorNamespace), client.MatchingLabels{"app.kubernetes.io/name": operatorName})
	if err != nil {
		return err
	}
	return poll(ctx, 2*time.Minute, func(ctx context.Context) error { return available(ctx, operatorAt) })
}

// policiesInForce waits until identities are stamped and checked, which takes the API server some time, and until the operator honours a decision that is
// made now: it honours none that is as old as the newest change of a policy.
func (w *world) policiesInForce(ctx context.Context) error {
	proof, err := policies.New(admin, clock.RealClock{}, admission.Operator)
	if err != nil {
		return err
	}
	return poll(ctx, time.Minute, func(ctx context.Context) error {
		stamped := &strategyv1.StrategyIncident{Spec: strategyv1.StrategyIncidentSpec{PlaybookName: samplePlaybook, Type: "PnL"}}
		stamped.Namespace, stamped.Name = w.namespace, "policies-in-force"
		forged := stamped.DeepCopy()
		forged.Spec.RequestedBy = "mallory"
		if err := as("alice").Create(ctx, forged, client.DryRunAll); err == nil || !strings.Contains(err.Error(), "a client may only name itself") {
			return errors.Join(errors.New("alice may name another person"), err)
		}
		if err := as("alice").Create(ctx, stamped, client.DryRunAll); err != nil || stamped.Spec.RequestedBy != "alice" {
			return errors.Join(fmt.Errorf("alice is stamped as %q", stamped.Spec.RequestedBy), err)
		}
		since, differs, err := proof.InForce(ctx)
		if now := time.Now().Truncate(time.Second); err == nil && (differs != "" || !now.After(since)) { // decisions are dated in whole seconds
			err = fmt.Errorf("the policies are in force since %v: %s", since, differs)
		}
		return err
	})
}

// available: one pod, and it is ready.
func available(ctx context.Context, key client.ObjectKey) error {
	var deployment appsv1.Deployment
	if err := admin.Get(ctx, key, &deployment); err != nil {
		return err
	}
	status := deployment.Status
	if status.ObservedGeneration < deployment.Generation || status.UpdatedReplicas != 1 || status.AvailableReplicas != 1 {
		return fmt.Errorf("Deployment %s: %d updated, %d available", key, status.UpdatedReplicas, status.AvailableReplicas)
	}
	pods, err := podsOf(ctx, key)
	if err != nil {
		return err
	}
	if len(pods) != 1 || pods[0].DeletionTimestamp != nil {
		return fmt.Errorf("Deployment %s has %d pods, old ones among them", key, len(pods))
	}
	return nil
}

func podsOf(ctx context.Context, key client.ObjectKey) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := admin.List(ctx, &pods, client.InNamespace(key.Namespace), client.MatchingLabels{"app.kubernetes.io/name": key.Name})
	return pods.Items, err
}

// apply tries again for a while: kinds that were just created are served some time later.
func apply(ctx context.Context, input string, arguments ...string) error {
	return poll(ctx, time.Minute, func(ctx context.Context) error {
		return kubectl(ctx, input, append([]string{"apply", "--server-side", "--force-conflicts", "--field-manager=e2e"}, arguments...)...)
	})
}

func kubectl(ctx context.Context, input string, arguments ...string) error {
	command := exec.CommandContext(ctx, "kubectl", arguments...)
	command.Dir, command.Stdin = repository, strings.NewReader(input)
	command.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":"+filepath.Join(mustAbs(repository), ".cluster/bin"))
	if command.Err != nil { // not in our own PATH: the local cluster brings one
		command.Path, command.Err = filepath.Join(mustAbs(repository), ".cluster/bin/kubectl"), nil
	}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %w\n%s", strings.Join(arguments, " "), err, output)
	}
	return nil
}

// poll asks until there is no error; the last error says what was missing.
func poll(ctx context.Context, within time.Duration, ask func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, within, true, func(ctx context.Context) (bool, error) {
		err := ask(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("not within %s: %w", within, errors.Join(last, ignoreTimeout(err)))
	}
	return nil
}

func ignoreTimeout(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

func mustAbs(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return absolute
}
