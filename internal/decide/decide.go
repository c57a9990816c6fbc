// Package decide says which decision of people counts, and why another one does not. Both kinds choose the same way.
//
// It is pure. What a decision must be depends on what it decides, so each rule names its own tests, in the order in which they are
// to be told.
package decide

import (
	"fmt"
	"iter"
	"slices"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
)

// Oldest are the decisions of a verdict, oldest first; of a list in that order.
func Oldest(decided []facts.Decided, verdict strategyv1.DecisionVerdict) iter.Seq[facts.Decided] {
	return func(yield func(facts.Decided) bool) {
		for _, one := range decided {
			if one.Verdict == verdict && !yield(one) {
				return
			}
		}
	}
}

// Newest are the decisions of a verdict, newest first; of a list that has the oldest first.
func Newest(decided []facts.Decided, verdict strategyv1.DecisionVerdict) iter.Seq[facts.Decided] {
	return func(yield func(facts.Decided) bool) {
		for _, one := range slices.Backward(decided) {
			if one.Verdict == verdict && !yield(one) {
				return
			}
		}
	}
}

// First of some decisions; nil if there is none.
func First(decisions iter.Seq[facts.Decided]) *facts.Decided {
	for one := range decisions {
		return &one
	}
	return nil
}

// Test says why a decision does not count, for people, or is empty.
type Test func(facts.Decided) (why string)

// Objection is what the first test that fails says; empty: the decision counts.
func Objection(decided facts.Decided, tests ...Test) string {
	for _, test := range tests {
		if why := test(decided); why != "" {
			return why
		}
	}
	return ""
}

// NamesPlan holds for a decision about the plan of this digest. Again is what its author may do: "approve again".
func NamesPlan(digest, again string) Test {
	return func(decided facts.Decided) string {
		if decided.Digest == digest {
			return ""
		}
		return "it names another plan; look at status.plan and " + again
	}
}

// InTime holds for a decision that was made by a deadline, whenever it is seen.
func InTime(deadline time.Time) Test {
	return func(decided facts.Decided) string {
		if decided.Time.After(deadline) {
			return "it came too late"
		}
		return ""
	}
}

// FourEyes holds for a decision of somebody else than who asked for the rollback, where the playbook wants that.
func FourEyes(requester string, policy strategyv1.RequesterPolicy) Test {
	return func(decided facts.Decided) string {
		switch {
		case requester == "":
			return "nobody knows who asked for the rollback: its requestedBy was not stamped. Install the admission policies and create another rollback"
		case policy != strategyv1.RequesterMayApprove && decided.By == requester:
			return "whoever asked for a change may not approve it (four eyes)"
		}
		return ""
	}
}

// Because is what was done, who decided it, and why: "closed by ann (StrategyDecision d1): false positive".
func Because(what string, decided facts.Decided) string {
	message := fmt.Sprintf("%s by %s (StrategyDecision %s)", what, decided.By, decided.Name)
	if decided.Reason != "" {
		message += ": " + decided.Reason
	}
	return message
}

// NotHonoured tells whoever decided why nothing came of it.
func NotHonoured(decided facts.Decided, why string) string {
	return fmt.Sprintf("StrategyDecision %s by %s is not honoured: %s", decided.Name, decided.By, why)
}

// Reference is how a status names a decision.
func Reference(decided facts.Decided) *strategyv1.DecisionReference {
	return &strategyv1.DecisionReference{Name: decided.Name, Verdict: decided.Verdict, By: decided.By, Time: decided.Time}
}
