package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

const useExisting = "use a cluster that you have instead: KUBECONFIG=/path/to/kubeconfig make demo"

// containerdProgram is Debian's. It is run with a configuration, socket and
// folders of its own; the system's containerd, if there is one, is not touched.
const containerdProgram = "/usr/bin/containerd"

// These are Debian's, too. Their services are not used, and not left running where this installed them.
const (
	prometheusProgram   = "/usr/bin/prometheus"
	promtoolProgram     = "/usr/bin/promtool"
	alertmanagerProgram = "/usr/bin/prometheus-alertmanager"
)

// systemPrograms are what comes from Debian, and from which package.
var systemPrograms = []struct{ pkg, file string }{
	{"containerd", containerdProgram},
	{"containerd", "/usr/bin/ctr"},
	{"runc", "/usr/sbin/runc"},
	{"containernetworking-plugins", "/usr/lib/cni/ptp"},
	{"iptables", "/usr/sbin/iptables"},
	{"nftables", "/usr/sbin/nft"},
	{"iproute2", "/usr/sbin/ip"},
	{"conntrack", "/usr/sbin/conntrack"},
	{"mount", "/usr/bin/mount"},
	{"util-linux", "/usr/bin/nsenter"},
	{"prometheus", prometheusProgram},
	{"prometheus-alertmanager", alertmanagerProgram},
}

const cniPlugins = "/usr/lib/cni"

// requireRoot tells early, and in words, why pods cannot be run here.
func requireRoot(what string) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("%s needs Linux, this is %s; %s", what, runtime.GOOS, useExisting)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%s needs root (it makes network links, mounts and control groups); run it with sudo, or %s", what, useExisting)
	}
	return nil
}

// installPackages installs the Debian packages whose files are missing.
func installPackages(ctx context.Context) error {
	packages := missingPackages()
	if len(packages) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("missing here: %s, and this is no Debian to install them on; %s", missingFiles(), useExisting)
	}
	progress("installing Debian packages: %s", strings.Join(packages, " "))
	if aptInstall(ctx, packages) != nil {
		// The lists of a fresh machine are empty or old.
		if err := apt(ctx, "update", "-qq"); err != nil {
			return err
		}
		if err := aptInstall(ctx, packages); err != nil {
			return err
		}
	}
	for _, service := range []string{"prometheus", "prometheus-alertmanager"} {
		if slices.Contains(packages, service) {
			_ = exec.CommandContext(ctx, "systemctl", "disable", "--now", service).Run() // there may be no systemd
		}
	}
	if files := missingFiles(); files != "" {
		return fmt.Errorf("%s still missing after installing %s; %s", files, strings.Join(packages, " "), useExisting)
	}
	return nil
}

func aptInstall(ctx context.Context, packages []string) error {
	return apt(ctx, append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)...)
}

func apt(ctx context.Context, args ...string) error {
	apt := exec.CommandContext(ctx, "apt-get", args...)
	apt.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if output, err := apt.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("apt-get %s: %w", strings.Join(args, " "), err), errors.New(strings.TrimSpace(string(output))))
	}
	return nil
}

func missingPackages() []string {
	var packages []string
	seen := map[string]bool{}
	for _, program := range systemPrograms {
		if exists(program.file) || seen[program.pkg] {
			continue
		}
		seen[program.pkg] = true
		packages = append(packages, program.pkg)
	}
	return packages
}

func missingFiles() string {
	var files []string
	for _, program := range systemPrograms {
		if !exists(program.file) {
			files = append(files, program.file)
		}
	}
	return strings.Join(files, " ")
}
