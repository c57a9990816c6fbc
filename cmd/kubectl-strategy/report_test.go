package main

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// published is a playbook that says what its scheduler has, and who is on call.
func published(name string) *strategyv1.StrategyPlaybook {
	return &strategyv1.StrategyPlaybook{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: name},
		Status: strategyv1.StrategyPlaybookStatus{
			Config: &strategyv1.ConfigStatus{Schedules: []strategyv1.ScheduleStatus{
				{Name: "cross_exchange_watch", Strategy: "cross_exchange"}, {Name: "grid_btc", Strategy: "grid"}, {Name: "grid_eth", Strategy: "grid"},
			}},
			OnCall:     []strategyv1.OnCallStatus{{Level: strategyv1.LevelL2, Name: "bob"}, {Level: strategyv1.LevelL1, Name: "alice", Contact: "+48 600 000 000"}},
			Conditions: []metav1.Condition{condition(strategyv1.ConditionReady, metav1.ConditionTrue, strategyv1.ReasonValid, "ready")},
		},
	}
}

func (w *world) incidents(t *testing.T) []strategyv1.StrategyIncident {
	t.Helper()
	var list strategyv1.StrategyIncidentList
	if err := w.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func TestReport(t *testing.T) {
	silent, held := published("multi-strategy"), published("multi-strategy")
	silent.Status = strategyv1.StrategyPlaybookStatus{}
	held.Status.Conditions = append(held.Status.Conditions, condition(strategyv1.ConditionOnHold, metav1.ConditionTrue, strategyv1.ReasonPlaybookHeld, "by carol"))
	held.Status.OnCall[1] = strategyv1.OnCallStatus{Level: strategyv1.LevelL1}
	for name, c := range map[string]struct {
		args    []string
		objects []client.Object
		code    int
		says    string
		want    strategyv1.StrategyIncidentSpec // of what is reported; empty: nothing
	}{
		"all of it": {
			[]string{"PnL", "--schedule", "cross_exchange_watch", "--severity", "Critical", "loses"}, nil, exitDone,
			"PnL, Critical, by bob; playbook multi-strategy\non call for L1: alice (+48 600 000 000)\nto watch what happens: kubectl strategy status ",
			strategyv1.StrategyIncidentSpec{Type: "PnL", Severity: "Critical", Schedule: "cross_exchange_watch", Summary: "loses", Mode: "Live"},
		},
		"in lower case": {
			[]string{"nosignals", "--strategy", "GRID", "--severity", "critical", "--drill"}, nil, exitDone, "strategyincident/drill-nosignals-grid-",
			strategyv1.StrategyIncidentSpec{Type: "NoSignals", Severity: "Critical", Strategy: "grid", Mode: "Drill"},
		},
		"of the whole scheduler": {
			[]string{"Risk"}, nil, exitDone, "created: Risk, Warning", strategyv1.StrategyIncidentSpec{Type: "Risk", Severity: "Warning", Mode: "Live"},
		},
		"a type that is misspelt": {[]string{"latencey"}, nil, exitNotUnderstood, `there is no type of incident "latencey" (did you mean Latency?); there are: PnL, Risk`, strategyv1.StrategyIncidentSpec{}},
		"a type far from all":     {[]string{"weather"}, nil, exitNotUnderstood, `there is no type of incident "weather"; there are: PnL`, strategyv1.StrategyIncidentSpec{}},
		"a severity":              {[]string{"Risk", "--severity", "critcal"}, nil, exitNotUnderstood, "did you mean Critical?", strategyv1.StrategyIncidentSpec{}},
		"an unknown schedule": {
			[]string{"Risk", "--schedule", "grid_bct"}, nil, exitRefused,
			`has no schedule "grid_bct" (did you mean grid_btc?); it has: cross_exchange_watch, grid_btc, grid_eth`, strategyv1.StrategyIncidentSpec{},
		},
		"an unknown strategy":    {[]string{"Risk", "--strategy", "mean"}, nil, exitRefused, `has no strategy "mean"; it has: cross_exchange, grid`, strategyv1.StrategyIncidentSpec{}},
		"both":                   {[]string{"Risk", "--strategy", "grid", "--schedule", "grid_btc"}, nil, exitNotUnderstood, "none of the others can be", strategyv1.StrategyIncidentSpec{}},
		"no type":                {[]string{}, nil, exitNotUnderstood, "takes a type and, in quotes, a text", strategyv1.StrategyIncidentSpec{}},
		"a text without quotes":  {[]string{"Risk", "it", "burns"}, nil, exitNotUnderstood, "takes a type and, in quotes, a text", strategyv1.StrategyIncidentSpec{}},
		"a text that is a book":  {[]string{"Risk", strings.Repeat("ż", 513)}, nil, exitNotUnderstood, "the text has 513 characters; an incident takes 512", strategyv1.StrategyIncidentSpec{}},
		"a dry run":              {[]string{"Risk", "--dry-run"}, nil, exitDone, "nothing was recorded, nobody is called", strategyv1.StrategyIncidentSpec{}},
		"a dry run of a client":  {[]string{"Risk", "--dry-run=client"}, nil, exitNotUnderstood, "--dry-run is server", strategyv1.StrategyIncidentSpec{}},
		"a playbook that is not": {[]string{"Risk", "--playbook", "gone"}, nil, exitNotUnderstood, "nothing was reported. Ask somebody with the role strategy-operator-responder", strategyv1.StrategyIncidentSpec{}},
		"no playbook":            {[]string{"Risk"}, []client.Object{incident()}, exitRefused, "namespace trading has no playbook", strategyv1.StrategyIncidentSpec{}},
		"two playbooks":          {[]string{"Risk"}, []client.Object{published("a"), published("b")}, exitRefused, "has 2 playbooks; say which with --playbook: a, b", strategyv1.StrategyIncidentSpec{}},
		"one of two playbooks": {
			[]string{"Risk", "--playbook", "multi-strategy"}, []client.Object{published("a"), published("multi-strategy")}, exitDone, "playbook multi-strategy",
			strategyv1.StrategyIncidentSpec{Type: "Risk", Severity: "Warning", Mode: "Live"},
		},
		"a playbook that says nothing yet": {
			[]string{"Risk", "--schedule", "x"}, []client.Object{silent}, exitDone, "nobody has checked that there is a schedule \"x\"\nWarning: playbook multi-strategy is not ready (not looked at yet)",
			strategyv1.StrategyIncidentSpec{Type: "Risk", Severity: "Warning", Schedule: "x", Mode: "Live"},
		},
		"a playbook on hold": {
			[]string{"Risk"}, []client.Object{held}, exitDone, "on call for L1: nobody; call somebody yourself\n",
			strategyv1.StrategyIncidentSpec{Type: "Risk", Severity: "Warning", Mode: "Live"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.objects == nil {
				c.objects = []client.Object{published("multi-strategy")}
			}
			w := newWorld(t, "", c.objects...)
			before := len(w.incidents(t))
			if code := w.run(t, append([]string{"report"}, c.args...)...); code != c.code {
				t.Errorf("exit code %d, not %d", code, c.code)
			}
			if said := w.out.String() + w.err.String(); !strings.Contains(said, c.says) {
				t.Errorf("it says %q, without %q", said, c.says)
			}
			made := w.incidents(t)[before:]
			if (len(made) == 1) != (c.want.Type != "") {
				t.Fatalf("reported: %+v", made)
			}
			if c.want.Type == "" {
				return
			}
			c.want.PlaybookName, c.want.RequestedBy = "multi-strategy", "bob"
			if made[0].Spec != c.want {
				t.Errorf("reported %+v, not %+v", made[0].Spec, c.want)
			}
		})
	}
}

// TestASecondReportIsAsked: what is open about the same is shown first.
func TestASecondReportIsAsked(t *testing.T) {
	open, closed, other := incident(), incident(), incident()
	closed.Name, closed.Status.ClosedTime = "closed", new(metav1.NewTime(now))
	other.Name, other.Spec.Schedule = "other", "grid_btc"
	for name, c := range map[string]struct {
		stdin string
		args  []string
		code  int
		made  int
	}{
		"yes":                       {"y\n", nil, exitDone, 1},
		"no":                        {"n\n", nil, exitRefused, 0},
		"nobody can be asked":       {"", nil, exitRefused, 0},
		"nobody need be asked":      {"", []string{"--yes"}, exitDone, 1},
		"a drill is something else": {"", []string{"--drill"}, exitDone, 1},
	} {
		t.Run(name, func(t *testing.T) {
			reported := open.DeepCopy()
			reported.Spec.Mode = strategyv1.IncidentLive
			w := newWorld(t, c.stdin, published("multi-strategy"), reported, closed, other)
			if code := w.run(t, append([]string{"report", "PnL"}, c.args...)...); code != c.code {
				t.Errorf("exit code %d, not %d: %s", code, c.code, w.err)
			}
			if made := len(w.incidents(t)) - 3; made != c.made {
				t.Errorf("%d reports", made)
			}
			says := strings.Contains(w.out.String(), "strategyincident/pnl-1 is about the same, and open since")
			if drill := len(c.args) > 0 && c.args[0] == "--drill"; says == drill || strings.Contains(w.out.String(), "incident/closed") || strings.Contains(w.out.String(), "incident/other") {
				t.Errorf("it says %q", w.out)
			}
		})
	}
}

func TestNamesOfAReportAreCompleted(t *testing.T) {
	for _, c := range []struct{ line, offers string }{
		{"report ", "PnL\nRisk\n"},
		{"report PnL ", ":4\n"},
		{"report PnL --schedule ", "cross_exchange_watch\ngrid_btc\ngrid_eth\n:4\n"},
		{"report PnL --strategy ", "cross_exchange\ngrid\n:4\n"},
		{"report PnL --playbook ", "multi-strategy\n:4\n"},
		{"report PnL --severity ", "Info\nWarning\nCritical\n"},
	} {
		w := newWorld(t, "", published("multi-strategy"))
		if code := w.run(t, append([]string{"__complete"}, strings.Split(c.line, " ")...)...); code != exitDone || !strings.HasPrefix(w.out.String(), c.offers) {
			t.Errorf("%q: exit code %d, offers %q", c.line, code, w.out)
		}
	}
}

func TestAReportIsNamedAfterWhatItIsAbout(t *testing.T) {
	w := newWorld(t, "", published("multi-strategy"))
	if code := w.run(t, "report", "pnl", "--schedule", "cross_exchange_watch"); code != exitDone {
		t.Fatal(w.err)
	}
	if made := w.incidents(t); len(made) != 1 || !strings.HasPrefix(made[0].Name, "pnl-cross-exchange-watch-") {
		t.Errorf("reported %+v", made)
	}
}

// TestADryRunAsksNobody: it records nothing, so there is nothing to agree to, and a script has nobody to ask.
func TestADryRunAsksNobody(t *testing.T) {
	open := incident()
	open.Spec.Mode = strategyv1.IncidentLive
	w := newWorld(t, "", published("multi-strategy"), open)
	if code := w.run(t, "report", "PnL", "--dry-run"); code != exitDone || !strings.Contains(w.out.String(), "strategyincident/pnl-1 is about the same") {
		t.Errorf("exit code %d: %s%s", code, w.out, w.err)
	}
}
