package argocd

import (
	"context"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Controller keeps one ConfigMap as Git says. A turn is for whoever has the clock.
type Controller struct {
	App     Application
	Reader  client.Reader
	Key     client.ObjectKey
	Kubectl func(context.Context, Command) error

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

// live is the object in the cluster, or nil.
func (c *Controller) live(ctx context.Context) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
	err := c.Reader.Get(ctx, c.Key, object)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return object, err
}

// Turn looks at the cluster once, and syncs where Argo CD would by itself. It says what the Application was before.
func (c *Controller) Turn(ctx context.Context, now time.Time) (synced bool, err error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	live, err := c.live(ctx)
	if err != nil {
		return false, err
	}
	if synced, err = c.App.Synced(c.target, live); err != nil || synced || !c.automated(now) {
		return synced, err
	}
	return false, c.sync(ctx, live, c.App.Spec.SyncPolicy.Options, now)
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
	live, err := c.live(ctx)
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
		if err := c.Kubectl(ctx, command); err != nil {
			return err
		}
	}
	c.synced, c.finished = c.target, now
	return nil
}
