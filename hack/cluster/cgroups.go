package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const cgroupMount = "/sys/fs/cgroup"

// cgroupRoots are the folders in which control groups are made: one for each
// controller in version 1, the mount itself in version 2.
func cgroupRoots() []string {
	if exists(filepath.Join(cgroupMount, "cgroup.controllers")) {
		return []string{cgroupMount}
	}
	var roots []string
	entries, _ := os.ReadDir(cgroupMount)
	for _, entry := range entries {
		// Some controllers are links to a folder of several.
		if entry.IsDir() {
			roots = append(roots, filepath.Join(cgroupMount, entry.Name()))
		}
	}
	return roots
}

// setupCgroups makes the group that all pods are in. It is the cluster's own,
// so that ending whatever is in it ends pods of this cluster and nothing else.
func setupCgroups() error {
	for _, root := range cgroupRoots() {
		group := filepath.Join(root, cgroupName)
		if err := os.MkdirAll(group, 0o755); err != nil {
			return err
		}
		// A new group of the cpuset controller has no processors until told.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			content, err := os.ReadFile(filepath.Join(root, file))
			if err == nil && root != cgroupMount {
				_ = os.WriteFile(filepath.Join(group, file), content, 0o644)
			}
		}
		enableControllers(root)
		enableControllers(group)
	}
	return nil
}

// enableControllers hands every controller on to child groups; only version 2
// has the file for it.
func enableControllers(group string) {
	available, err := os.ReadFile(filepath.Join(group, "cgroup.controllers"))
	if err != nil {
		return
	}
	for controller := range strings.FieldsSeq(string(available)) {
		_ = os.WriteFile(filepath.Join(group, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
	}
}

// podProcesses are the processes in the cluster's control groups.
func podProcesses() []process {
	seen := map[int]bool{}
	var found []process
	for _, root := range cgroupRoots() {
		for _, group := range cgroupsBelow(filepath.Join(root, cgroupName)) {
			content, _ := os.ReadFile(filepath.Join(group, "cgroup.procs"))
			for field := range strings.FieldsSeq(string(content)) {
				pid, err := strconv.Atoi(field)
				if err != nil || seen[pid] {
					continue
				}
				seen[pid] = true
				if p, err := identify("pod process", pid); err == nil {
					found = append(found, p)
				}
			}
		}
	}
	return found
}

// cgroupsBelow lists a group, if it is there, and all in it; each before those
// that it holds.
func cgroupsBelow(group string) []string {
	var groups []string
	_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			// Groups come and go with containers.
			return fs.SkipDir
		}
		if entry.IsDir() {
			groups = append(groups, path)
		}
		return nil
	})
	return groups
}

// endPods ends every container and its runtime shim. The shim goes first:
// it would otherwise report each death to a containerd that is gone.
func endPods() int {
	ended := map[int]bool{}
	// A process may start another while this looks at the list.
	for range 10 {
		left := append(shims(), podProcesses()...)
		if len(left) == 0 {
			break
		}
		for _, p := range left {
			ended[p.PID] = true
			_ = p.signal(syscall.SIGKILL)
		}
		for _, p := range left {
			p.waitGone(2 * time.Second)
		}
	}
	return len(ended)
}

// removeCgroups removes the cluster's groups, the inner ones first.
func removeCgroups() {
	for _, root := range cgroupRoots() {
		for _, group := range slices.Backward(cgroupsBelow(filepath.Join(root, cgroupName))) {
			removeCgroup(group)
		}
	}
}

// removeCgroup waits a little: a group counts as busy until the kernel is done
// with the processes that ended in it.
func removeCgroup(group string) {
	for range 50 {
		if err := syscall.Rmdir(group); !errors.Is(err, syscall.EBUSY) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	progress("warning: control group %s is still busy", group)
}
