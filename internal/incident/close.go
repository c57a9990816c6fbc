package incident

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/pass"
)

// close ends the incident, as of a time: what a person decided in time closes in time, whenever it is seen. Contained is not closed: a
// mitigation is temporary.
func (p *plan) close(at time.Time, reason string, event strategyv1.Event, message, by string) {
	p.recordBreaches(at)
	message += p.leavePush()
	p.out.Note(event, message, by)
	p.next.ClosedTime = new(p.out.Stamp())
	p.out.Over()
	if p.out.Is(strategyv1.ConditionAcknowledged) {
		p.out.Set(strategyv1.ConditionAcknowledged, metav1.ConditionFalse, strategyv1.ReasonAckEnded, p.next.Acknowledgement.By+" was on it until it was closed")
	}
	p.countStrikes(reason)
	p.out.Set(strategyv1.ConditionResolved, metav1.ConditionTrue, reason, message)
	p.out.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, reason, "closed")
	if p.out.Reason(strategyv1.ConditionSLAMet) == strategyv1.ReasonWithinLimits {
		p.out.Set(strategyv1.ConditionSLAMet, metav1.ConditionTrue, strategyv1.ReasonWithinLimits, "somebody answered each deadline, or it was closed or handed over by a rule before")
	}
	p.out.Set(strategyv1.ConditionReady, metav1.ConditionTrue, reason, message)
	p.tellClosed(message)
}

// closed: only Jobs that are still there are removed, and its report is stored.
func (p *plan) closed() pass.Outcome {
	p.out.DeleteJobs(p.seen.Runs.Jobs)
	p.storeReport()
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
