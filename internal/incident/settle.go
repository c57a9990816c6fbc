package incident

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

const (
	// notifyFor is how long a notification is tried.
	notifyFor = 4 * time.Hour
	// manyTries is after how many of them people are told elsewhere that nobody hears.
	manyTries = 3
	// sentWithin is how long a notification may take to be sent once; what is overtaken earlier missed nothing.
	sentWithin = time.Minute
)

// received records which notifications were taken.
func (p *plan) received() {
	for i := range p.next.Notifications {
		n := &p.next.Notifications[i]
		receipt := p.seen.Receipts[n.Key]
		if !lifecycle.Pending(*n) || receipt.Delivered.IsZero() {
			continue
		}
		n.DeliveredTime, n.Attempts, n.Problem = new(metav1.NewTime(receipt.Delivered.UTC().Truncate(time.Second))), max(n.Attempts, receipt.Attempts), bounded.Line(receipt.Problem, 512)
		n.ChannelName = receipt.Channel
		if n.Problem != "" {
			p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonChannelFailed,
				bounded.Line(fmt.Sprintf("%s: channel %s took it, but not everybody got it: %s", inShort(*n), n.ChannelName, n.Problem), 1024))
		}
	}
}

// settle gives up what is not wanted any more, or not delivered for too long, and says whether people are reached.
func (p *plan) settle() {
	for i := range p.next.Notifications {
		if n := &p.next.Notifications[i]; lifecycle.Pending(*n) {
			p.settleOne(n)
		}
	}
	p.tellReached()
}

func (p *plan) settleOne(n *strategyv1.NotificationStatus) {
	receipt := p.seen.Receipts[n.Key]
	tried := max(n.Attempts, receipt.Attempts)
	until := n.AskedTime.Add(notifyFor)
	problem := orElse(orElse(receipt.Problem, n.Problem), "it was not sent")
	why, overtaken := lifecycle.NotWanted(p.next, *n, p.now)
	missed := overtaken && (tried > 0 || !p.now.Before(n.AskedTime.Add(sentWithin)))
	switch {
	case missed:
		p.giveUp(n, tried, why+", and this level could not be told: "+problem, strategyv1.DropUnreached)
	case why != "":
		p.giveUp(n, tried, "not needed: "+why, strategyv1.DropNotNeeded)
	case !p.now.Before(until) && untold(*n) == strategyv1.DropNotNeeded:
		p.giveUp(n, tried, fmt.Sprintf("not delivered within %s, so look whether a page is still open there: %s", notifyFor, problem), strategyv1.DropNotNeeded)
	case !p.now.Before(until):
		p.giveUp(n, tried, fmt.Sprintf("not delivered within %s: %s", notifyFor, problem), strategyv1.DropUnreached)
	default:
		p.out.Wake(until)
		if receipt.Problem != "" && receipt.Problem != n.Problem { // not each try: that would be a write for each
			n.Problem, n.Attempts = bounded.Line(receipt.Problem, 512), tried
		}
		if tried >= manyTries && !fails(*n) && untold(*n) == strategyv1.DropUnreached {
			n.Attempts = tried
			p.notReached(*n, problem)
		}
	}
}

// fails: it was tried often enough for people to be told elsewhere.
func fails(n strategyv1.NotificationStatus) bool {
	return lifecycle.Pending(n) && n.Attempts >= manyTries
}

// untold is what it means that a notification could not be delivered: for the end of a page that may not even be there nobody waits.
func untold(n strategyv1.NotificationStatus) strategyv1.DropReason {
	if n.Event == strategyv1.NotifyPageEnded {
		return strategyv1.DropNotNeeded
	}
	return strategyv1.DropUnreached
}

func (p *plan) giveUp(n *strategyv1.NotificationStatus, tried int32, why string, reason strategyv1.DropReason) {
	if reason == strategyv1.DropUnreached {
		if !fails(*n) {
			p.notReached(*n, why)
		}
		unreached := &strategyv1.UnreachedStatus{Times: 1, LastTime: p.out.Stamp(), Problem: bounded.Line(inShort(*n)+": "+why, 512)}
		if before := p.next.Unreached; before != nil {
			unreached.Times += before.Times
		}
		p.next.Unreached = unreached
	}
	n.DroppedTime, n.Attempts, n.DropReason = new(p.out.Stamp()), tried, reason
	n.Problem = bounded.Line(why, 512)
}

// inShort is whom a notification is for, and why.
func inShort(n strategyv1.NotificationStatus) string {
	return strings.TrimSpace(string(n.Event) + " " + string(n.Level))
}

// notReached: people do not hear of something over the playbook's notifications; that is told in all other ways, once for each.
func (p *plan) notReached(n strategyv1.NotificationStatus, why string) {
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonNotDelivered,
		bounded.Line(fmt.Sprintf("%s: %s; people could not be told, so call them yourself: %s", inShort(n), n.Message, why), 1024))
}

// tellReached says whether people hear what they are told: all that failed, and not the first or the last alone.
func (p *plan) tellReached() {
	seen, lost := p.reached(), p.next.Unreached
	failing := len(seen.problems) > 0
	if lost != nil {
		seen.problems = append(seen.problems, fmt.Sprintf("given up so far: %d, the last %s", lost.Times, lost.Problem))
	}
	message := bounded.Line(strings.Join(seen.problems, "; "), 900)
	switch {
	case failing, lost != nil && !seen.delivered.After(lost.LastTime.Time):
		p.out.Set(strategyv1.ConditionNotified, metav1.ConditionFalse, strategyv1.ReasonNotDelivered, "people could not be told, so call them yourself: "+message)
	case lost != nil:
		p.out.Set(strategyv1.ConditionNotified, metav1.ConditionFalse, strategyv1.ReasonPartDelivered, "the newest notification was delivered, but not all before it: "+message)
	case seen.delivered.IsZero(): // nothing is known yet
	case seen.around != "":
		p.out.Set(strategyv1.ConditionNotified, metav1.ConditionTrue, strategyv1.ReasonChannelFailed, bounded.Line("the newest notification was delivered, but not to everybody or by every channel that it was for: "+seen.around, 1024))
	case seen.waits == 0:
		p.out.Set(strategyv1.ConditionNotified, metav1.ConditionTrue, strategyv1.ReasonDelivered, "every notification that was wanted was delivered")
	default:
		p.out.Set(strategyv1.ConditionNotified, metav1.ConditionTrue, strategyv1.ReasonDelivered, fmt.Sprintf("what was tried was delivered; %d more on the way", seen.waits))
	}
}

// reach is what became of the notifications so far.
type reach struct {
	problems  []string  // of those that fail
	waits     int       // how many others are on their way
	delivered time.Time // when the newest was
	around    string    // which channels did not take that one
}

func (p *plan) reached() (seen reach) {
	for _, n := range p.next.Notifications {
		if untold(n) == strategyv1.DropNotNeeded {
			continue
		}
		if at := timeOf(n.DeliveredTime); !at.IsZero() && !at.Before(seen.delivered) {
			seen.delivered, seen.around = at, n.Problem
		}
		if fails(n) {
			seen.problems = append(seen.problems, inShort(n)+": "+n.Problem)
		} else if lifecycle.Pending(n) {
			seen.waits++
		}
	}
	return seen
}
