package show

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; go test ./internal/show -update writes it):\n%s", file, diff)
	}
}

func TestTreeByStage(t *testing.T) {
	breached := triaging()
	breached.Status.Deadlines[1].AnsweredTime = new(after(16 * time.Minute))
	breached.Status.Deadlines[1].AnsweredBy = "bob"
	closed := triaging()
	closed.Status.Conditions = []metav1.Condition{
		condition("Resolved", metav1.ConditionTrue, strategyv1.ReasonFalseAlarm, "false alarm by rule: true", 9*time.Second),
		condition("SLAMet", metav1.ConditionTrue, strategyv1.ReasonWithinLimits, "every deadline was met", 9*time.Second),
		condition("Ready", metav1.ConditionTrue, strategyv1.ReasonFalseAlarm, "false alarm by rule: true", 9*time.Second),
	}
	orphan := mitigating()
	orphan.Status.Conditions = append(orphan.Status.Conditions[:5:5],
		condition("Ready", metav1.ConditionFalse, strategyv1.ReasonNeedsPerson, "rollback pnl-1-5f0e8a11 was deleted; create another one", 0),
		condition("Stalled", metav1.ConditionTrue, strategyv1.ReasonNeedsPerson, "rollback pnl-1-5f0e8a11 was deleted; create another one", 0))
	told := triaging()
	told.Status.Notifications = []strategyv1.NotificationStatus{
		{Event: strategyv1.NotifyLevelCalled, Level: "L1", DeliveredTime: new(after(time.Second))},
		{Event: strategyv1.NotifyLevelCalled, Level: "L1", DeliveredTime: new(after(time.Second)), ChannelName: "mail", Problem: "channel slack: the server answers HTTP 404"},
		{Event: strategyv1.NotifyPersonAsked, Level: "L1", DroppedTime: new(after(2 * time.Second)), Problem: "not needed: bob acknowledged it"},
		{Event: strategyv1.NotifyPersonAsked, Level: "L1", DroppedTime: new(after(2 * time.Second)), DropReason: strategyv1.DropUnreached, Problem: "L2 was called meanwhile"},
		{Event: strategyv1.NotifyLevelCalled, Level: "L2", Problem: "the server answers HTTP 500"},
		{Event: strategyv1.NotifyAwaitingApproval, Level: "L2"},
	}
	left := mitigating()
	left.Status.Conditions = append(left.Status.Conditions[:3:3],
		condition("Contained", metav1.ConditionFalse, strategyv1.ReasonRetained, "rollback pnl-1-5f0e8a11 was deleted and its edits stay", 41*time.Second),
		condition("Ready", metav1.ConditionFalse, strategyv1.ReasonNeedsPerson, "rollback pnl-1-5f0e8a11 was deleted and its edits stay", 0),
		condition("Stalled", metav1.ConditionTrue, strategyv1.ReasonNeedsPerson, "rollback pnl-1-5f0e8a11 was deleted and its edits stay", 0))
	left.Status.Rollbacks = []strategyv1.IncidentRollback{{
		Name: "pnl-1-5f0e8a11", UID: "77", Status: strategyv1.ReasonVerified, LeftTime: new(after(time.Minute)), EditTotal: 4, Edits: []strategyv1.StandingEdit{
			{Path: "/risk_profiles/bold/strategy_allocations/trend", From: new("1.0"), To: "0.5"},
			{Path: "/runtime/multi_strategy_schedulers/main/initial_suspensions/[schedule=slow]", To: `{schedule: slow, until: ""}`},
		},
	}}
	for _, test := range []struct {
		name    string
		subject Subject
		now     time.Duration
		options Options
	}{
		{"fresh", Subject{Incident: fresh()}, 2 * time.Second, Options{}},
		{"triaging", Subject{Incident: triaging()}, 10 * time.Second, Options{}},
		{"told", Subject{Incident: told}, 10 * time.Second, Options{}},
		{"breached", Subject{Incident: breached}, 17 * time.Minute, Options{}},
		{"false-alarm", Subject{Incident: closed}, time.Minute, Options{}},
		{"mitigating", Subject{Incident: mitigating(), Rollbacks: []strategyv1.StrategyRollback{awaiting()}}, time.Minute, Options{Timeline: 2}},
		{"narrow", Subject{Incident: mitigating(), Rollbacks: []strategyv1.StrategyRollback{awaiting()}}, time.Minute, Options{Width: 80}},
		{"procedure", Subject{Incident: led()}, 20 * time.Minute, Options{}},
		{"orphan", Subject{Incident: orphan}, time.Minute, Options{}},
		{"left", Subject{Incident: left}, time.Minute, Options{}},
		{"rollback-verified", Subject{Rollbacks: []strategyv1.StrategyRollback{verified()}}, 3 * time.Minute, Options{Full: true}},
		{"rollback-committed", Subject{Rollbacks: []strategyv1.StrategyRollback{writtenBack(strategyv1.WriteBackApplied, metav1.ConditionTrue, strategyv1.ReasonCommitted,
			"the edits are commit 3f6c01d8aa12 of core.yaml in https://git.example.com/config.git, branch main")}}, 3 * time.Minute, Options{}},
		{"rollback-dry-run", Subject{Rollbacks: []strategyv1.StrategyRollback{dryRun()}}, time.Minute, Options{}},
		{"rollback-guarded", Subject{Rollbacks: []strategyv1.StrategyRollback{guarded()}}, 3 * time.Minute, Options{}},
		{"rollback-renewed", Subject{Rollbacks: []strategyv1.StrategyRollback{renewed()}}, 61 * time.Minute, Options{}},
		{"rollback-expired", Subject{Rollbacks: []strategyv1.StrategyRollback{expired()}}, 121 * time.Minute, Options{}},
		{"rollback-deleting", Subject{Rollbacks: []strategyv1.StrategyRollback{deleting()}}, 71 * time.Minute, Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Tree(test.subject, start.Add(test.now), test.options)
			golden(t, test.name, got)
			limit := test.options.Width
			if limit == 0 {
				limit = DefaultWidth
			}
			for _, line := range strings.Split(got, "\n") {
				if utf8.RuneCountInString(line) > limit {
					t.Errorf("a line has %d columns: %s", utf8.RuneCountInString(line), line)
				}
			}
		})
	}
}

