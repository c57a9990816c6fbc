// Package v1alpha1 holds the four kinds of group strategy.tradeops.dev: StrategyPlaybook (the procedure),
// StrategyIncident (one run of it), StrategyRollback (one reversible change of the scheduler's configuration) and
// StrategyDecision (one human decision).
//
// It imports Kubernetes API types only, so that clients can use it without the operator's dependencies.
//
// +kubebuilder:object:generate=true
// +groupName=strategy.tradeops.dev
package v1alpha1
