package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

const defaultUpTimeout = 3 * time.Minute

// up brings the cluster to where every check of status passes, from whatever
// state it is in.
func up(ctx context.Context, l layout, replace bool, timeout time.Duration) error {
	begin := time.Now()
	if err := requireRoot("running pods"); err != nil {
		return err
	}
	unlock, err := lock(ctx, lockFile)
	if err != nil {
		return err
	}
	defer unlock()

	current, err := ownCluster(ctx, l, replace)
	if err != nil {
		return err
	}
	if current != nil && len(problems(ctx, l)) == 0 {
		progress("the cluster is running already (%s); KUBECONFIG=%s", seconds(time.Since(begin)), l.kubeconfig())
		if outdated(l) {
			progress("its programs are of other versions than go.mod says: 'down' and 'up' start the new ones")
		}
		return nil
	}

	if err := installPackages(ctx); err != nil {
		return err
	}
	if err := build(ctx, l, clusterTargets); err != nil {
		return err
	}
	started := time.Now()
	if err := prepare(ctx, l, current); err != nil {
		return err
	}
	fresh, err := start(ctx, l)
	if err != nil {
		return err
	}
	if err := waitReady(ctx, l, fresh, timeout); err != nil {
		return err
	}
	progress("the cluster is ready: node %s, Kubernetes %s, started in %s, %s in all", nodeName, kubernetesVersion,
		seconds(time.Since(started)), seconds(time.Since(begin)))
	progress("export KUBECONFIG=%s   (kubectl: %s)", l.kubeconfig(), l.bin("kubectl"))
	return nil
}

// ownCluster gives what is remembered of this folder's cluster, after ending
// one that cannot go on or that another folder started.
func ownCluster(ctx context.Context, l layout, replace bool) (*owner, error) {
	current, err := readOwner()
	if err != nil || current == nil {
		return nil, err
	}
	if current.Dir != l.dir {
		return nil, takeOver(ctx, *current, replace)
	}
	if !exists(l.pkiDir()) {
		progress("the cluster's files are gone; ending what is left of it")
		return nil, teardown(ctx, l, false)
	}
	return current, nil
}

// takeOver ends a cluster that another folder started on this machine. One
// that works is ended only when asked: somebody may be using it.
func takeOver(ctx context.Context, other owner, replace bool) error {
	l := layout{dir: other.Dir}
	inUse := exists(l.dir) && readPID(supervisorName).alive()
	if inUse && !replace {
		return fmt.Errorf("the cluster of %s is running, and a machine has room for one; "+
			"end it with 'down --dir %s', or let 'up --replace' do so", l.dir, l.dir)
	}
	progress("ending the cluster of %s", l.dir)
	return teardown(ctx, l, false)
}

// prepare makes everything that the components find when they start.
func prepare(ctx context.Context, l layout, previous *owner) error {
	if err := claim(ctx, l, previous); err != nil {
		return err
	}
	for _, dir := range []string{l.logDir(), pidDir, kubeletRoot, containerdRoot, podLogs} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(l.etcdData(), 0o700); err != nil {
		return err
	}
	if err := writePKI(l.pkiDir()); err != nil {
		return err
	}
	if err := writeConfigs(l, cniPlugins); err != nil {
		return err
	}
	if err := setupCgroups(); err != nil {
		return err
	}
	return setupNetwork(ctx)
}

// start starts the supervisor unless it runs. Components that outlived a
// supervisor are ended first: nobody would start them again. Their pods stay.
// It gives the time from which on a report of the kubelet counts.
func start(ctx context.Context, l layout) (time.Time, error) {
	if readPID(supervisorName).alive() {
		progress("the supervisor is running; waiting for what is down")
		return time.Now().Add(-leaseLimit), nil
	}
	if left := recordedProcesses(); len(left) > 0 {
		progress("the supervisor has died; ending the %d components it left and starting again", len(left))
		if err := endStages(l, left); err != nil {
			return time.Time{}, err
		}
	}
	if err := checkPorts(ctx); err != nil {
		return time.Time{}, err
	}
	return time.Now(), startSupervisor(l)
}

