package alerts

import (
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/routes"
)

// Need is a set of the facts that only some passes decide on.
type Need uint16

// The facts that are read when a rule asks for them: most alerts of a storm, and each heartbeat, are decided without.
const (
	NeedIncidents Need = 1 << iota // it has, or is to have, an incident
	NeedOthers                     // one is to be opened, and its clocks start with the first alert about the same
)

// Observed is everything a decision is made of. Nothing of it may be changed.
type Observed struct {
	Alert     *strategyv1.StrategyAlert
	NotServed *facts.Problem  // the operator has no rights in this namespace
	Refused   *facts.Refusal  // an effect that the API server refused lately; nil = none
	Machines  decide.Machines // names that are no person's
	User      string          // the operator's name: it stands on the incidents that alerts opened
	Playbooks []Playbook      // of the namespace, by name
	Incidents facts.Read[[]strategyv1.StrategyIncident]
	Others    facts.Read[[]strategyv1.StrategyAlert] // of the namespace, this one among them
}

// Playbook is what a playbook says of alerts.
type Playbook struct {
	Name       string
	Table      *routes.Table // nil: it says nothing
	Unserved   string        // why nothing starts on what it says; empty: it serves
	MaxPerHour int           // incidents that alerts open for it
	Reopen     time.Duration // how long an alert may go on firing after its incident was closed
}

// Decision is what a pass comes to.
type Decision struct {
	Status    strategyv1.StrategyAlertStatus
	Rule      string // that ended the pass, by its name in the list
	Actions   []action.Action
	NextAt    time.Time // when the next pass is due; zero: something watched will change
	Heartbeat bool      // it is one, and is heard
	Needs     Need      // not zero: nothing is decided before these are read
}
