package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 "
	cases := map[string]struct {
		line  string
		ticks uint64
		state byte
		fails bool
	}{
		"plain":                 {line: "12 (etcd)" + rest + "987654 1 2", ticks: 987654, state: 'S'},
		"blanks and brackets":   {line: "12 (a) Z (b c)" + rest + "42 1", ticks: 42, state: 'S'},
		"no name":               {line: "12", fails: true},
		"too short":             {line: "12 (etcd) S 1 2 3", fails: true},
		"start time no number":  {line: "12 (etcd)" + rest + "x", fails: true},
		"start time too big":    {line: "12 (etcd)" + rest + "99999999999999999999999", fails: true},
		"largest allowed start": {line: "12 (etcd)" + rest + "18446744073709551615", ticks: 1<<64 - 1, state: 'S'},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ticks, state, err := parseStat(c.line)
			if (err != nil) != c.fails || ticks != c.ticks || state != c.state {
				t.Errorf("parseStat = %d, %q, %v", ticks, state, err)
			}
		})
	}
}

// startSleep starts a child and returns what a pid file would say of it.
func startSleep(t *testing.T) process {
	t.Helper()
	sleep := exec.Command("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = sleep.Wait() }()
	t.Cleanup(func() { _ = sleep.Process.Kill() })
	p, err := identify("sleep", sleep.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProcessIdentity(t *testing.T) {
	p := startSleep(t)
	if !p.alive() {
		t.Fatal("a running process counts as dead")
	}

	reused := p
	reused.StartTicks--
	otherBoot := p
	otherBoot.BootID = "another"
	for name, other := range map[string]process{"reused pid": reused, "other boot": otherBoot, "none": {}} {
		if other.alive() {
			t.Errorf("%s counts as alive", name)
		}
		if err := other.end(time.Second); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !p.alive() {
		t.Fatal("a process was ended by a pid file that is not its")
	}

	if err := p.end(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	if p.alive() {
		t.Error("the process is still there")
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		t.Errorf("a signal to an ended process: %v", err)
	}
}

func TestEndKillsWhatDoesNotListen(t *testing.T) {
	stubborn := exec.Command("sh", "-c", `trap "" TERM; echo; while :; do sleep 0.1; done`)
	output, err := stubborn.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stubborn.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := output.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	go func() { _ = stubborn.Wait() }()
	p, err := identify("stubborn", stubborn.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.end(200 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
}

func TestIsShim(t *testing.T) {
	const shim = "/usr/bin/containerd-shim-runc-v2"
	cases := map[string]struct {
		args []string
		want bool
	}{
		"ours":              {[]string{shim, "-namespace", "k8s.io", "-id", "x", "-address", containerdSocket, ""}, true},
		"another's":         {[]string{shim, "-address", "/run/containerd/containerd.sock", ""}, false},
		"socket elsewhere":  {[]string{shim, "-id", containerdSocket}, false},
		"no value":          {[]string{shim, "-address"}, false},
		"a client":          {[]string{"ctr", "-address", containerdSocket}, false},
		"kernel's own task": {[]string{""}, false},
	}
	for name, c := range cases {
		if got := isShim(c.args); got != c.want {
			t.Errorf("%s: isShim = %v", name, got)
		}
	}
}

func TestLockCountsOnlyAtItsPath(t *testing.T) {
	path := t.TempDir() + "/lock"
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	// As down does: the file goes while it is held, and the next one who
	// comes must not share the new file with one who waited on the old.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	unlockNew, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	unlockNew()
}
