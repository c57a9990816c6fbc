package change_test

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
)

// A remedy that names no schedule means the incident's, and one that does means that.
func TestForIncident(t *testing.T) {
	disable := func(schedule, strategy string) strategyv1.RollbackAction {
		return strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Schedule: schedule, Strategy: strategy}
	}
	feed := strategyv1.RollbackAction{Type: strategyv1.ActionSwitchFeed, Feed: "binance"}
	many := strings.Split(strings.Repeat("s,", 16), ",")
	for name, c := range map[string]struct {
		remedy    []strategyv1.RollbackAction
		schedules []string
		strategy  string
		want      string
		named     bool
	}{
		"the incident's":                  {[]strategyv1.RollbackAction{disable("", "")}, []string{"fast"}, "", "disable schedule fast", true},
		"all of the incident's":           {[]strategyv1.RollbackAction{disable("", ""), feed}, []string{"fast", "slow"}, "arb", "disable schedule fast, disable schedule slow, switch to feed binance", true},
		"a schedule of its own":           {[]strategyv1.RollbackAction{disable("trend", "")}, []string{"fast"}, "", "disable schedule trend", true},
		"a strategy of its own":           {[]strategyv1.RollbackAction{disable("", "arb")}, []string{"fast"}, "", "disable every schedule of strategy arb", true},
		"none, where it needs one":        {[]strategyv1.RollbackAction{feed, disable("", "")}, nil, "", "", false},
		"none, where it needs none":       {[]strategyv1.RollbackAction{feed}, nil, "", "switch to feed binance", true},
		"a schedule of its own, and none": {[]strategyv1.RollbackAction{disable("trend", "")}, nil, "", "disable schedule trend", true},
		"of a strategy with too many":     {[]strategyv1.RollbackAction{disable("", "")}, many, "arb", "disable every schedule of strategy arb", true},
	} {
		actions, named := change.ForIncident(c.remedy, c.schedules, c.strategy)
		if got := change.Sentence(actions); got != c.want || named != c.named {
			t.Errorf("%s: %q %v, want %q %v", name, got, named, c.want, c.named)
		}
	}
}
