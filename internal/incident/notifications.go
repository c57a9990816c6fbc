package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

const (
	// maxNotifications is how many stay in the status, as the API has it.
	maxNotifications = 32
	// notifyFor is how long a notification is tried.
	notifyFor = 4 * time.Hour
	// manyTries is after how many of them people are told elsewhere that nobody hears.
	manyTries = 3
)

// tells says whether people are told over a webhook. A playbook that cannot be read now changes nothing about that.
func (p *plan) tells() bool {
	return p.seen.Playbook.Spec.Notifications != nil || len(p.next.Notifications) > 0
}

// notify has people told of something, once for each key. The status says so before anything is sent, with the same write as what
// people are told of, so neither is there without the other.
func (p *plan) notify(event strategyv1.NotificationEvent, level strategyv1.Level, message string, what ...string) {
	if !p.tells() {
		return
	}
	of := []string{string(p.seen.Incident.UID), string(event), orElse(string(level), "none"), fmt.Sprint(max(1, p.next.Round))}
	one := strategyv1.NotificationStatus{
		Key: strings.Join(append(of, what...), "/"), Event: event, Level: level, AskedTime: p.out.Stamp(),
		Message: orElse(bounded.Line(message, 512), string(event)),
	}
	if event == strategyv1.NotifyAwaitingApproval {
		one.RollbackName = what[0]
	}
	p.addNotification(one)
}

// addNotification makes room for one by dropping the oldest that is settled, or else the oldest.
func (p *plan) addNotification(one strategyv1.NotificationStatus) {
	all := p.next.Notifications
	if slices.ContainsFunc(all, func(n strategyv1.NotificationStatus) bool { return n.Key == one.Key }) {
		return
	}
	if len(all) >= maxNotifications {
		at := slices.IndexFunc(all, func(n strategyv1.NotificationStatus) bool { return !lifecycle.Pending(n) })
		if at < 0 {
			at = 0
			p.notReached("there are too many that wait; the oldest is given up: " + all[0].Message)
		}
		all = slices.Delete(slices.Clone(all), at, at+1)
	}
	p.next.Notifications = append(all, one)
}

// askPeople tells people that something is asked of them, or that an approval is waited for. A level that was called since then knows.
func (p *plan) askPeople() {
	turn, level := p.whose(), lifecycle.Level(p.next)
	since := p.next.WaitingSince
	if since == nil || !p.tells() {
		return
	}
	message := p.out.Message(strategyv1.ConditionReady)
	if turn.Who == strategyv1.WhoApprover {
		if len(p.current()) == 0 {
			return
		}
		p.notify(strategyv1.NotifyAwaitingApproval, level, message, p.currentRollback().Name, since.UTC().Format(time.RFC3339))
		return
	}
	if slices.ContainsFunc(p.next.Notifications, func(n strategyv1.NotificationStatus) bool {
		calls := n.Event == strategyv1.NotifyLevelCalled || n.Event == strategyv1.NotifyRelapsed
		return calls && n.Level == level && !n.AskedTime.Before(since)
	}) {
		return
	}
	p.notify(strategyv1.NotifyPersonAsked, level, message, since.UTC().Format(time.RFC3339))
}

// tellClosed: whoever may have been called hears that it is over. One that nobody was called for is no news, such as a duplicate.
func (p *plan) tellClosed(message string) {
	if slices.ContainsFunc(p.seen.Incident.Status.Notifications, func(n strategyv1.NotificationStatus) bool { return n.DroppedTime == nil || n.Attempts > 0 }) {
		p.notify(strategyv1.NotifyClosed, lifecycle.Level(p.next), message)
	}
}

// settle records what became of the notifications, and gives up those that are not wanted any more, or not delivered for too long.
func (p *plan) settle() {
	for i := range p.next.Notifications {
		if n := &p.next.Notifications[i]; lifecycle.Pending(*n) {
			p.settleOne(n)
		}
	}
}

func (p *plan) settleOne(n *strategyv1.NotificationStatus) {
	receipt := p.seen.Receipts[n.Key]
	if !receipt.Delivered.IsZero() {
		n.DeliveredTime, n.Attempts, n.Problem = new(metav1.NewTime(receipt.Delivered.UTC().Truncate(time.Second))), max(n.Attempts, receipt.Attempts), ""
		p.out.Set(strategyv1.ConditionNotified, metav1.ConditionTrue, strategyv1.ReasonDelivered, "the newest notification was delivered")
		return
	}
	tried := max(n.Attempts, receipt.Attempts)
	until := n.AskedTime.Add(notifyFor)
	why, overtaken := lifecycle.NotWanted(p.next, *n, p.now)
	switch {
	case why != "" && overtaken && tried > 0:
		p.giveUp(n, tried, why+", and this level could not be told: "+orElse(receipt.Problem, n.Problem), strategyv1.DropUnreached)
	case why != "":
		p.giveUp(n, tried, "not needed: "+why, strategyv1.DropNotNeeded)
	case !p.now.Before(until):
		p.giveUp(n, tried, fmt.Sprintf("not delivered within %s: %s", notifyFor, orElse(orElse(receipt.Problem, n.Problem), "it was not sent")), strategyv1.DropUnreached)
	default:
		p.out.Wake(until)
		if receipt.Problem != "" && receipt.Problem != n.Problem { // not each try: that would be a write for each
			n.Problem, n.Attempts = bounded.Line(receipt.Problem, 512), tried
		}
		if receipt.Attempts >= manyTries {
			n.Attempts = max(n.Attempts, manyTries)
			p.notReached(n.Message + ": " + receipt.Problem)
		}
	}
}

func (p *plan) giveUp(n *strategyv1.NotificationStatus, tried int32, why string, reason strategyv1.DropReason) {
	n.DroppedTime, n.Attempts, n.DropReason = new(p.out.Stamp()), tried, reason
	n.Problem = bounded.Line(why, 512)
	if reason == strategyv1.DropUnreached {
		p.notReached(n.Message + ": " + why)
	}
}

// notReached: nobody hears the operator over the webhook; that is told in all other ways, once until somebody is reached again.
func (p *plan) notReached(message string) {
	message = bounded.Line("people could not be told over the playbook's webhook, so call them yourself: "+message, 1024)
	if p.out.Reason(strategyv1.ConditionNotified) == strategyv1.ReasonNotDelivered {
		return
	}
	p.out.Set(strategyv1.ConditionNotified, metav1.ConditionFalse, strategyv1.ReasonNotDelivered, message)
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonNotDelivered, message)
}
