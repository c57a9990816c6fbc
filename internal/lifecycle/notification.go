package lifecycle

import (
	"slices"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Pending says whether a notification is still to be sent.
func Pending(n strategyv1.NotificationStatus) bool {
	return n.DeliveredTime == nil && n.DroppedTime == nil
}

// Ends says whether an event says that it is over.
func Ends(event strategyv1.NotificationEvent) bool {
	return event == strategyv1.NotifyClosed || event == strategyv1.NotifyPageEnded
}

// Asks says whether somebody has to act on an event; the others are news.
func Asks(event strategyv1.NotificationEvent) bool {
	return !Ends(event) && event != strategyv1.NotifyFeedSwitched
}

// Channels are those that a notification is for, in order. Names that are not there any more leave no call without a way.
func Channels(spec strategyv1.NotificationsSpec, n strategyv1.NotificationStatus) (all []strategyv1.ChannelSpec) {
	var names []string
	if at := slices.IndexFunc(spec.Routes, func(r strategyv1.NotificationRoute) bool { return r.Name == n.RouteName }); at >= 0 {
		names = spec.Routes[at].Channels
	}
	if n.ChannelName != "" {
		names = []string{n.ChannelName}
	}
	for _, name := range names {
		if at := slices.IndexFunc(spec.Channels, func(c strategyv1.ChannelSpec) bool { return c.Name == name }); at >= 0 {
			all = append(all, spec.Channels[at])
		}
	}
	if len(all) == 0 {
		return spec.Channels
	}
	return all
}

// NotWanted says why nobody need be told any more; empty: it is wanted. It is asked when a pass plans, and again right before a
// notification is sent: whoever answered must not be called. overtaken: the next level was called before this one was told.
func NotWanted(status strategyv1.StrategyIncidentStatus, n strategyv1.NotificationStatus, now time.Time) (why string, overtaken bool) {
	if n.Event == strategyv1.NotifyFeedSwitched {
		return "", false // what happened stays news
	}
	if Ends(n.Event) {
		if !Closed(status) {
			return "the incident is open again", false
		}
		return "", false
	}
	asked := n.AskedTime.Time
	known := status.Acknowledgement
	switch {
	case Closed(status):
		return "the incident was closed", false
	case n.Level != Level(status) && !withLead(status, n):
		return string(Level(status)) + " was called meanwhile", true
	case status.RoundTime != nil && status.RoundTime.After(asked):
		return "the remedy was begun anew meanwhile", false
	case acknowledgedSince(known, n, now):
		return known.By + " acknowledged it", false
	case n.Question != "":
		return askedElse(status, n), false
	}
	return answeredSince(status, n, asked), false
}

// askedElse says why a question need not be asked any more; empty: it is the one that is asked.
func askedElse(status strategyv1.StrategyIncidentStatus, n strategyv1.NotificationStatus) string {
	switch asked := status.Question; {
	case asked != nil && asked.Digest == n.Question:
		return ""
	case n.Event == strategyv1.NotifyAwaitingApproval:
		return "no approval of this plan is waited for any more"
	case asked == nil:
		return "nothing is asked any more"
	}
	return "something else is asked by now"
}

// acknowledgedSince: somebody is on it; an earlier acknowledgement was about something else, and none is an approval.
func acknowledgedSince(known *strategyv1.AcknowledgementStatus, n strategyv1.NotificationStatus, now time.Time) bool {
	return n.Event != strategyv1.NotifyAwaitingApproval && known != nil && known.Time.After(n.AskedTime.Time) && now.Before(known.UntilTime.Time)
}

// withLead: the technical lead is called beside L2, not in its place.
func withLead(status strategyv1.StrategyIncidentStatus, n strategyv1.NotificationStatus) bool {
	return n.Event == strategyv1.NotifyLevelCalled && n.Level == strategyv1.LevelL2 && Level(status) == strategyv1.LevelLead
}

// answeredSince says who answered for the level after it was called; empty: nobody.
func answeredSince(status strategyv1.StrategyIncidentStatus, n strategyv1.NotificationStatus, asked time.Time) string {
	for _, deadline := range status.Deadlines {
		if deadline.Level == n.Level && deadline.AnsweredTime != nil && deadline.AnsweredTime.After(asked) {
			return deadline.AnsweredBy + " answered"
		}
	}
	return ""
}
