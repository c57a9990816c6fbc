package playbook_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// closed is an incident that was closed so long ago.
func closed(name string, ago time.Duration, change func(*strategyv1.StrategyIncident)) strategyv1.StrategyIncident {
	incident := strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     strategyv1.StrategyIncidentStatus{ClosedTime: new(metav1.NewTime(testkit.T0.Add(-ago)))},
	}
	if change != nil {
		change(&incident)
	}
	return incident
}

func TestWhatTheHistoryForgets(t *testing.T) {
	strike := func(incident *strategyv1.StrategyIncident) { incident.Status.Strikes = 1 }
	drill := func(incident *strategyv1.StrategyIncident) { incident.Spec.Mode = strategyv1.IncidentDrill }
	as := func(reason string) func(*strategyv1.StrategyIncident) {
		return func(incident *strategyv1.StrategyIncident) {
			incident.Status.Conditions = []metav1.Condition{{Type: strategyv1.ConditionResolved, Status: metav1.ConditionTrue, Reason: reason}}
		}
	}
	duplicate, falseAlarm := as(strategyv1.ReasonDuplicate), as(strategyv1.ReasonFalseAlarm)
	decided := func(incident *strategyv1.StrategyIncident) {
		incident.Status.Answers = []strategyv1.AnsweredDecision{{UID: "1"}}
	}
	changed := func(incident *strategyv1.StrategyIncident) {
		incident.Status.Rollbacks = []strategyv1.IncidentRollback{{Name: "srb"}}
	}
	day, minute := 24*time.Hour, time.Minute
	for name, c := range map[string]struct {
		closed  []strategyv1.StrategyIncident
		overdue string
		next    time.Duration
	}{
		"nothing closed":                    {nil, "", 0},
		"room for two, and time":            {[]strategyv1.StrategyIncident{closed("a", 2*time.Hour, nil), closed("b", time.Hour, nil)}, "", 8 * time.Hour},
		"the oldest of three":               {[]strategyv1.StrategyIncident{closed("b", 2*time.Hour, nil), closed("c", time.Hour, nil), closed("a", 3*time.Hour, nil)}, "a", 8 * time.Hour},
		"too old, although there is room":   {[]strategyv1.StrategyIncident{closed("a", 10*time.Hour, nil), closed("b", time.Hour, nil)}, "a", 9 * time.Hour},
		"a drill pushes no real one out":    {[]strategyv1.StrategyIncident{closed("a", 3*time.Hour, nil), closed("b", 2*time.Hour, nil), closed("d", time.Hour, drill)}, "", 7 * time.Hour},
		"drills push drills out":            {[]strategyv1.StrategyIncident{closed("d1", 3*time.Hour, drill), closed("d2", 2*time.Hour, drill), closed("d3", time.Hour, drill)}, "d1", 8 * time.Hour},
		"one that counts as a strike stays": {[]strategyv1.StrategyIncident{closed("a", 20*time.Hour, strike), closed("b", 2*time.Hour, nil), closed("c", time.Hour, nil)}, "", 4 * time.Hour},
		"until it does not count any more":  {[]strategyv1.StrategyIncident{closed("a", day, strike), closed("b", 2*time.Hour, nil), closed("c", time.Hour, nil)}, "a", 8 * time.Hour},
		"one that may be reopened stays":    {[]strategyv1.StrategyIncident{closed("a", 59*time.Second, nil), closed("b", 2*time.Second, nil), closed("c", time.Second, nil)}, "", time.Second},
		"until it may not":                  {[]strategyv1.StrategyIncident{closed("a", minute, nil), closed("b", 2*time.Second, nil), closed("c", time.Second, nil)}, "a", 58 * time.Second},
		"or there are five times too many":  {many(11, strike), "i0", 14 * time.Hour},
		"noise pushes no other one out": {[]strategyv1.StrategyIncident{
			closed("a", 5*time.Hour, nil), closed("d1", 3*time.Hour, duplicate), closed("f1", 2*time.Hour, falseAlarm), closed("d2", time.Hour, duplicate),
		}, "d1", 5 * time.Hour},
		"one that somebody decided about stays":     {[]strategyv1.StrategyIncident{closed("a", 3*time.Hour, decided), closed("b", 2*time.Hour, nil), closed("c", time.Hour, nil)}, "", 7 * time.Hour},
		"one with a rollback stays":                 {[]strategyv1.StrategyIncident{closed("a", 3*time.Hour, changed), closed("b", 2*time.Hour, nil), closed("c", time.Hour, nil)}, "", 7 * time.Hour},
		"however many there are":                    {many(9, decided), "", time.Hour},
		"but no longer than everything is retained": {[]strategyv1.StrategyIncident{closed("a", 10*time.Hour, decided)}, "a", 0},
	} {
		t.Run(name, func(t *testing.T) {
			spec := strategyv1.StrategyPlaybookSpec{
				History:  &strategyv1.HistorySpec{KeepIncidents: 2, RetainSeconds: 36000},
				Recovery: &strategyv1.RecoverySpec{ReopenSeconds: 60},
			}
			overdue, next := playbook.Overdue(spec, c.closed, testkit.T0)
			var names []string
			for _, incident := range overdue {
				names = append(names, incident.Name)
			}
			if got := strings.Join(names, " "); got != c.overdue {
				t.Errorf("overdue: %q, not %q", got, c.overdue)
			}
			if next.IsZero() != (c.next == 0) || !next.IsZero() && next.Sub(testkit.T0) != c.next {
				t.Errorf("next in %s, not %s", next.Sub(testkit.T0), c.next)
			}
		})
	}
}

