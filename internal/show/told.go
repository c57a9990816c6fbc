package show

import (
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// toldNode is what people were to be told of over the playbook's channels, and what became of it; none without channels.
func (o Options) toldNode(notifications []strategyv1.NotificationStatus, now time.Time) []node {
	if len(notifications) == 0 {
		return nil
	}
	group := node{mark: heading, label: "notifications"}
	for _, n := range notifications {
		one := node{mark: notYet, label: sentence(" ", or(string(n.Event)), or(string(n.Level))), text: "not sent yet"}
		switch {
		case n.DeliveredTime != nil:
			one.mark, one.text = good, "delivered "+clock(n.DeliveredTime.Time, now)
			if n.Problem != "" { // another channel took it
				one.mark, one.text = careful, one.text+" by "+Line(n.ChannelName)+"; "+o.message(n.Problem)
			}
		case n.DropReason == strategyv1.DropUnreached:
			one.mark, one.text = bad, "NOBODY WAS TOLD: "+o.message(n.Problem)
		case !lifecycle.Pending(n):
			one.text = o.message(n.Problem)
		case n.Problem != "":
			one.mark, one.text = careful, "not delivered yet: "+o.message(n.Problem)
		}
		group.add(one)
	}
	return []node{group}
}