// endStages ends components in the order in which the supervisor would: an API
// server without its storage takes long to end.
func endStages(l layout, processes []process) error {
	order := map[string]int{}
	for _, c := range components(l) {
		order[c.name] = c.stage
	}
	var failed []error
	for _, number := range []int{stageClients, stageAPI, stageStorage} {
		var group []process
		for _, p := range processes {
			if order[p.Name] == number {
				group = append(group, p)
			}
		}
		failed = append(failed, endAll(group))
	}
	return errors.Join(failed...)
}

// endAll ends processes at the same time, each with its own grace.
func endAll(processes []process) error {
	results := make(chan error, len(processes))
	for _, p := range processes {
		go func() { results <- p.end(stopTimeout) }()
	}
	var failed []error
	for range processes {
		failed = append(failed, <-results)
	}
	return errors.Join(failed...)
}

// ports are the addresses that the components listen at.
var ports = []struct{ component, address string }{
	{"etcd", "127.0.0.1:" + etcdClientPort},
	{"etcd", "127.0.0.1:" + etcdPeerPort},
	{"kube-apiserver", nodeIP + ":" + apiServerPort},
	{"kube-controller-manager", "127.0.0.1:10257"},
	{"kube-scheduler", "127.0.0.1:10259"},
	{"kubelet", "127.0.0.1:10248"},
	{"kubelet", nodeIP + ":10250"},
	{"kube-proxy", "127.0.0.1:10249"},
	{"kube-proxy", "127.0.0.1:10256"},
	{"coredns", nodeIP + ":53"},
	{"prometheus", nodeIP + ":" + prometheusPort},
	{"alertmanager", nodeIP + ":" + alertsPort},
}

// checkPorts says which address is taken, before a component fails for it. It
// is patient for a moment: the kernel closes the sockets of a killed process a
// little after the process is gone.
func checkPorts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, port := range ports {
		var failure error
		_ = poll(ctx, 50*time.Millisecond, func() bool {
			var listener net.Listener
			if listener, failure = net.Listen("tcp", port.address); failure != nil {
				return false
			}
			return listener.Close() == nil
		})
		if failure != nil {
			return fmt.Errorf("%s cannot listen: %w; end what does, or %s", port.component, failure, useExisting)
		}
	}
	return nil
}

// waitReady waits until all works, and lists what does not when it takes too
// long.
func waitReady(ctx context.Context, l layout, fresh time.Time, timeout time.Duration) error {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	steps := []struct {
		what string
		run  func() error
	}{
		{"containerd", func() error { return loadPause(ctx, l) }},
		{"API server", func() error { return newAPIClient(l).check(ctx) }},
		{"access rules", func() error { return applyAddons(ctx, l) }},
		{"node", func() error { return newAPIClient(l).nodeReady(ctx, fresh) }},
		{"default service account", func() error { return newAPIClient(l).defaultAccount(ctx) }},
		{"service addresses", func() error { return proxyReady(ctx) }},
		{"cluster DNS", func() error { return dnsAnswers(ctx) }},
	}
	for _, step := range steps {
		var last error
		err := poll(ctx, 200*time.Millisecond, func() bool {
			// A call that the time-out cut off knows less than the one before.
			if err := step.run(); err == nil || ctx.Err() == nil {
				last = err
			}
			return last == nil && ctx.Err() == nil
		})
		if err != nil {
			progress("waiting for: %s: %v", step.what, last)
			for _, problem := range problems(context.WithoutCancel(ctx), l) {
				progress("  %s", problem)
			}
			return fmt.Errorf("not ready after %s (logs: %s)", seconds(time.Since(begin)), l.logDir())
		}
		progress("%6s  %s ready", seconds(time.Since(begin)), step.what)
	}
	return nil
}

// loadPause imports the image that holds each pod's namespaces, as soon as
// containerd takes it.
func loadPause(ctx context.Context, l layout) error {
	if !accepts(ctx, "unix", containerdSocket) {
		return errors.New("not started")
	}
	archive, err := imageArchive(imageOptions{name: pauseImage, binary: l.bin("pause"), user: "65535"})
	if err != nil {
		return err
	}
	return importImage(ctx, pauseImage, archive)
}

func applyAddons(ctx context.Context, l layout) error {
	apply := exec.CommandContext(ctx, l.bin("kubectl"), "--kubeconfig", l.kubeconfig(),
		"apply", "--server-side", "--force-conflicts", "-f", l.config("addons.yaml"))
	apply.Env = plainEnv()
	if output, err := apply.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}
