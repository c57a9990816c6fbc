// Package incident decides what a StrategyIncident needs next: Plan(Observed, now) -> Decision.
//
//	triage (L1) -> false alarm, or L2 -> diagnosis -> cause -> StrategyRollback -> contained -> restored -> resolved
//
// Two chains run in each pass: the progress rules, of which the first that applies wins, and the deadlines, of which
// every due one fires. In one chain a running Job would hide an overdue escalation.
//
// The package is pure: it imports no client and never reads the clock. It decides from what is observed; the only
// things it reads back from the status are records of what was observed earlier.
package incident
