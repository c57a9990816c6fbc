package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// One valid object per kind, with every field that a row changes.

const validIncident = `
apiVersion: strategy.tradeops.dev/v1alpha1
kind: StrategyIncident
metadata: {generateName: loss-, namespace: default}
spec: {playbookName: multi-strategy, type: PnL, severity: Critical, schedule: cross_exchange_watch, summary: a loss, detectedTime: "2026-11-23T10:15:00Z"}
`

const validRollback = `
apiVersion: strategy.tradeops.dev/v1alpha1
kind: StrategyRollback
metadata: {generateName: pause-, namespace: default}
spec:
  playbookName: multi-strategy
  incidentName: loss
  reason: a loss
  maxDurationSeconds: 3600
  actions:
  - {type: DisableSchedule, schedule: cross_exchange_watch}
  - {type: SetAllocation, riskProfile: aggressive, bucket: cross_exchange, allocation: "0.1"}
  - {type: SwitchFeed, feed: kraken}
  - {type: SetResourceLimits, limits: {cpuPercent: "80", memoryMB: "3072", ioReadMBs: "10", ioWriteMBs: "5"}}
  - {type: SetSignalLimit, strategy: core_mean_reversion, riskProfile: balanced, limit: 2}
`

const validDecision = `
apiVersion: strategy.tradeops.dev/v1alpha1
kind: StrategyDecision
metadata: {generateName: approve-, namespace: default}
spec:
  target: {kind: StrategyRollback, name: pause}
  verdict: Approve
  digest: ` + digest + `
  reason: checked with the desk
`

const validPlaybook = `
apiVersion: strategy.tradeops.dev/v1alpha1
kind: StrategyPlaybook
metadata: {generateName: playbook-, namespace: default}
spec:
  scheduler:
    name: core_multi_pipeline
    environment: binance_paper
    config: {configMapName: bot-core-config, key: core.yaml, format: BotCore}
    rollout: {deploymentName: bot-core-scheduler, timeoutSeconds: 180}
    proof: {check: plan}
    gitOps:
      mode: WriteBack
      writeBack: {url: "https://git.example.com/config.git", branch: main, path: core.yaml, pushBranch: ops, secretName: git, author: {name: ops, email: ops@example.com}, timeoutSeconds: 60}
  checks:
  - name: plan
    podTemplateName: tools
    command: [/demo, running-plan]
    env: [{name: ITERATIONS, value: "5"}]
    timeoutSeconds: 120
    startTimeoutSeconds: 300
    retries: 1
    reportFrom: Log
    reportMatch: has(report.a)
    verdicts: [{when: "true", verdict: Pass, message: fine}]
    samples: [{report: '{"a":1}', before: '{"a":2}', exitCode: 0, verdict: Pass}]
  signals:
    prometheus: {url: "http://prometheus:9090", authSecretName: prom-auth}
    intervalSeconds: 30
    queries: [{name: cpu, query: max(cpu), unit: percent}]
  alerts:
    maxIncidentsPerHour: 20
    reopenAfterSeconds: 3600
    routes:
    - {name: pnl, matchers: ['alertname="Loss"'], action: Incident, type: PnL, severity: Critical, target: {scheduleLabel: schedule, values: [{value: xw, name: fast}]}}
    - {name: watchdog, matchers: ['alertname="Watchdog"'], action: Heartbeat}
  notifications:
    channels:
    - {name: hook, type: Webhook, url: "http://hooks:8080/strategy", secretName: webhook}
    - {name: mail, type: Email, url: "smtps://mail:465", secretName: mail, email: {from: a@b, to: [c@d], user: e}}
    routes: [{name: all, events: [LevelCalled], levels: [L1], channels: [hook, mail]}]
  dashboards: [{name: Stage4, url: "https://grafana/d/stage4-multi"}]
  escalation:
    rotation: {configMapName: oncall-rotation, key: oncall_rotation.yaml}
    levels: [{name: TechLead, rules: [{name: cpu, when: "true"}]}]
  recovery: {quiet: "true", quietSeconds: 60, backoffSeconds: 300, maxStrikes: 3, strikeWindowSeconds: 86400}
  history: {keepIncidents: 50, retainSeconds: 2592000}
  triage:
    respondWithinSeconds: 300
    checks: [{name: plan, env: [{name: ITERATIONS, value: "5"}], types: [PnL], severities: [Critical], need: Optional}]
    falseAlarm: {when: "true"}
    escalate: [{name: audit-failed, when: "true"}, {name: persists, afterSeconds: 300}]
  diagnosis:
    respondWithinSeconds: 900
    checks: [{name: plan, env: [{name: ITERATIONS, value: "5"}], types: [PnL], severities: [Critical], need: Required}]
    causes: [{name: SignalDegradation, when: "true", remediation: disable}]
  remediations:
  - name: disable
    approval: {mode: Required, timeoutSeconds: 900, requester: Denied}
    before: [{name: plan, env: [{name: ITERATIONS, value: "5"}]}]
    actions:
    - {type: DisableSchedule, schedule: cross_exchange_watch}
    - {type: SetAllocation, riskProfile: aggressive, bucket: cross_exchange, allocation: "0.1"}
    - {type: SwitchFeed, feed: kraken}
    - {type: SetResourceLimits, limits: {cpuPercent: "80", memoryMB: "3072", ioReadMBs: "10", ioWriteMBs: "5"}}
    - {type: SetSignalLimit, strategy: core_mean_reversion, riskProfile: balanced, limit: 2}
    after: [{name: plan, env: [{name: ITERATIONS, value: "5"}]}]
    onFailedAfter: Revert
    maxDurationSeconds: 14400
    restore: {checks: [{name: plan, env: [{name: ITERATIONS, value: "5"}]}], when: "true"}
  - name: fallback
    actions: [{type: SwitchFeed, feed: kraken}]
    onFailedAfter: Next
    then: disable
  - name: tune-alerts
    proposal:
      document: {configMapName: prometheus-rules, key: rules.yml}
      edits: [{path: /groups/0/rules/0/for, value: 10m}]
      writeBack: {url: "https://git.example.com/rules.git", branch: main, path: rules.yml, pushBranch: alerts, secretName: git, author: {name: ops, email: ops@example.com}, timeoutSeconds: 60}
  feeds:
  - name: kraken
    probe: plan
    requiresExchange: kraken_spot
    edits: [{path: /environments/binance_paper/exchange, value: kraken_spot}]
  guard: {maxDisabledSchedules: 1, maxActiveRollbacks: 2}
  signingKeySecretName: decision-log-key
`

