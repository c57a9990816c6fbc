// Package incident decides what a StrategyIncident needs next: Plan(Observed, now) -> Decision.
//
//	triage (L1) -> false alarm, or L2 -> diagnosis -> cause -> StrategyRollback -> contained -> restored -> resolved
//
// Three lists run in each pass (rules.go): records, all of them; rules by phase, of which the first that applies ends the pass; and
// deadlines, of which every due one fires. In one list a running Job would hide an overdue escalation.
//
// The package is pure: it imports no client and never reads the clock. It decides from what is observed; the only
// things it reads back from the status are records of what was observed earlier.
package incident
