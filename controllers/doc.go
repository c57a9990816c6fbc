// Package controllers does the reading and the writing. It decides nothing: each reconciler observes, lets a pure
// package plan, writes the status as observed, and executes the plan's actions in order.
//
//	loop.go:                      the one loop of all kinds: observe and plan, status, actions
//	incident, rollback, playbook: one file for how it is decided, one for every read, one for watches and rights
//	schedulerconfig:              keyed by ConfigMap, the only writer of scheduler configurations
//	execute.go:                   the one executor of all actions
//
// Status comes first, so that it says what was observed; a status conflict ends the pass before anything was done.
package controllers
