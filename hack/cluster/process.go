package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one process as a pid file records it. A pid alone may belong to
// another process by the time it is read, after a restart of the machine too;
// together with its start time and the boot it names one process for good.
type process struct {
	Name       string `json:"name"`
	PID        int    `json:"pid"`
	StartTicks uint64 `json:"startTicks"`
	BootID     string `json:"bootID"`
	Restarts   int    `json:"restarts"`
}

// identify describes the running process with this pid.
func identify(name string, pid int) (process, error) {
	ticks, _, err := readStat(pid)
	if err != nil {
		return process{}, err
	}
	return process{Name: name, PID: pid, StartTicks: ticks, BootID: bootID()}, nil
}

// alive tells whether exactly this process still runs.
func (p process) alive() bool {
	if p.PID <= 0 || p.BootID != bootID() {
		return false
	}
	ticks, state, err := readStat(p.PID)
	return err == nil && ticks == p.StartTicks && state != 'Z'
}

// signal sends a signal to exactly this process and does nothing when it has
// ended. The handle is taken before the identity is checked: it refers to one
// process (a pidfd), so a pid reused in between is not hit.
func (p process) signal(sig syscall.Signal) error {
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		return nil
	}
	defer func() { _ = handle.Release() }()
	if !p.alive() {
		return nil
	}
	err = handle.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// end asks the process to end, and kills it when it has not after the grace.
func (p process) end(grace time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if p.waitGone(grace) {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	if p.waitGone(5 * time.Second) {
		return nil
	}
	return fmt.Errorf("%s (pid %d) does not end", p.Name, p.PID)
}

func (p process) waitGone(limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for p.alive() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

// readStat gives a process's start time in clock ticks since boot and its
// state letter.
func readStat(pid int) (uint64, byte, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseStat(string(text))
}

// parseStat reads the line of /proc/PID/stat. The program's name, in
// parentheses, may hold spaces and parentheses itself, so fields count from the
// last one.
func parseStat(line string) (uint64, byte, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return 0, 0, errors.New("no process name in the stat line")
	}
	const startTime = 22 - 3 // field 22; the state, field 3, is the first here
	fields := strings.Fields(line[end+1:])
	if len(fields) <= startTime {
		return 0, 0, errors.New("the stat line is too short")
	}
	ticks, err := strconv.ParseUint(fields[startTime], 10, 64)
	if err != nil {
		return 0, 0, err
	}
	return ticks, fields[0][0], nil
}

func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

func pidFile(name string) string { return filepath.Join(pidDir, name+".json") }

func writePID(p process) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return writeFile(pidFile(p.Name), text, 0o644)
}

// readPID gives the zero process when there is no readable pid file.
func readPID(name string) process {
	p, _ := readPIDFile(pidFile(name))
	return p
}

func readPIDFile(path string) (process, error) {
	var p process
	text, err := os.ReadFile(path)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(text, &p)
}

// recordedProcesses are all processes with a pid file that still run.
func recordedProcesses() []process {
	files, _ := filepath.Glob(filepath.Join(pidDir, "*.json"))
	var alive []process
	for _, file := range files {
		p, err := readPIDFile(file)
		if err == nil && p.alive() {
			alive = append(alive, p)
		}
	}
	return alive
}

// shims are the runtime shims of this cluster's containerd, known by the
// address of its socket in their arguments: no other containerd has that one.
func shims() []process {
	entries, _ := os.ReadDir("/proc")
	var found []process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		commandLine, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err != nil || !isShim(strings.Split(string(commandLine), "\x00")) {
			continue
		}
		if p, err := identify("containerd-shim", pid); err == nil {
			found = append(found, p)
		}
	}
	return found
}

func isShim(args []string) bool {
	if !strings.HasPrefix(filepath.Base(args[0]), "containerd-shim") {
		return false
	}
	for i, arg := range args[:len(args)-1] {
		if arg == "-address" && args[i+1] == containerdSocket {
			return true
		}
	}
	return false
}
