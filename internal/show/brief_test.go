package show

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// decided is the incident while its rollback waits, with all that may stand on a screen.
func decided() Subject {
	incident, rollback := mitigating(), awaiting()
	status := &incident.Status
	status.WaitsFor, status.DueTime = strategyv1.WhoApprover, new(after(15*time.Minute))
	status.OnCall = []strategyv1.OnCallStatus{{Level: strategyv1.LevelL2, Name: "bob", Contact: "+48 600 000 002"}}
	status.Signals = []strategyv1.SignalStatus{{Name: "pnl_drawdown_pct", Value: "-10.3", Unit: "percent", Time: new(after(50 * time.Second))}, {Name: "cpu", Problem: "no series"}}
	status.Running = []strategyv1.RunningCheck{{Stage: "Diagnosis", Name: "latency", Attempt: 1, AskedTime: after(44 * time.Second)}}
	rollback.Status.WaitsFor, rollback.Status.DueTime = status.WaitsFor, status.DueTime
	return Subject{incident, []strategyv1.StrategyRollback{rollback}}
}

// TestBriefFitsAScreen: at each width what is to be done, what is changed and what runs are there, first of all what is to be done.
func TestBriefFitsAScreen(t *testing.T) {
	for _, width := range []int{60, 80, 120} {
		text := Brief(decided(), start.Add(time.Minute), Options{Width: width})
		golden(t, fmt.Sprintf("brief-%d", width), text)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) > BriefRows {
			t.Errorf("%d lines at %d columns", len(lines), width)
		}
		for _, line := range lines {
			if len([]rune(line)) > width {
				t.Errorf("a line of %d columns, not %d: %s", len([]rune(line)), width, line)
			}
		}
		if !strings.Contains(lines[1], "NEXT") {
			t.Errorf("what is to be done does not come first:\n%s", text)
		}
		for _, want := range []string{"  do  kubectl strategy approve pnl-1-5f0e8a11 -n trading\n", "initial_suspensions:", "runs now", "change", "Approved"} {
			if !strings.Contains(text, want) {
				t.Errorf("%d columns: without %q:\n%s", width, want, text)
			}
		}
	}
}

func TestBriefOfOneRollback(t *testing.T) {
	golden(t, "brief-rollback", Brief(Subject{Rollbacks: []strategyv1.StrategyRollback{renewed()}}, start.Add(time.Hour), Options{Width: 80}))
	golden(t, "brief-guarded", Brief(Subject{Rollbacks: []strategyv1.StrategyRollback{guarded()}}, start.Add(2*time.Minute), Options{Width: 80, ASCII: true}))
	fresh := fresh()
	if text := Brief(Subject{Incident: fresh}, start.Add(time.Minute), Options{}); !strings.Contains(text, "NEXT     the operator has not looked at it yet") {
		t.Errorf("a fresh one:\n%s", text)
	}
}

// What Git does not have as it should is on the screen in a few words, and what it has is not.
func TestBriefTellsWhatGitHas(t *testing.T) {
	for reason, c := range map[string]struct {
		change strategyv1.WriteBackChange
		status metav1.ConditionStatus
		want   string // empty: nothing
	}{
		strategyv1.ReasonCommitted:         {strategyv1.WriteBackApplied, metav1.ConditionTrue, ""},
		strategyv1.ReasonCommitUndone:      {strategyv1.WriteBackUndone, metav1.ConditionFalse, ""},
		strategyv1.ReasonCommitting:        {strategyv1.WriteBackApplied, metav1.ConditionUnknown, "… git      the change is being committed"},
		strategyv1.ReasonRepositoryAway:    {strategyv1.WriteBackUndone, metav1.ConditionTrue, "! git      its inverse is not committed: the repository gives no answer"},
		strategyv1.ReasonBranchMoved:       {strategyv1.WriteBackApplied, metav1.ConditionUnknown, "… git      the change is not committed: others push all the time"},
		strategyv1.ReasonRepositoryInvalid: {strategyv1.WriteBackApplied, metav1.ConditionFalse, "✘ git      the change is not committed: its URL, branch, path or Secret is wrong"},
		strategyv1.ReasonPushRefused:       {strategyv1.WriteBackApplied, metav1.ConditionFalse, "✘ git      the change is not committed: the server refuses it"},
		strategyv1.ReasonFileDiffers:       {strategyv1.WriteBackApplied, metav1.ConditionFalse, "✘ git      the change is not committed: the file holds something else"},
		strategyv1.ReasonPullRequestOpen:   {strategyv1.WriteBackUndone, metav1.ConditionTrue, "! git      its inverse waits for somebody to merge branch ops/pnl-1-5f0e8a11"},
		strategyv1.ReasonNotOurCommit:      {strategyv1.WriteBackUndone, metav1.ConditionTrue, "! git      its inverse is not committed: somebody else committed the same edits, which"},
	} {
		t.Run(reason, func(t *testing.T) {
			rollback := writtenBack(c.change, c.status, reason, "all of it")
			text := Brief(Subject{Rollbacks: []strategyv1.StrategyRollback{rollback}}, start.Add(3*time.Minute), Options{Width: 100})
			if got := strings.Contains(text, "git "); got != (c.want != "") || !strings.Contains(text, c.want) {
				t.Errorf("want %q:\n%s", c.want, text)
			}
		})
	}
}

