package playbook

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// onCall shows who is on call. A rotation that cannot be used does not stop an incident, so it is a condition of its own.
func onCall(status *strategyv1.StrategyPlaybookStatus, o Observed, now time.Time) (nextAt time.Time) {
	set := func(value metav1.ConditionStatus, reason, message string) {
		conditions.Set(&status.Conditions, now, o.Playbook.Generation, strategyv1.ConditionOnCallKnown, value, reason, message)
	}
	status.OnCall = nil
	switch {
	case o.OnCall.Problem != nil:
		set(metav1.ConditionFalse, o.OnCall.Problem.Reason, o.OnCall.Problem.Message)
		return time.Time{}
	case !o.OnCall.Known:
		meta.RemoveStatusCondition(&status.Conditions, strategyv1.ConditionOnCallKnown)
		return time.Time{}
	}
	status.OnCall = o.OnCall.Levels(now)
	var gaps []string
	for _, level := range status.OnCall {
		if level.Name == "" {
			gaps = append(gaps, fmt.Sprintf("nobody is on call for %s%s", level.Level, untilText(level)))
		}
	}
	if len(gaps) > 0 {
		set(metav1.ConditionFalse, strategyv1.ReasonNobodyOnCall, strings.Join(gaps, "; "))
	} else {
		set(metav1.ConditionTrue, strategyv1.ReasonRotationRead, "somebody is on call for each level of the rotation")
	}
	return o.OnCall.NextChange(now)
}

func untilText(level strategyv1.OnCallStatus) string {
	if level.NextTime == nil {
		return ", and nobody will be"
	}
	return fmt.Sprintf(" until %s (then %s)", level.NextTime.UTC().Format(time.RFC3339), level.NextName)
}