func TestSheetShowsAllThatIsApproved(t *testing.T) {
	rollback := awaiting()
	rollback.Status.Plan.Edits[0].From = new("0.15")
	rollback.Status.Plan.Owner = &strategyv1.ConfigOwner{
		Kind: strategyv1.OwnerKustomization, Name: "apps", Namespace: "flux-system", RestsOn: strategyv1.OwnerByMetadata, Outcome: "Flux puts the edit back",
	}
	got := Sheet(&rollback, start.Add(time.Minute), Options{})
	golden(t, "sheet", got)
	flat := strings.NewReplacer("\n", "", "│", "", " ", "").Replace(got)
	for _, want := range []string{digest, rollback.Status.Plan.Edits[0].Path, rollback.Status.Plan.Edits[0].To, "alice", "flux-system/apps", "Flux puts the edit back"} {
		if !strings.Contains(flat, strings.ReplaceAll(want, " ", "")) {
			t.Errorf("the sheet does not show %s", want)
		}
	}
}

// What applies the configuration, too, is careful news, unless it leaves the configuration alone.
func TestTheOwnerOfTheConfiguration(t *testing.T) {
	book := &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "multi"}}
	book.Status.Config = &strategyv1.ConfigStatus{}
	if got := Playbook(book, start, Options{}); strings.Contains(got, "owner") {
		t.Error(got)
	}
	book.Status.Config.Owner = &strategyv1.ConfigOwner{Kind: strategyv1.OwnerApplication, RestsOn: strategyv1.OwnerByFieldManager, Outcome: "it goes\x1b[2J back"}
	got := Playbook(book, start, Options{Width: 200})
	for _, want := range []string{"! owner", "Argo CD, Application (name unknown)", "a field manager of that name wrote it", "it goes\ufffd[2J back"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	book.Status.Config.Owner.PausedBy = "a: b"
	if got := Playbook(book, start, Options{Width: 200}); strings.Contains(got, "! owner") || !strings.Contains(got, "owner") {
		t.Error(got)
	}
}

