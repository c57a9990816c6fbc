package rollback_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/crd"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/rollback"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/testkit"
)

const prefix = "trading/2026/11/23/off-87654321/"

type reports = map[string]*testkit.Report

// operator is the operator's name.
const operator = "system:serviceaccount:strategy-operator-system:strategy-operator"

// story is one rollback in a world, which it may share with others.
type story struct {
	machines decide.Machines // names that are no person\'s
	*testkit.World
	rollback        *strategyv1.StrategyRollback
	prefix          string // of its log and its evidence
	playbookProblem *facts.Problem
	configProblem   *facts.Problem
	logProblem      *facts.Problem
	podsProblem     *facts.Problem
	notServed       *facts.Problem
	identity        facts.Identity
	decided         []facts.Decided
	writerStopped   bool // the one that writes the configuration
	suspended       bool // the playbook is on hold, which stops the writer, too
	others          []strategyv1.StrategyRollback
	incident        *strategyv1.StrategyIncident
	signals         signals.Snapshot
	later           func()          // what happens when the story has come to a rest
	newest          *facts.Playbook // as it is now; nil: as the rollback runs on it
	git             func(asked strategyv1.WriteBackStatus) *facts.Committed
}

func newStory(t testkit.T) *story {
	s := inWorld(testkit.New(t), "off", "87654321-aaaa", prefix)
	s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK(), "feed-probe": testkit.OK()})
	return s
}

func inWorld(world *testkit.World, name, uid, prefix string) *story {
	s := &story{World: world, prefix: prefix, identity: facts.Identity{Enforced: true}, rollback: &strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{Namespace: testkit.Namespace, Name: name, UID: types.UID(uid), Generation: 1, CreationTimestamp: metav1.NewTime(world.Now)},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: "multi-strategy", RemediationName: "disable", DesiredState: strategyv1.StateApplied, RequestedBy: "alice",
			Actions: []strategyv1.RollbackAction{testkit.Disable("fast")},
		},
	}}
	s.Rollbacks[name] = s.rollback
	return s
}

// beside is another rollback in the same world.
func (s *story) beside(name string, actions ...strategyv1.RollbackAction) *story {
	other := inWorld(s.World, name, name+"-0000-aaaa", "trading/2026/11/23/"+name+"/")
	return other.byHand(actions...)
}

// feeds gives the playbook feeds, and the document what they need.
func (s *story) feeds() {
	s.Spec, s.Content = testkit.WithFeeds(s.Spec), testkit.FeedDocument
	s.Running = s.Content
}

// byHand makes it a rollback of these actions without a remedy: bob must approve, and nothing but the proof is checked.
func (s *story) byHand(actions ...strategyv1.RollbackAction) *story {
	s.rollback.Spec.RemediationName, s.rollback.Spec.Actions = "", actions
	return s
}

// remedy makes it what an incident about its schedule asks for: this remedy, with its own actions.
func (s *story) remedy(name string) {
	schedule := s.rollback.Spec.Actions[0].Schedule
	s.rollback.Spec.RemediationName, s.rollback.Spec.IncidentName, s.rollback.Spec.IncidentUID = name, "pnl", "12345678-pnl" // as the operator asks
	s.incident = &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Namespace: testkit.Namespace, Name: "pnl", UID: "12345678-pnl"},
		Spec:       strategyv1.StrategyIncidentSpec{PlaybookName: "multi-strategy", Type: "PnL", Severity: "High", Schedule: schedule},
		Status: strategyv1.StrategyIncidentStatus{Cause: &strategyv1.CauseStatus{
			Name: "SignalDegradation", Rule: "true", Remediation: name,
		}},
	}
	if schedule != "" {
		s.incident.Status.Cause.Schedules = []string{schedule}
	}
}

