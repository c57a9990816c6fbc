// Command bench measures the operator in counts and ratios that a busy machine does not move, and prints one table: the real
// manager beside the floor, a program that does the least for the same work, on a real API server, with a real Job controller
// and pods that kwok plays. Requests are counted from the API server's audit log. docs/benchmark.md says how to read it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap/zapcore"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root := flag.String("root", ".", "The repository.")
	bin := flag.String("bin", "bin", "Where manager and floor are.")
	incidents := flag.String("incidents", "100,1000", "How many incidents come at once, one number a run, by comma.")
	attacked := flag.Bool("hostile", false, "Measure instead what one namespace waits while another does its worst.")
	stormed := flag.Bool("alerts", false, "Measure instead a storm of alerts.")
	flag.Parse()
	ctrl.SetLogger(zap.New(func(o *zap.Options) { o.Level = zapcore.DPanicLevel })) // what matters comes as an error
	sizes, err := parseSizes(*incidents)
	if err != nil {
		return err
	}
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return errors.New("KUBEBUILDER_ASSETS is not set: run `make bench`, which builds what is needed")
	}
	programs, err := filepath.Abs(*bin)
	if err != nil {
		return err
	}
	begin := time.Now()
	if *stormed {
		return runAlerts(ctx, *root, programs)
	}
	if *attacked {
		return runHostile(ctx, *root, programs)
	}
	table, err := measureAll(ctx, *root, programs, sizes)
	if err != nil {
		return err
	}
	fmt.Printf("\nThree checks side by side, closed as a false alarm. %s, %d CPUs, %s.\n\n", runtime.Version(), runtime.NumCPU(), time.Since(begin).Round(time.Second))
	return printTable(os.Stdout, sizes, table)
}

func measureAll(ctx context.Context, root, bin string, sizes []int) ([]row, error) {
	progress := progressSince(time.Now())
	var pairs []pair
	for _, size := range sizes {
		var both [2]*measured
		for i, what := range []program{floor(bin), operator(bin)} {
			progress("%d incidents: %s", size, what.name)
			result, err := measure(ctx, root, what, size)
			if err != nil {
				return nil, fmt.Errorf("%s, %d incidents: %w", what.name, size, err)
			}
			both[i] = result
		}
		pairs = append(pairs, pair{floor: both[0], ours: both[1]})
	}
	progress("edits of a configuration")
	edits, err := configRows(ctx, len(sizes))
	return append(rows(pairs), edits...), err
}

// progressSince tells people what is being done.
func progressSince(begin time.Time) func(format string, args ...any) {
	return func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%5ds  %s\n", int(time.Since(begin).Seconds()), fmt.Sprintf(format, args...))
	}
}

func floor(bin string) program {
	return program{"floor", userFloor, 0, func(_ context.Context, r *rig) (*process, error) {
		kubeconfig, err := r.kubeconfig(userFloor, administrators)
		if err != nil {
			return nil, err
		}
		return r.start(filepath.Join(bin, "floor"), "--kubeconfig="+kubeconfig, "--namespace="+namespace)
	}}
}

// operator is the manager as it is deployed, but without the two servers that nobody asks here.
func operator(bin string) program {
	return program{"operator", userOperator, idle, func(ctx context.Context, r *rig) (*process, error) {
		started, err := r.startOperator(bin)
		if err != nil {
			return nil, err
		}
		return started, r.playbooksReady(ctx, namespace)
	}}
}

func (r *rig) startOperator(bin string, env ...string) (*process, error) {
	kubeconfig, err := r.kubeconfig(userOperator)
	if err != nil {
		return nil, err
	}
	return r.startWith(env, filepath.Join(bin, "manager"), "--kubeconfig="+kubeconfig, "--namespaces="+strings.Join(r.served, ","),
		"--evidence-bucket=file://"+filepath.Join(r.dir, "evidence"), "--evidence-share=512Mi",
		"--leader-elect", "--leader-election-namespace=strategy-operator-system",
		"--metrics-bind-address=0", "--health-probe-bind-address=0", "--alerts-bind-address="+r.alerts, "--evidence-bind-address=0")
}

func parseSizes(text string) ([]int, error) {
	var sizes []int
	for field := range strings.SplitSeq(text, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || size < 1 {
			return nil, fmt.Errorf("--incidents: %q is not a number of incidents", field)
		}
		sizes = append(sizes, size)
	}
	if !slices.IsSorted(sizes) {
		return nil, fmt.Errorf("--incidents: %q is not in order", text)
	}
	return sizes, nil
}
