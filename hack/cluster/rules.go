package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// loadRules gives Prometheus these files of rules, instead of those that it has.
func loadRules(ctx context.Context, l layout, files []string) error {
	prometheus := readPID("prometheus")
	if !prometheus.alive() {
		return errors.New("no Prometheus runs here: 'up' starts the cluster")
	}
	if output, err := exec.CommandContext(ctx, promtoolProgram, append([]string{"check", "rules"}, files...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("these rules are not loaded: %w\n%s", err, output)
	}
	if err := os.RemoveAll(l.rulesDir()); err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(l.rulesDir(), filepath.Base(file)), content, 0o644); err != nil {
			return err
		}
	}
	progress("Prometheus reads %d files of rules", len(files))
	return prometheus.signal(syscall.SIGHUP)
}
