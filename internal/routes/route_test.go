package routes_test

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/routes"
)

// labels are an alert's, written as name=value.
func labels(pairs ...string) map[string]strategyv1.AlertText {
	all := map[string]strategyv1.AlertText{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		all[name] = strategyv1.AlertText(value)
	}
	return all
}

var spec = strategyv1.AlertsSpec{Routes: []strategyv1.AlertRoute{
	{Name: "watchdog", Matchers: []string{`alertname="Watchdog"`}, Action: strategyv1.AlertActionHeartbeat},
	{Name: "desk", Matchers: []string{`alertname=~"MultiStrategyPnl.*"`, `team!="research"`}, Type: "PnL", Severity: "Critical", Target: &strategyv1.AlertTarget{
		ScheduleLabel: "schedule", Values: []strategyv1.AlertTargetValue{{Value: "xw", Name: "cross_exchange_watch"}},
	}},
	{Name: "feed", Matchers: []string{`alertname="FeedDown"`}, Type: "AdapterFailure", Target: &strategyv1.AlertTarget{StrategyLabel: "strategy"}},
	{Name: "fixed", Matchers: []string{`alertname="Slow"`}, Type: "Latency", Target: &strategyv1.AlertTarget{Schedule: "fast"}},
	{Name: "nameless", Matchers: []string{`job=""`}, Action: strategyv1.AlertActionIgnore},
}}

func TestTheFirstRouteThatMatchesHasTheAlert(t *testing.T) {
	table, problems := routes.Compile(&spec)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, c := range map[string]struct {
		alert map[string]strategyv1.AlertText
		want  routes.Found
		none  bool
	}{
		"a heartbeat has no type": {alert: labels("alertname=Watchdog"), want: routes.Found{Route: "watchdog", Action: "Heartbeat"}},
		"a label names the schedule": {
			alert: labels("alertname=MultiStrategyPnlDrawdown", "schedule=slow", "severity=warning"),
			want:  routes.Found{Route: "desk", Action: "Incident", Type: "PnL", Severity: "Critical", Schedule: "slow"},
		},
		"a value stands for another name": {
			alert: labels("alertname=MultiStrategyPnlDrawdown", "schedule=xw"),
			want:  routes.Found{Route: "desk", Action: "Incident", Type: "PnL", Severity: "Critical", Schedule: "cross_exchange_watch"},
		},
		"without the label all schedules are concerned, and it is said": {
			alert: labels("alertname=MultiStrategyPnlDrawdown"),
			want:  routes.Found{Route: "desk", Action: "Incident", Type: "PnL", Severity: "Critical", NoTarget: "it has no label schedule"},
		},
		"a value that is no name is none": {
			alert: labels("alertname=FeedDown", "strategy=a\nb", "severity=critical"),
			want:  routes.Found{Route: "feed", Action: "Incident", Type: "AdapterFailure", Severity: "Critical", NoTarget: "its label strategy is no name"},
		},
		"one matcher that does not hold is enough": {alert: labels("alertname=MultiStrategyPnlDrawdown", "team=research", "job=x"), none: true},
		"the severity comes from the label": {
			alert: labels("alertname=Slow", "severity=INFO"), want: routes.Found{Route: "fixed", Action: "Incident", Type: "Latency", Severity: "Info", Schedule: "fast"},
		},
		"a severity that nobody knows is Warning": {
			alert: labels("alertname=Slow", "severity=p3"), want: routes.Found{Route: "fixed", Action: "Incident", Type: "Latency", Severity: "Warning", Schedule: "fast"},
		},
		"an absent label is empty": {alert: labels("alertname=Other"), want: routes.Found{Route: "nameless", Action: "Ignore"}},
		"nothing matches":          {alert: labels("alertname=Other", "job=node"), none: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, found := table.Find(c.alert)
			if found == c.none || got != c.want {
				t.Errorf("found %v, %t; want %v", got, found, c.want)
			}
		})
	}
}

func TestWhatCannotBeReadIsToldAndLeftOut(t *testing.T) {
	for matcher, words := range map[string]string{
		`alertname`:                         "bad matcher format",
		`alertname=~"("`:                    "missing closing",
		`alertname=~"(x{999}){999}"`:        "invalid repeat count",
		`alertname!~"(x{999}){999}"`:        "invalid repeat count",
		`alertname=~(x{999}){999}`:          "invalid repeat count",
		`alertname!~"` + "(a|b){900}" + `"`: "too large",
	} {
		table, problems := routes.Compile(&strategyv1.AlertsSpec{Routes: []strategyv1.AlertRoute{
			{Name: "broken", Matchers: []string{matcher}, Type: "PnL"}, {Name: "sound", Matchers: []string{`alertname="Loss"`}, Type: "PnL"},
		}})
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), words) || !strings.Contains(problems[0].Error(), "route broken") {
			t.Errorf("%s: %v, want %q", matcher, problems, words)
		}
		if found, ok := table.Find(labels("alertname=Loss")); !ok || found.Route != "sound" {
			t.Errorf("%s: %v, %t", matcher, found, ok)
		}
	}
	if table, problems := routes.Compile(nil); table != nil || problems != nil {
		t.Error("a playbook without alerts has a table")
	}
	var none *routes.Table
	if _, found := none.Find(labels("alertname=Loss")); found {
		t.Error("no table found something")
	}
}

func TestTheSummaryIsOneLine(t *testing.T) {
	for want, alert := range map[string]strategyv1.StrategyAlertSpec{
		"a loss of money":      {Annotations: map[string]strategyv1.AlertText{"summary": "a loss\nof money", "description": "much"}},
		"much":                 {Annotations: map[string]strategyv1.AlertText{"description": "much"}},
		"alert Loss":           {Labels: labels("alertname=Loss")},
		"alert without a name": {},
	} {
		if got := routes.Summary(alert); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
