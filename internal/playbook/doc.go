// Package playbook decides whether a StrategyPlaybook can be run: Plan(Observed, now) -> Decision.
//
// Everything that can be known before an incident is checked here, so that a typing error shows when the playbook is
// applied and not at night. A playbook that is Ready has a frozen revision, on which incidents run.
//
// The package is pure: it imports no client and never reads the clock.
package playbook
