package rollback

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/pauses"
	"tradeops.dev/strategy-operator/internal/signals"
)

// Observed is everything a decision is made of.
type Observed struct {
	Rollback   *strategyv1.StrategyRollback
	Prefix     string          // of the rollback's evidence in the bucket
	NotServed  *facts.Problem  // the operator has no rights in this namespace
	Refused    *facts.Refusal  // an effect that the API server refused lately; nil = none
	Machines   decide.Machines // names that are no person's
	User       string          // the operator's name: it asks for what an alert led to
	Playbook   facts.Playbook
	Incident   *strategyv1.StrategyIncident // nil without one, or when it was deleted
	Config     facts.Config                 // of a drill: the copy
	Real       facts.Config                 // of a drill: the configuration that is copied
	Deployment *appsv1.Deployment           // nil if it does not exist
	Log        facts.Log
	Runs       facts.Runs
	Committed  *facts.Committed // what became of the newest try to commit; nil: nothing is known of any
	Decided    []facts.Decided  // decisions about this rollback, oldest first
	Pauses     pauses.Pauses

	// What is read when the plan asks for it.
	Templates facts.Read[facts.Templates]
	Others    facts.Read[[]strategyv1.StrategyRollback] // on the same configuration that have not ended
	Pods      facts.Read[Pods]
	Identity  facts.Read[facts.Identity]
	Signals   facts.Read[signals.Snapshot]
	Newest    facts.Read[facts.Playbook] // as another rollback would start on it
}

// Pods are those of the Deployment, ending ones included.
type Pods struct {
	Items   []corev1.Pod
	Problem *facts.Problem // they could not be read: nobody knows what trades
}

// Decision is what a pass comes to. The fields stand in the order in which they count: nothing is decided while facts are missing, and
// the status is written before anything is done.
type Decision struct {
	Needs  Need   // facts to read before anything is decided: the rest is empty then
	Rule   string // that ended the pass, by its name in the list
	Status strategyv1.StrategyRollbackStatus
	Steps  pass.Steps
	NextAt time.Time // when the next pass is due; zero: something watched will change
}
