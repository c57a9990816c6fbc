package playbook_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/oncall"
	"tradeops.dev/strategy-operator/internal/playbook"
)

const rotation = `
timeZone: UTC
people: [{name: alice, contact: "+48 1"}, {name: bob, contact: "+48 2"}]
rotations:
- {level: L1, start: "2026-11-01 00:00", shift: 1d, members: [alice, bob]}
- {level: L2, start: "2026-11-01 00:00", shift: 1w, members: [bob], windows: [{days: [Mon, Tue, Wed, Thu, Fri], from: "08:00", to: "18:00"}]}
`

func TestWhoIsOnCall(t *testing.T) {
	roster, err := oncall.Parse([]byte(rotation))
	if err != nil {
		t.Fatal(err)
	}
	read := facts.OnCall{Roster: roster, Known: true}
	monday := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		onCall    facts.OnCall
		at        time.Time
		condition string
		says      string
		people    string
		next      string
	}{
		"somebody for each level":   {read, monday, "True/RotationRead", "each level", "L1 alice +48 1 then bob; L2 bob +48 2 then bob", "2026-11-23T18:00:00Z"},
		"nobody at night":           {read, monday.Add(10 * time.Hour), "False/NobodyOnCall", "nobody is on call for L2 until 2026-11-24T08:00:00Z (then bob)", "L1 alice +48 1 then bob; L2   then bob", "2026-11-24T00:00:00Z"},
		"the shift changes":         {read, monday.Add(14 * time.Hour), "False/NobodyOnCall", "L2", "L1 bob +48 2 then alice; L2   then bob", "2026-11-24T08:00:00Z"},
		"no rotation":               {facts.OnCall{}, monday, "", "", "", ""},
		"a rotation with a mistake": {facts.OnCall{Problem: &facts.Problem{Reason: strategyv1.ReasonRotationInvalid, Message: "line 3: what is wrong"}}, monday, "False/RotationInvalid", "line 3", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := observed(t)
			o.Judged = &playbook.Judgement{}
			o.OnCall = c.onCall
			decision, err := playbook.Plan(o, c.at)
			if err != nil {
				t.Fatal(err)
			}
			condition := ""
			if found := meta.FindStatusCondition(decision.Status.Conditions, strategyv1.ConditionOnCallKnown); found != nil {
				condition = string(found.Status) + "/" + found.Reason
				if !strings.Contains(found.Message, c.says) {
					t.Errorf("it says %q, without %q", found.Message, c.says)
				}
			}
			if condition != c.condition {
				t.Errorf("OnCallKnown is %s, not %s", condition, c.condition)
			}
			var people []string
			for _, level := range decision.Status.OnCall {
				people = append(people, string(level.Level)+" "+level.Name+" "+level.Contact+" then "+level.NextName)
			}
			if got := strings.Join(people, "; "); got != c.people {
				t.Errorf("on call: %q, not %q", got, c.people)
			}
			next := ""
			if !decision.NextAt.IsZero() {
				next = decision.NextAt.UTC().Format(time.RFC3339)
			}
			if next != c.next {
				t.Errorf("next at %s, not %s", next, c.next)
			}
			if !meta.IsStatusConditionTrue(decision.Status.Conditions, strategyv1.ConditionReady) {
				t.Error("the rotation makes the playbook not ready, which would stop incidents")
			}
		})
	}
}
