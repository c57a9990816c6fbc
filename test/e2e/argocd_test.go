//go:build e2e

package e2e

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/test/argocd"
)

const argoEvery = fluxEvery

// argo stands in for Argo CD: it decides as its source does, and writes with kubectl (test/argocd).
type argo struct {
	s *story
	*argocd.Controller
	stop  func()
	turns atomic.Int64
	said  lockedBuffer
}

// argo has the shipped Application for this world's ConfigMap, or one that ignores nothing. It is suspended at first, with the configuration of the
// story's start committed.
func (s *story) argo(change func(*argocd.Application)) *argo {
	s.Helper()
	shipped, err := argocd.Parse([]byte(repositoryFile("config/gitops/argocd-application.yaml")))
	s.must(err)
	shipped.Spec.Ignore[0].Name = configName
	if change != nil {
		change(&shipped)
	}
	a := &argo{s: s, stop: func() {}, Controller: &argocd.Controller{App: shipped, Reader: admin, Key: s.configAt(),
		Kubectl: func(ctx context.Context, command argocd.Command) error {
			return kubectl(ctx, string(command.Manifest), append(command.Arguments, "-f", "-")...)
		},
	}}
	a.commit(s.original)
	s.Cleanup(func() {
		a.suspend()
		if s.Failed() {
			s.Logf("what the stand-in for Argo CD said:\n%.4000s", a.said.text())
		}
		if err := s.disown(context.WithoutCancel(s.ctx)); err != nil {
			s.Error(err)
		}
	})
	return a
}

// ignoresNothing is an Application as most are: whatever is not as in Git is put back.
func ignoresNothing(app *argocd.Application) {
	app.Spec.Ignore, app.Spec.SyncPolicy.Options = nil, nil
}

func (a *argo) commit(content string) {
	a.s.Helper()
	a.s.must(a.Commit([]byte(a.s.manifest(content))))
}

func (a *argo) resume() {
	ctx, cancel := context.WithCancel(a.s.ctx)
	var turning sync.WaitGroup
	turning.Go(func() {
		next := time.NewTicker(argoEvery)
		defer next.Stop()
		for ctx.Err() == nil {
			if _, err := a.Turn(ctx, time.Now()); err == nil {
				a.turns.Add(1)
			} else if ctx.Err() == nil {
				_, _ = a.said.Write([]byte(err.Error() + "\n"))
			}
			select {
			case <-ctx.Done():
			case <-next.C:
			}
		}
	})
	a.stop = func() { cancel(); turning.Wait() }
	a.s.trace("Argo CD looks every %s", argoEvery)
}

func (a *argo) suspend() { a.stop() }

func (a *argo) applied() int { return int(a.turns.Load()) }

func (a *argo) marks() marks {
	return marks{
		owner: strategyv1.ConfigOwner{Kind: strategyv1.OwnerApplication, Name: a.App.Metadata.Name, RestsOn: strategyv1.OwnerByBoth},
		words: "Argo CD, Application " + a.App.Metadata.Name, manager: argocd.Manager, keep: "RespectIgnoreDifferences=true",
	}
}
