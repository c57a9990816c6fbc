package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	supervisorName = "supervisor"

	firstDelay  = 500 * time.Millisecond
	longestWait = 10 * time.Second
	// steadyAfter is how long a component has to run for its next restart to
	// be without delay again.
	steadyAfter = 30 * time.Second

	maxLogSize  = 50 << 20
	stopTimeout = 8 * time.Second
)

// startSupervisor starts this program once more, detached: in a session of its
// own it outlives the terminal and whoever called up.
func startSupervisor(l layout) error {
	self, err := copySelf(l)
	if err != nil {
		return err
	}
	log, err := openLog(l.log(supervisorName))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	supervisor := exec.Command(self, "supervise", "--dir", l.dir)
	supervisor.Dir = "/"
	supervisor.Env = plainEnv()
	supervisor.Stdout, supervisor.Stderr = log, log
	supervisor.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := supervisor.Start(); err != nil {
		return err
	}
	p, err := identify(supervisorName, supervisor.Process.Pid)
	if err != nil {
		return err
	}
	if err := writePID(p); err != nil {
		return err
	}
	return supervisor.Process.Release()
}

// plainEnv is what the components need of the environment. A proxy set for the
// developer's shell would catch their calls to each other.
func plainEnv() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"}
}

// copySelf puts this program where it stays: "go run" deletes its own copy.
func copySelf(l layout) (string, error) {
	running, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", err
	}
	defer func() { _ = running.Close() }()
	content, err := io.ReadAll(running)
	if err != nil {
		return "", err
	}
	path := l.bin("cluster")
	return path, writeFile(path, content, 0o755)
}

// openLog opens a log to append to, after putting one that has grown large
// aside.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLogSize/2 {
		_ = os.Rename(path, path+".old")
	}
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
}

// supervise runs all components until it is told to end, then ends them.
func supervise(ctx context.Context, l layout) error {
	say("supervisor starts (pid %d)", os.Getpid())
	all := components(l)
	stages := map[int]*stage{}
	for _, c := range all {
		if stages[c.stage] == nil {
			stages[c.stage] = newStage()
		}
	}
	for _, c := range all {
		group := stages[c.stage]
		group.wait.Go(func() { keep(group.ctx, l, c) })
	}
	trim := time.NewTicker(time.Minute)
	defer trim.Stop()
	for running := true; running; {
		select {
		case <-trim.C:
			for _, c := range all {
				trimLog(l.log(c.name))
			}
		case <-ctx.Done():
			running = false
		}
	}
	say("supervisor ends the components")
	for _, number := range []int{stageClients, stageAPI, stageStorage} {
		stages[number].cancel()
		stages[number].wait.Wait()
	}
	return os.Remove(pidFile(supervisorName))
}

// stage is a group of components that end together.
type stage struct {
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

func newStage() *stage {
	ctx, cancel := context.WithCancel(context.Background())
	return &stage{ctx: ctx, cancel: cancel}
}

// keep runs one component and starts it again whenever it ends, at growing
// intervals while it does not stay.
func keep(ctx context.Context, l layout, c component) {
	delay := firstDelay
	for restarts := 0; ; restarts++ {
		if c.ready != nil && poll(ctx, 100*time.Millisecond, func() bool { return c.ready(ctx) }) != nil {
			return
		}
		begin := time.Now()
		err := runOnce(ctx, l, c, restarts)
		if ctx.Err() != nil {
			_ = os.Remove(pidFile(c.name))
			return
		}
		ran := time.Since(begin)
		if ran > steadyAfter {
			delay = firstDelay
		}
		say("%s ended after %s (%v); starting it again in %s", c.name, ran.Round(time.Millisecond), err, delay)
		select {
		case <-ctx.Done():
			_ = os.Remove(pidFile(c.name))
			return
		case <-time.After(delay):
		}
		delay = min(2*delay, longestWait)
	}
}

func runOnce(ctx context.Context, l layout, c component, restarts int) error {
	log, err := openLog(l.log(c.name))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	program := exec.Command(c.path, c.args...)
	program.Dir = "/"
	// A file, not a pipe: a component goes on logging when this process dies.
	program.Stdout, program.Stderr = log, log
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := program.Start(); err != nil {
		return err
	}
	p, err := identify(c.name, program.Process.Pid)
	if err == nil {
		p.Restarts = restarts
		err = writePID(p)
	}
	if err != nil {
		say("%s: no pid file: %v", c.name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- program.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	_ = program.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		return err
	case <-time.After(stopTimeout):
		_ = program.Process.Kill()
		return <-ended
	}
}

// trimLog keeps a log that is being written from filling the disk. Its writer
// appends, so it goes on at the start of the emptied file.
func trimLog(path string) {
	info, err := os.Stat(path)
	if err != nil || info.Size() < maxLogSize {
		return
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return
	}
	if os.WriteFile(path+".old", content, 0o644) == nil {
		_ = os.Truncate(path, 0)
	}
}

// say writes a line of the supervisor's log.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.RFC3339)}, args...)...)
}