func incidentRows() []row {
	return together(
		required("playbookName", "type"),
		reference("playbookName"),
		enum("type", "PnL", "Risk", "Latency", "NoSignals", "AdapterFailure", "AlertFatigue", "ResourceBudget", "Compliance"),
		enum("severity", "Info", "Warning", "Critical"),
		enum("mode", "Live", "Drill"),
		values("suspend", true, false),
		prose("schedule", 128),
		instead(prose("strategy", 128), "schedule"),
		prose("summary", 512),
		authorRows("requestedBy"),
		rule("a schedule and a strategy", "name a schedule or a strategy, not both", set("strategy", "core_cross_exchange")),
		rule("neither", "", drop("schedule")),
		rule("a time that is none", "spec.detectedTime", set("detectedTime", "yesterday")),
		rule("a field that is unknown", `unknown field "spec.image"`, set("image", "evil:latest")),
	)
}

// instead drops the field that excludes the one that the rows are about.
func instead(rows []row, of string) []row {
	for i := range rows {
		rows[i].edits = append(rows[i].edits, drop(of))
	}
	return rows
}

// authorRows: the admission policies look at the name before its length matters, so nobody can be named at all but oneself.
func authorRows(path string) []row {
	return append([]row{
		{path + " is oneself", path, []edit{set(path, "admin")}, ""},
		{path + " is empty", path, []edit{set(path, "")}, shown(path) + ": Invalid value"},
		{path + " is too long", path, []edit{set(path, strings.Repeat("a", 513))}, shown(path) + ": Too long"},
	}, pattern(path, nil, []string{"a\tb", "a\nb", "a\u0000", "a\u001b[31m", "a\u202eb", "a\u2066b", "a\u200fb", "\ufeffa"})...)
}

