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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
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

// InTime holds for a decision that was made by a deadline, whenever it is seen. By a clock that is ahead it was made after a deadline that is
// still to come; it is refused all the same, since the end of the change's time box would be as wrong.
func InTime(deadline, now time.Time) Test {
	return func(decided facts.Decided) string {
		switch {
		case !decided.Time.After(deadline):
			return ""
		case now.Before(deadline):
			return fmt.Sprintf("by the API server's clock it was made at %s, and by the operator's it is %s: set the clocks right, and decide again",
				decided.Time.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		}
		return "it came too late"
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

// Vouched says whether it is known that a decision is by whom it says. void is why nobody ever will know; without it the question is to be asked
// again after a pause. again is what whoever decided may do: "release again".
func Vouched(identity facts.Identity, decided facts.Decided, again string) (known bool, void string, pause time.Duration) {
	if identity.Problem != nil {
		return false, "", identity.Problem.Retry
	}
	if why := identity.Doubt(decided); why != "" {
		return false, why + ". When the policies are in force, " + again, 0
	}
	return true, "", 0
}

// NotAdopted says why the checks of a playbook's newest revision cannot be taken over by what runs on an earlier one, for people, or is empty.
func NotAdopted(running, newest facts.Playbook) string {
	if newest.Problem != nil {
		return "the playbook as it is now cannot be run: " + newest.Problem.Message
	}
	if newest.Revision == running.Revision && running.ChecksRevision == "" || newest.Revision == running.ChecksRevision {
		return "it has the checks of the playbook's newest revision already"
	}
	for _, use := range checks.UsesOf(running.WithChecks(newest).Spec) {
		if _, found := checks.Find(newest.Spec.Checks, use.Check); !found {
			return fmt.Sprintf("%s uses check %q, which the playbook's newest revision does not have", use.Where, use.Check)
		}
	}
	return ""
}

// Adopted is how a status names the checks that a decision took over, after those that were taken over before.
func Adopted(decided facts.Decided, newest facts.Playbook, before *strategyv1.AdoptedChecks, now metav1.Time) *strategyv1.AdoptedChecks {
	adopted := &strategyv1.AdoptedChecks{Revision: newest.Revision, Decision: *Reference(decided), Time: now, Count: 1}
	if before != nil {
		adopted.Count = before.Count + 1
	}
	return adopted
}

// Because is what was done, who decided it, and why: "closed by ann (StrategyDecision d1): false positive".
func Because(what string, decided facts.Decided) string {
	message := fmt.Sprintf("%s by %s (StrategyDecision %s)", what, decided.By, decided.Name)
	if decided.Reason != "" {
		message += ": " + decided.Reason
	}
	return message
}

// Hold is what a Hold decision puts into a status.
func Hold(decided facts.Decided) *strategyv1.HoldStatus {
	return &strategyv1.HoldStatus{Name: decided.Name, By: decided.By, Reason: decided.Reason, Time: decided.Time}
}

// HeldBy is who holds something, since when and why: " by ann since 2026-11-23T10:15:00Z: too many alerts".
func HeldBy(hold strategyv1.HoldStatus) string {
	by := hold.By
	if by == "" {
		by = "somebody who is not named"
	}
	message := fmt.Sprintf(" by %s since %s", by, hold.Time.UTC().Format(time.RFC3339))
	if hold.Reason != "" {
		message += ": " + hold.Reason
	}
	return message
}

// HeldSince says why a release that waited, for the log or for an answer, does not count: it was about an earlier hold.
func HeldSince(hold strategyv1.HoldStatus) string {
	return "it is older than the hold that is there now," + HeldBy(hold) + ". Look again, and release again"
}

// NotHeld says why there is nothing to release: no decision holds the object, but something else may.
func NotHeld(what string, playbook *facts.Hold, suspended bool) string {
	message := "no decision holds the " + what
	if suspended {
		message += ": it is on hold by spec.suspend, which is set to false where it comes from"
	}
	if playbook != nil {
		message += ". " + playbook.Message + ". " + playbook.Ends
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
