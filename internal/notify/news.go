package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// News is one notification of an incident, and when it is sent.
type News struct {
	Incident     *strategyv1.StrategyIncident
	Notification strategyv1.NotificationStatus
	Now          time.Time
}

// How long texts may be: one line on a phone, and a page.
const (
	maxTitle = 150
	maxText  = 3000
)

// happened is what each event is called for people.
var happened = map[strategyv1.NotificationEvent]string{
	strategyv1.NotifyLevelCalled: "called", strategyv1.NotifyPersonAsked: "needed", strategyv1.NotifyAwaitingApproval: "approval needed",
	strategyv1.NotifyRelapsed: "called again, the fault is back", strategyv1.NotifyFeedSwitched: "feed switched", strategyv1.NotifyClosed: "closed", strategyv1.NotifyPageEnded: "closed",
}

// title is the short form, for a phone.
func (n News) title() string {
	spec := n.Incident.Spec
	what := happened[n.Notification.Event]
	if n.asks() && n.Notification.Event != strategyv1.NotifyAwaitingApproval {
		what = string(n.Notification.Level) + " " + what
	}
	if n.drill() {
		what = "DRILL " + what
	}
	target := orElse(spec.Schedule, spec.Strategy)
	return bounded.Line(strings.TrimSpace(fmt.Sprintf("%s: %s/%s %s %s %s", what, n.Incident.Namespace, n.Incident.Name, spec.Type, lifecycle.Severity(n.Incident), target)), maxTitle)
}

// text is what happened, what is asked of whom, until when, the command, and where to look.
func (n News) text() string {
	lines := []string{n.title(), "", "What: " + n.Notification.Message}
	if n.drill() {
		lines = append(lines, "This is an exercise.")
	}
	if n.asks() {
		lines = append(lines, "Asked: "+n.asked())
	}
	lines = append(lines, "Run: "+command(n.Incident, n.Notification))
	if now := conditions.Message(n.Incident.Status.Conditions, strategyv1.ConditionReady); now != "" && now != n.Notification.Message {
		lines = append(lines, "Now: "+bounded.Line(now, 1024))
	}
	for _, dashboard := range n.Incident.Status.Dashboards {
		lines = append(lines, dashboard.Name+": "+dashboard.URL)
	}
	for i := range lines { // names and contacts are others' words, and must not look like lines of ours
		lines[i] = bounded.Line(lines[i], 1200)
	}
	return bounded.Text(strings.Join(lines, "\n"), maxText)
}

// asks: somebody has to do something; the others are news.
func (n News) asks() bool { return lifecycle.Asks(n.Notification.Event) }

// asked is of whom, and until when.
func (n News) asked() string {
	who := string(n.Notification.Level)
	if n.Notification.Event == strategyv1.NotifyAwaitingApproval {
		who = "somebody who may approve"
	}
	status := n.Incident.Status
	if at := slices.IndexFunc(status.OnCall, func(s strategyv1.OnCallStatus) bool { return s.Level == n.Notification.Level }); at >= 0 && status.OnCall[at].Name != "" {
		who += fmt.Sprintf(" (on call for %s: %s)", status.OnCall[at].Level, strings.TrimSpace(status.OnCall[at].Name+" "+status.OnCall[at].Contact))
	}
	if due := status.DueTime; due != nil {
		who += ", by " + at(due.Time) + fromNow(due.Sub(n.Now))
	}
	return who
}

func fromNow(left time.Duration) string {
	left = left.Round(time.Minute)
	if left <= 0 {
		return " (now)"
	}
	return " (in " + strings.TrimSuffix(left.String(), "0s") + ")"
}

func (n News) drill() bool { return n.Incident.Spec.Mode == strategyv1.IncidentDrill }

// pages of an incident: one for each level, and one for news, which must not open that of a level again. The end ends all of them.
func (n News) pages() []string {
	level := orElse(string(n.Notification.Level), "none")
	switch {
	case lifecycle.Ends(n.Notification.Event):
		return []string{string(strategyv1.LevelL1), string(strategyv1.LevelL2), string(strategyv1.LevelLead), "none", newsPage}
	case !n.asks():
		return []string{newsPage}
	}
	return []string{level}
}

const newsPage = "news"

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