func actionRows(path string) []row {
	pause, weigh, feed, budget, limit := path+".0", path+".1", path+".2", path+".3", path+".4"
	const (
		oneTarget  = "schedule belongs to DisableSchedule, which takes either a schedule or a strategy"
		allocation = "bucket and allocation belong to SetAllocation, which needs riskProfile, bucket and allocation"
		signals    = "limit belongs to SetSignalLimit, which needs strategy, riskProfile and limit"
		profile    = "riskProfile belongs to SetAllocation and SetSignalLimit"
		strategy   = "strategy belongs to DisableSchedule and SetSignalLimit"
		feeds      = "feed belongs to SwitchFeed, which needs it"
		budgets    = "limits belong to SetResourceLimits, which needs them"
	)
	return together(
		required(pause+".type"),
		enum(pause+".type", "DisableSchedule"),
		text(pause+".schedule", 1, 128),
		instead(text(pause+".strategy", 1, 128), pause+".schedule"),
		rule(path+": a schedule and a strategy", oneTarget, set(pause+".strategy", "core_cross_exchange")),
		rule(path+": a schedule on another action", oneTarget, set(weigh+".schedule", "cross_exchange_watch")),

		enum(weigh+".type", "SetAllocation"),
		text(weigh+".riskProfile", 1, 128),
		text(weigh+".bucket", 1, 128),
		pattern(weigh+".allocation", []string{"0", "0.0", "0.15", "1", "123456", "123456.123456789"},
			[]string{"", ".5", "1.", "-1", "+1", "1e3", "1,5", "1234567", "0.1234567890", "NaN", "0.1\n", " 1"}),
		rule(path+": an allocation without its risk profile", allocation, drop(weigh+".riskProfile")),
		rule(path+": an allocation without its bucket", allocation, drop(weigh+".bucket")),
		rule(path+": an allocation without its value", allocation, drop(weigh+".allocation")),
		rule(path+": an allocation on another action", allocation, set(pause+".allocation", "0.1")),
		rule(path+": a bucket on another action", allocation, set(pause+".bucket", "cross_exchange")),
		rule(path+": a risk profile on another action", profile, set(pause+".riskProfile", "balanced")),
		rule(path+": a risk profile on a feed switch", profile, set(feed+".riskProfile", "balanced")),

		enum(feed+".type", "SwitchFeed"),
		text(feed+".feed", 1, 40),
		rule(path+": a switch to no feed", feeds, drop(feed+".feed")),
		rule(path+": a feed on another action", feeds, set(pause+".feed", "kraken")),
		rule(path+": a strategy on a feed switch", strategy, set(feed+".strategy", "core_cross_exchange")),

		enum(budget+".type", "SetResourceLimits"),
		decimal(budget+".limits.cpuPercent", 6),
		decimal(budget+".limits.memoryMB", 9),
		decimal(budget+".limits.ioReadMBs", 9),
		decimal(budget+".limits.ioWriteMBs", 9),
		rule(path+": one limit alone", "", set(budget+".limits", map[string]any{"cpuPercent": "80"})),
		rule(path+": limits that say nothing", shown(budget)+".limits: Invalid value", set(budget+".limits", map[string]any{})),
		rule(path+": no limits", budgets, drop(budget+".limits")),
		rule(path+": limits on another action", budgets, set(pause+".limits", map[string]any{"cpuPercent": "80"})),

		enum(limit+".type", "SetSignalLimit"),
		number(limit+".limit", 0, 100000),
		rule(path+": a signal limit without its strategy", signals, drop(limit+".strategy")),
		rule(path+": a signal limit without its risk profile", signals, drop(limit+".riskProfile")),
		rule(path+": a signal limit without its value", signals, drop(limit+".limit")),
		rule(path+": a signal limit on another action", signals, set(pause+".limit", int64(0))),
	)
}

// decimal has so many digits before the point and three behind it.
func decimal(path string, digits int) []row {
	most := strings.Repeat("9", digits)
	return pattern(path, []string{"0", "1", "65.0", most, most + ".999"}, []string{"", ".5", "1.", "-1", "1e3", "1,5", "NaN", most + "9", "0.1234", "80%"})
}

func disable(i int) any {
	return map[string]any{"type": "DisableSchedule", "schedule": fmt.Sprintf("schedule_%d", i)}
}

func rollbackRows() []row {
	return together(
		required("playbookName"),
		reference("playbookName"),
		reference("incidentName"),
		text("incidentUID", 1, 63),
		[]row{
			{"remediationName is empty", "remediationName", []edit{set("remediationName", ""), drop("maxDurationSeconds")}, "spec.remediationName: Invalid value"},
			{"remediationName is the longest", "remediationName", []edit{set("remediationName", strings.Repeat("a", 40)), drop("maxDurationSeconds")}, ""},
			{"remediationName is too long", "remediationName", []edit{set("remediationName", strings.Repeat("a", 41)), drop("maxDurationSeconds")}, "spec.remediationName: Too long"},
		},
		number("maxDurationSeconds", 0, 2592000),
		prose("reason", 512),
		required("actions"),
		items("actions", 1, 16, disable),
		actionRows("actions"),
		enum("desiredState", "Applied", "Restored"),
		enum("mode", "Live", "DryRun", "Drill"),
		enum("deletionPolicy", "Retain", "Restore"),
		authorRows("requestedBy"),
		rule("a time box beside a remediation", "maxDurationSeconds comes from the remediation", set("remediationName", "disable-schedule")),
		rule("an incident's UID without its name", "incidentUID needs the incident's name", set("incidentUID", "1"), drop("incidentName")),
		rule("nothing to disable", "DisableSchedule names its schedule or strategy", drop("actions.0.schedule")),
		rule("a field that is unknown", `unknown field "spec.namespace"`, set("namespace", "kube-system")),
	)
}

