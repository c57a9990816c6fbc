package change_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/testkit"
)

func wantedOf(t testkit.T, text string, actions ...strategyv1.RollbackAction) change.Change {
	t.Helper()
	document, target := testkit.Parsed(t, text), botcore.Target{Scheduler: "main", Environment: "paper"}
	summary, err := botcore.Describe(document, target)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return change.Change{
		Document: document, DataKey: testkit.DataKey, Target: target, Summary: summary,
		Feeds: testkit.WithFeeds(testkit.Playbook()).Feeds, Name: "off",
		Spec: strategyv1.StrategyRollbackSpec{Reason: "losses", Actions: actions}, Until: testkit.T0.Add(time.Hour), Lasts: time.Hour,
	}
}

const (
	scheduler = "/runtime/multi_strategy_schedulers/main"
	because   = `reason: "rollback off: losses", until: "2026-11-23T11:00:00+00:00"}`
)

var withLimits = strings.Replace(testkit.Document, "runtime:\n", "runtime:\n  resource_limits: {cpu_percent: 60, memory: 2048}\n", 1)

// What each action edits, and which schedules do not trade then.
// feedOf is a feed with these edits, the only one of a playbook.
func feedOf(edits ...strategyv1.DocumentEdit) []strategyv1.FeedSpec {
	return []strategyv1.FeedSpec{{Name: "own", Probe: "feed-probe", Edits: edits}}
}

func text(path, json string) strategyv1.DocumentEdit {
	return strategyv1.DocumentEdit{Path: path, Value: &apiextensionsv1.JSON{Raw: []byte(json)}}
}

