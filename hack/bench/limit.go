package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// shippedMemory is the memory limit that the operator is shipped with, and what else it is told there about memory.
func shippedMemory(deployment []byte) (limit int64, env []string, err error) {
	var shipped appsv1.Deployment
	if err := yaml.Unmarshal(deployment, &shipped); err != nil {
		return 0, nil, err
	}
	containers := shipped.Spec.Template.Spec.Containers
	if len(containers) != 1 {
		return 0, nil, fmt.Errorf("it has %d containers, not one", len(containers))
	}
	for _, one := range containers[0].Env {
		if one.ValueFrom == nil {
			env = append(env, one.Name+"="+one.Value)
		}
	}
	limit = containers[0].Resources.Limits.Name(corev1.ResourceMemory, "").Value()
	if limit == 0 {
		return 0, nil, errors.New("it has no limit of memory")
	}
	return limit, env, nil
}

// group is a control group with a limit of memory. Making one needs root; without one the program is measured, but not limited.
type group struct{ dir string }

// newGroup makes a group, of whichever version this machine has; nil if it may not.
func newGroup(limit int64) *group {
	name := fmt.Sprintf("strategy-operator-bench-%d", os.Getpid())
	for file, parent := range map[string]string{"memory.limit_in_bytes": "/sys/fs/cgroup/memory", "memory.max": "/sys/fs/cgroup"} {
		g := &group{filepath.Join(parent, name)}
		if os.Mkdir(g.dir, 0o700) != nil {
			continue
		}
		// A file that is not there already belongs to the other version.
		if writeThere(filepath.Join(g.dir, file), strconv.FormatInt(limit, 10)) == nil {
			return g
		}
		g.remove()
	}
	return nil
}

// add puts a program under the limit, and what it starts.
func (g *group) add(p *process) error {
	if g == nil {
		return nil
	}
	return writeThere(filepath.Join(g.dir, "cgroup.procs"), strconv.Itoa(p.cmd.Process.Pid))
}

// remove needs all that was in it to have ended.
func (g *group) remove() {
	if g != nil {
		_ = os.Remove(g.dir)
	}
}

// writeThere writes to a file that is there already.
func writeThere(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