func many(n int, change func(*strategyv1.StrategyIncident)) []strategyv1.StrategyIncident {
	var all []strategyv1.StrategyIncident
	for i := range n {
		all = append(all, closed(fmt.Sprintf("i%d", i), time.Duration(n-i)*time.Hour, change))
	}
	return all
}

func TestWithoutAHistoryFiftyIncidentsAndThirtyDaysAreKept(t *testing.T) {
	overdue, _ := playbook.Overdue(strategyv1.StrategyPlaybookSpec{}, append(many(51, nil), closed("old", 31*24*time.Hour, nil)), testkit.T0)
	if len(overdue) != 2 || overdue[0].Name != "old" || overdue[1].Name != "i0" {
		t.Errorf("overdue: %v", overdue)
	}
}

// One that somebody decided about stays for a day, whatever comes, and not for longer.
func TestADecisionKeepsAnIncidentForADay(t *testing.T) {
	decided := func(incident *strategyv1.StrategyIncident) {
		incident.Status.Answers = []strategyv1.AnsweredDecision{{UID: "1"}}
	}
	spec := strategyv1.StrategyPlaybookSpec{
		History: &strategyv1.HistorySpec{KeepIncidents: 1, RetainSeconds: 30 * 86400}, Recovery: &strategyv1.RecoverySpec{ReopenSeconds: 60},
	}
	for ago, wanted := range map[time.Duration]int{23 * time.Hour: 0, 24 * time.Hour: 1} {
		overdue, _ := playbook.Overdue(spec, []strategyv1.StrategyIncident{closed("a", ago, decided), closed("b", time.Hour, nil)}, testkit.T0)
		if len(overdue) != wanted {
			t.Errorf("after %s: %d are overdue", ago, len(overdue))
		}
	}
}

// What is deleted is written down before, with the head of its log, and signed; without a key nothing is deleted.
func TestWhatIsForgottenIsWrittenDownBefore(t *testing.T) {
	incident := closed("pnl", time.Hour, nil)
	incident.Namespace, incident.UID = "trading", "0123456789"
	incident.Status.Log = &strategyv1.LogStatus{Prefix: "p/", Entries: new(int64(7)), Head: "abc"}
	o := observed(t)
	o.Past = []playbook.Past{{Incident: &incident, Rollbacks: []strategyv1.StrategyRollback{{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "srb", UID: "9876543210"}}}}}
	var told []string
	for _, wanted := range plan(t, o).Actions {
		switch a := wanted.(type) {
		case action.StoreEvidence:
			if a.Seal == nil || a.Seal.Of.Kind != "forgotten" || a.Seal.SigningKey.Name != o.Playbook.Spec.SigningKeySecretName {
				t.Errorf("%s is not signed: %+v", a.Key, a.Seal)
			}
			told = append(told, fmt.Sprintf("%s %s", a.Key[:len(a.Key)-len("0123456789ab.json")], a.Data))
		case action.DeleteObject:
			told = append(told, "delete "+a.Object.GetName())
		}
	}
	wanted := []string{
		`trading/forgotten/srb-98765432- {"kind":"StrategyRollback","name":"srb","namespace":"trading","uid":"9876543210","log":{}}`,
		`trading/forgotten/pnl-01234567- {"kind":"StrategyIncident","name":"pnl","namespace":"trading","uid":"0123456789","closedTime":"2026-11-23T09:00:00Z","log":{"prefix":"p/","entries":7,"head":"abc"}}`,
		"delete srb", "delete pnl",
	}
	if got := strings.Join(told, "\n"); got != strings.Join(wanted, "\n") {
		t.Errorf("got:\n%s", got)
	}
	o.SigningKey = &facts.Problem{Reason: strategyv1.ReasonSecretNotFound, Message: "no key"}
	for _, wanted := range plan(t, o).Actions {
		if _, deletes := wanted.(action.DeleteObject); deletes {
			t.Error("it is deleted although nothing can be signed")
		}
	}
}