func TestDraft(t *testing.T) {
	for name, c := range map[string]struct {
		document string // default: testkit.Document
		actions  []strategyv1.RollbackAction
		feeds    []strategyv1.FeedSpec // default: the usual ones
		edits    []string              // path: from -> to
		disables string
	}{
		"a schedule": {
			actions:  []strategyv1.RollbackAction{testkit.Disable("fast")},
			edits:    []string{scheduler + "/initial_suspensions/[schedule=fast]: nothing -> {schedule: fast, " + because},
			disables: "fast",
		},
		"a strategy: all its schedules": {
			actions: []strategyv1.RollbackAction{testkit.DisableAll("arb")},
			edits: []string{
				scheduler + "/initial_suspensions/[schedule=fast]: nothing -> {schedule: fast, " + because,
				scheduler + "/initial_suspensions/[schedule=slow]: nothing -> {schedule: slow, " + because,
			},
			disables: "fast slow",
		},
		"a schedule, and the strategy that has it: once": {
			actions: []strategyv1.RollbackAction{testkit.Disable("slow"), testkit.DisableAll("arb"), testkit.Disable("trend_watch")},
			edits: []string{
				scheduler + "/initial_suspensions/[schedule=slow]: nothing -> {schedule: slow, " + because,
				scheduler + "/initial_suspensions/[schedule=fast]: nothing -> {schedule: fast, " + because,
				scheduler + "/initial_suspensions/[schedule=trend_watch]: nothing -> {schedule: trend_watch, " + because,
			},
			disables: "slow fast trend_watch",
		},
		"a schedule that a person suspended: theirs comes back": {
			document: strings.Replace(testkit.Document, "      schedules:\n", "      initial_suspensions: [{schedule: fast, reason: mine, until: \"2026-11-23T10:30:00+00:00\"}]\n      schedules:\n", 1),
			actions:  []strategyv1.RollbackAction{testkit.Disable("fast")},
			edits:    []string{scheduler + "/initial_suspensions/[schedule=fast]: {schedule: fast, reason: mine, until: \"2026-11-23T10:30:00+00:00\"} -> {schedule: fast, " + because},
			disables: "fast",
		},
		"an allocation":                {actions: []strategyv1.RollbackAction{testkit.Allocate("cross", "0.25")}, edits: []string{"/risk_profiles/balanced/strategy_allocations/cross: 0.6 -> 0.25"}},
		"an allocation that is so now": {actions: []strategyv1.RollbackAction{testkit.Allocate("cross", "0.6")}, edits: []string{"/risk_profiles/balanced/strategy_allocations/cross: 0.6 -> 0.6"}},
		"two allocations of a profile": {
			actions: []strategyv1.RollbackAction{testkit.Allocate("cross", "0.0"), testkit.Allocate("trend", "1.0")},
			edits:   []string{"/risk_profiles/balanced/strategy_allocations/cross: 0.6 -> 0.0", "/risk_profiles/balanced/strategy_allocations/trend: 0.4 -> 1.0"},
		},
		"a feed": {
			document: testkit.FeedDocument, actions: []strategyv1.RollbackAction{testkit.SwitchFeed("binance")},
			edits: []string{"/environments/paper/exchange: kraken_spot -> binance_spot"},
		},
		"a feed that sets nothing": {
			actions: []strategyv1.RollbackAction{testkit.SwitchFeed("own")}, feeds: feedOf(strategyv1.DocumentEdit{Path: "/environments/paper/exchange"}),
			edits: []string{"/environments/paper/exchange: kraken_spot -> null"},
		},
		"a number with a fraction stays one": {
			actions: []strategyv1.RollbackAction{testkit.SwitchFeed("own"), testkit.Allocate("cross", "1")}, feeds: feedOf(text("/risk_profiles/bold/max_daily_loss_pct", "1")),
			edits: []string{"/risk_profiles/bold/max_daily_loss_pct: 0.03 -> 1.0", "/risk_profiles/balanced/strategy_allocations/cross: 0.6 -> 1.0"},
		},
		"a document of JSON stays one": {
			document: strings.ReplaceAll(`{"risk_profiles": {"balanced": {"strategy_allocations": {"cross": 0.6}}}, "environments": {"paper": {"exchange": "kraken_spot"}},
 "runtime": {"multi_strategy_schedulers": {"main": {"initial_suspensions": [], "schedules": {"fast": {"strategy": "arb"}}}}}}`, "\n", ""),
			actions: []strategyv1.RollbackAction{testkit.Disable("fast"), testkit.SwitchFeed("own")}, feeds: feedOf(text("/environments/paper/exchange", `"okx_spot"`), text("/environments/paper/on", `{"a":null}`)),
			edits: []string{
				scheduler + `/initial_suspensions/[schedule=fast]: nothing -> {"schedule": "fast", "reason": "rollback off: losses", "until": "2026-11-23T11:00:00+00:00"}`,
				`/environments/paper/exchange: "kraken_spot" -> "okx_spot"`, `/environments/paper/on: nothing -> {"a": null}`,
			},
			disables: "fast",
		},
		"limits of a section that is there, by the names used there": {
			document: withLimits, actions: []strategyv1.RollbackAction{testkit.LimitResources("80", "3072")},
			edits: []string{"/runtime/resource_limits/cpu_percent: 60 -> 80", "/runtime/resource_limits/memory: 2048 -> 3072"},
		},
		"limits without a section: all of it": {
			actions: []strategyv1.RollbackAction{testkit.LimitResources("80", "3072")},
			edits:   []string{"/runtime/resource_limits: nothing -> {cpu_percent: 80, memory_mb: 3072}"},
		},
		"a signal limit of some signals disables nothing": {
			actions: []strategyv1.RollbackAction{testkit.LimitSignals("arb", "bold", 2)},
			edits:   []string{scheduler + "/initial_signal_limits: nothing -> {arb: {bold: {limit: 2, " + because + "}}"},
		},
		"a signal limit of 0 counts as disabled, in its risk profile only": {
			actions:  []strategyv1.RollbackAction{testkit.LimitSignals("arb", "bold", 0)},
			edits:    []string{scheduler + `/initial_signal_limits: nothing -> {arb: {bold: {limit: "0", ` + because + "}}"},
			disables: "fast",
		},
		"two signal limits without a section: one edit, undone as one": {
			actions:  []strategyv1.RollbackAction{testkit.LimitSignals("arb", "bold", 0), testkit.LimitSignals("arb", "balanced", 0), testkit.LimitSignals("trend", "balanced", 1)},
			edits:    []string{scheduler + `/initial_signal_limits: nothing -> {arb: {bold: {limit: "0", ` + because + `, balanced: {limit: "0", ` + because + "}, trend: {balanced: {limit: 1, " + because + "}}"},
			disables: "fast slow",
		},
		"two signal limits of a section that is there": {
			document: strings.Replace(testkit.Document, "      schedules:\n", "      initial_signal_limits: {arb: {bold: {limit: 5, duration: 60}}}\n      schedules:\n", 1),
			actions:  []strategyv1.RollbackAction{testkit.LimitSignals("arb", "bold", 1), testkit.LimitSignals("arb", "balanced", 2)},
			edits: []string{
				scheduler + "/initial_signal_limits/arb/bold: {limit: 5, duration: 60} -> {limit: 1, " + because,
				scheduler + "/initial_signal_limits/arb/balanced: nothing -> {limit: 2, " + because,
			},
		},
		"several actions, each on what the ones before it did": {
			document: testkit.FeedDocument, actions: []strategyv1.RollbackAction{testkit.Disable("slow"), testkit.Allocate("cross", "0.0"), testkit.SwitchFeed("binance"), testkit.LimitSignals("arb", "balanced", 0)},
			edits: []string{
				scheduler + "/initial_suspensions/[schedule=slow]: nothing -> {schedule: slow, " + because,
				"/risk_profiles/balanced/strategy_allocations/cross: 0.6 -> 0.0",
				"/environments/paper/exchange: kraken_spot -> binance_spot",
				scheduler + `/initial_signal_limits: nothing -> {arb: {balanced: {limit: "0", ` + because + "}}",
			},
			disables: "slow",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.document == "" {
				c.document = testkit.Document
			}
			wanted := wantedOf(t, c.document, c.actions...)
			if c.feeds != nil {
				wanted.Feeds = c.feeds
			}
			draft, err := change.NewDraft(wanted)
			if err != nil {
				t.Fatal(err)
			}
			var edits []string
			document := testkit.Parsed(t, c.document)
			for _, edit := range draft.Edits {
				from := "nothing"
				if edit.From != nil {
					from = *edit.From
				}
				edits = append(edits, fmt.Sprintf("%s: %s -> %s", edit.Path, from, edit.To))
				if document, _, err = document.Apply([]config.Edit{{Path: edit.Path, Value: edit.To}}); err != nil {
					t.Fatal(err)
				}
			}
			expect(t, "edits", strings.Join(edits, "\n"), strings.Join(c.edits, "\n"))
			expect(t, "disables", strings.Join(draft.Disables, " "), c.disables)
			expect(t, "document", draft.After.String(), document.String())
			if changed := draft.After.String() != c.document; changed != strings.Contains(draft.Diff, "+++ ") {
				t.Errorf("changed: %v, diff %q", changed, draft.Diff)
			}
		})
	}
}

