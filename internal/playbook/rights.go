package playbook

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/facts"
)

// maxNamed is how many people of a level are asked about: a rotation is written by whoever may edit a ConfigMap, and the API server answers for all.
const maxNamed = 32

// neededBy is what somebody who is called for a level must be allowed to do: to record a decision, to answer for an incident and, from L2 on, to
// agree to its change.
func neededBy(level strategyv1.Level, name string) []facts.Right {
	needed := []facts.Right{{Name: name, Verb: "create", Resource: "strategydecisions"}, {Name: name, Verb: "respond", Resource: "strategyincidents"}}
	if level != strategyv1.LevelL1 {
		needed = append(needed, facts.Right{Name: name, Verb: "approve", Resource: "strategyrollbacks"})
	}
	return needed
}

// called are the people of a level, and how many of them nobody asks about.
func called(onCall facts.OnCall, level string, now time.Time) (names []string, left int) {
	names = onCall.Roster.Named(level, now)
	most := min(len(names), maxNamed)
	return names[:most], len(names) - most
}

// RightsToAsk lists what the API server is asked of the people on call.
func RightsToAsk(onCall facts.OnCall, now time.Time) (all []facts.Right) {
	if onCall.Problem != nil || !onCall.Known {
		return nil
	}
	listed := map[facts.Right]bool{}
	for _, level := range onCall.Roster.Levels() {
		names, _ := called(onCall, level, now)
		for _, name := range names {
			for _, right := range neededBy(strategyv1.Level(level), name) {
				if !listed[right] {
					listed[right], all = true, append(all, right)
				}
			}
		}
	}
	return all
}

// mayDecide shows whether whoever is on call may do what they are called for. It stops nothing: who may not, can still call somebody who may.
func (p *plan) mayDecide() {
	o := p.seen
	if o.OnCall.Problem != nil || !o.OnCall.Known || !o.Entitled.Asked {
		meta.RemoveStatusCondition(&p.next.Conditions, strategyv1.ConditionOnCallMayDecide)
		return
	}
	if !o.Entitled.NextAt.IsZero() {
		p.out.Wake(o.Entitled.NextAt)
	}
	known := meta.FindStatusCondition(p.next.Conditions, strategyv1.ConditionOnCallMayDecide)
	missing, unasked, left := p.rightsOfPeople()
	silent := o.Entitled.Silent != ""
	switch {
	case len(missing) > 0:
		message := fmt.Sprintf("%s. Each name was asked about as that of a user and of a group; other groups of theirs are not known. To bind a role: %s",
			bounded.Line(strings.Join(missing, "; "), maxMissing), bindCommand(o.Playbook.Namespace))
		if known == nil || known.Status != metav1.ConditionFalse {
			p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonRightsMissing, message)
		}
		p.out.Set(strategyv1.ConditionOnCallMayDecide, metav1.ConditionFalse, strategyv1.ReasonRightsMissing, message)
	case len(unasked)+len(left) == 0:
		p.out.Set(strategyv1.ConditionOnCallMayDecide, metav1.ConditionTrue, strategyv1.ReasonRightsGranted, "whoever the rotation names may do what their level is called for")
	case !silent && len(left) == 0 && known != nil && known.Status != metav1.ConditionUnknown: // it is being asked: what was last known is not less true
	default:
		why := bounded.Line(strings.Join(append(left, slices.Compact(unasked)...), "; "), maxMissing)
		p.out.Set(strategyv1.ConditionOnCallMayDecide, metav1.ConditionUnknown, strategyv1.ReasonRightsUnknown,
			strings.TrimSpace(fmt.Sprintf("it is not known of everybody whether they may do what their level is called for: %s. %s", why, o.Entitled.Silent)))
	}
}

// maxMissing bounds what a message lists: a rotation may name many, and what to do stands behind that.
const maxMissing = 700

// rightsOfPeople says, by level, who may not do what, of whom no answer is known, and how many nobody asks about.
func (p *plan) rightsOfPeople() (missing, unasked, left []string) {
	for _, level := range p.seen.OnCall.Roster.Levels() {
		names, more := called(p.seen.OnCall, level, p.now)
		for _, name := range names {
			var not []string
			for _, right := range neededBy(strategyv1.Level(level), name) {
				may, told := p.seen.Entitled.Rights[right]
				switch {
				case !told:
					unasked = append(unasked, fmt.Sprintf("%s: %s", level, name))
				case !may:
					not = append(not, right.Verb+" "+right.Resource)
				}
			}
			if len(not) > 0 {
				missing = append(missing, fmt.Sprintf("%s: %s may not %s", level, name, strings.Join(not, ", ")))
			}
		}
		if more > 0 {
			left = append(left, fmt.Sprintf("%s: %d more than the %d that are asked about", level, more, maxNamed))
		}
	}
	return missing, unasked, left
}

// bindCommand is how somebody gets the rights of L2; those of L1 are in the other role.
func bindCommand(namespace string) string {
	return fmt.Sprintf("kubectl create rolebinding NAME -n %s --clusterrole=strategy-operator-approver --user=USER (for L1: strategy-operator-responder)", namespace)
}
