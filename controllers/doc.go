// Package controllers does the reading and the writing. It decides nothing: each reconciler observes, lets a pure
// package plan, writes the status as observed, and executes the plan's actions in order.
//
//	loop.go:         the one loop of all kinds: observe and plan, status, actions
//	*_controller.go: of each kind, how it is decided on, and what wakes it; schedulerconfig is keyed by ConfigMap
//	read*.go:        the reader observes, and remembers what it read; it cannot write
//	execute*.go:     the executor does every action; keys.go has the one secret that it shares with the reader
//	wake*.go:        indexes, predicates and maps: what a change wakes
//
// Status comes first, so that it says what was observed; a status conflict ends the pass before anything was done.
package controllers
