// Package rollback decides what a StrategyRollback needs next: Plan(Observed, now) -> Decision.
//
//	plan -> approval -> checks before -> claim on the configuration -> restart -> proof -> checks after -> verified
//	                                              restore: gate -> release -> restart -> proof -> restored
//
// A rollback never writes the configuration: it claims its edits in its status, and the one writer of that
// configuration (internal/schedulerconfig) applies or undoes them. What is applied is read back from the record on the
// ConfigMap, never from this status.
//
// Three lists run in each pass (rules.go): records and deadlines, all of them, then the rules of the phase, of which the first that applies
// ends the pass. The files are named by phase: before the claim, in force, undone, deleted.
//
// The package is pure: it imports no client and never reads the clock.
package rollback
