package sim

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/internal/pauses"
	"tradeops.dev/strategy-operator/internal/sim/apiserver"
)

// Operator is one life of the operator: everything it remembers ends with it.
type Operator struct {
	// Errors are of all reconciles, in order.
	Errors []error
	// Reconciles is how many there were.
	Reconciles int
	// Late is how long a change takes to reach the cache, and to wake what it wakes; nil: no time.
	Late func(client.Object) time.Duration

	world       *World
	cache       *apiserver.Cache
	controllers []controllers.Controller
	queue       []entry
	due         map[entry]time.Time
	failed      map[entry]int
	news        []news
}

// news is a change that has not reached the cache yet.
type news struct {
	apiserver.Event
	arrives time.Time
}

// Seams are where somebody stands between the operator and the world. Nil leaves a seam as it is.
type Seams struct {
	Client      func(client.Client) client.Client                       // reads of the cache, and writes
	Live        func(client.Reader) client.Reader                       // reads of the API server
	Evidence    func(controllers.Evidence) controllers.Evidence         // the bucket
	Logs        func(controllers.Logs) controllers.Logs                 // of the checks' containers
	Signals     func(controllers.Signals) controllers.Signals           // of Prometheus
	Controllers func([]controllers.Controller) []controllers.Controller // what wakes the reconcilers
	Namespaces  controllers.Namespaces                                  // that are served
	// Around is called for each side effect, which it does, or not.
	Around func(effect string, do func() error) error
}

// labelled is the namespace of a world, with its labels.
type labelled struct {
	namespaces.Fixed
	world *World
}

// Labels implements controllers.Namespaces.
func (l labelled) Labels(context.Context, string) (map[string]string, bool) {
	return l.world.Labels, true
}

// Name is the operator's name in checkpoints.
const Name = "simulated"

// User is the operator's name at the API server.
const User = apiserver.Operator

// Reviewer is the second person of playbooks.
const Reviewer = apiserver.Reviewer

// Start starts an operator with an empty memory: all objects are new to it.
func (w *World) Start(seams Seams) *Operator {
	o := &Operator{world: w, due: map[entry]time.Time{}, failed: map[entry]int{}}
	o.cache = &apiserver.Cache{Server: w.API.Seen().Fork(), Options: namespaces.CacheOptions(w.Namespace)}
	for _, own := range []client.Object{&strategyv1.StrategyPlaybook{}, &strategyv1.StrategyIncident{}, &strategyv1.StrategyRollback{}, &strategyv1.StrategyDecision{}} {
		o.cache.Options.ByObject[own] = cache.ByObject{Transform: controllers.CacheOptions().DefaultTransform}
	}
	for _, index := range controllers.Indexes() {
		o.cache.Indexes = append(o.cache.Indexes, apiserver.Index(index))
	}
	direct := w.API.As(User)
	writes := &effects{world: w, around: seams.Around}
	var api client.Client = &split{Client: direct, operator: o, writes: writes}
	if seams.Client != nil {
		api = seams.Client(api)
	}
	var live client.Reader = direct
	if seams.Live != nil {
		live = seams.Live(live)
	}
	var evidence controllers.Evidence = &watchedBucket{w.Bucket, writes}
	if seams.Evidence != nil {
		evidence = seams.Evidence(evidence)
	}
	evidence = controllers.Patient(evidence, operatorClock{w}, pauses.Default())
	var logs controllers.Logs = w
	if seams.Logs != nil {
		logs = seams.Logs(logs)
	}
	var signals controllers.Signals = w
	if seams.Signals != nil {
		signals = seams.Signals(signals)
	}
	var served controllers.Namespaces = labelled{namespaces.Fixed{w.Namespace}, w}
	if seams.Namespaces != nil {
		served = seams.Namespaces
	}
	environment := &controllers.Environment{
		Client: api, Live: live, Logs: logs, Evidence: evidence, Clock: operatorClock{w}, Recorder: recorder{w}, Namespaces: served, Signals: signals,
		Channels: &watchedWebhook{w, writes}, Repositories: w.repositories(writes), Policies: w, Access: w, User: User, Operator: Name,
	}
	o.controllers = environment.Controllers()
	if seams.Controllers != nil {
		o.controllers = seams.Controllers(o.controllers)
	}
	w.changes = nil
	all := w.API.Seen().All(w.Namespace)
	isPlaybook := func(object client.Object) bool { _, is := object.(*strategyv1.StrategyPlaybook); return is }
	for _, first := range []bool{true, false} { // playbooks are judged before anything runs on them, as in a cluster that runs for a while
		for _, object := range all {
			if isPlaybook(object) == first {
				o.deliver(apiserver.Event{New: object})
			}
		}
	}
	return o
}

// Step reconciles one object that is due, if there is one.
func (o *Operator) Step(ctx context.Context) bool {
	o.listen()
	o.dueNow()
	if len(o.queue) == 0 {
		return false
	}
	next := o.queue[0]
	o.queue = o.queue[1:]
	delete(o.due, next) // one request is in the queue once: what was due later is now
	o.Reconciles++
	ctx = ctrl.LoggerInto(ctx, logr.Discard()) // what is told is in the trace
	result, err := o.controllers[next.controller].Reconciler.Reconcile(ctx, next.request)
	switch {
	case err != nil:
		o.Errors = append(o.Errors, err)
		o.retry(next)
	case result.RequeueAfter > 0:
		delete(o.failed, next)
		o.wakeAt(next, o.world.Clock.Now().Add(result.RequeueAfter))
	default:
		delete(o.failed, next)
	}
	o.listen()
	return true
}

