package incident

import (
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/signals"
)

// Observed is everything a decision is made of.
type Observed struct {
	Incident  *strategyv1.StrategyIncident
	Prefix    string         // of the incident's evidence in the bucket
	NotServed *facts.Problem // the operator has no rights in this namespace
	Refused   *facts.Refusal // an effect that the API server refused lately; nil = none
	Playbook  facts.Playbook
	Config    facts.Config
	Log       facts.Log
	Runs      facts.Runs
	Decided   []facts.Decided               // decisions about this incident, oldest first
	Machines  decide.Machines               // names that are no person's
	Rollbacks []strategyv1.StrategyRollback // that name this incident, oldest first
	Alerts    []strategyv1.StrategyAlert    // that were given to it
	Receipts  map[string]facts.Receipt      // of its notifications, by key
	Committed *facts.Committed              // of its proposal; nil: nothing is known in this life of the operator

	// What is read when the plan asks for it.
	Same       facts.Read[[]strategyv1.StrategyIncident] // others of the same identity, closed ones too, in any order
	Neighbours facts.Read[[]strategyv1.StrategyIncident] // open others on the same scheduler and in the same mode, in any order
	Parent     facts.Read[*strategyv1.StrategyIncident]  // the one that the status names; nil when there is none any more
	Documents  facts.Read[map[string]facts.Document]     // that proposals are about, by remediation
	OnCall     facts.Read[facts.OnCall]
	Signals    facts.Read[signals.Snapshot]
	Templates  facts.Read[facts.Templates]
	Identity   facts.Read[facts.Identity]
	Rules      facts.Read[[]strategyv1.AlertRuleStatus] // of alerts that came in for the playbook; those that fired most often first
	Newest     facts.Read[facts.Playbook]               // as another incident would start on it
	Report     facts.Read[facts.Report]                 // of the incident, once it is closed
}

// Decision is what a pass comes to. The fields stand in the order in which they count: nothing is decided while facts are missing, and
// the status is written before anything is done.
type Decision struct {
	Needs  Need   // facts to read before anything is decided: the rest is empty then
	Rule   string // that ended the pass, by its name in the list
	Status strategyv1.StrategyIncidentStatus
	Steps  pass.Steps
	NextAt time.Time // when the next pass is due; zero: something watched will change
}

// older says whether a began before b; of two that were created in the same second, one is always the older.
func older(a, b *strategyv1.StrategyIncident) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.UID < b.UID
}
