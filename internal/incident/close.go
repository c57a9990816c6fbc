package incident

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/pass"
)

// close ends the incident. Contained is not closed: a mitigation is temporary.
func (p *plan) close(reason string, event strategyv1.Event, message, by string) {
	p.recordBreaches()
	p.out.Note(event, message, by)
	p.next.ClosedTime = new(p.out.Stamp())
	p.countStrikes(reason)
	p.out.Set(strategyv1.ConditionResolved, metav1.ConditionTrue, reason, message)
	p.out.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, reason, "closed")
	if p.out.Reason(strategyv1.ConditionSLAMet) == strategyv1.ReasonWithinLimits {
		p.out.Set(strategyv1.ConditionSLAMet, metav1.ConditionTrue, strategyv1.ReasonWithinLimits, "every deadline was met")
	}
	p.out.Set(strategyv1.ConditionReady, metav1.ConditionTrue, reason, message)
}

// closed: only Jobs that are still there are removed.
func (p *plan) closed() pass.Outcome {
	p.out.DeleteJobs(p.seen.Runs.Jobs)
	if p.next.Log == nil && p.seen.Log.Problem == nil { // closed before anybody knew where its log is to be
		p.out.StartLog()
	}
	if p.seen.Log.Problem != nil {
		p.out.Wake(p.now.Add(pass.Recheck)) // the last entry is not lost when the key is gone for a while
	}
	return pass.Ends
}

// timeOf is a time of the API; zero if there is none.
func timeOf(at *metav1.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.Time
}