func TestTheIncidentGoesLast(t *testing.T) {
	past := playbook.Past{
		Incident:  new(closed("pnl", time.Hour, nil)),
		Rollbacks: []strategyv1.StrategyRollback{{ObjectMeta: metav1.ObjectMeta{Name: "srb"}}},
		Decisions: []strategyv1.StrategyDecision{{ObjectMeta: metav1.ObjectMeta{Name: "sdec"}}},
	}
	o := observed(t)
	o.Past = []playbook.Past{past}
	var names []string
	for _, wanted := range plan(t, o).Actions {
		if deleted, ok := wanted.(action.DeleteObject); ok {
			names = append(names, deleted.Object.GetName())
		}
	}
	if got := strings.Join(names, " "); got != "sdec srb pnl" {
		t.Errorf("deleted in the order %s", got)
	}
}

// Decisions about nothing go after a day, but for those about a playbook that count when it is made again.
func TestWhichDecisionsAreAboutNothing(t *testing.T) {
	about := func(name, kind string, verdict strategyv1.DecisionVerdict, outcome strategyv1.DecisionOutcome, ago time.Duration) strategyv1.StrategyDecision {
		decision := strategyv1.StrategyDecision{
			ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(testkit.T0.Add(-ago))},
			Spec:       strategyv1.StrategyDecisionSpec{Target: strategyv1.DecisionTarget{Kind: kind, Name: "gone"}, Verdict: verdict},
		}
		if outcome != "" {
			decision.Status.Answer = &strategyv1.DecisionAnswer{Outcome: outcome}
		}
		return decision
	}
	const incident, rollback, playbookKind = strategyv1.KindIncident, strategyv1.KindRollback, strategyv1.KindPlaybook
	const day = 24 * time.Hour
	there := about("there", incident, "Escalate", "Honoured", 2*day)
	there.Spec.Target.Name = "pnl"
	for name, c := range map[string]struct {
		decision strategyv1.StrategyDecision
		lost     bool
		next     time.Duration
	}{
		"its target is there":                       {there, false, day},
		"about an incident":                         {about("d", incident, "Escalate", "", day), true, day},
		"about a rollback, and honoured":            {about("d", rollback, "Approve", "Honoured", 2*day), true, day},
		"a hold of an incident":                     {about("d", incident, "Hold", "Honoured", day), true, day},
		"its target may still be made":              {about("d", incident, "Escalate", "", day-time.Second), false, time.Second},
		"about a playbook, and refused":             {about("d", playbookKind, "Hold", "Refused", day), true, day},
		"about a playbook, and voided":              {about("d", playbookKind, "Approve", "Voided", day), true, day},
		"an approval that nobody looked at":         {about("d", playbookKind, "Approve", "", day), true, day},
		"a release that nobody looked at":           {about("d", playbookKind, "Release", "", day), true, day},
		"a hold that nobody looked at":              {about("d", playbookKind, "Hold", "", 90*day), false, day},
		"a denial that nobody looked at":            {about("d", playbookKind, "Deny", "", 90*day), false, day},
		"a hold that a playbook made again has":     {about("d", playbookKind, "Hold", "Honoured", 90*day), false, day},
		"a denial that a playbook made again has":   {about("d", playbookKind, "Deny", "Honoured", 90*day), false, day},
		"an approval that one made again has":       {about("d", playbookKind, "Approve", "Honoured", 90*day), false, day},
		"a release, which says that a hold is over": {about("d", playbookKind, "Release", "Honoured", 90*day), false, day},
	} {
		t.Run(name, func(t *testing.T) {
			lost, next, err := playbook.Lost([]strategyv1.StrategyDecision{c.decision}, func(target strategyv1.DecisionTarget) (bool, error) { return target.Name == "pnl", nil }, testkit.T0)
			if err != nil || (len(lost) == 1) != c.lost || next.Sub(testkit.T0) != c.next {
				t.Errorf("%d are lost, next in %s, %v", len(lost), next.Sub(testkit.T0), err)
			}
		})
	}
	all := []strategyv1.StrategyDecision{about("b", incident, "Escalate", "", 2*day), about("a", incident, "Escalate", "", 2*day), about("c", incident, "Escalate", "", 3*day)}
	lost, _, _ := playbook.Lost(all, func(strategyv1.DecisionTarget) (bool, error) { return false, nil }, testkit.T0)
	if len(lost) != 3 || lost[0].Name != "c" || lost[1].Name != "a" {
		t.Errorf("not the oldest first: %v", lost)
	}
	if lost, _, err := playbook.Lost(all, func(strategyv1.DecisionTarget) (bool, error) { return false, errors.New("away") }, testkit.T0); err == nil || lost != nil {
		t.Errorf("what cannot be read is taken for gone: %v", lost)
	}
}
