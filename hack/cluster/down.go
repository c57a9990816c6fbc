package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// down ends the cluster and removes what it made. It works from what is found
// on the machine, so it also cleans up after a crash or half a start.
func down(ctx context.Context, l layout, purge bool) error {
	begin := time.Now()
	if err := requireRoot("ending the cluster"); err != nil {
		return err
	}
	unlock, err := lock(ctx, lockFile)
	if err != nil {
		return err
	}
	defer unlock()
	current, err := readOwner()
	if err != nil {
		return err
	}
	if current != nil && current.Dir != l.dir {
		progress("the cluster on this machine is that of %s: ending that one", current.Dir)
		if err := teardown(ctx, layout{dir: current.Dir}, purge); err != nil {
			return err
		}
	}
	if err := teardown(ctx, l, purge); err != nil {
		return err
	}
	if err := os.Remove(lockFile); err != nil {
		return err
	}
	progress("the cluster is down (%s); binaries are kept in %s", seconds(time.Since(begin)), l.binDir())
	return nil
}

func teardown(ctx context.Context, l layout, purge bool) error {
	before, err := readOwner()
	if err != nil {
		return err
	}
	if err := endComponents(l); err != nil {
		return err
	}
	if ended := endPods(); ended > 0 {
		progress("ended %d container processes", ended)
	}
	detachPods(ctx)
	if err := unmountAll(); err != nil {
		return err
	}
	teardownNetwork(ctx, before)
	removeCgroups()
	if err := removeFiles(l, purge, before); err != nil {
		return err
	}
	if before != nil && before.BootID == bootID() {
		restoreSysctls(before.Sysctls)
	}
	return nil
}

// endComponents ends the supervisor, which ends its components in order, and
// then whatever is left of those with a pid file.
func endComponents(l layout) error {
	supervisor := readPID(supervisorName)
	if supervisor.alive() {
		// Three stages, each with its own time to end.
		if err := supervisor.end(3*stopTimeout + 5*time.Second); err != nil {
			return err
		}
	}
	return endStages(l, recordedProcesses())
}

// unmountAll unmounts what the kubelet and containerd mounted, newest first.
func unmountAll() error {
	for range 3 {
		mounts := ownMounts()
		if len(mounts) == 0 {
			return nil
		}
		slices.Reverse(mounts)
		for _, mount := range mounts {
			if syscall.Unmount(mount, 0) != nil {
				// Still in use by something that is about to end.
				_ = syscall.Unmount(mount, syscall.MNT_DETACH)
			}
		}
	}
	if left := ownMounts(); len(left) > 0 {
		return errors.New("still mounted: " + strings.Join(left, " "))
	}
	return nil
}

func ownMounts() []string {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	return mountsBelow(string(content), runDir, varDir)
}

// mountsBelow lists the mount points in these folders, in the order they were
// made.
func mountsBelow(mountinfo string, folders ...string) []string {
	// The file writes blanks and backslashes as octal numbers.
	decode := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var mounts []string
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		point := decode.Replace(fields[4])
		for _, folder := range folders {
			if strings.HasPrefix(point, folder+"/") {
				mounts = append(mounts, point)
			}
		}
	}
	return mounts
}

// removeFiles removes all that belongs to the cluster, and of the folders that
// it shares with others those that it made and that are empty now.
func removeFiles(l layout, purge bool, before *owner) error {
	removeShimSockets()
	removeContainerLogLinks()
	doomed := l.data()
	if purge {
		doomed = append(doomed, l.logDir())
	}
	if before != nil && slices.Contains(before.Made, "/var/lib/kubelet") {
		doomed = append(doomed, "/var/lib/kubelet/device-plugins")
	}
	// The folder with the owner's file goes last: until then a run that is cut
	// off can be done again.
	doomed = append(doomed, containerdRoot, kubeletRoot, podLogs, cniData, runDir, varDir)
	var failed []error
	for _, path := range doomed {
		failed = append(failed, os.RemoveAll(path))
	}
	if before != nil {
		for _, folder := range before.Made {
			removeEmpty(folder)
		}
	}
	return errors.Join(failed...)
}

// removeEmpty removes a folder if no file is in it, however deep.
func removeEmpty(folder string) {
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		if entry.IsDir() {
			removeEmpty(filepath.Join(folder, entry.Name()))
		}
	}
	_ = syscall.Rmdir(folder)
}

// removeShimSockets removes the sockets of killed shims. They are in a folder
// that all containerds of a machine share; each shim's own notes say which is
// its.
func removeShimSockets() {
	notes, _ := filepath.Glob(containerdState + "/io.containerd.runtime.v2.task/*/*/address")
	for _, note := range notes {
		content, err := os.ReadFile(note)
		if err != nil {
			continue
		}
		socket, isUnix := strings.CutPrefix(strings.TrimSpace(string(content)), "unix://")
		if isUnix && strings.HasPrefix(socket, "/run/containerd/s/") {
			_ = os.Remove(socket)
		}
	}
}

// removeContainerLogLinks removes the links that the kubelet makes, in a fixed
// place, to the logs of its containers.
func removeContainerLogLinks() {
	links, _ := filepath.Glob("/var/log/containers/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, podLogs+"/") {
			_ = os.Remove(link)
		}
	}
}