// TestBriefHidesNoTrouble: a hold, a drill and that nobody was told stand there however small the screen is.
func TestBriefHidesNoTrouble(t *testing.T) {
	seen := decided()
	seen.Incident.Spec.Mode = strategyv1.IncidentDrill
	seen.Incident.Status.Conditions = append(seen.Incident.Status.Conditions,
		condition(strategyv1.ConditionOnHold, metav1.ConditionTrue, strategyv1.ReasonPlaybookSuspended, "playbook multi-strategy is on hold", 0))
	text := Brief(seen, start.Add(time.Minute), Options{Width: 80, Rows: 12})
	for _, want := range []string{"DRILL", "! OnHold", "playbook multi-strategy is on hold"} {
		if !strings.Contains(text, want) {
			t.Errorf("without %q:\n%s", want, text)
		}
	}
}

// TestBriefIsCutToASmallScreen: what is to be done stands above, and that there is more is said.
func TestBriefIsCutToASmallScreen(t *testing.T) {
	text := Brief(decided(), start.Add(time.Minute), Options{Width: 60, Rows: 10})
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 10 || !strings.Contains(text, "do  kubectl strategy approve pnl-1-5f0e8a11 -n trading\n") || !strings.Contains(lines[9], "more lines") {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}
}

func TestInboxScreens(t *testing.T) {
	seen := decided()
	called := triaging()
	called.Name = "latency-2"
	called.Status.WaitsFor = strategyv1.WhoMachine
	called.Status.Conditions = called.Status.Conditions[:3]
	desk := Desk{Incidents: []strategyv1.StrategyIncident{*seen.Incident, *called}, Rollbacks: seen.Rollbacks, Playbooks: []strategyv1.StrategyPlaybook{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "multi-strategy"},
		Status: strategyv1.StrategyPlaybookStatus{OnCall: []strategyv1.OnCallStatus{
			{Level: "L1", Name: "alice", Contact: "+48 600 000 001"}, {Level: "L2", Name: "bob", UntilTime: new(after(time.Hour))}, {Level: "TechLead"},
		}},
	}}}
	tasks := desk.Tasks()
	for i := range tasks {
		tasks[i].Mine = tasks[i].Who == strategyv1.WhoApprover
	}
	Sort(tasks)
	for _, width := range []int{60, 80, 120} {
		text := Inbox(desk, tasks, "trading", "bob", start.Add(time.Minute), Options{Width: width})
		golden(t, fmt.Sprintf("inbox-%d", width), text)
		for line := range strings.Lines(text) {
			if len([]rune(line))-1 > width {
				t.Errorf("a line of more than %d columns: %s", width, line)
			}
		}
	}
}

// TestTimesAreInTheZoneOfWhoLooks: and the zone is said where a date and time stand alone.
func TestTimesAreInTheZoneOfWhoLooks(t *testing.T) {
	warsaw := time.FixedZone("CET", 3600)
	if got := clock(start, start.In(warsaw)); got != "11:15:00" {
		t.Errorf("clock %s", got)
	}
	if got := moment(start, start.Add(time.Minute).In(warsaw)); got != "2026-11-23T11:15:00+01:00 (60s ago)" {
		t.Errorf("moment %s", got)
	}
}
