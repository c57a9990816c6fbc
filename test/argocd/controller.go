package argocd

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Cluster is where the object is.
type Cluster interface {
	Live(context.Context) (*unstructured.Unstructured, error) // nil: it is not there
	Kubectl(context.Context, Command) error
}

// Controller keeps one object as Git says. A turn is for whoever has the clock.
type Controller struct {
	App     Application
	Cluster Cluster

	lock     sync.Mutex
	target   *unstructured.Unstructured
	synced   *unstructured.Unstructured // what was tried last
	healed   int                        // how often selfHeal tried that
	finished time.Time                  // the last sync
}

// Commit is what Git says from now on.
func (c *Controller) Commit(manifest []byte) error {
	target, err := c.App.Target(manifest)
	c.lock.Lock()
	defer c.lock.Unlock()
	c.target = target
	return err
}

// Turn looks at the cluster once, and syncs where Argo CD would by itself. It says whether the Application was Synced, and whether it is synced now.
func (c *Controller) Turn(ctx context.Context, now time.Time) (wasSynced, synced bool, err error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	live, err := c.Cluster.Live(ctx)
	if err != nil {
		return false, false, err
	}
	if wasSynced, err = c.App.Synced(c.target, live); err != nil || wasSynced || !c.automated(now) {
		return wasSynced, false, err
	}
	return false, true, c.sync(ctx, live, c.App.Spec.SyncPolicy.Options, now)
}

// automated says whether an Application that is OutOfSync is synced now.
func (c *Controller) automated(now time.Time) bool {
	policy := c.App.Spec.SyncPolicy.Automated
	if policy == nil {
		return false
	}
	if c.target != c.synced { // a revision that was not tried yet
		c.healed = 0
		return true
	}
	if !policy.SelfHeal || now.Sub(c.finished) < pause(c.healed) {
		return false
	}
	c.healed++
	return true
}

// pause before selfHeal tries the same revision again: Argo CD's defaults.
func pause(tries int) (pause time.Duration) {
	growing := wait.Backoff{Duration: 2 * time.Second, Factor: 3, Cap: 5 * time.Minute, Steps: tries}
	for range tries {
		pause = growing.Step()
	}
	return pause
}

// Sync is somebody who asks for a sync: with the Application's options, or with those that the request names, alone.
func (c *Controller) Sync(ctx context.Context, now time.Time, named ...string) error {
	c.lock.Lock()
	defer c.lock.Unlock()
	live, err := c.Cluster.Live(ctx)
	if err != nil {
		return err
	}
	options := c.App.Spec.SyncPolicy.Options
	if len(named) > 0 {
		options = slices.Clone(named)
	}
	c.healed = 0
	return c.sync(ctx, live, options, now)
}

func (c *Controller) sync(ctx context.Context, live *unstructured.Unstructured, options []string, now time.Time) error {
	commands, err := c.App.Commands(c.target, live, options)
	if err != nil {
		return err
	}
	for _, command := range commands {
		if err := c.Cluster.Kubectl(ctx, command); err != nil {
			return err
		}
	}
	c.synced, c.finished = c.target, now
	return nil
}
