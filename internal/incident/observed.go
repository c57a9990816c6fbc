package incident

import (
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/facts"
)

// Observed is everything a decision is made of.
type Observed struct {
	Incident  *strategyv1.StrategyIncident
	Prefix    string         // of the incident's evidence in the bucket
	NotServed *facts.Problem // the operator has no rights in this namespace
	Playbook  facts.Playbook
	Config    facts.Config
	Log       facts.Log
	Runs      facts.Runs
	Decided   []facts.Decided               // decisions about this incident, oldest first
	Rollbacks []strategyv1.StrategyRollback // that name this incident, oldest first
}

// Decision is the status as observed, then what to do, in order.
type Decision struct {
	Status  strategyv1.StrategyIncidentStatus
	Actions []action.Action
	NextAt  time.Time // zero: something watched will change
}