// listen lets the changes since the last look reach the cache, and wake what they wake.
func (o *Operator) listen() {
	now := o.world.Clock.Now()
	for _, change := range o.world.changes {
		object := cmp.Or(change.New, change.Old)
		one := news{change, now}
		if o.Late != nil {
			one.arrives = now.Add(o.Late(object))
		}
		for _, earlier := range o.news { // those of one kind come in order
			if reflect.TypeOf(cmp.Or(earlier.New, earlier.Old)) == reflect.TypeOf(object) && earlier.arrives.After(one.arrives) {
				one.arrives = earlier.arrives
			}
		}
		o.news = append(o.news, one)
	}
	o.world.changes = nil
	var arrived, later []news
	for _, one := range o.news {
		if one.arrives.After(now) {
			later = append(later, one)
		} else {
			arrived = append(arrived, one)
		}
	}
	o.news = later
	for _, one := range arrived {
		o.cache.Server.Learn(one.Event)
		o.deliver(one.Event)
	}
	for i, one := range o.controllers {
		for _, told := range one.Told {
			o.hear(told, &queue{o, i})
		}
	}
}

// hear is what one controller tells another.
func (o *Operator) hear(told controllers.Told, into *queue) {
	for {
		select {
		case one := <-told.Events:
			told.Wakes.Generic(context.Background(), one, into)
		default:
			return
		}
	}
}

// deliver is one change, as the cache shows it: what comes into its sight is new, what leaves it is gone.
func (o *Operator) deliver(change apiserver.Event) {
	if change.Old != nil && !o.cache.Sees(change.Old) {
		change.Old = nil
	}
	if change.New != nil && !o.cache.Sees(change.New) {
		change.New = nil
	}
	if change.Old == nil && change.New == nil {
		return
	}
	for i, one := range o.controllers {
		if one.For.Object != nil {
			o.wake(one.For, change, &queue{o, i})
		}
		for _, watch := range one.Watches {
			o.wake(watch, change, &queue{o, i})
		}
	}
}

// wake is one line of what wakes a controller.
func (o *Operator) wake(watch controllers.Watch, change apiserver.Event, into *queue) {
	object := cmp.Or(change.New, change.Old)
	if reflect.TypeOf(object) != reflect.TypeOf(watch.Object) {
		return
	}
	ctx := context.Background()
	created, updated, deleted := event.CreateEvent{Object: change.New}, event.UpdateEvent{ObjectOld: change.Old, ObjectNew: change.New}, event.DeleteEvent{Object: change.Old}
	for _, only := range watch.Predicates() {
		switch {
		case change.Old == nil && !only.Create(created), change.New == nil && !only.Delete(deleted),
			change.Old != nil && change.New != nil && !only.Update(updated):
			return
		}
	}
	switch {
	case change.Old == nil:
		watch.Wakes.Create(ctx, created, into)
	case change.New == nil:
		watch.Wakes.Delete(ctx, deleted, into)
	default:
		watch.Wakes.Update(ctx, updated, into)
	}
}

func (o *Operator) enqueue(next entry) {
	if !slices.Contains(o.queue, next) {
		o.queue = append(o.queue, next)
	}
}

// wakeAt wakes an entry at a time, or earlier if it is due earlier.
func (o *Operator) wakeAt(next entry, at time.Time) {
	if slices.Contains(o.queue, next) {
		return
	}
	if known, waits := o.due[next]; !waits || at.Before(known) {
		o.due[next] = at
	}
}

func (o *Operator) retry(next entry) {
	pause := min(controllers.FirstRetry<<min(o.failed[next], 20), pauses.Default().Retry)
	o.failed[next]++
	o.wakeAt(next, o.world.Clock.Now().Add(pause))
}

// dueNow moves what is due into the queue, the earliest first.
func (o *Operator) dueNow() {
	now := o.world.Clock.Now()
	var ready []entry
	for next, at := range o.due {
		if !at.After(now) {
			ready = append(ready, next)
		}
	}
	slices.SortFunc(ready, func(a, b entry) int {
		return cmp.Or(o.due[a].Compare(o.due[b]), cmp.Compare(a.controller, b.controller), cmp.Compare(a.request.String(), b.request.String()))
	})
	for _, next := range ready {
		delete(o.due, next)
		o.enqueue(next)
	}
}

// Due is when the operator looks again by itself, or hears of a change; zero: never.
func (o *Operator) Due() time.Time {
	times := slices.Collect(maps.Values(o.due))
	for _, one := range o.news {
		times = append(times, one.arrives)
	}
	if len(times) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(times, time.Time.Compare)
}

// LastError is the newest error of a reconcile, nil without any.
func (o *Operator) LastError() error {
	if len(o.Errors) == 0 {
		return nil
	}
	return o.Errors[len(o.Errors)-1]
}