// Whoever undoes a change sees what goes back, what trades by that, and what is known of the cause.
func TestTheSheetOfWhatIsUndone(t *testing.T) {
	rollback, incident := verified(), mitigating()
	rollback.Status.Config = &strategyv1.ConfigClaim{Claim: strategyv1.ClaimHold, WrittenTime: new(after(95 * time.Second))}
	rollback.Status.Plan.Edits[0].From = new("{schedule: cross_exchange_watch, until: x}")
	rollback.Status.Plan.Disables = []string{"cross_exchange_watch"}
	incident.Status.Conditions = append(incident.Status.Conditions, condition("Quiet", metav1.ConditionFalse, strategyv1.ReasonNotQuiet, "the rule of quiet does not hold: signals.pnl > -4.0", time.Minute))
	incident.Status.Signals = []strategyv1.SignalStatus{{Name: "pnl", Value: "-5.2", Unit: "percent", Time: new(after(time.Minute))}}
	gate := &strategyv1.RestoreGate{Checks: []strategyv1.CheckUse{{Name: "load-test"}}}
	golden(t, "undo", UndoSheet(Undoing{&rollback, incident, gate}, start.Add(3*time.Minute), Options{}))
	rollback.Spec.Mode, gate.Cause = strategyv1.ModeDrill, strategyv1.CauseIgnored
	golden(t, "undo-drill", UndoSheet(Undoing{&rollback, incident, gate}, start.Add(3*time.Minute), Options{}))
	planned := awaiting()
	golden(t, "undo-nothing", UndoSheet(Undoing{Rollback: &planned}, start.Add(3*time.Minute), Options{}))
}

// What is agreed to besides the edits stands on the sheet, too.
func TestSheetShowsWhatElseIsAgreedTo(t *testing.T) {
	object := guarded()
	object.Spec.DeletionPolicy, object.Spec.Mode = strategyv1.DeletionRestore, strategyv1.ModeDryRun
	object.Status.Plan.Until, object.Status.Override = nil, renewed().Status.Override
	golden(t, "sheet-guarded", Sheet(&object, start.Add(3*time.Minute), Options{}))
}

func TestDeletionSaysWhatItDoes(t *testing.T) {
	for name, test := range map[string]struct {
		claim  strategyv1.ClaimState
		policy strategyv1.DeletionPolicy
		want   string
	}{
		"nothing was claimed":        {"", strategyv1.DeletionRestore, "asked for at 11:25:00: nothing of it is in the configuration"},
		"the change is left":         {strategyv1.ClaimHold, strategyv1.DeletionRetain, "asked for at 11:25:00: the change stays in the configuration"},
		"an object from before":      {strategyv1.ClaimForget, "", "asked for at 11:25:00: the change stays in the configuration"},
		"the change is undone first": {strategyv1.ClaimHold, strategyv1.DeletionRestore, "asked for at 11:25:00: the change is undone first"},
	} {
		object := deleting()
		object.Spec.DeletionPolicy, object.Status.Config.Claim = test.policy, test.claim
		if got := Tree(Subject{Rollbacks: []strategyv1.StrategyRollback{object}}, start.Add(71*time.Minute), Options{}); !strings.Contains(got, "├─ ! deletion  "+test.want+"\n") {
			t.Errorf("%s: want %q in\n%s", name, test.want, got)
		}
	}
	ended := expired()
	ended.Status.End = &strategyv1.RollbackEnd{How: strategyv1.EndRestored}
	ended.Status.Conditions = append(ended.Status.Conditions, condition("Restored", metav1.ConditionTrue, strategyv1.ReasonRestored, "as before", 0))
	if got := Tree(Subject{Rollbacks: []strategyv1.StrategyRollback{ended}}, start.Add(3*time.Hour), Options{}); strings.Contains(got, "EXPIRED") {
		t.Errorf("a time box of what is restored cannot expire:\n%s", got)
	}
}

func TestColoursAreForTerminalsOnly(t *testing.T) {
	subject := Subject{Incident: mitigating(), Rollbacks: []strategyv1.StrategyRollback{verified()}}
	plain := Tree(subject, start, Options{})
	painted := Tree(subject, start, Options{Colour: true})
	if strings.Contains(plain, "\x1b") || !strings.Contains(painted, "\x1b[32m✔\x1b[0m") {
		t.Error("colours where none belong, or none where they do")
	}
	for _, code := range []string{"0", "1", "2", "31", "32", "33", "36"} {
		painted = strings.ReplaceAll(painted, "\x1b["+code+"m", "")
	}
	if diff := cmp.Diff(plain, painted); diff != "" {
		t.Errorf("colours change more than colours:\n%s", diff)
	}
}

