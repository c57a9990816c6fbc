package controllers

import (
	"context"
	"time"

	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers/policies"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/pauses"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/writeback"
)

// Logs reads what a container wrote.
type Logs interface {
	// Tail is the end of a container's log, at most checks.MaxOutputBytes of it.
	Tail(ctx context.Context, namespace, pod, container string) ([]byte, error)
}

// Evidence is the bucket outside the cluster's objects. Many goroutines use it at once. Errors wrap evidence.ErrNotFound and
// evidence.ErrDifferent. After another error of Create the object may be there or not, and the same bytes again are no error.
type Evidence interface {
	Stored
	Create(ctx context.Context, key string, data []byte) error
}

// Stored is what the bucket has.
type Stored interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Names(ctx context.Context, folder string) ([]string, error)
}

// Signals samples the queries of playbooks.
type Signals interface {
	Sample(ctx context.Context, source signals.Source, now time.Time) signals.Snapshot
}

// Channels passes notifications on. Without an error one is delivered, but to those that missed names. After an error it may have been, or not.
type Channels interface {
	Send(ctx context.Context, message notify.Message) (missed string, err error)
}

// Repositories commits edits to files in Git. After an error, a *writeback.Failure, it may have been done, or not.
type Repositories interface {
	Write(ctx context.Context, job writeback.Job) (writeback.Result, error)
}

// Namespaces knows which namespaces the operator serves.
type Namespaces interface {
	// Served says why the operator can do nothing in a namespace; nil: it can.
	Served(namespace string) *facts.Problem
	// Labels of a namespace. Not known: nobody can say what it asks for, or allows.
	Labels(ctx context.Context, namespace string) (labels map[string]string, known bool)
}

// Policies knows the admission policies that are installed.
type Policies interface {
	// InForce says since when they are what the operator was built with. Where one is not, differs says which, and what to do.
	InForce(ctx context.Context) (since time.Time, differs string, err error)
}

// Environment is what the operator is wired with. It never changes, and nobody but the makers of its parts sees all of it: who reads
// cannot write, and who wakes can do neither.
type Environment struct {
	Client     client.Client // reads come from caches
	Live       client.Reader // reads come from the API server
	Logs       Logs
	Evidence   Evidence
	Clock      clock.PassiveClock
	Recorder   events.EventRecorder
	Signals    Signals  // nil: no signal is ever known
	Channels   Channels // nil: nobody is told of anything
	Namespaces Namespaces
	Policies   Policies

	Repositories Repositories    // nil: nothing is committed
	Access       Access          // nil: nobody is asked what people may do
	User         string          // the operator's name at the API server
	Machines     decide.Machines // names that are no person's
	Pauses       pauses.Pauses
	Operator     string // its name in checkpoints; empty: there are none

	beats beats // of the alert controller, for the metrics
}

// The operator's names in managedFields. EditOwner has a configuration while edits are in it.
const (
	FieldOwner = client.FieldOwner("strategy-operator")
	EditOwner  = client.FieldOwner(gitops.EditManager)
)

// Controllers are all controllers of the operator, with a memory of their own.
func (e *Environment) Controllers() []Controller {
	wait := e.Pauses.OrDefault()
	refused := &refusals{Clock: e.Clock, bucket: wait.Evidence, told: make(chan event.GenericEvent, memoEntries)}
	known := &keys{Live: e.Live, Clock: e.Clock, home: policies.Home(e.User), life: wait.Secret}
	justOpened := &opened{}
	reads := &reader{
		Client: e.Client, Live: e.Live, Trial: client.NewDryRunClient(e.Client), Evidence: e.Evidence, Clock: e.Clock,
		Signals: e.Signals, Namespaces: e.Namespaces, Policies: e.Policies, Access: e.Access, User: e.User, Machines: e.Machines, Pauses: wait, keys: known, refusals: refused,
		opened: justOpened, beats: &e.beats, receipts: &receipts{}, commits: &commits{},
		samples: newSamples(e.Evidence),
	}
	reads.configs.most = configBytes
	does := &executor{
		Client: e.Client, Live: e.Live, Evidence: e.Evidence, Clock: e.Clock, Recorder: e.Recorder, Namespaces: e.Namespaces,
		keys: known, refusals: refused, fresh: &freshness{}, opened: justOpened,
	}
	wakes := waker{e.Client, make(chan event.GenericEvent, memoEntries), make(chan event.GenericEvent, memoEntries), make(chan event.GenericEvent, memoEntries)}
	all := []Controller{
		(&judge{reader: reads, wakes: wakes, busy: map[string]bool{}}).controller(),
		(&playbooks{reads}).controller(does, wakes), (&incidents{reads}).controller(does, wakes), (&rollbacks{reads}).controller(does, wakes),
		(&routing{reads}).controller(does, wakes),
		(&configurations{reads}).controller(does, wakes), (&collector{reader: reads, logs: e.Logs, does: does, wakes: wakes}).controller(),
	}
	if e.Channels != nil {
		all = append(all, (&outbox{reader: reads, channels: e.Channels, wakes: wakes}).controller())
	}
	if e.Repositories != nil {
		asking := func(kind client.Object, woken chan<- event.GenericEvent) *committer {
			return &committer{reader: reads, repositories: e.Repositories, home: policies.Home(e.User), kind: kind, woken: woken}
		}
		all = append(all, asking(&strategyv1.StrategyRollback{}, wakes.rollbacks).controller("commit", committers),
			asking(&strategyv1.StrategyIncident{}, wakes.incidents).controller("proposal", proposers))
	}
	if e.Operator != "" {
		all = append(all, (&trees{reader: reads, does: does, home: policies.Home(e.User), operator: e.Operator, known: map[string]*treeOf{}}).controller())
	}
	return all
}
