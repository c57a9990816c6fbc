package api_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/sim/apiserver"
)

// real is the real API server as a world lives on it. Nothing writes to the world's namespace but the world and its
// operator, so what a watcher would know is what they were answered.
type real struct {
	t     testing.TB
	clock *clocktesting.FakePassiveClock
	seen  *apiserver.Server
	dates map[types.UID]dates
}

// dates are when an object was first seen, and first seen as deleted, by the world's clock. The server ignores what a client
// says about these times.
type dates struct{ created, deleted metav1.Time }

var worlds atomic.Int64

// onRealServer makes a world in a namespace of its own.
func onRealServer(t testing.TB, change func(*strategyv1.StrategyPlaybookSpec)) *sim.World {
	t.Helper()
	kinds, err := sim.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	clock := clocktesting.NewFakePassiveClock(sim.Beginning)
	name := fmt.Sprintf("world-%d", worlds.Add(1))
	if err := admin.Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{strategyv1.LabelServe: "false"}}}); err != nil {
		t.Fatal(err)
	}
	api := &real{t: t, clock: clock, seen: apiserver.New(kinds, clock.Now), dates: map[types.UID]dates{}}
	return sim.NewOn(t, api, name, clock, change)
}

// Seen implements sim.API.
func (r *real) Seen() *apiserver.Server { return r.seen }

// Fork implements sim.API.
func (r *real) Fork(func() time.Time) sim.API { return nil }

// As implements sim.API.
func (r *real) As(user string) client.Client {
	config := rest.CopyConfig(server)
	config.QPS = -1
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:masters"}}
	if user == sim.User { // with its own rights: the policies know it by them, and prove that it has no others
		config.Impersonate.Groups = []string{everywhere}
	}
	if user == sim.Reviewer { // who must not be able to write what she approves
		config.Impersonate.Groups = []string{reviewers}
	}
	acting, err := client.New(config, client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
	if err != nil {
		r.t.Fatal(err)
	}
	if user == sim.User {
		return &realClient{acting, r}
	}
	return &realClient{naming(acting, user), r}
}

// date gives an object the times that a server with the world's clock would have given it: the clock stands still between a
// write and the next look at it.
func (r *real) date(object client.Object) {
	now := metav1.NewTime(r.clock.Now().Truncate(time.Second))
	at, known := r.dates[object.GetUID()]
	if !known {
		at.created = now
	}
	if !object.GetDeletionTimestamp().IsZero() && at.deleted.IsZero() {
		at.deleted = now
	}
	r.dates[object.GetUID()] = at
	object.SetCreationTimestamp(at.created)
	if !object.GetDeletionTimestamp().IsZero() {
		object.SetDeletionTimestamp(&at.deleted)
	}
}

// learn is what a watcher hears of a write.
func (r *real) learn(object client.Object, gone bool) {
	heard, _ := object.DeepCopyObject().(client.Object)
	heard.SetManagedFields(nil)
	before, _ := object.DeepCopyObject().(client.Object)
	err := r.seen.As("").Get(context.Background(), client.ObjectKeyFromObject(object), before)
	known := err == nil
	gone = gone || heard.GetDeletionTimestamp() != nil && len(heard.GetFinalizers()) == 0
	switch {
	case gone && known:
		r.seen.Learn(apiserver.Event{Old: before})
	case !gone && !known:
		r.seen.Learn(apiserver.Event{New: heard})
	case !gone && before.GetResourceVersion() != heard.GetResourceVersion(): // else nothing was written
		r.seen.Learn(apiserver.Event{Old: before, New: heard})
	}
}

type realClient struct {
	client.Client
	real *real
}

func (c *realClient) wrote(err error, object client.Object) error {
	if err == nil {
		c.real.date(object)
		c.real.learn(object, false)
	}
	return err
}

// Get implements client.Reader.
func (c *realClient) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	err := c.Client.Get(ctx, key, object, options...)
	if err == nil {
		c.real.date(object)
	}
	return err
}

// List implements client.Reader.
func (c *realClient) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if err := c.Client.List(ctx, list, options...); err != nil {
		return err
	}
	return meta.EachListItem(list, func(item runtime.Object) error {
		c.real.date(item.(client.Object))
		return nil
	})
}

// Create implements client.Writer.
func (c *realClient) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	var all client.CreateOptions
	all.ApplyOptions(options)
	if len(all.DryRun) > 0 {
		return c.Client.Create(ctx, object, options...)
	}
	return c.wrote(c.Client.Create(ctx, object, options...), object)
}

// Update implements client.Writer.
func (c *realClient) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	return c.wrote(c.Client.Update(ctx, object, options...), object)
}

// Patch implements client.Writer.
func (c *realClient) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	return c.wrote(c.Client.Patch(ctx, object, patch, options...), object)
}

// Delete implements client.Writer.
func (c *realClient) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	if err := c.Client.Delete(ctx, object, options...); err != nil {
		return err
	}
	left, _ := object.DeepCopyObject().(client.Object)
	err := c.Get(ctx, client.ObjectKeyFromObject(object), left)
	if apierrors.IsNotFound(err) {
		c.real.learn(object, true)
		return nil
	}
	if err == nil {
		c.real.learn(left, false)
	}
	return err
}

// Status implements client.StatusClient.
func (c *realClient) Status() client.SubResourceWriter { return &realStatus{c.Client.Status(), c} }

type realStatus struct {
	client.SubResourceWriter
	client *realClient
}

// Update implements client.SubResourceWriter.
func (s *realStatus) Update(ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption) error {
	return s.client.wrote(s.SubResourceWriter.Update(ctx, object, options...), object)
}
