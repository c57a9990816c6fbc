package coreconfig

import (
	"testing"
	"time"
)

var started = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func TestSuspensions(t *testing.T) {
	tests := map[string]struct {
		items string
		// after is how long after the start the question is asked.
		after     time.Duration
		suspended bool
		reason    string
	}{
		"no items suspend nothing":                            {items: `[]`},
		"an item that names the schedule holds it":            {items: `[{schedule: watch, reason: x}]`, suspended: true, reason: "x"},
		"one mapping counts as a list":                        {items: `{schedule: watch, reason: x}`, suspended: true, reason: "x"},
		"an empty reason reads manual":                        {items: `[{schedule: watch, reason: ""}]`, suspended: true, reason: "manual"},
		"the strategy's name is not the schedule's":           {items: `[{schedule: core_watch}]`},
		"an unknown target is accepted and does nothing":      {items: `[{schedule: nobody}]`},
		"a tag holds every schedule that has it":              {items: `[{tag: arbitrage, reason: x}]`, suspended: true, reason: "x"},
		"another tag does not":                                {items: `[{tag: volatility}]`},
		"target is a schedule by default":                     {items: `[{target: watch}]`, suspended: true, reason: "manual"},
		"target with kind tag is a tag":                       {items: `[{target: liquidity, kind: tag}]`, suspended: true, reason: "manual"},
		"another kind is dropped":                             {items: `[{target: watch, kind: strategy}]`},
		"an item without a target is dropped":                 {items: `[{reason: x}]`},
		"text instead of an item is dropped":                  {items: `[watch]`},
		"it holds until the end":                              {items: `[{schedule: watch, until: "2026-11-23T11:00:00+00:00"}]`, after: time.Hour - 1, suspended: true, reason: "manual"},
		"it is gone at the end":                               {items: `[{schedule: watch, until: "2026-11-23T11:00:00+00:00"}]`, after: time.Hour},
		"an end before the start never held":                  {items: `[{schedule: watch, until: "2026-11-23T09:00:00Z"}]`},
		"resume_at is the same as until":                      {items: `[{schedule: watch, resume_at: "2026-11-23T11:00:00Z"}]`, after: 2 * time.Hour},
		"a time without offset is UTC":                        {items: `[{schedule: watch, until: "2026-11-23T11:00:00"}]`, after: time.Hour},
		"an offset counts":                                    {items: `[{schedule: watch, until: "2026-11-23T11:00:00+02:00"}]`},
		"an unquoted time is read too":                        {items: `[{schedule: watch, until: 2026-11-23T11:00:00+00:00}]`, after: time.Hour},
		"a date alone is midnight UTC":                        {items: `[{schedule: watch, until: "2026-11-24"}]`, after: 14 * time.Hour},
		"an end that cannot be read means for ever":           {items: `[{schedule: watch, until: tomorrow}]`, after: 10 * 365 * 24 * time.Hour, suspended: true, reason: "manual"},
		"no end means for ever":                               {items: `[{schedule: watch}]`, after: 10 * 365 * 24 * time.Hour, suspended: true, reason: "manual"},
		"a duration counts from the start of the process":     {items: `[{schedule: watch, duration_seconds: 60}]`, after: time.Minute - 1, suspended: true, reason: "manual"},
		"after the duration it resumes by itself":             {items: `[{schedule: watch, duration_seconds: 60}]`, after: time.Minute},
		"a duration may have a unit":                          {items: `[{schedule: watch, resume_in: 15m}]`, after: 15 * time.Minute},
		"a day is a unit":                                     {items: `[{schedule: watch, duration: 1d}]`, after: 24*time.Hour - 1, suspended: true, reason: "manual"},
		"until wins over a longer duration":                   {items: `[{schedule: watch, until: "2026-11-23T10:10:00Z", duration: 1h}]`, after: 10 * time.Minute},
		"until wins over a shorter duration":                  {items: `[{schedule: watch, until: "2026-11-23T12:00:00Z", duration: 1s}]`, after: time.Hour, suspended: true, reason: "manual"},
		"of two for one schedule the later counts":            {items: `[{schedule: watch, reason: a}, {schedule: watch, reason: b}]`, suspended: true, reason: "b"},
		"the schedule's own comes before a tag's":             {items: `[{schedule: watch, reason: own}, {tag: arbitrage, reason: tag}]`, suspended: true, reason: "own"},
		"when the schedule's own expires the tag still holds": {items: `[{schedule: watch, duration: 1s}, {tag: arbitrage, reason: tag}]`, after: time.Minute, suspended: true, reason: "tag"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := parsed(t, "s: {initial_suspensions: "+test.items+"}\n")
			held := InForce(Suspensions(config.Root.At("s"), started), "watch", engineTags[CrossExchange], started.Add(test.after))
			if (held != nil) != test.suspended {
				t.Fatalf("suspended is %v, want %v", held != nil, test.suspended)
			}
			if held != nil && held.Reason != test.reason {
				t.Errorf("reason is %q, want %q", held.Reason, test.reason)
			}
		})
	}
}

func TestADurationRestartsWithTheProcess(t *testing.T) {
	section := parsed(t, "s: {suspensions: {schedule: watch, duration: 1m}}\n").Root.At("s")
	restarted := started.Add(time.Hour)
	held := InForce(Suspensions(section, restarted), "watch", nil, restarted.Add(30*time.Second))
	if held == nil {
		t.Fatal("it does not hold after the restart")
	}
	if left, ends := held.Remaining(restarted.Add(30 * time.Second)); !ends || left != 30*time.Second {
		t.Errorf("%v remain", left)
	}
}

func TestSignalLimits(t *testing.T) {
	tests := map[string]struct {
		limits string
		after  time.Duration
		want   int
	}{
		"without a limit the schedule's own counts":   {limits: `{}`, want: 6},
		"a lower limit counts":                        {limits: `{core_watch: {aggressive: 2}}`, want: 2},
		"a higher limit raises nothing":               {limits: `{core_watch: {aggressive: 20}}`, want: 6},
		"another profile's limit does not count":      {limits: `{core_watch: {balanced: 2}}`, want: 6},
		"another strategy's limit does not count":     {limits: `{watch: {aggressive: 2}}`, want: 6},
		"the number zero is dropped":                  {limits: `{core_watch: {aggressive: 0}}`, want: 6},
		"the number zero in a mapping is dropped too": {limits: `{core_watch: {aggressive: {limit: 0}}}`, want: 6},
		"the text zero works":                         {limits: `{core_watch: {aggressive: {limit: "0", reason: x}}}`, want: 0},
		"a limit ends":                                {limits: `{core_watch: {aggressive: {limit: 1, duration: 1h}}}`, after: time.Hour, want: 6},
		"a limit holds until then":                    {limits: `{core_watch: {aggressive: {value: 1, expires_at: "2026-11-23T11:00:00Z"}}}`, after: time.Hour - 1, want: 1},
	}
	schedule := Schedule{Name: "watch", Strategy: "core_watch", RiskProfile: "aggressive", MaxSignals: 6}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			section := parsed(t, "s: {initial_signal_limits: "+test.limits+"}\n").Root.At("s")
			if got := MaxSignals(schedule, SignalLimits(section, started), started.Add(test.after)); got != test.want {
				t.Errorf("%d signals, want %d", got, test.want)
			}
		})
	}
}
