package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// maxNotifications is how many stay in the status, as the API has it.
const maxNotifications = 64

// tells says whether people are told over channels. A playbook that cannot be read now changes nothing about that.
func (p *plan) tells() bool {
	return p.seen.Playbook.Spec.Notifications != nil || len(p.next.Notifications) > 0
}

// notify has people told of something, once for each key. The status says so before anything is sent, with the same write as what
// people are told of, so neither is there without the other.
func (p *plan) notify(event strategyv1.NotificationEvent, level strategyv1.Level, message string, what ...string) {
	if p.tells() {
		p.addNotification(p.notification(event, level, message, what...))
	}
}

func (p *plan) notification(event strategyv1.NotificationEvent, level strategyv1.Level, message string, what ...string) strategyv1.NotificationStatus {
	of := []string{string(p.seen.Incident.UID), string(event), orElse(string(level), "none"), fmt.Sprint(max(1, p.next.Round))}
	return strategyv1.NotificationStatus{
		Key: strings.Join(append(of, what...), "/"), Event: event, Level: level, AskedTime: p.out.Stamp(),
		Message: orElse(bounded.Line(message, 512), string(event)),
	}
}

// addNotification adds one for each route that wants it. What somebody has to act on goes to somebody, whatever the routes leave out.
func (p *plan) addNotification(one strategyv1.NotificationStatus) {
	var routes []strategyv1.NotificationRoute
	if spec := p.seen.Playbook.Spec.Notifications; spec != nil {
		routes = spec.Routes
	}
	var heard []string
	if one.Event == strategyv1.NotifyClosed {
		heard = p.heard()
		p.addOver(one, heard)
	}
	routed := len(heard) > 0 || len(routes) > 0 && !lifecycle.Asks(one.Event) // what nobody subscribed to is for nobody
	for _, route := range routes {
		if wants(route, one) && !slices.ContainsFunc(route.Channels, func(name string) bool { return slices.Contains(heard, name) }) {
			again := one
			again.RouteName, again.Key = route.Name, one.Key+"/route/"+route.Name
			p.addRouted(again)
			routed = true
		}
	}
	if !routed {
		p.addRouted(one)
	}
}

// addOver tells an end over channels by name.
func (p *plan) addOver(end strategyv1.NotificationStatus, names []string) {
	for _, name := range names {
		one := end
		one.ChannelName, one.Key = name, end.Key+"/channel/"+name
		p.addRouted(one)
	}
}

// heard are the channels that took something: a page must be resolved where it was made.
func (p *plan) heard() (names []string) {
	for _, n := range p.next.Notifications {
		if n.DeliveredTime != nil && n.ChannelName != "" && !lifecycle.Ends(n.Event) && !slices.Contains(names, n.ChannelName) {
			names = append(names, n.ChannelName)
		}
	}
	return names
}

// mayHavePages are the other channels on which a page may be open: one took a call whose answer was lost, or that was given up while it was on
// its way, or that is not kept any more.
func (p *plan) mayHavePages() (names []string) {
	spec := p.seen.Playbook.Spec.Notifications
	if spec == nil {
		return nil
	}
	sent := p.seen.Incident.Status.Notifications // what this pass adds was sent to nobody yet
	given := map[string]bool{}
	for _, n := range sent {
		if !lifecycle.Ends(n.Event) {
			n.ChannelName = "" // that took it; those before it may have
		}
		for _, channel := range lifecycle.Channels(*spec, n) {
			given[channel.Name] = true
		}
	}
	heard := p.heard()
	for _, channel := range spec.Channels {
		pages := channel.Type == strategyv1.ChannelPagerDuty || channel.Type == strategyv1.ChannelAlertmanager
		forgotten := len(sent) >= maxNotifications
		if pages && (given[channel.Name] || forgotten) && !slices.Contains(heard, channel.Name) {
			names = append(names, channel.Name)
		}
	}
	return names
}

// wants says whether a route is told of something.
func wants(route strategyv1.NotificationRoute, n strategyv1.NotificationStatus) bool {
	return (len(route.Events) == 0 || slices.Contains(route.Events, n.Event)) && (len(route.Levels) == 0 || n.Level == "" || slices.Contains(route.Levels, n.Level))
}

