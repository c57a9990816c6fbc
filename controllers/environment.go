package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pauses"
	"tradeops.dev/strategy-operator/internal/signals"
)

// Logs reads what a container wrote.
type Logs interface {
	// Tail is the end of a container's log, at most checks.MaxOutputBytes of it.
	Tail(ctx context.Context, namespace, pod, container string) ([]byte, error)
}

// Evidence is the bucket outside the cluster's objects. Errors wrap evidence.ErrNotFound and evidence.ErrDifferent.
type Evidence interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Create(ctx context.Context, key string, data []byte) error
}

// Signals samples the queries of playbooks.
type Signals interface {
	Sample(ctx context.Context, source signals.Source, now time.Time) signals.Snapshot
}

// Namespaces knows which namespaces the operator serves.
type Namespaces interface {
	// Served says why the operator can do nothing in a namespace; nil: it can.
	Served(namespace string) *facts.Problem
}

// Environment is what every reconciler works with. It is wired once and never changes.
type Environment struct {
	Client     client.Client // reads come from caches
	Live       client.Reader // reads come from the API server
	Logs       Logs
	Evidence   Evidence
	Clock      clock.PassiveClock
	Recorder   events.EventRecorder
	Signals    Signals // nil: no signal is ever known
	Namespaces Namespaces
	Pauses     pauses.Pauses

	// What was read, so that it is not read or parsed in each pass. It is shared by passes: nobody changes it.
	keys     memo[types.NamespacedName, dated[decisionlog.Key]]
	tokens   memo[types.NamespacedName, dated[allowedToken]]
	rosters  memo[string, parsedRoster]                        // by the rotation file's text
	configs  memo[types.NamespacedName, cachedConfig]          // of each ConfigMap the newest
	thawed   memo[types.UID, *strategyv1.StrategyPlaybookSpec] // by revision
	outcomes memo[string, checks.Outcome]                      // by SHA-256
	stored   memo[string, stored]                              // outcomes by their key in the bucket
	outputs  memo[types.UID, []byte]                           // logs by pod, each of its first container, until they are stored
	gone     memo[types.UID, bool]                             // what was deleted; a cache may still show it, and no UID comes twice
	fresh    freshness

	refused     memo[types.UID, refusal] // by the object that an effect is about
	uncollected memo[types.UID, string]  // what collecting a Job waits for, by the Job
	collected   collected
}

// FieldOwner names the operator in managedFields.
const FieldOwner = client.FieldOwner("strategy-operator")

func (e *Environment) served(namespace string) *facts.Problem { return e.Namespaces.Served(namespace) }