func decisionRows() []row {
	rows := together(
		required("target", "target.kind", "target.name", "verdict"),
		enum("target.kind", "StrategyRollback"),
		reference("target.name"),
		enum("verdict", "Approve", "Deny", "Override", "Renew", "Restore"),
		pattern("digest", []string{digest}, []string{
			"", "sha256:", digest + "0", digest[:len(digest)-1], "sha512" + digest[6:], strings.ToUpper(digest), "sha256:" + strings.Repeat("g", 64),
		}),
		prose("reason", 512),
		authorRows("by"),
	)
	for _, verdict := range []string{"Approve", "Override", "Renew"} {
		rows = append(rows, rule(verdict+" without a plan", "Approve, Override and Renew name what was looked at: set digest to the rollback's status.plan.digest, or the playbook's status.digest",
			set("verdict", verdict), drop("digest"))...)
	}
	for _, verdict := range []string{"Deny", "Restore"} {
		rows = append(rows, rule(verdict+" without a plan", "", set("verdict", verdict), drop("digest"))...)
	}
	rows = append(rows, rule("Deny of a playbook without its digest", "Deny of a playbook names what was looked at: set digest to the playbook's status.digest",
		set("verdict", "Deny"), set("target.kind", "StrategyPlaybook"), drop("digest"))...)
	about := map[string][]string{ // which verdicts are about which kind
		"StrategyPlaybook": {"Hold", "Release", "Approve", "Deny"},
		"StrategyIncident": {"Acknowledge", "Escalate", "FalseAlarm", "Resolve", "Reopen", "Hold", "Release", "AdoptChecks"},
		"StrategyRollback": {"Approve", "Deny", "Override", "Renew", "Restore", "AdoptChecks"},
	}
	for kind, verdicts := range about {
		for _, verdict := range slices.Sorted(maps.Values(verdictsOf(about))) {
			want, unexplained := "", ""
			if !slices.Contains(verdicts, verdict) {
				want = " are about a StrategyIncident; Hold and Release about"
			}
			answer := want
			if kind == "StrategyPlaybook" && verdict == "Approve" { // the schema takes it, and the policy refuses whoever may do everything
				answer = "whoever writes them approves none"
			}
			rows = append(rows, rule(verdict+" a "+kind, answer, set("verdict", verdict), set("target.kind", kind))...)
			if strategyv1.DecisionVerdict(verdict).NeedsReason() { // what the types say of a verdict is what the API server asks for
				unexplained = "need a reason: say in reason why"
			}
			if want == "" {
				rows = append(rows, rule(verdict+" a "+kind+" without a reason", unexplained, set("verdict", verdict), set("target.kind", kind), drop("reason"))...)
			}
		}
	}
	acknowledges := func(rows []row) []row {
		for i := range rows {
			rows[i].edits = append(rows[i].edits, set("verdict", "Acknowledge"), set("target.kind", "StrategyIncident"), drop("digest"))
		}
		return rows
	}
	rows = append(rows, acknowledges(number("validSeconds", 60, 14400))...)
	return append(rows, rule("an approval that ends", "validSeconds belongs to Acknowledge", set("validSeconds", int64(600)))...)
}

// verdictsOf are all verdicts, each once.
func verdictsOf(about map[string][]string) map[string]string {
	all := map[string]string{}
	for _, verdicts := range about {
		for _, verdict := range verdicts {
			all[verdict] = verdict
		}
	}
	return all
}

// envRows: names are those of environment variables, values any text.
func envRows(path string) []row {
	return together(
		items(path, 0, 32, func(i int) any { return map[string]any{"name": fmt.Sprintf("V%d", i)} }),
		unique(path, map[string]any{"name": "V"}),
		required(path+".0.name"),
		text(path+".0.name", 1, 128),
		pattern(path+".0.name", []string{"_", "A1", "a_B"}, []string{"1A", "A-B", "A B", "A=B", "Ä"}),
		text(path+".0.value", 0, 1024),
	)
}

// values are accepted as they are.
func values(path string, list ...any) []row {
	var rows []row
	for _, value := range list {
		rows = append(rows, row{fmt.Sprintf("%s is %v", path, value), path, []edit{set(path, value)}, ""})
	}
	return rows
}

// stageRows are uses with a branch.
func stageRows(path string) []row {
	first := path + ".0"
	return together(
		useRows(path, 0, 16),
		enum(first+".need", "Required", "Optional"),
		[]row{
			{first + ".types is empty", first + ".types", []edit{set(first+".types", []any{})}, shown(first) + ".types: Invalid value"},
			{first + ".types has something else", first + ".types.0", []edit{set(first+".types", []any{"Other"})}, shown(first) + ".types[0]: Unsupported value"},
			{first + ".types has one twice", first + ".types", []edit{set(first+".types", []any{"PnL", "PnL"})}, ": Duplicate value"},
			{first + ".severities is empty", first + ".severities", []edit{set(first+".severities", []any{})}, shown(first) + ".severities: Invalid value"},
			{first + ".severities has something else", first + ".severities.0", []edit{set(first+".severities", []any{"Other"})}, shown(first) + ".severities[0]: Unsupported value"},
			{first + ".severities has one twice", first + ".severities", []edit{set(first+".severities", []any{"Info", "Info"})}, ": Duplicate value"},
		},
		rule(path+": no branch", "", drop(first+".types"), drop(first+".severities"), drop(first+".need")),
	)
}

// documentRows name one key of a ConfigMap.
func documentRows(path string) []row {
	return together(
		required(path+".configMapName", path+".key"),
		text(path+".configMapName", 1, 253),
		text(path+".key", 1, 253),
	)
}