// addRouted makes room for one by dropping the oldest that is settled, or else the oldest, which is told.
func (p *plan) addRouted(one strategyv1.NotificationStatus) {
	all := p.next.Notifications
	if at := slices.IndexFunc(all, func(n strategyv1.NotificationStatus) bool { return n.Key == one.Key }); at >= 0 {
		p.wantedAgain(&all[at], one)
		return
	}
	if len(all) >= maxNotifications {
		at := slices.IndexFunc(all, func(n strategyv1.NotificationStatus) bool { return !lifecycle.Pending(n) })
		if at < 0 {
			at = 0
			p.giveUp(&all[0], all[0].Attempts, "too many wait, and this is the oldest", untold(all[0]))
		}
		all = slices.Delete(slices.Clone(all), at, at+1)
	}
	p.next.Notifications = append(all, one)
}

// wantedAgain: what was given up as not needed, and is asked again as it was, is sent after all. So neither a log that cannot be read for a
// moment nor an acknowledgement that ended takes a call away for good.
func (p *plan) wantedAgain(known *strategyv1.NotificationStatus, again strategyv1.NotificationStatus) {
	if known.DropReason != strategyv1.DropNotNeeded {
		return
	}
	asked := *known
	asked.DroppedTime, asked.DropReason, asked.Problem = nil, "", ""
	if why, _ := lifecycle.NotWanted(p.next, asked, p.now); why != "" {
		return
	}
	asked.AskedTime, asked.Message = again.AskedTime, again.Message
	*known = asked
}

// askPeople tells people that something is asked of them, or that an approval is waited for. A level that was called since then knows.
func (p *plan) askPeople() {
	turn, level := p.whose(), lifecycle.Level(p.next)
	since, question := p.next.WaitingSince, p.next.Question
	if since == nil || question == nil || !p.tells() {
		return
	}
	message, what := p.out.Message(strategyv1.ConditionReady), []string{since.UTC().Format(time.RFC3339), question.Digest}
	if turn.Who == strategyv1.WhoApprover {
		if len(p.current()) == 0 {
			return
		}
		name := p.currentRollback().Name
		one := p.notification(strategyv1.NotifyAwaitingApproval, level, message, append([]string{name}, what...)...)
		one.RollbackName, one.Question = name, question.Digest
		p.addNotification(one)
		return
	}
	if slices.ContainsFunc(p.next.Notifications, func(n strategyv1.NotificationStatus) bool {
		calls := n.Event == strategyv1.NotifyLevelCalled || n.Event == strategyv1.NotifyRelapsed
		return calls && n.Level == level && n.DropReason != strategyv1.DropNotNeeded && !n.AskedTime.Before(&question.Time)
	}) {
		return
	}
	one := p.notification(strategyv1.NotifyPersonAsked, level, message, what...)
	one.Question = question.Digest
	p.addNotification(one)
}

// tellFeedSwitched: whoever looks after the data hears that schedules read another feed, once for each rollback that made them.
func (p *plan) tellFeedSwitched(rollback strategyv1.StrategyRollback, message string) {
	if slices.ContainsFunc(rollback.Spec.Actions, func(a strategyv1.RollbackAction) bool { return a.Type == strategyv1.ActionSwitchFeed }) {
		p.notify(strategyv1.NotifyFeedSwitched, lifecycle.Level(p.next), "a feed was switched: "+message, string(rollback.UID))
	}
}

// tellClosed: whoever may have been called hears that it is over. One that nobody was called for is no news, such as a duplicate.
func (p *plan) tellClosed(message string) {
	if pages := p.mayHavePages(); len(pages) > 0 {
		p.addOver(p.notification(strategyv1.NotifyPageEnded, lifecycle.Level(p.next), message), pages)
	}
	if slices.ContainsFunc(p.seen.Incident.Status.Notifications, func(n strategyv1.NotificationStatus) bool { return n.DroppedTime == nil || n.Attempts > 0 }) {
		p.notify(strategyv1.NotifyClosed, lifecycle.Level(p.next), message)
	}
}
