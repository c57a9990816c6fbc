package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/show"
)

// cluster is a connection, and the namespace that the command is about.
type cluster struct {
	client.WithWatch
	namespace     string
	podLog        func(ctx context.Context, pod string) (io.ReadCloser, error)
	serverVersion func() (string, error)
	evidence      source
}

func connect(flags *genericclioptions.ConfigFlags, warnings io.Writer) (cluster, error) {
	namespace, _, err := flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return cluster{}, fmt.Errorf("cannot read the kubeconfig: %w; check --kubeconfig and --context", err)
	}
	restConfig, err := flags.ToRESTConfig()
	if err != nil {
		return cluster{}, fmt.Errorf("cannot read the kubeconfig: %w; check --kubeconfig and --context", err)
	}
	restConfig.WarningHandler = warner{warnings}
	restConfig.UserAgent = "kubectl-strategy/" + version
	scheme, err := newScheme()
	if err != nil {
		return cluster{}, err
	}
	connection, err := client.NewWithWatch(restConfig, client.Options{Scheme: scheme})
	if err != nil {
		return cluster{}, fmt.Errorf("cannot connect to %s: %w; check --kubeconfig and --context", restConfig.Host, err)
	}
	plain, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		return cluster{}, fmt.Errorf("cannot connect to %s: %w; check --kubeconfig and --context", restConfig.Host, err)
	}
	served, err := newRemote(restConfig)
	if err != nil {
		return cluster{}, fmt.Errorf("cannot connect to %s: %w; check --kubeconfig and --context", restConfig.Host, err)
	}
	return cluster{
		WithWatch: connection, namespace: namespace, evidence: served,
		podLog: func(ctx context.Context, pod string) (io.ReadCloser, error) {
			return plain.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{LimitBytes: new(int64(maxLog))}).Stream(ctx)
		},
		serverVersion: func() (string, error) {
			serves, err := plain.Discovery().ServerVersion()
			if err != nil {
				return "", fmt.Errorf("ask the API server for its version: %w", err)
			}
			return serves.GitVersion, nil
		},
	}, nil
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(strategyv1.AddToScheme(scheme), appsv1.AddToScheme(scheme), corev1.AddToScheme(scheme), authenticationv1.AddToScheme(scheme), authorizationv1.AddToScheme(scheme))
}

// warner shows the API server's warnings.
type warner struct{ out io.Writer }

var _ rest.WarningHandler = warner{}

// HandleWarningHeader prints one warning; code 299 is the only one that Kubernetes uses.
func (w warner) HandleWarningHeader(code int, _ string, text string) {
	if code == 299 && text != "" {
		fmt.Fprintf(w.out, "Warning: %s\n", show.Line(text))
	}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// layout is how text is laid out on the output. Only terminals get their own width and colours.
func (a *app) layout(full bool) show.Options {
	options := show.Options{
		Width: show.DefaultWidth, Timeline: shortTimeline, Full: full, Colour: printers.AllowsColorOutput(a.Out),
		ASCII: a.ascii || isTerminal(a.Out) && plainTerminal(),
	}
	if full {
		options.Timeline = 0
	}
	if columns, _ := a.size(); columns > 0 {
		options.Width = min(max(columns, 40), 160)
	}
	return options
}

// size of the output's terminal; zeros if it is none.
func (a *app) size() (columns, rows int) {
	file, ok := a.Out.(*os.File)
	if !ok {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}