// observed is what the controller would observe: of a namespace that is not served nothing, and without a playbook only
// the record of the edits.
func (s *story) observed() rollback.Observed {
	o := rollback.Observed{Rollback: s.rollback.DeepCopy(), Prefix: s.prefix, NotServed: s.notServed, Machines: s.machines, User: operator}
	if s.notServed != nil {
		o.Playbook.Problem, o.Log.Problem = s.notServed, s.notServed
		return o
	}
	o.Playbook = facts.Playbook{Spec: *s.Spec.DeepCopy(), Revision: "multi-strategy-1", Hold: testkit.OnHold(s.suspended)}
	o.Decided = s.Answered(s.decided)
	o.Incident, o.Signals = s.incident.DeepCopy(), facts.Known(s.signals)
	if s.git != nil && lifecycle.CommitPending(s.rollback.Status) {
		o.Committed = s.git(*s.rollback.Status.WriteBack)
	}
	o.Newest = facts.Known(o.Playbook)
	if s.newest != nil {
		o.Newest = facts.Known(*s.newest)
		if adopted := s.rollback.Status.AdoptedChecks; adopted != nil && adopted.Revision == s.newest.Revision {
			o.Playbook = o.Playbook.WithChecks(*s.newest)
		}
	}
	o.Others, o.Identity = facts.Known(slices.Clone(s.others)), facts.Known(s.identity)
	if s.playbookProblem != nil {
		o.Playbook, o.Log.Problem = facts.Playbook{Problem: s.playbookProblem}, s.playbookProblem
		if s.rollback.Status.Config != nil {
			o.Config = facts.Config{State: s.Config().State}
		}
		return o
	}
	o.Config, o.Deployment, o.Log, o.Runs = s.Config(), s.Deployment.DeepCopy(), s.Log(s.prefix), s.Runs(s.rollback.UID, s.prefix, checks.Known{Judged: s.rollback.Status.Checks, Running: s.rollback.Status.Running})
	var pods []corev1.Pod
	for _, pod := range s.Pods {
		pods = append(pods, *pod.DeepCopy())
	}
	o.Pods, o.Templates = facts.Known(rollback.Pods{Items: pods, Problem: s.podsProblem}), facts.Known(facts.Templates(s.Templates))
	if o.Config.Problem != nil { // of a document that cannot be read nothing else is known
		o.Config = facts.Config{Problem: o.Config.Problem}
	}
	if s.configProblem != nil {
		o.Config = facts.Config{Problem: s.configProblem, Gone: s.configProblem.Reason == strategyv1.ReasonConfigMapNotFound}
	}
	if s.logProblem != nil {
		o.Log = facts.Log{Problem: s.logProblem}
	}
	return o
}

// byText compares reports for a message.
var byText = cmp.Comparer(func(a, b checks.Report) bool { return a.String() == b.String() })

// plan is the next decision. It is the same for the same input, and leaves the input as it is.
func (s *story) plan() rollback.Decision {
	s.T.Helper()
	first, untouched := s.observed(), s.observed()
	decision := rollback.Plan(first, s.Now)
	ended.Store(decision.Rule, true)
	for _, condition := range decision.Status.Conditions {
		if condition.Status == metav1.ConditionTrue {
			sometimesTrue.Store(condition.Type, true)
		}
	}
	if !reflect.DeepEqual(untouched, first) {
		s.T.Fatalf("the plan changed its input:\n%s", cmp.Diff(untouched, first, byText))
	}
	if again := rollback.Plan(untouched, s.Now); !reflect.DeepEqual(decision, again) {
		s.T.Fatalf("the plan is not deterministic:\n%s", cmp.Diff(decision, again))
	}
	s.asksOrSaysTheSame(untouched, decision)
	return decision
}

// optional are the facts that only some passes decide on.
var optional = map[rollback.Need]func(to *rollback.Observed, from rollback.Observed){
	rollback.NeedOthers:    func(to *rollback.Observed, from rollback.Observed) { to.Others = from.Others },
	rollback.NeedNewest:    func(to *rollback.Observed, from rollback.Observed) { to.Newest = from.Newest },
	rollback.NeedSignals:   func(to *rollback.Observed, from rollback.Observed) { to.Signals = from.Signals },
	rollback.NeedPods:      func(to *rollback.Observed, from rollback.Observed) { to.Pods = from.Pods },
	rollback.NeedTemplates: func(to *rollback.Observed, from rollback.Observed) { to.Templates = from.Templates },
	rollback.NeedIdentity:  func(to *rollback.Observed, from rollback.Observed) { to.Identity = from.Identity },
}