// writeBackRows are a file in a repository; pushBranch is there.
func writeBackRows(path string) []row {
	return together(
		required(path+".url", path+".branch", path+".path", path+".secretName", path+".author.name", path+".author.email"),
		pattern(path+".url", []string{"ssh://git@git/config.git", "http://git.trading/config.git"}, []string{"file:///etc", "git@git:config.git", "https://a b"}),
		pattern(path+".branch", []string{"release/1.0"}, []string{"-x", "a b", "a~1"}),
		pattern(path+".path", []string{"clusters/prod/core.yaml"}, []string{"/core.yaml", "a b"}),
		pattern(path+".pushBranch", []string{"ops/emergency"}, []string{"-x", "a b"}),
		reference(path+".secretName"),
		pattern(path+".author.name", []string{"The desk"}, []string{"a <b>", "a\nb"}),
		pattern(path+".author.email", []string{"a@b"}, []string{"a b", "<a@b>"}),
		number(path+".timeoutSeconds", 10, 3600),
	)
}

// webRows are http and https, up to 1024 characters.
func webRows(path string) []row {
	return together(required(path), pattern(path, []string{"http://a", "https://a:9090/b", "http://" + strings.Repeat("a", 1017)},
		[]string{"", "a", "ftp://a", "http:/", "http://" + strings.Repeat("a", 1018)}))
}

// channelRows are those of a playbook's notifications.
func channelRows() []row {
	const channels, hook, mail, routes = "notifications.channels", "notifications.channels.0", "notifications.channels.1", "notifications.routes"
	names := []string{"a", "1", "data-team"}
	bad := []string{"-a", "a-", "A", "a.b", "a b", "a\n"}
	channel := func(i int) any {
		return map[string]any{"name": fmt.Sprintf("c%d", i), "type": "Slack", "secretName": "s"}
	}
	route := func(i int) any {
		return map[string]any{"name": fmt.Sprintf("r%d", i), "channels": []any{"hook"}}
	}
	return together(
		items(channels, 1, 8, channel), unique(channels, channel(1)), items(routes, 0, 8, route), unique(routes, route(1)),
		required(channels, hook+".name", hook+".type", routes+".0.name", routes+".0.channels"),
		text(hook+".name", 1, 40), pattern(hook+".name", names, bad),
		text(routes+".0.name", 1, 40), pattern(routes+".0.name", names, bad),
		enum(hook+".type", "Webhook", "PagerDuty", "Alertmanager", "Ntfy"),
		pattern(hook+".url", []string{"http://a", "https://a:9090/b", "http://" + strings.Repeat("a", 1017)}, []string{"", "a", "ftp://a", "http:/", "http://" + strings.Repeat("a", 1018)}),
		reference(hook+".secretName"),
		items(routes+".0.channels", 1, 8, func(i int) any { return fmt.Sprintf("c%d", i) }), text(routes+".0.channels.0", 1, 40),
		enum(routes+".0.events.0", "LevelCalled", "PersonAsked", "AwaitingApproval", "Relapsed", "FeedSwitched", "Closed"),
		enum(routes+".0.levels.0", "L1", "L2", "TechLead"),
		items(routes+".0.events", 0, 6, func(i int) any {
			return []string{"LevelCalled", "PersonAsked", "AwaitingApproval", "Relapsed", "FeedSwitched", "Closed", "Other"}[i]
		}),
		items(routes+".0.levels", 0, 3, func(i int) any { return []string{"L1", "L2", "TechLead", "L4"}[i] }),
		required(mail+".email.from"), enum(mail+".email.onCall", "Contact"),
		rule("whoever is on call is enough", "", set(mail+".email.onCall", "Contact"), drop(mail+".email.to")),
		rule("somebody gets a mail", "nobody would get a mail", drop(mail+".email.to")),
		rule("no route is told that pages end", "a route is told of Closed", set(routes+".0.events.0", "PageEnded")),
		text(mail+".email.user", 1, 254),
		pattern(mail+".email.from", []string{"a@b", "a.b+c@d.example"}, []string{"", "ab", "a@", "@b", "a b@c", "a@b,c@d", "A <a@b>", "a@b\nBcc: c@d"}),
		pattern(mail+".email.to.0", []string{"a@b", "a.b+c@d.example"}, []string{"", "ab", "a@", "@b", "a b@c", "a@b,c@d", "A <a@b>", "a@b\nBcc: c@d"}),
		items(mail+".email.to", 1, 16, func(i int) any { return fmt.Sprintf("a%d@b", i) }),
		rule("Slack needs no URL", "", set(hook+".type", "Slack"), drop(hook+".url")),
		rule("Slack has no URL in the playbook", "is a secret and stands in the Secret alone", set(hook+".type", "Slack")),
		rule("a webhook has one", "every other type needs url", drop(hook+".url")),
		rule("an email goes by SMTP", "url begins with smtp:// or smtps:// for Email", set(mail+".url", "https://mail")),
		rule("and nothing else does", "url begins with smtp:// or smtps:// for Email", set(hook+".url", "smtp://hook:25")),
		rule("an email has somebody it goes to", "email belongs to type Email, which needs it", drop(mail+".email")),
		rule("a webhook has no email", "email belongs to type Email, which needs it", set(hook+".email", map[string]any{"from": "a@b", "to": []any{"c@d"}})),
		rule("a webhook has a key", "every type but Alertmanager needs secretName", drop(hook+".secretName")),
		rule("Alertmanager needs none", "", set(hook+".type", "Alertmanager"), drop(hook+".secretName")),
	)
}

