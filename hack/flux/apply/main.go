// Applies a file as Flux's kustomize-controller v1.7.3 does, with the apply engine it is made of, again and again: for tests that cannot wait until the
// controller itself is built. What it tells the engine (field owner, owner labels, what is left out, what is cleaned up) is what the controller tells it.
// The file is read anew each time, so what a commit changes is applied at the next turn. SIGTERM ends it.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	ssautil "github.com/fluxcd/pkg/ssa/utils"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

const (
	group      = "kustomize.toolkit.fluxcd.io"
	controller = "kustomize-controller"
)

func main() {
	var file, name, namespace string
	var every time.Duration
	flag.StringVar(&file, "file", "", "what to apply: objects in YAML")
	flag.StringVar(&name, "name", "", "the Kustomization that owns them")
	flag.StringVar(&namespace, "namespace", "", "its namespace")
	flag.DurationVar(&every, "every", 2*time.Second, "how often")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, file, name, namespace, every); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file, name, namespace string, every time.Duration) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	engine, err := newEngine(config)
	if err != nil {
		return err
	}
	turns := time.NewTicker(every)
	defer turns.Stop()
	for {
		if err := applyFile(ctx, engine, file, name, namespace); err != nil {
			fmt.Fprintln(os.Stderr, "apply:", err) // the controller, too, tries again
		}
		select {
		case <-ctx.Done():
			return nil
		case <-turns.C:
		}
	}
}

func newEngine(config *rest.Config) (*ssa.ResourceManager, error) {
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, http)
	if err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Mapper: mapper, HTTPClient: http})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(c, mapper, polling.Options{})
	return ssa.NewResourceManager(c, poller, ssa.Owner{Field: controller, Group: group}), nil
}

// applyFile is one turn, and prints what it came to.
func applyFile(ctx context.Context, engine *ssa.ResourceManager, file, name, namespace string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	objects, err := ssautil.ReadObjects(bytes.NewReader(text))
	if err != nil {
		return err
	}
	engine.SetOwnerLabels(objects, name, namespace)
	if err := normalize.UnstructuredList(objects); err != nil {
		return err
	}
	changes, err := engine.ApplyAllStaged(ctx, objects, options())
	if err != nil {
		return err
	}
	fmt.Println(time.Now().UTC().Format(time.RFC3339Nano), changes)
	return nil
}

// options are those of kustomize-controller for a Kustomization without force.
func options() ssa.ApplyOptions {
	options := ssa.DefaultApplyOptions()
	options.ExclusionSelector = map[string]string{group + "/reconcile": "disabled", group + "/ssa": "Ignore"}
	options.IfNotPresentSelector = map[string]string{group + "/ssa": "IfNotPresent"}
	options.ForceSelector = map[string]string{group + "/force": "enabled"}
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{corev1.LastAppliedConfigAnnotation, group + "/checksum", "fluxcd.io/sync-checksum"},
		Labels:      []string{"fluxcd.io/sync-gc-mark"},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: controller, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
		Exclusions: map[string]string{group + "/ssa": "Merge"},
	}
	return options
}