func TestEmptyObjectsDoNotPanic(t *testing.T) {
	subject := Subject{
		Incident: &strategyv1.StrategyIncident{Status: strategyv1.StrategyIncidentStatus{
			Deadlines: []strategyv1.Deadline{{}}, Checks: []strategyv1.CheckStatus{{}}, Cause: &strategyv1.CauseStatus{},
			Rollbacks: []strategyv1.IncidentRollback{{}}, Timeline: []strategyv1.TimelineEntry{{}}, Log: &strategyv1.LogStatus{},
			Conditions: []metav1.Condition{{}, {Type: "Ready"}},
		}},
		Rollbacks: []strategyv1.StrategyRollback{{}, {
			ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: new(after(0))},
			Spec: strategyv1.StrategyRollbackSpec{Actions: []strategyv1.RollbackAction{
				{}, {Type: strategyv1.ActionDisableSchedule}, {Type: strategyv1.ActionSwitchFeed}, {Type: strategyv1.ActionSetSignalLimit},
				{Type: strategyv1.ActionSetResourceLimits},
			}},
			Status: strategyv1.StrategyRollbackStatus{
				Plan: &strategyv1.RollbackPlan{Edits: []strategyv1.PlannedEdit{{}}}, Decision: &strategyv1.DecisionReference{}, Override: &strategyv1.DecisionReference{},
				Config: &strategyv1.ConfigClaim{}, Proof: &strategyv1.ProofStatus{}, Restore: &strategyv1.RestoreStatus{}, Checks: []strategyv1.CheckStatus{{}},
			},
		}},
	}
	var news News
	for _, s := range []Subject{{}, subject, {Rollbacks: subject.Rollbacks}} {
		_ = Tree(s, start, Options{Width: 1})
		_ = news.Lines(s, start)
		_ = s.Over()
	}
	for i := range subject.Rollbacks {
		_ = Sheet(&subject.Rollbacks[i], start, Options{})
	}
}

const evil = "a\x1b[2J\x1b]0;own\x07b\r\nc\u202etxt\u200b\x9b31m\xff\u2028d\x00\te"