func useRows(path string, fewest, most int) []row {
	return together(
		items(path, fewest, most, func(i int) any { return map[string]any{"name": fmt.Sprintf("check-%d", i)} }),
		unique(path, map[string]any{"name": "check"}),
		required(path+".0.name"),
		text(path+".0.name", 1, 40),
		envRows(path+".0.env"),
	)
}

// named are names of the playbook's own parts, which become parts of names of Jobs.
func named(path string) []row {
	return together(
		required(path),
		text(path, 1, 40),
		pattern(path, []string{"a", "1", "load-test-2"}, []string{"-a", "a-", "A", "a.b", "a_b", "a b"}),
	)
}

// reference is the name of another object.
func reference(path string) []row {
	return together(
		text(path, 1, 253),
		pattern(path, []string{"a", "1", "load-test.v2"}, []string{"-a", "a-", "A", "a..b", ".a", "a.", "a_b", "a b", "a/b", "../a", "a\n"}),
	)
}

// prose is a text for people, who must see what is there.
func prose(path string, longest int) []row {
	return together(
		text(path, 1, longest),
		pattern(path, []string{"a\tb\nc: \"d\" – ü 赤 👩‍💻"}, []string{"a\u0000", "a\u001b[31m", "a\rb", "a\u202eb", "a\u2066b", "a\u200fb", "a\u2028b", "\ufeffa"}),
	)
}

func level(name string) any {
	return map[string]any{"name": name, "rules": []any{map[string]any{"name": "r", "when": "true"}}}
}

