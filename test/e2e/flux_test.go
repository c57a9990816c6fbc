//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const (
	fluxGroup   = "kustomize.toolkit.fluxcd.io"
	fluxManager = "kustomize-controller"
	fluxName    = "trading"
	fluxEvery   = 2 * time.Second
)

// gitOps is a tool that applies the configuration of a world from somewhere else than the cluster, every two seconds, until it is suspended.
type gitOps interface {
	commit(content string) // what is to be applied from now on
	resume()
	suspend()
	applied() int // how many times it was, or was found to be so already
	marks() marks
}

// marks are what the operator tells of a tool.
type marks struct {
	owner   strategyv1.ConfigOwner
	words   string // for the owner
	manager string // of the fields
	keep    string // what to do so that an edit stays
}

// fluxEngine is the apply engine of kustomize-controller, told what that controller tells it (hack/flux/apply).
type fluxEngine struct {
	s       *story
	file    string
	process *exec.Cmd
	out     lockedBuffer
}

// lockedBuffer is written by a process, and read meanwhile.
type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(text)
}

func (b *lockedBuffer) text() string {
	b.Lock()
	defer b.Unlock()
	return b.String()
}

// fluxEngine is suspended at first, with the configuration of the story's start committed.
func (s *story) fluxEngine() *fluxEngine {
	s.Helper()
	f := &fluxEngine{s: s, file: filepath.Join(s.TempDir(), "configmap.yaml")}
	f.commit(s.original)
	s.Cleanup(func() {
		f.suspend()
		if s.Failed() {
			s.Logf("what Flux's engine said last:\n%.4000s", f.out.text())
		}
		if err := s.disown(context.WithoutCancel(s.ctx)); err != nil {
			s.Error(err)
		}
	})
	return f
}

func (f *fluxEngine) commit(content string) {
	f.s.Helper()
	f.s.must(f.put(f.s.manifest(content)))
}

// put has the engine apply a manifest from its next turn on.
func (f *fluxEngine) put(manifest string) error {
	next := f.file + ".next" // renamed: half a file is not applied
	if err := os.WriteFile(next, []byte(manifest), 0o600); err != nil {
		return err
	}
	return os.Rename(next, f.file)
}

func (f *fluxEngine) resume() {
	f.s.Helper()
	f.process = exec.Command(filepath.Join(mustAbs(repository), "bin/tools/flux-apply"),
		"--file="+f.file, "--name="+fluxName, "--namespace="+f.s.namespace, "--every="+fluxEvery.String())
	f.process.Stdout, f.process.Stderr = &f.out, &f.out
	f.s.must(f.process.Start())
	f.s.trace("Flux applies every %s", fluxEvery)
}

func (f *fluxEngine) suspend() {
	if f.process == nil {
		return
	}
	_ = f.process.Process.Signal(syscall.SIGTERM)
	_ = f.process.Wait()
	f.process = nil
}

func (f *fluxEngine) applied() (turns int) {
	for line := range strings.Lines(f.out.text()) {
		if strings.Contains(line, "/"+configName) && !strings.HasPrefix(line, "apply:") { // what failed
			turns++
		}
	}
	return turns
}

// manifest is the configuration's ConfigMap as it stands in Git.
func (w *world) manifest(content string) string {
	text, err := yaml.Marshal(corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: configName, Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue},
		},
		Data: map[string]string{configKey: content},
	})
	if err != nil {
		panic(err) // its fields are all texts
	}
	return string(text)
}

// disown has the configuration made anew: an API server keeps no account any more of who writes what, once that was taken off an object.
func (w *world) disown(ctx context.Context) error {
	at := w.configAt()
	err := admin.Delete(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: at.Namespace, Name: at.Name}})
	return errors.Join(client.IgnoreNotFound(err), w.putConfig(ctx, demoConfig()))
}

// owned lets a tool apply the configuration once, and waits until the playbook tells of it.
func (s *story) owned(by gitOps, playbook string) {
	s.Helper()
	by.resume()
	s.eventually("the playbook tells who owns the configuration", 20*time.Second, func(ctx context.Context) error {
		var found strategyv1.StrategyPlaybook
		if err := admin.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: playbook}, &found); err != nil {
			return err
		}
		if found.Status.Config == nil || found.Status.Config.Owner == nil {
			return errors.New("it tells of none")
		}
		owner := *found.Status.Config.Owner
		if owner.Outcome = ""; owner != by.marks().owner {
			return fmt.Errorf("it tells of %+v", owner)
		}
		return nil
	})
	by.suspend()
}

func (f *fluxEngine) marks() marks { return f.s.fluxMarks() }

func (w *world) fluxMarks() marks {
	return marks{
		owner: strategyv1.ConfigOwner{Kind: strategyv1.OwnerKustomization, Name: fluxName, Namespace: w.namespace, RestsOn: strategyv1.OwnerByBoth},
		words: "Flux, Kustomization " + w.namespace + "/" + fluxName, manager: fluxManager, keep: fluxGroup + "/reconcile=disabled",
	}
}
