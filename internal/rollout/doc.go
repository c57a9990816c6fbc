// Package rollout looks whether the pods of a scheduler's Deployment run a configuration: restarted for it, by the operator or by
// Reloader, and no pod of the old one left that may still trade.
//
// It is pure: what it sees are values, and a restart that it asks for is an answer, not an act.
package rollout