func playbookRows() []row {
	checked := func(i int) any {
		return map[string]any{
			"name": fmt.Sprintf("check-%d", i), "podTemplateName": "tools", "command": []any{"/demo"},
			"verdicts": []any{map[string]any{"when": "true", "verdict": "Pass"}},
		}
	}
	remedy := func(i int) any {
		return map[string]any{"name": fmt.Sprintf("remedy-%d", i), "actions": []any{map[string]any{"type": "DisableSchedule"}}}
	}
	feed := func(i int) any {
		return map[string]any{"name": fmt.Sprintf("feed-%d", i), "probe": "plan", "edits": []any{map[string]any{"path": "/a", "value": "b"}}}
	}
	return together(
		routeRows(),
		required("scheduler", "checks", "triage", "diagnosis", "signingKeySecretName"),
		reference("signingKeySecretName"),
		rule("no remediations", "", drop("remediations")),
		rule("a field that is unknown", `unknown field "spec.bucket"`, set("bucket", "s3://mine")),

		required("scheduler.name", "scheduler.environment", "scheduler.config", "scheduler.rollout", "scheduler.proof",
			"scheduler.config.configMapName", "scheduler.rollout.deploymentName", "scheduler.proof.check"),
		text("scheduler.name", 1, 128),
		text("scheduler.environment", 1, 128),
		reference("scheduler.config.configMapName"),
		text("scheduler.config.key", 1, 253),
		enum("scheduler.config.format", "BotCore"),
		reference("scheduler.rollout.deploymentName"),
		number("scheduler.rollout.timeoutSeconds", 5, 3600),
		text("scheduler.proof.check", 1, 40),
		enum("scheduler.proof.proves", "Loaded", "Running"),
		enum("scheduler.gitOps.mode", "WriteBack"),
		rule("mode Report", "", set("scheduler.gitOps.mode", "Report"), drop("scheduler.gitOps.writeBack")),
		rule("mode Coexist", "", set("scheduler.gitOps.mode", "Coexist"), drop("scheduler.gitOps.writeBack")),
		rule("mode Pause", "", set("scheduler.gitOps.mode", "Pause"), drop("scheduler.gitOps.writeBack")),
		rule("mode WriteBack without a file", "writeBack is for mode WriteBack, and that needs it", drop("scheduler.gitOps.writeBack")),
		rule("a file for another mode", "writeBack is for mode WriteBack, and that needs it", set("scheduler.gitOps.mode", "Pause")),
		writeBackRows("scheduler.gitOps.writeBack"),

		items("checks", 1, 32, checked),
		unique("checks", checked(0)),
		named("checks.0.name"),
		required("checks.0.podTemplateName", "checks.0.command", "checks.0.verdicts"),
		reference("checks.0.podTemplateName"),
		items("checks.0.command", 1, 64, func(int) any { return "x" }),
		text("checks.0.command.0", 1, 1024),
		envRows("checks.0.env"),
		number("checks.0.timeoutSeconds", 1, 3600),
		number("checks.0.startTimeoutSeconds", 1, 3600),
		number("checks.0.retries", 0, 5),
		enum("checks.0.reportFrom", "Log", "TerminationMessage", "ExitCode"),
		text("checks.0.reportMatch", 1, 2048),
		items("checks.0.verdicts", 1, 32, func(int) any { return map[string]any{"when": "true", "verdict": "Pass"} }),
		required("checks.0.verdicts.0.when", "checks.0.verdicts.0.verdict"),
		text("checks.0.verdicts.0.when", 1, 2048),
		enum("checks.0.verdicts.0.verdict", "Pass", "Warn", "Fail", "Inconclusive"),
		rule("a rule that yields Error", "Error means that nothing was measured", set("checks.0.verdicts.0.verdict", "Error")),
		prose("checks.0.verdicts.0.message", 512),

		number("triage.respondWithinSeconds", 1, 86400),
		stageRows("triage.checks"),
		required("triage.falseAlarm.when"),
		text("triage.falseAlarm.when", 1, 2048),
		enum("triage.falseAlarm.reportedBy", "AlertsOnly", "Anyone"),
		items("triage.escalate", 0, 16, func(i int) any { return map[string]any{"name": fmt.Sprintf("rule-%d", i), "when": "true"} }),
		unique("triage.escalate", map[string]any{"name": "rule", "when": "true"}),
		required("triage.escalate.0.name"),
		text("triage.escalate.0.name", 1, 63),
		text("triage.escalate.0.when", 1, 2048),
		number("triage.escalate.1.afterSeconds", 1, 86400),
		rule("an escalate rule with both", "an escalate rule has either when or afterSeconds", set("triage.escalate.0.afterSeconds", int64(5))),
		rule("an escalate rule with neither", "an escalate rule has either when or afterSeconds", drop("triage.escalate.0.when")),

		number("diagnosis.respondWithinSeconds", 1, 86400),
		stageRows("diagnosis.checks"),
		items("diagnosis.causes", 0, 32, func(i int) any { return map[string]any{"name": fmt.Sprintf("Cause%d", i), "when": "true"} }),
		unique("diagnosis.causes", map[string]any{"name": "Cause", "when": "true"}),
		required("diagnosis.causes.0.name", "diagnosis.causes.0.when"),
		text("diagnosis.causes.0.name", 1, 63),
		text("diagnosis.causes.0.when", 1, 2048),
		text("diagnosis.causes.0.remediation", 1, 40),

		items("remediations", 0, 16, remedy),
		unique("remediations", remedy(0)),
		named("remediations.0.name"),
		enum("remediations.0.approval.mode", "Required", "Automatic"),
		number("remediations.0.approval.timeoutSeconds", 1, 86400),
		enum("remediations.0.approval.requester", "Denied", "MayApprove"),
		useRows("remediations.0.before", 0, 8),
		useRows("remediations.0.after", 0, 8),
		items("remediations.0.actions", 1, 8, disable),
		actionRows("remediations.0.actions"),
		rule("the incident's schedule", "", drop("remediations.0.actions.0.schedule")),
		rule("the schedules of a strategy", "", drop("remediations.0.actions.0.schedule"), set("remediations.0.actions.0.strategy", "core_cross_exchange")),
		enum("remediations.0.onFailedAfter", "Revert", "Keep"),
		text("remediations.1.then", 1, 40),
		rule("a ladder that ends in nothing", "onFailedAfter Next and then belong together", drop("remediations.1.then")),
		rule("a next remedy for no reason", "onFailedAfter Next and then belong together", set("remediations.1.onFailedAfter", "Revert")),
		rule("actions and a proposal", "a remediation has either actions or a proposal", set("remediations.2.actions", []any{disable(0)})),
		rule("neither actions nor a proposal", "a remediation has either actions or a proposal", drop("remediations.2.proposal")),
		required("remediations.2.proposal.document", "remediations.2.proposal.edits", "remediations.2.proposal.edits.0.path", "remediations.2.proposal.edits.0.value"),
		documentRows("remediations.2.proposal.document"),
		items("remediations.2.proposal.edits", 1, 16, func(i int) any { return map[string]any{"path": fmt.Sprintf("/a/%d", i), "value": "b"} }),
		pattern("remediations.2.proposal.edits.0.path", []string{"/a", "/groups/[name=x]/rules/0"}, []string{"", "/", "a", "/" + strings.Repeat("a", 1024)}),
		values("remediations.2.proposal.edits.0.value", "10m", int64(3)),
		writeBackRows("remediations.2.proposal.writeBack"),
		rule("a proposal that is only shown", "", drop("remediations.2.proposal.writeBack")),
		rule("a proposal for the branch that is applied", "a proposal is pushed for people to merge, never to the branch that is applied: set writeBack.pushBranch", drop("remediations.2.proposal.writeBack.pushBranch")),
		number("remediations.0.maxDurationSeconds", 0, 2592000),
		rule("a gate over no checks", "when is about checks: name them", drop("remediations.0.restore.checks")),
		rule("a gate about the cause alone", "", drop("remediations.0.restore.checks"), drop("remediations.0.restore.when"), set("remediations.0.restore.cause", "Gone")),
		enum("remediations.0.restore.cause", "Gone", "Ignored"),
		useRows("remediations.0.restore.checks", 1, 8),
		text("remediations.0.restore.when", 1, 2048),

		items("feeds", 0, 16, feed),
		unique("feeds", feed(0)),
		named("feeds.0.name"),
		required("feeds.0.probe", "feeds.0.edits", "feeds.0.edits.0.path", "feeds.0.edits.0.value"),
		text("feeds.0.probe", 1, 40),
		text("feeds.0.requiresExchange", 1, 128),
		rule("a feed for any exchange", "", drop("feeds.0.requiresExchange")),
		items("feeds.0.edits", 1, 16, func(i int) any { return map[string]any{"path": fmt.Sprintf("/a/%d", i), "value": "b"} }),
		[]row{{"feeds.0.edits has a path twice", "feeds.0.edits", []edit{set("feeds.0.edits", []any{
			map[string]any{"path": "/a", "value": "b"}, map[string]any{"path": "/a", "value": "c"},
		})}, ": Duplicate value"}},
		pattern("feeds.0.edits.0.path", []string{"/a", "/a/b", "/a~1b/[name=x y]/0", "/" + strings.Repeat("a", 1023)},
			[]string{"", "/", "a", "a/b", "/" + strings.Repeat("a", 1024)}),
		values("feeds.0.edits.0.value", "kraken_spot", int64(3), 0.5, true, []any{"kraken_spot", "binance_spot"}, map[string]any{"name": "x", "deep": []any{int64(1)}}, nil),

		values("suspend", true, false),
		required("signals.prometheus", "signals.queries", "signals.queries.0.name", "signals.queries.0.query"),
		webRows("signals.prometheus.url"),
		reference("signals.prometheus.authSecretName"),
		number("signals.intervalSeconds", 5, 3600),
		items("signals.queries", 1, 32, func(i int) any { return map[string]any{"name": fmt.Sprintf("s%d", i), "query": "a"} }),
		unique("signals.queries", map[string]any{"name": "s", "query": "a"}),
		text("signals.queries.0.name", 1, 63),
		pattern("signals.queries.0.name", []string{"a", "cpu_1m"}, []string{"A", "1a", "a-b", "a.b", "_a"}),
		text("signals.queries.0.query", 1, 2048),
		text("signals.queries.0.unit", 1, 32),
		rule("no notifications", "", drop("notifications")),
		channelRows(),
		items("dashboards", 0, 16, func(i int) any { return map[string]any{"name": fmt.Sprintf("d%d", i), "url": "http://a"} }),
		unique("dashboards", map[string]any{"name": "d", "url": "http://a"}),
		required("dashboards.0.name"),
		text("dashboards.0.name", 1, 63),
		webRows("dashboards.0.url"),
		documentRows("escalation.rotation"),
		rule("an escalation that says nothing", "spec.escalation: Invalid value", set("escalation", map[string]any{})),
		[]row{{"escalation.levels has four items", "escalation.levels", []edit{set("escalation.levels", []any{
			level("L1"), level("L2"), level("TechLead"), level("L4"),
		})}, "spec.escalation.levels: Too many"}},
		unique("escalation.levels", level("TechLead")),
		required("escalation.levels.0.name", "escalation.levels.0.rules", "escalation.levels.0.rules.0.name", "escalation.levels.0.rules.0.when"),
		enum("escalation.levels.0.name", "TechLead"),
		rule("rules of L2", "only TechLead has rules here; when L2 is called is said in spec.triage", set("escalation.levels.0.name", "L2")),
		items("escalation.levels.0.rules", 1, 16, func(i int) any { return map[string]any{"name": fmt.Sprintf("r%d", i), "when": "true"} }),
		unique("escalation.levels.0.rules", map[string]any{"name": "r", "when": "true"}),
		text("escalation.levels.0.rules.0.name", 1, 63),
		text("escalation.levels.0.rules.0.when", 1, 2048),
		text("recovery.quiet", 1, 2048),
		number("recovery.quietSeconds", 1, 86400),
		number("recovery.reopenSeconds", 60, 2592000),
		number("recovery.backoffSeconds", 0, 86400),
		number("recovery.maxStrikes", 1, 100),
		number("recovery.strikeWindowSeconds", 60, 2592000),
		rule("a recovery that says nothing has the defaults", "", set("recovery", map[string]any{})),
		number("history.keepIncidents", 1, 1000),
		number("history.retainSeconds", 60, 31536000),
		rule("a history that says nothing has the defaults", "", set("history", map[string]any{})),
		items("checks.0.samples", 0, 16, func(int) any { return map[string]any{"report": "{}", "verdict": "Pass"} }),
		required("checks.0.samples.0.report", "checks.0.samples.0.verdict"),
		text("checks.0.samples.0.report", 2, 4096),
		text("checks.0.samples.0.before", 2, 4096),
		number("checks.0.samples.0.exitCode", 0, 255),
		enum("checks.0.samples.0.verdict", "Pass", "Warn", "Fail", "Inconclusive", "Error"),

		number("guard.maxDisabledSchedules", 1, 1000),
		number("guard.maxActiveRollbacks", 1, 1000),
		rule("no guard", "", drop("guard")),
		rule("half a guard", "", drop("guard.maxActiveRollbacks")),
		rule("a guard that says nothing", "spec.guard: Invalid value", set("guard", map[string]any{})),
	)
}