// What is refused changes nothing, and the message says which action and why.
func TestDraftRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		document string
		actions  []strategyv1.RollbackAction
		feeds    []strategyv1.FeedSpec
		says     string
	}{
		"a schedule that does not exist":           {actions: []strategyv1.RollbackAction{testkit.Disable("nope")}, says: `action 1 (DisableSchedule): runtime.multi_strategy_schedulers.main.schedules has no schedule "nope" (it has: fast, slow, trend_watch)`},
		"a strategy without schedules":             {actions: []strategyv1.RollbackAction{testkit.Disable("fast"), testkit.DisableAll("nope")}, says: `no schedule of main uses the strategy "nope"`},
		"a profile that does not exist":            {actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionSetAllocation, RiskProfile: "nope", Bucket: "cross", Allocation: "0.0"}}, says: `has no profile "nope"`},
		"a bucket that does not exist":             {actions: []strategyv1.RollbackAction{testkit.Allocate("nope", "0.0")}, says: `has no bucket "nope" (it has: trend, cross)`},
		"an allocation that is no decimal":         {actions: []strategyv1.RollbackAction{testkit.Allocate("cross", "1e3")}, says: "is not a decimal"},
		"one path twice":                           {actions: []strategyv1.RollbackAction{testkit.Allocate("cross", "0.0"), testkit.Allocate("cross", "0.1")}, says: "action 2 (SetAllocation): it changes /risk_profiles/balanced/strategy_allocations/cross, which an earlier action changes already"},
		"the same edit twice":                      {actions: []strategyv1.RollbackAction{testkit.Allocate("cross", "0.0"), testkit.Allocate("cross", "0.0")}, says: "action 2 (SetAllocation): it changes"},
		"one signal limit twice":                   {actions: []strategyv1.RollbackAction{testkit.LimitSignals("arb", "bold", 0), testkit.LimitSignals("arb", "bold", 1)}, says: "action 2 (SetSignalLimit): an earlier action limits strategy arb in bold already; leave one out"},
		"two feeds for one exchange":               {document: testkit.FeedDocument, actions: []strategyv1.RollbackAction{testkit.SwitchFeed("binance"), testkit.SwitchFeed("binance")}, says: "action 2 (SwitchFeed): it changes /environments/paper/exchange, which an earlier action changes already"},
		"a path inside another edit":               {actions: []strategyv1.RollbackAction{testkit.Allocate("cross", "0.0"), testkit.SwitchFeed("own")}, feeds: feedOf(text("/risk_profiles/balanced", "{}")), says: "action 2 (SwitchFeed): it changes /risk_profiles/balanced, which an earlier action changes already"},
		"a feed with one path twice":               {actions: []strategyv1.RollbackAction{testkit.SwitchFeed("own")}, feeds: feedOf(text("/environments/paper/exchange", `"a"`), text("/environments/paper/exchange", `"b"`)), says: "changes already"},
		"a feed that the playbook has not":         {actions: []strategyv1.RollbackAction{testkit.SwitchFeed("nope")}, says: `the playbook has no feed "nope" (it has: binance, okx)`},
		"a playbook without feeds":                 {actions: []strategyv1.RollbackAction{testkit.SwitchFeed("nope")}, feeds: []strategyv1.FeedSpec{}, says: `(it has: none)`},
		"a feed that does not quote everything":    {document: testkit.FeedDocument, actions: []strategyv1.RollbackAction{testkit.SwitchFeed("okx")}, says: `has 1 of 2 instruments that "okx_spot" does not quote: ETH_EUR`},
		"a feed, and nobody knows what to trade":   {actions: []strategyv1.RollbackAction{testkit.SwitchFeed("binance")}, says: "sets no instrument_universe"},
		"a feed edit of an item by its index":      {document: "environments: {paper: {exchange: a}}\nroutes: [a, b]\nruntime: {multi_strategy_schedulers: {main: {schedules: {}}}}\n", actions: []strategyv1.RollbackAction{testkit.SwitchFeed("own")}, feeds: feedOf(text("/routes/0", `"b"`)), says: "feed own: /routes/0 names an item of a list by its index"},
		"a feed edit that is no JSON":              {actions: []strategyv1.RollbackAction{testkit.SwitchFeed("own")}, feeds: feedOf(text("/environments/paper/exchange", "{")), says: "feed own: the value of /environments/paper/exchange"},
		"a feed edit of a place that is not there": {actions: []strategyv1.RollbackAction{testkit.SwitchFeed("own")}, feeds: feedOf(text("/nope/nope", "1")), says: "/nope/nope"},
		"no limits":                        {actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionSetResourceLimits}}, says: "it names no limits"},
		"empty limits":                     {actions: []strategyv1.RollbackAction{testkit.LimitResources("", "")}, says: "no resource limit is given"},
		"a limit of zero":                  {actions: []strategyv1.RollbackAction{testkit.LimitResources("0.0", "")}, says: "cpu_percent must be above zero"},
		"a new section without the memory": {actions: []strategyv1.RollbackAction{testkit.LimitResources("80", "")}, says: "a new one needs cpu_percent and memory_mb"},
		"no signal limit":                  {actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionSetSignalLimit, Strategy: "arb", RiskProfile: "bold"}}, says: "it names no limit"},
		"a signal limit of nothing":        {actions: []strategyv1.RollbackAction{testkit.LimitSignals("trend", "bold", 0)}, says: `has no schedule of strategy "trend" with risk profile "bold"`},
		"an action of tomorrow":            {actions: []strategyv1.RollbackAction{{Type: "Later"}}, says: "action 1 (Later): this operator does not know the action Later"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.document == "" {
				c.document = testkit.Document
			}
			wanted := wantedOf(t, c.document, c.actions...)
			if c.feeds != nil {
				wanted.Feeds = c.feeds
			}
			draft, err := change.NewDraft(wanted)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, not %q", err, c.says)
			}
			if len(draft.Edits)+len(draft.After.String())+len(draft.Diff) > 0 {
				t.Errorf("something is drafted all the same: %+v", draft)
			}
		})
	}
}