// asksOrSaysTheSame: what a plan decides over some of the facts it decides over all of them; else it asks for more. Unread is not empty.
func (s *story) asksOrSaysTheSame(all rollback.Observed, want rollback.Decision) {
	s.T.Helper()
	partial := all
	for _, set := range optional {
		set(&partial, rollback.Observed{})
	}
	for range len(optional) + 1 {
		got := rollback.Plan(partial, s.Now)
		if got.Needs == 0 {
			if !reflect.DeepEqual(got, want) {
				s.T.Fatalf("the plan decides otherwise without facts that it did not ask for (-all +some):\n%s", cmp.Diff(want, got))
			}
			return
		}
		if got.Steps.InOrder() != nil || !got.NextAt.IsZero() || !reflect.DeepEqual(got.Status, strategyv1.StrategyRollbackStatus{}) {
			s.T.Fatalf("a plan that asks for facts decides, too: %+v", got)
		}
		for which, set := range optional {
			if got.Needs&which != 0 {
				set(&partial, all)
			}
		}
	}
	s.T.Fatalf("the plan goes on asking for facts that it has")
}

func (s *story) ended() bool {
	return lifecycle.Ended(s.rollback.Status)
}

// gone: the object does not exist any more.
func (s *story) gone() bool { return s.Rollbacks[s.rollback.Name] == nil }

// pass plans and carries out: first the status, then the actions.
func (s *story) pass() (decision rollback.Decision, changed bool) {
	s.T.Helper()
	if s.gone() {
		return decision, false
	}
	decision = s.plan()
	s.APITakes(crd.Rollback, &strategyv1.StrategyRollback{ObjectMeta: s.rollback.ObjectMeta, Spec: s.rollback.Spec, Status: decision.Status})
	changed = !reflect.DeepEqual(decision.Status, s.rollback.Status)
	for _, wanted := range decision.Steps.InOrder() {
		if s.suspended && action.Starts(wanted) && !s.ended() {
			s.T.Fatalf("the playbook is on hold, and it asks for %s", testkit.Describe(decision.Steps.InOrder()))
		}
		switch wanted.(type) {
		case action.Event:
			continue
		case action.DeleteJob, action.AppendEntries, action.StoreEvidence, action.SetFinalizers, action.AnswerDecision:
		default:
			if s.ended() {
				s.T.Fatalf("a rollback that has ended asks for %s", testkit.Describe(decision.Steps.InOrder()))
			}
		}
		changed = true
	}
	s.rollback.Status = *decision.Status.DeepCopy()
	s.Execute(decision.Steps.InOrder())
	return decision, changed
}

// turn is one pass, then the writer of the configuration, then the rest of the world.
func (s *story) turn() (decision rollback.Decision, changed bool) {
	s.T.Helper()
	decision, changed = s.pass()
	if !changed && !decision.NextAt.IsZero() && !decision.NextAt.After(s.Now) {
		s.T.Fatalf("hot loop: nothing changed, and the next pass is due at once; %s", testkit.Conditions(decision.Status.Conditions))
	}
	if !s.writerStopped && !s.suspended && s.WriteConfig() {
		changed = true
	}
	changed = s.Step() || changed
	if !changed && !s.writerStopped && !s.suspended && !s.WriteAt.IsZero() { // nothing else happens while the writer waits for other claims
		s.Now, changed = s.WriteAt, true
	}
	return decision, changed
}

// writes lets the writer wait for other claims, and write.
func (s *story) writes() {
	s.T.Helper()
	if !s.WriteConfig() && !s.WriteAt.IsZero() {
		s.Now = s.WriteAt
		s.WriteConfig()
	}
}

// quiet goes on until nothing happens any more at this time.
func (s *story) quiet() rollback.Decision {
	s.T.Helper()
	for range 80 {
		if decision, changed := s.turn(); !changed {
			return decision
		}
	}
	s.T.Fatalf("does not become quiet; %s", testkit.Conditions(s.rollback.Status.Conditions))
	return rollback.Decision{}
}

