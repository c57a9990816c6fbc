package api_test

import "fmt"

const validAlert = `
apiVersion: strategy.tradeops.dev/v1alpha1
kind: StrategyAlert
metadata: {generateName: loss-, namespace: default}
spec:
  labels: {alertname: Loss, severity: critical}
  annotations: {summary: a loss}
  leftOut: two labels
  fingerprint: 0123456789abcdef
  generatorURL: http://prometheus:9090/graph
  sender: admin
  state: Resolved
  startTime: "2026-11-23T10:15:00Z"
  endTime: "2026-11-23T10:20:00Z"
  occurrence: 1
  changedTime: "2026-11-23T10:20:00Z"
  heard: 2
  heardTime: "2026-11-23T10:20:00Z"
`

// few are so many texts by name.
func few(n int) map[string]any {
	all := map[string]any{}
	for i := range n {
		all[fmt.Sprintf("l%d", i)] = "x"
	}
	return all
}

func alertRows() []row {
	return together(
		required("labels", "sender", "state", "startTime", "occurrence", "changedTime", "heard", "heardTime"),
		[]row{
			{"labels are none", "labels", []edit{set("labels", few(0))}, "spec.labels: Invalid value"},
			{"labels are many", "labels", []edit{set("labels", few(64))}, ""},
			{"labels are too many", "labels", []edit{set("labels", few(65))}, "spec.labels: Too many"},
			{"annotations are many", "annotations", []edit{set("annotations", few(16))}, ""},
			{"annotations are too many", "annotations", []edit{set("annotations", few(17))}, "spec.annotations: Too many"},
		},
		text("labels.alertname", 0, 1024),
		text("annotations.summary", 0, 1024),
		text("leftOut", 1, 512),
		text("fingerprint", 1, 64),
		text("generatorURL", 1, 1024),
		authorRows("sender"),
		enum("state", "Firing", "Resolved"),
		atLeastOne("occurrence"),
		atLeastOne("heard"),
		rule("a time that is none", "spec.startTime", set("startTime", "yesterday")),
	)
}

// atLeastOne is a count from 1.
func atLeastOne(path string) []row {
	return []row{
		{path + " is too small", path, []edit{set(path, int64(0))}, shown(path) + ": "},
		{path + " is one", path, []edit{set(path, int64(1))}, ""},
	}
}

func routeRows() []row {
	const (
		whole  = "a route has a type, or the action Ignore or Heartbeat, and then neither type, severity nor target"
		one    = "name one of schedule, scheduleLabel, strategy and strategyLabel"
		values = "values stand for those of a label: name scheduleLabel or strategyLabel"
	)
	route := func(i int) any {
		return map[string]any{"name": fmt.Sprintf("route-%d", i), "matchers": []any{`alertname="Loss"`}, "type": "PnL"}
	}
	value := func(i int) any { return map[string]any{"value": fmt.Sprintf("v%d", i), "name": "fast"} }
	target := "alerts.routes.0.target"
	onlyTarget := func(rows []row) []row { return instead(rows, target+".scheduleLabel") }
	fixed := instead(instead(together(text(target+".schedule", 1, 128), text(target+".strategy", 1, 128)), target+".values"), target+".scheduleLabel")
	return together(
		required("alerts.routes", "alerts.routes.0.name", "alerts.routes.0.matchers"),
		number("alerts.maxIncidentsPerHour", 1, 1000),
		number("alerts.reopenAfterSeconds", 60, 604800),
		items("alerts.routes", 1, 64, route),
		unique("alerts.routes", route(0)),
		text("alerts.routes.0.name", 1, 63),
		items("alerts.routes.0.matchers", 1, 16, func(i int) any { return fmt.Sprintf(`l%d="x"`, i) }),
		text("alerts.routes.0.matchers.0", 1, 1024),
		enum("alerts.routes.0.action", "Incident"),
		enum("alerts.routes.1.action", "Ignore", "Heartbeat"),
		enum("alerts.routes.0.type", "PnL", "Compliance"),
		enum("alerts.routes.0.severity", "Info", "Warning", "Critical"),
		text(target+".scheduleLabel", 1, 128),
		onlyTarget(text(target+".strategyLabel", 1, 128)),
		fixed,
		items(target+".values", 1, 64, value),
		unique(target+".values", value(0)),
		text(target+".values.0.value", 1, 1024),
		text(target+".values.0.name", 1, 128),
		rule("a route without a type", whole, drop("alerts.routes.0.type")),
		rule("a heartbeat with a type", whole, set("alerts.routes.1.type", "PnL")),
		rule("a heartbeat with a severity", whole, set("alerts.routes.1.severity", "Info")),
		rule("a target by two labels", one, set(target+".strategyLabel", "strategy")),
		rule("a target by nothing", one, drop(target+".scheduleLabel"), drop(target+".values")),
		rule("values of no label", values, drop(target+".scheduleLabel"), set(target+".schedule", "fast")),
	)
}