func TestHostileTexts(t *testing.T) {
	incident := mitigating()
	incident.Name, incident.Spec.Summary, incident.Spec.RequestedBy, incident.Spec.Schedule = evil, evil, evil, evil
	incident.Spec.Type, incident.Status.Level = evil, evil
	incident.Status.Cause = &strategyv1.CauseStatus{Name: evil, Rule: evil, Remediation: evil, Schedules: []string{evil}}
	incident.Status.Rollbacks[0] = strategyv1.IncidentRollback{Name: evil, Status: evil}
	incident.Status.Log = &strategyv1.LogStatus{Prefix: evil, Head: evil}
	rollback := verified()
	rollback.Name, rollback.Spec.Reason, rollback.Spec.RequestedBy, rollback.Spec.IncidentName, rollback.Spec.RemediationName = evil, evil, evil, evil, evil
	rollback.Spec.Actions = []strategyv1.RollbackAction{{Type: "DisableSchedule", Schedule: evil}, {Type: "SetAllocation", RiskProfile: evil, Bucket: evil, Allocation: evil}, {Type: evil},
		{Type: "DisableSchedule", Strategy: evil}, {Type: "SwitchFeed", Feed: evil}, {Type: "SetSignalLimit", Strategy: evil, RiskProfile: evil},
		{Type: "SetResourceLimits", Limits: &strategyv1.ResourceLimits{CPUPercent: evil, MemoryMB: evil, IOReadMBs: evil, IOWriteMBs: evil}}}
	rollback.Spec.DesiredState, rollback.Spec.Mode, rollback.Spec.DeletionPolicy = evil, evil, evil
	plan := rollback.Status.Plan
	plan.Digest, plan.Diff, plan.Disables = evil, evil, []string{evil}
	rollback.Status.Override = &strategyv1.DecisionReference{Name: evil, By: evil, Verdict: evil}
	plan.Edits = []strategyv1.PlannedEdit{{Path: evil, From: new(evil), To: evil}}
	rollback.Status.Decision = &strategyv1.DecisionReference{Name: evil, By: evil, Verdict: evil}
	rollback.Status.Proof = &strategyv1.ProofStatus{Edited: evil, Stored: evil, Running: evil}
	rollback.Status.Restore = &strategyv1.RestoreStatus{Request: evil, By: evil}
	for _, conditions := range [][]metav1.Condition{incident.Status.Conditions, rollback.Status.Conditions} {
		for i := range conditions {
			conditions[i].Reason, conditions[i].Message = evil, evil
		}
	}
	for _, checks := range [][]strategyv1.CheckStatus{incident.Status.Checks, rollback.Status.Checks} {
		for i := range checks {
			checks[i].Name, checks[i].Message, checks[i].Verdict, checks[i].Stage = evil, evil, evil, evil
		}
	}
	for i := range incident.Status.Timeline {
		incident.Status.Timeline[i].Event, incident.Status.Timeline[i].Message = evil, evil
	}
	var news News
	subject := Subject{Incident: incident, Rollbacks: []strategyv1.StrategyRollback{rollback}}
	for name, text := range map[string]string{
		"tree": Tree(subject, start, Options{Full: true}), "news": strings.Join(news.Lines(subject, start), "\n"), "sheet": Sheet(&rollback, start, Options{}),
	} {
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %U reaches the terminal", name, r)
			}
		}
		if !utf8.ValidString(text) {
			t.Errorf("%s: not valid UTF-8", name)
		}
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":            "plain",
		"ąść 日本 – é":       "ąść 日本 – é",
		"two\nlines\r\n":   "two lines",
		"a\tb":             "a    b",
		"\x1b[31mred":      "\uFFFD[31mred",
		"over\rwritten":    "over\uFFFDwritten",
		"no\u00a0break":    "no break",
		"turn\u202earound": "turn\uFFFDaround",
		"":                 "",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNewsTellsEachFactOnce(t *testing.T) {
	var news News
	now := start.Add(time.Minute)
	first := news.Lines(Subject{Incident: triaging()}, now)
	if want := []string{
		"10:15:01  incident  incident              PnL incident, severity Critical, schedule cross_exchange_watch, reported by alice: PnL drawdown -5.2 %",
		"10:16:00  incident  -> Triaging           1 of 3 checks judged",
	}; !cmp.Equal(want, first) {
		t.Error(cmp.Diff(want, first))
	}
	if again := news.Lines(Subject{Incident: triaging()}, now.Add(time.Second)); len(again) != 0 {
		t.Errorf("told twice: %q", again)
	}
	later := news.Lines(Subject{Incident: mitigating(), Rollbacks: []strategyv1.StrategyRollback{awaiting()}}, now.Add(time.Minute))
	text := strings.Join(later, "\n")
	for _, want := range []string{"10:15:20  incident  escalated", "    +      initial_suspensions:", "10:17:00  rollback  -> AwaitingApproval"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("want %q once in\n%s", want, text)
		}
	}
	if strings.Contains(text, "10:15:01") {
		t.Errorf("an old fact again:\n%s", text)
	}
	back := news.Lines(Subject{Incident: triaging()}, now.Add(2*time.Minute))
	if len(back) != 1 || !strings.Contains(back[0], "-> Triaging") {
		t.Errorf("a state that comes back is news: %q", back)
	}
}

func TestOver(t *testing.T) {
	denied := awaiting()
	denied.Status.End = &strategyv1.RollbackEnd{How: strategyv1.EndDenied}
	denied.Status.Conditions[1] = condition("Approved", metav1.ConditionFalse, strategyv1.ReasonDenied, "denied", 0)
	for name, test := range map[string]struct {
		subject Subject
		want    bool
	}{
		"incident at work":        {Subject{Incident: mitigating()}, false},
		"rollback waits":          {Subject{Rollbacks: []strategyv1.StrategyRollback{awaiting()}}, false},
		"rollback verified":       {Subject{Rollbacks: []strategyv1.StrategyRollback{verified()}}, false},
		"rollback denied":         {Subject{Rollbacks: []strategyv1.StrategyRollback{denied}}, true},
		"rollback tried":          {Subject{Rollbacks: []strategyv1.StrategyRollback{dryRun()}}, true},
		"rollback waits for room": {Subject{Rollbacks: []strategyv1.StrategyRollback{guarded()}}, false},
		"rollback expired":        {Subject{Rollbacks: []strategyv1.StrategyRollback{expired()}}, false},
	} {
		if got := test.subject.Over(); got != test.want {
			t.Errorf("%s: over = %t", name, got)
		}
	}
}
