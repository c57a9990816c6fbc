package pass

import (
	"k8s.io/apimachinery/pkg/api/equality"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Outcome is what a rule did.
type Outcome bool

// GoOn leaves the pass to the next rule; Ends was the last word on it.
const (
	GoOn Outcome = false
	Ends Outcome = true
)

// Rule is a line of a plan's list: of the rules that apply, the first ends the pass.
type Rule[P any] struct {
	Name string // for logs and tests
	Run  func(P) Outcome
}

// First runs rules until one ends the pass, and names it; empty if none did.
func First[P any](plan P, rules []Rule[P]) string {
	for _, rule := range rules {
		if rule.Run(plan) == Ends {
			return rule.Name
		}
	}
	return ""
}

// Decide runs the rules of the phase that a plan is in until one ends the pass, and names it; empty if none did. What a rule decides may
// be another phase, whose rules go on from there.
func Decide[P any, F comparable](plan P, phaseOf func() F, procedure map[F][]Rule[P]) string {
	phase := phaseOf()
	for at := 0; at < len(procedure[phase]); at++ {
		if procedure[phase][at].Run(plan) == Ends {
			return procedure[phase][at].Name
		}
		if after := phaseOf(); after != phase {
			phase, at = after, -1
		}
	}
	return ""
}

// Spare leaves the log's head in a status as it was before when nothing else changed: while the operator is at work, a write for it alone is
// saved, since it goes with the next change.
func Spare[S any](status, before S, head func(*S) **strategyv1.LogStatus) S {
	spared := status
	if was := *head(&before); was != nil {
		*head(&spared) = was
	}
	if equality.Semantic.DeepEqual(spared, before) {
		return spared
	}
	return status
}
