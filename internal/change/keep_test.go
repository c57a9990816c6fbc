package change_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// What somebody holds back is never held back for a shorter time, or less strictly, because of an edit: the time box is from 10:00 to 11:00.
func TestAnEditShortensNothingThatPeopleHoldBack(t *testing.T) {
	const (
		ours    = "edited"
		theirs  = "kept"
		refused = "refused"
	)
	disable, limit := testkit.Disable("fast"), testkit.LimitSignals("arb", "bold", 3)
	for name, c := range map[string]struct {
		key, entry string
		action     strategyv1.RollbackAction
		forGood    bool // the rollback has no time box
		want       string
		says       string
	}{
		"no end":                          {"initial_suspensions", "[{schedule: fast}]", disable, false, theirs, `the schedule "fast" is suspended already, without an end`},
		"no end, under the other key":     {"suspensions", "[{schedule: fast}]", disable, false, theirs, "without an end"},
		"no end, by target":               {"initial_suspensions", "[{target: fast, reason: x}]", disable, false, theirs, "without an end"},
		"an empty end":                    {"initial_suspensions", "[{schedule: fast, until: null}]", disable, false, theirs, "without an end"},
		"a later end":                     {"initial_suspensions", `[{schedule: fast, until: "2026-11-23T11:00:01+00:00"}]`, disable, false, theirs, "until 2026-11-23T11:00:01+00:00"},
		"the same end":                    {"initial_suspensions", `[{schedule: fast, until: "2026-11-23T11:00:00+00:00"}]`, disable, false, theirs, "until"},
		"a later end, by its other name":  {"initial_suspensions", "[{schedule: fast, resume_at: 2026-11-24}]", disable, false, theirs, "until 2026-11-24"},
		"a later end in another zone":     {"initial_suspensions", `[{schedule: fast, until: "2026-11-23 11:30:00+00:00"}]`, disable, false, theirs, "until"},
		"an earlier end in another zone":  {"initial_suspensions", `[{schedule: fast, until: "2026-11-23T11:30+02:00"}]`, disable, false, ours, ""},
		"an earlier end":                  {"initial_suspensions", `[{schedule: fast, until: "2026-11-23T10:59:59"}]`, disable, false, ours, ""},
		"an end that nobody can read":     {"initial_suspensions", "[{schedule: fast, until: tomorrow}]", disable, false, refused, `its end "tomorrow" cannot be read; write it like 2006-01-02T15:04:05+00:00`},
		"a longer duration":               {"initial_suspensions", "[{schedule: fast, duration: 1h}]", disable, false, theirs, "for 1h from each start"},
		"a shorter duration":              {"initial_suspensions", "[{schedule: fast, duration_seconds: 3599}]", disable, false, ours, ""},
		"a duration that nobody can read": {"initial_suspensions", "[{schedule: fast, resume_in: soon}]", disable, false, refused, `its duration "soon" cannot be read`},
		"a later end, and ours has none":  {"initial_suspensions", `[{schedule: fast, until: "2036-11-23T11:00:00Z"}]`, disable, true, ours, ""},
		"a duration, and ours has no end": {"initial_suspensions", "[{schedule: fast, duration: 9d}]", disable, true, ours, ""},
		"no end, and ours has none":       {"initial_suspensions", "[{schedule: fast}]", disable, true, theirs, "without an end"},
		"of another schedule":             {"initial_suspensions", "[{schedule: slow}]", disable, false, ours, ""},
		"of a tag of that name":           {"initial_suspensions", "[{tag: fast, reason: x}]", disable, false, ours, ""},

		"a limit as strict, no end":       {"initial_signal_limits", "{arb: {bold: 3}}", limit, false, theirs, "is limited to 3 signals already, without an end"},
		"a limit of 0":                    {"signal_limit_overrides", `{arb: {bold: {limit: "0"}}}`, limit, false, theirs, "is limited to 0 signals already"},
		"a limit of 0 that is dropped":    {"initial_signal_limits", "{arb: {bold: {limit: 0}}}", limit, false, ours, ""},
		"a number 0 that is dropped":      {"initial_signal_limits", "{arb: {bold: 0}}", limit, false, ours, ""},
		"a stricter one with a later end": {"initial_signal_limits", "{arb: {bold: {value: 1, expires_at: 2026-11-24}}}", limit, false, theirs, "is limited to 1 signals already, until 2026-11-24"},
		"a stricter one, earlier":         {"initial_signal_limits", "{arb: {bold: {limit: 1, until: 2026-11-23}}}", limit, false, refused, "a limit of 3 would allow more until then; ask for 1 or less"},
		"as strict, with an earlier end":  {"initial_signal_limits", "{arb: {bold: {limit: 3, until: 2026-11-23}}}", limit, false, ours, ""},
		"a looser one, earlier":           {"initial_signal_limits", "{arb: {bold: {limit: 9, duration: 60s}}}", limit, false, ours, ""},
		"a looser one without an end":     {"initial_signal_limits", "{arb: {bold: 9}}", limit, false, `{limit: 3, reason: "rollback off: losses"}`, "so the new limit ends no earlier"},
		"a looser one with a later end":   {"initial_signal_limits", "{arb: {bold: {limit: 9, until: 2026-11-24}}}", limit, false, `{limit: 3, reason: "rollback off: losses", until: "2026-11-24T00:00:00+00:00"}`, "so the new limit ends no earlier"},
		"a limit that nobody can read":    {"initial_signal_limits", "{arb: {bold: many}}", limit, false, refused, `the limit "many" that is there cannot be read`},
		"a limit whose end nobody can":    {"initial_signal_limits", "{arb: {bold: {limit: 9, until: x}}}", limit, false, refused, `its end "x" cannot be read`},
		"a limit of another risk profile": {"initial_signal_limits", "{arb: {balanced: 0}}", limit, false, ours, ""},
		"no limit":                        {"initial_signal_limits", "{arb: {bold: null}}", limit, false, ours, ""},
	} {
		for _, alone := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/alone=%v", name, alone), func(t *testing.T) {
				document := strings.Replace(testkit.Document, "      schedules:\n", "      "+c.key+": "+c.entry+"\n      schedules:\n", 1)
				actions := []strategyv1.RollbackAction{c.action}
				if !alone {
					actions = append(actions, testkit.Allocate("cross", "0.1"))
				}
				asked := wantedOf(t, document, actions...)
				if c.forGood {
					asked.Until, asked.Lasts = time.Time{}, 0
				}
				draft, err := change.NewDraft(asked)
				if c.want == refused || c.want == theirs && alone {
					if err == nil || !strings.Contains(err.Error(), c.says) {
						t.Fatalf("%v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				switch edited := strings.Contains(draft.Edits[0].Path, c.key); {
				case c.want == theirs && edited, c.want != theirs && !edited:
					t.Errorf("the edits are %+v", draft.Edits)
				case c.want != theirs && c.want != ours && draft.Edits[0].To != c.want:
					t.Errorf("it becomes %s", draft.Edits[0].To)
				}
				if said := strings.Join(draft.Kept, "; "); (said == "") != (c.says == "") || !strings.Contains(said, c.says) {
					t.Errorf("it says %q, not %q", said, c.says)
				}
			})
		}
	}
}

// What another rollback wrote is nobody's will: it waits for that one, or shares its edit.
func TestAnEditOfAnotherRollbackIsNotKept(t *testing.T) {
	document := strings.Replace(testkit.Document, "      schedules:\n", "      initial_suspensions: [{schedule: fast, reason: other}]\n      initial_signal_limits: {arb: {bold: 1}}\n      schedules:\n", 1)
	asked := wantedOf(t, document, testkit.Disable("fast"), testkit.LimitSignals("arb", "bold", 3))
	asked.Ours = func(string) bool { return true }
	draft, err := change.NewDraft(asked)
	if err != nil || len(draft.Edits) != 2 || len(draft.Kept) > 0 {
		t.Fatalf("%+v %v", draft, err)
	}
}
