// Command cluster runs a real one-node Kubernetes on this machine from nothing
// but Go modules and Debian packages: no image registry, no downloaded
// releases. See README.md for what it makes and leaves.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const usage = `usage: cluster <command> [--dir DIR] [flags]

commands:
  up          build, start and wait for the cluster; safe to run again
              --replace   end a cluster that another folder started here
                          (the default where CI=true)
              --timeout   how long to wait for it to become ready (3m)
  down        end everything that up started; binaries and logs stay
              --purge-data   delete the logs as well
  status      a line per component; exit code 1 if something is down
  assets      build etcd, kube-apiserver and kubectl; print their folder
              (for envtest's KUBEBUILDER_ASSETS; needs no root)
              --bench     the job controller and kwok as well
              --kubernetes v1.34.3   the API server of another version; give
              it a DIR of its own
  load-image  put one static binary into the cluster as an image
              --name NAME --binary PATH [--entrypoint /x] [--user 65532]
              [--output FILE]  write the archive instead of loading it
  load-rules  put files of alert rules into the cluster's Prometheus, instead
              of those that it has: --files A,B
  supervise   keep the components running (up starts this by itself)

DIR is where binaries, logs and data go (default ".cluster").
`

// errPrinted ends the program with exit code 1 when the reason is on the
// screen already.
var errPrinted = errors.New("already reported")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := dispatch(ctx, os.Args[1:])
	if err == nil {
		return
	}
	if !errors.Is(err, errPrinted) {
		fmt.Fprintln(os.Stderr, "cluster:", err)
	}
	os.Exit(1)
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errPrinted
	}
	command, rest := args[0], args[1:]
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	dir := flags.String("dir", ".cluster", "")

	var run func(layout) error
	switch command {
	case "up":
		replace := flags.Bool("replace", os.Getenv("CI") == "true", "")
		timeout := flags.Duration("timeout", defaultUpTimeout, "")
		run = func(l layout) error { return up(ctx, l, *replace, *timeout) }
	case "down":
		purge := flags.Bool("purge-data", false, "")
		run = func(l layout) error { return down(ctx, l, *purge) }
	case "status":
		run = func(l layout) error { return status(ctx, l) }
	case "assets":
		forBench := flags.Bool("bench", false, "")
		version := flags.String("kubernetes", kubernetesVersion, "")
		run = func(l layout) error { return assets(ctx, l, *forBench, *version) }
	case "supervise":
		run = func(l layout) error { return supervise(ctx, l) }
	case "load-image":
		options := imageOptions{}
		flags.StringVar(&options.name, "name", "", "")
		flags.StringVar(&options.binary, "binary", "", "")
		flags.StringVar(&options.entrypoint, "entrypoint", "", "")
		flags.StringVar(&options.user, "user", "65532", "")
		output := flags.String("output", "", "")
		run = func(l layout) error { return loadImage(ctx, options, *output) }
	case "load-rules":
		files := flags.String("files", "", "")
		run = func(l layout) error { return loadRules(ctx, l, strings.Split(*files, ",")) }
	case "help", "-h", "--help":
		fmt.Print(usage)
		return nil
	default:
		return fmt.Errorf("unknown command %q\n\n%s", command, usage)
	}

	if err := flags.Parse(rest); err != nil {
		return fmt.Errorf("%s: %w\n\n%s", command, err, usage)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q\n\n%s", command, flags.Arg(0), usage)
	}
	l, err := newLayout(*dir)
	if err != nil {
		return err
	}
	return run(l)
}
