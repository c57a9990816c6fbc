package incident

import (
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// hearsWithin is how long all channels of a call may fail before the next level is called. By then each was tried several times, and whoever
// looks at the cluster has had time to see the event NotDelivered, or another channel.
const hearsWithin = 2 * time.Minute

// unheard is when the next level is called because nobody hears what this one is called for or asked, and why; zero: somebody may hear it, or
// there is no next level. While somebody is on it, time calls nobody.
func (p *plan) unheard(level strategyv1.Level) (due time.Time, why string) {
	if level == strategyv1.LevelLead || p.next.Review == strategyv1.ReviewAwaited { // channels that nobody approved tell the next level nothing either
		return time.Time{}, ""
	}
	for _, n := range p.next.Notifications {
		if n.Level != level || !p.fruitless(n) || p.mayHear(n) {
			continue
		}
		if at := n.AskedTime.Add(hearsWithin); due.IsZero() || at.Before(due) {
			due, why = at, fmt.Sprintf("nobody heard of %s within %s, since no channel of the playbook took it", inShort(n), hearsWithin)
		}
	}
	return due, why
}

// fruitless: somebody has to act on it, and no channel takes it. What an earlier life of the operator tried is tried again before that counts.
func (p *plan) fruitless(n strategyv1.NotificationStatus) bool {
	if why, _ := lifecycle.NotWanted(p.next, n, p.now); why != "" || !lifecycle.Asks(n.Event) {
		return false
	}
	receipt := p.seen.Receipts[n.Key]
	return n.DropReason == strategyv1.DropUnreached || lifecycle.Pending(n) && receipt.Problem != "" && max(n.Attempts, receipt.Attempts) >= manyTries
}

// mayHear: the level heard of something since that was asked, or another route may yet tell it.
func (p *plan) mayHear(asked strategyv1.NotificationStatus) bool {
	for _, n := range p.next.Notifications {
		if n.Level != asked.Level || !lifecycle.Asks(n.Event) {
			continue
		}
		heard := n.DeliveredTime != nil && !n.DeliveredTime.Before(&asked.AskedTime)
		if heard || lifecycle.Pending(n) && !n.AskedTime.Before(&asked.AskedTime) && !p.fruitless(n) {
			return true
		}
	}
	return false
}
