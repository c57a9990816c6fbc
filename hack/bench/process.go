package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// grace is how long a program may take to end by itself.
const grace = 15 * time.Second

// process is a program that the bench started. It is ended by its id, and dies with the bench if that is killed.
type process struct {
	name  string
	log   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// startProcess starts a program whose output goes to a file in a folder.
func startProcess(dir string, env []string, path string, args ...string) (*process, error) {
	name := filepath.Base(path)
	p := &process{name: name, log: filepath.Join(dir, name+".log"), cmd: exec.Command(path, args...), ended: make(chan struct{})}
	output, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }() // the program has its own handle
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = output, output
	// Its own group: an interrupt at the terminal is for the bench, which then ends the programs in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// running returns an error with the end of the log if the program has ended.
func (p *process) running() error {
	select {
	case <-p.ended:
		text, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s has ended: %s\n%s", p.name, p.cmd.ProcessState, text[max(0, len(text)-2000):])
	default:
		return nil
	}
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(grace):
		p.kill()
	}
}

// kill ends a program at once, as the kernel or a lost node does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// usage is what a program has used so far.
type usage struct {
	cpu       time.Duration
	rss, peak int64 // bytes
}

func (p *process) usage() (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return usage{}, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return usage{}, err
	}
	return parseUsage(string(stat), string(status))
}

// tick is the unit of times in /proc, the same on every Linux that Go runs on.
const tick = time.Second / 100

func parseUsage(stat, status string) (usage, error) {
	// The name, in parentheses, may hold anything: fields count from its end on, where the third is the first.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return usage{}, errors.New("the stat line is too short")
	}
	inUser, err1 := strconv.ParseInt(fields[user], 10, 64)
	inSystem, err2 := strconv.ParseInt(fields[system], 10, 64)
	used := usage{cpu: time.Duration(inUser+inSystem) * tick}
	_, err3 := fmt.Sscanf(lineOf(status, "VmRSS:"), "VmRSS: %d kB", &used.rss)
	_, err4 := fmt.Sscanf(lineOf(status, "VmHWM:"), "VmHWM: %d kB", &used.peak)
	used.rss, used.peak = used.rss<<10, used.peak<<10
	return used, errors.Join(err1, err2, err3, err4)
}

func lineOf(text, prefix string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	return ""
}

// poll asks until the answer is yes, the context ends, or there is an error.
func poll(ctx context.Context, what string, interval time.Duration, yes func() (bool, error)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		done, err := yes()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}
