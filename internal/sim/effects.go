package sim

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tradeops.dev/strategy-operator/controllers"
)

// effects sees every write of an operator, whichever client makes it.
type effects struct {
	world  *World
	around func(effect string, do func() error) error
}

// do is one write: "create jobs/x", "update strategyrollbacks/x/status", "put KEY".
func (e *effects) do(effect string, do func() error) error {
	if e.world.Meanwhile != nil && !e.world.met && effect == "update configmaps/"+ConfigMap {
		e.world.met = true
		e.world.Meanwhile(e.world)
	}
	told := func() error {
		e.world.tell("%s", effect)
		return do()
	}
	if e.around == nil {
		return told()
	}
	return e.around(effect, told)
}

// split reads from the cache and writes to the API server, as a manager's client does.
type split struct {
	client.Client
	operator *Operator
	writes   *effects
}

// Get implements client.Reader.
func (s *split) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	s.operator.listen()
	return s.operator.cache.Get(ctx, key, object, options...)
}

// List implements client.Reader.
func (s *split) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	s.operator.listen()
	return s.operator.cache.List(ctx, list, options...)
}

// Create implements client.Writer.
func (s *split) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	var all client.CreateOptions
	all.ApplyOptions(options)
	if len(all.DryRun) > 0 {
		return s.Client.Create(ctx, object, options...)
	}
	return s.writes.do("create "+s.path(object), func() error { return s.Client.Create(ctx, object, options...) })
}

// Update implements client.Writer.
func (s *split) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	return s.writes.do("update "+s.path(object), func() error { return s.Client.Update(ctx, object, options...) })
}

// Patch implements client.Writer.
func (s *split) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	return s.writes.do("patch "+s.path(object), func() error { return s.Client.Patch(ctx, object, patch, options...) })
}

// Delete implements client.Writer.
func (s *split) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	return s.writes.do("delete "+s.path(object), func() error { return s.Client.Delete(ctx, object, options...) })
}

// Status implements client.StatusClient.
func (s *split) Status() client.SubResourceWriter { return &splitStatus{s.Client.Status(), s} }

type splitStatus struct {
	client.SubResourceWriter
	split *split
}

// Update implements client.SubResourceWriter.
func (s *splitStatus) Update(ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption) error {
	return s.split.writes.do("update "+s.split.path(object)+"/status", func() error { return s.SubResourceWriter.Update(ctx, object, options...) })
}

// path is "resource/name".
func (s *split) path(object client.Object) string {
	kinds, _, err := s.Scheme().ObjectKinds(object)
	if err != nil || len(kinds) == 0 {
		return fmt.Sprintf("%T/%s", object, object.GetName())
	}
	plural, _ := meta.UnsafeGuessKindToResource(kinds[0])
	return plural.Resource + "/" + object.GetName()
}

// watchedBucket is the bucket as operators write to it.
type watchedBucket struct {
	*Bucket
	writes *effects
}

// Create implements controllers.Evidence.
func (b *watchedBucket) Create(ctx context.Context, key string, data []byte) error {
	return b.writes.do("put "+key, func() error { return b.Bucket.Create(ctx, key, data) })
}

var _ controllers.Evidence = &watchedBucket{}

// recorder writes events into the trace. They are told, not kept: nothing rests on them.
type recorder struct{ world *World }

// Eventf implements events.EventRecorder.
func (r recorder) Eventf(regarding, _ runtime.Object, kind, reason, _, note string, args ...any) {
	name := "?"
	if object, ok := regarding.(metav1.Object); ok {
		name = object.GetName()
	}
	r.world.tell("event %s %s on %s %s: %s", kind, reason, r.world.API.Seen().KindOf(regarding), name, strings.ReplaceAll(fmt.Sprintf(note, args...), "\n", " "))
}
