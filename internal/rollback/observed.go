package rollback

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pauses"
)

// Observed is everything a decision is made of.
type Observed struct {
	Rollback   *strategyv1.StrategyRollback
	Prefix     string         // of the rollback's evidence in the bucket
	NotServed  *facts.Problem // the operator has no rights in this namespace
	Playbook   facts.Playbook
	Incident   *strategyv1.StrategyIncident // nil without one, or when it was deleted
	Config     facts.Config                 // of a drill: the copy
	Real       facts.Config                 // of a drill: the configuration that is copied
	Deployment *appsv1.Deployment           // nil if it does not exist
	Pods       []corev1.Pod                 // of the Deployment, ending ones included
	Log        facts.Log
	Runs       facts.Runs
	Decided    []facts.Decided // decisions about this rollback, oldest first
	Identity   Identity
	Others     []strategyv1.StrategyRollback // on the same configuration that have not ended
	Pauses     pauses.Pauses
}

// Identity says whether the admission policies that stamp and check identities are in force. It is observed only when
// NeedsIdentity says that a decision hangs on it.
type Identity struct {
	Enforced bool
	Message  string // why not
}

// Decision is the status as observed, then what to do, in order.
type Decision struct {
	Status  strategyv1.StrategyRollbackStatus
	Actions []action.Action
	NextAt  time.Time // zero: something watched will change
}