// The API keeps at most 32 edits of at most 4096 characters, and 64 schedules: more is refused here, in words, and not
// by the API server in every pass.
func TestDraftIsBounded(t *testing.T) {
	schedules := func(n int) string {
		lines := ""
		for i := range n {
			lines += fmt.Sprintf("        s%d: {strategy: many, risk_profile: bold}\n", i)
		}
		return strings.Replace(testkit.Document, "      schedules:\n", "      schedules:\n"+lines, 1)
	}
	long := strings.Repeat("x", 5000)
	for name, c := range map[string]struct {
		document string
		action   strategyv1.RollbackAction
		says     string // empty: it is accepted
	}{
		"32 schedules":          {schedules(32), testkit.DisableAll("many"), ""},
		"33 schedules":          {schedules(33), testkit.DisableAll("many"), "33 edits"},
		"64 schedules, 1 edit":  {schedules(64), testkit.LimitSignals("many", "bold", 0), ""},
		"65 schedules, 1 edit":  {schedules(65), testkit.LimitSignals("many", "bold", 0), "65 schedules"},
		"a long value to write": {testkit.Document, testkit.SwitchFeed("long"), "5004 bytes, more than 4096"},
		"a long name":           {strings.Replace(testkit.Document, "        slow:", "        s"+long[:128]+": {strategy: long}\n        slow:", 1), testkit.DisableAll("long"), "a name of 129 characters"},
		"a long value to keep":  {strings.Replace(testkit.Document, "exchange: kraken_spot", "exchange: "+long, 1), testkit.SwitchFeed("short"), "5000 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			wanted := wantedOf(t, c.document, c.action)
			wanted.Feeds = []strategyv1.FeedSpec{
				{Name: "long", Edits: []strategyv1.DocumentEdit{{Path: "/environments/paper/exchange", Value: &apiextensionsv1.JSON{Raw: []byte(`"` + long + `y-"`)}}}},
				{Name: "short", Edits: []strategyv1.DocumentEdit{{Path: "/environments/paper/exchange", Value: &apiextensionsv1.JSON{Raw: []byte(`"kraken"`)}}}},
			}
			_, err := change.NewDraft(wanted)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, not %q", err, c.says)
			}
		})
	}
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}