// together goes on with several rollbacks of one world until nothing happens any more at this time.
func together(stories ...*story) {
	for range 120 {
		happened := false
		for _, s := range stories {
			if _, changed := s.turn(); changed {
				happened = true
			}
		}
		if !happened {
			return
		}
	}
	text := ""
	for _, s := range stories {
		text += fmt.Sprintf("\n%s: %s %s", s.rollback.Name, testkit.Conditions(s.rollback.Status.Conditions), s.message(strategyv1.ConditionReady))
	}
	stories[0].T.Fatalf("do not become quiet:%s", text)
}

// sinceWrite sets the clock to so long after the newest write of the configuration.
func (s *story) sinceWrite(d time.Duration) { s.Now = s.Config().State.Written.Add(d) }

// goOnUntil takes turns until the summary's reason is this.
func (s *story) goOnUntil(reason string) {
	s.T.Helper()
	for range 40 {
		if conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionReady) == reason {
			return
		}
		s.turn()
	}
	s.T.Fatalf("never %s; %s", reason, testkit.Conditions(s.rollback.Status.Conditions))
}

func (s *story) reports(by reports) {
	s.Report = func(id checks.ID) *testkit.Report {
		for _, key := range []string{fmt.Sprintf("%s/%s/%d", id.Stage, id.Check, id.Attempt), fmt.Sprintf("%s/%s", id.Stage, id.Check)} {
			if report, found := by[key]; found {
				return report
			}
		}
		return by[id.Check]
	}
}

func (s *story) decide(verdict strategyv1.DecisionVerdict, by string) {
	decided := facts.Decided{Name: fmt.Sprintf("d-%s-%d", by, len(s.decided)), UID: fmt.Sprintf("%s-%d", s.rollback.Name, len(s.decided)), Verdict: verdict, By: by, Time: metav1.NewTime(s.Now)}
	if s.rollback.Status.Plan != nil {
		decided.Digest = s.rollback.Status.Plan.Digest
	}
	s.decided = append(s.decided, decided)
}

// approved is a rollback that bob approved; it goes on as far as it can.
func (s *story) approved() {
	s.T.Helper()
	s.quiet()
	s.decide(strategyv1.DecisionApprove, "bob")
	s.quiet()
}

func (s *story) events() string {
	var words []string
	for _, line := range s.Logs[s.prefix] {
		words = append(words, line.Event)
	}
	return strings.Join(words, " ")
}

// attempts are the runs of this rollback's checks, as "stage attempt".
func (s *story) attempts() string {
	var all []string
	for _, record := range s.rollback.Status.Checks {
		all = append(all, fmt.Sprintf("%s %d", record.Stage, record.Attempt))
	}
	for _, job := range s.Runs(s.rollback.UID, s.prefix, checks.Known{Judged: s.rollback.Status.Checks, Running: s.rollback.Status.Running}).Jobs {
		id := job.ID()
		if !slices.ContainsFunc(s.rollback.Status.Checks, func(record strategyv1.CheckStatus) bool { return checks.IDOf(record) == id }) {
			all = append(all, fmt.Sprintf("%s %d", id.Stage, id.Attempt))
		}
	}
	return strings.Join(all, ", ")
}

// logText is the decision log with its messages.
func (s *story) logText() string {
	text := ""
	for _, line := range s.Logs[s.prefix] {
		text += fmt.Sprintf("%s: %s (%s)\n", line.Event, line.Message, line.By)
	}
	return text
}

func (s *story) ready() string {
	return conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionReady)
}

func (s *story) message(kind string) string {
	return conditions.Message(s.rollback.Status.Conditions, kind)
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// point is a place in a story: the world goes up to it, then one decision is compared as a whole.
type point struct {
	given      func(*story)
	conditions string
	actions    string
	next       string // after T0
}

func compare(t *testing.T, points map[string]point) {
	t.Helper()
	for name, c := range points {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			decision := s.plan()
			expect(t, "conditions", testkit.Conditions(decision.Status.Conditions), c.conditions)
			expect(t, "actions", strings.Join(testkit.Describe(decision.Steps.InOrder()), "; "), c.actions)
			expect(t, "next", until(decision.NextAt), c.next)
		})
	}
}

func until(next time.Time) string {
	if next.IsZero() {
		return "never"
	}
	return next.Sub(testkit.T0).String()
}
