package namespaces

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"tradeops.dev/strategy-operator/internal/facts"
)

// A right that is missing is asked for again after a pause, which doubles.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// begin starts the reader of a namespace, unless it has one. Until it is in sync the namespace is what it was.
func (r *Readers) begin(name string) error {
	if r.reads(name) {
		return nil
	}
	reader, err := r.open(name)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return nil // the manager ends
	}
	ctx, stop := context.WithCancel(r.ctx)
	one, known := r.known[name]
	if !known {
		one = &service{}
		r.known[name] = one
	}
	one.stop = stop
	if one.state != Refused {
		one.state = Starting
	}
	r.running.Go(func() {
		if err := reader.Start(ctx); err != nil {
			r.mgr.GetLogger().Error(err, "Read a namespace", "namespace", name)
		}
	})
	r.running.Go(func() { r.follow(ctx, name, one, reader) })
	return nil
}

func (r *Readers) reads(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, known := r.known[name]
	return known && one.stop != nil
}

// open makes the reader of a namespace. It reads the kinds that it was made for, and nothing else by accident.
func (r *Readers) open(name string) (cache.Cache, error) {
	options := CacheOptions(name)
	options.HTTPClient, options.Scheme, options.Mapper = r.mgr.GetHTTPClient(), r.mgr.GetScheme(), &mapper{RESTMapper: r.mgr.GetRESTMapper()}
	options.ReaderFailOnMissingInformer = true
	options.DefaultWatchErrorHandler = func(ctx context.Context, reflector *toolscache.Reflector, err error) {
		toolscache.DefaultWatchErrorHandler(ctx, reflector, err)
		if apierrors.IsForbidden(err) {
			r.doubt(ctx, name)
		}
	}
	reader, err := cache.New(r.mgr.GetConfig(), options)
	if err != nil {
		return nil, err
	}
	for _, add := range r.index {
		if err := add(r.ctx, reader); err != nil {
			return nil, err
		}
	}
	for _, kind := range kinds() {
		if _, err := reader.GetInformer(r.ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return nil, err
		}
	}
	return reader, nil
}

// follow waits until a reader is in sync: from then on the namespace is served. Watches come after that, since what they wake
// reads, and since a watch of a reader that is never in sync would wait for it forever.
func (r *Readers) follow(ctx context.Context, name string, one *service, reader cache.Cache) {
	if !reader.WaitForCacheSync(ctx) || !r.serves(name, one, reader) {
		return // ended before
	}
	logger := r.mgr.GetLogger().WithValues("namespace", name)
	logger.Info("Serving a namespace")
	for _, watch := range r.begun {
		if err := watch(ctx, reader); err != nil { // served without a watch would be worse than begun again
			logger.Error(err, "Watch a namespace")
			r.forget(name)
			r.doubt(r.ctx, name)
			return
		}
	}
	r.wake(name)
}

func (r *Readers) serves(name string, one *service, reader cache.Cache) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[name] != one {
		return false
	}
	one.state, one.reader, one.problem, one.pause = Served, reader, nil, 0
	return true
}

// end stops the reader of a namespace, if it has one, and says why. If it may be tried again, then after the pause.
func (r *Readers) end(ctx context.Context, name string, state State, why *facts.Problem) (pause time.Duration) {
	after := &service{state: state, problem: why}
	before := r.replace(name, after)
	if before != nil && before.problem != nil && *before.problem == *why {
		return after.pause
	}
	if state == Refused || before != nil { // not a line for each namespace of the cluster
		log.FromContext(ctx).Info("Not serving a namespace", "why", why.Message)
	}
	r.wake(name)
	return after.pause
}

func (r *Readers) replace(name string, after *service) (before *service) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before = r.known[name]
	after.pause = firstPause
	if before != nil {
		after.pause = min(max(2*before.pause, firstPause), lastPause)
		if before.stop != nil {
			before.stop()
		}
	}
	r.known[name] = after
	return before
}

// forget ends the reader of a namespace that is gone, with all that was in it.
func (r *Readers) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one, known := r.known[name]; known && one.stop != nil {
		one.stop()
	}
	delete(r.known, name)
}
