package incident_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/crd"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/incident"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/testkit"
)

const prefix = "trading/2026/11/23/pnl-12345678/"

// story is one incident in a world.
type story struct {
	*testkit.World
	newest          *facts.Playbook // the playbook as it is now; nil: as the incident runs on it
	incident        *strategyv1.StrategyIncident
	playbookProblem *facts.Problem
	configProblem   *facts.Problem
	logProblem      *facts.Problem
	notServed       *facts.Problem
	decided         []facts.Decided
	machines        decide.Machines
	identity        facts.Identity
	suspended       bool   // the playbook is on hold
	awaitsReview    bool   // nobody has approved the playbook
	revision        string // of the playbook
	alerts          []strategyv1.StrategyAlert
	rules           []strategyv1.AlertRuleStatus
	signals         map[string]float64 // known ones
	unknown         map[string]string  // and the others, with the problem
	sampled         time.Time          // when the known ones were sampled; zero: now
	onCall          facts.OnCall
	documents       map[string]facts.Document
	same            []strategyv1.StrategyIncident
	neighbours      []strategyv1.StrategyIncident
	parent          *strategyv1.StrategyIncident
	receipts        map[string]facts.Receipt
	committed       *facts.Committed // what is known of the push of its proposal
	theirs          string           // a rollback of the world that is another incident's
	report          facts.Report     // of the closed incident
	foresees        bool             // decisions are seen whenever they were made, by their clock
	crashAfter      int              // actions of a pass that are carried out before the process dies; negative: all
}

// storedReport is one that lies in the bucket.
func storedReport() facts.Report {
	return facts.Report{Snapshot: true, Stored: true, Pages: []facts.Page{{At: strategyv1.EvidenceReference{Key: prefix + "report-0123.md", SHA256: strings.Repeat("0", 64), Bytes: new(int64(1))}, Data: []byte("#")}}}
}

func newStory(t testkit.T) *story {
	return &story{report: storedReport(), World: testkit.New(t), crashAfter: -1, revision: "multi-strategy-1", identity: facts.Identity{Enforced: true}, incident: &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: testkit.Namespace, Name: "pnl", UID: types.UID("12345678-aaaa"), Generation: 1, CreationTimestamp: metav1.NewTime(testkit.T0),
		},
		Spec: strategyv1.StrategyIncidentSpec{
			PlaybookName: "multi-strategy", Type: "PnL", Severity: "Critical", Schedule: "fast", Summary: "drawdown", RequestedBy: "alice",
		},
	}}
}

func (s *story) observed() incident.Observed {
	o := incident.Observed{
		Incident: s.incident.DeepCopy(), Prefix: prefix, NotServed: s.notServed,
		Playbook: facts.Playbook{Spec: *s.Spec.DeepCopy(), Revision: s.revision, AwaitsReview: s.awaitsReview, Problem: s.playbookProblem, Hold: testkit.OnHold(s.suspended)},
		Signals:  facts.Known(s.snapshot()), OnCall: facts.Known(s.onCall), Templates: facts.Known(facts.Templates(s.Templates)), Documents: facts.Known(s.documents),
		Same: facts.Known(slices.Clone(s.same)), Neighbours: facts.Known(slices.Clone(s.neighbours)), Parent: facts.Known(s.parent),
		Config: s.Config(), Log: s.Log(prefix), Runs: s.Runs(s.incident.UID, prefix, checks.Known{Judged: s.incident.Status.Checks, Running: s.incident.Status.Running}), Decided: s.Answered(s.made()), Machines: s.machines, Identity: facts.Known(s.identity),
		Report: facts.Known(s.report), Alerts: slices.Clone(s.alerts), Rules: facts.Known(slices.Clone(s.rules)),
	}
	if s.awaitsReview && o.Playbook.Hold == nil {
		o.Playbook.Hold = &facts.Hold{Reason: strategyv1.ReasonAwaitingReview, Message: "nobody approved it", Ends: "Review it"}
	}
	if s.notServed != nil { // nothing else may be read
		return incident.Observed{
			Incident: o.Incident, Prefix: prefix, NotServed: s.notServed, Playbook: facts.Playbook{Problem: s.notServed}, Log: facts.Log{Problem: s.notServed}, OnCall: facts.Known(facts.OnCall{Problem: s.notServed}),
			Decided: o.Decided, Machines: o.Machines, Rollbacks: s.rollbacks(), Alerts: o.Alerts, Same: o.Same, Parent: o.Parent, // of the operator's own kinds
		}
	}
	if snapshot, _ := o.Signals.Get(); len(snapshot.Readings) > 0 && o.Playbook.Spec.Signals == nil {
		o.Playbook.Spec.Signals = &strategyv1.SignalsSpec{}
	}
	if s.configProblem != nil {
		o.Config = facts.Config{Problem: s.configProblem}
	}
	if s.logProblem != nil {
		o.Log = facts.Log{Problem: s.logProblem}
	}
	o.Rollbacks, o.Receipts, o.Committed = s.rollbacks(), maps.Clone(s.receipts), s.committed
	o.Newest = facts.Known(o.Playbook)
	if s.newest != nil {
		o.Newest = facts.Known(*s.newest)
		if adopted := s.incident.Status.AdoptedChecks; adopted != nil && adopted.Revision == s.newest.Revision {
			o.Playbook = o.Playbook.WithChecks(*s.newest)
		}
	}
	return o
}

func (s *story) rollbacks() (all []strategyv1.StrategyRollback) {
	for _, name := range sortedNames(s.Rollbacks) {
		if name == s.theirs {
			continue
		}
		all = append(all, *s.Rollbacks[name].DeepCopy())
	}
	return all
}

// made are the decisions that were made by now.
func (s *story) made() (made []facts.Decided) {
	for _, decided := range s.decided {
		if s.foresees || !decided.Time.After(s.Now) {
			made = append(made, decided)
		}
	}
	return made
}

// snapshot of the signals; the next sample is due in half a minute.
func (s *story) snapshot() signals.Snapshot {
	if len(s.signals)+len(s.unknown) == 0 {
		return signals.Snapshot{}
	}
	snapshot := signals.Snapshot{Time: s.Now, Readings: map[string]signals.Reading{}, NextAt: s.Now.Add(30 * time.Second)}
	for name, value := range s.signals {
		snapshot.Readings[name] = signals.Reading{Value: value, Known: true, Time: sampleTime(s.sampled, s.Now)}
	}
	for name, problem := range s.unknown {
		snapshot.Readings[name] = signals.Reading{Problem: problem}
	}
	return snapshot
}

// sampleTime is when the last sample was taken: now, unless a story says when.
func sampleTime(last, now time.Time) time.Time {
	if last.IsZero() {
		return now
	}
	return last
}

// byText compares reports for a message.
var byText = cmp.Comparer(func(a, b checks.Report) bool { return a.String() == b.String() })

// plan is the next decision. It is the same for the same input, and leaves the input as it is.
func (s *story) plan() incident.Decision {
	s.T.Helper()
	first, untouched := s.observed(), s.observed()
	decision := incident.Plan(first, s.Now)
	ended.Store(decision.Rule, true)
	for _, condition := range decision.Status.Conditions {
		if condition.Status == metav1.ConditionTrue {
			sometimesTrue.Store(condition.Type, true)
		}
	}
	if !reflect.DeepEqual(untouched, first) {
		s.T.Fatalf("the plan changed its input:\n%s", cmp.Diff(untouched, first, byText))
	}
	if again := incident.Plan(untouched, s.Now); !reflect.DeepEqual(decision, again) {
		s.T.Fatalf("the plan is not deterministic:\n%s", cmp.Diff(decision, again))
	}
	s.asksOrSaysTheSame(untouched, decision)
	s.APITakes(crd.Incident, &strategyv1.StrategyIncident{ObjectMeta: s.incident.ObjectMeta, Spec: s.incident.Spec, Status: decision.Status})
	return decision
}

// optional are the facts that only some passes decide on.
var optional = map[incident.Need]func(to *incident.Observed, from incident.Observed){
	incident.NeedSame:       func(to *incident.Observed, from incident.Observed) { to.Same = from.Same },
	incident.NeedNeighbours: func(to *incident.Observed, from incident.Observed) { to.Neighbours = from.Neighbours },
	incident.NeedParent:     func(to *incident.Observed, from incident.Observed) { to.Parent = from.Parent },
	incident.NeedDocuments:  func(to *incident.Observed, from incident.Observed) { to.Documents = from.Documents },
	incident.NeedOnCall:     func(to *incident.Observed, from incident.Observed) { to.OnCall = from.OnCall },
	incident.NeedTemplates:  func(to *incident.Observed, from incident.Observed) { to.Templates = from.Templates },
	incident.NeedSignals:    func(to *incident.Observed, from incident.Observed) { to.Signals = from.Signals },
	incident.NeedRules:      func(to *incident.Observed, from incident.Observed) { to.Rules = from.Rules },
	incident.NeedNewest:     func(to *incident.Observed, from incident.Observed) { to.Newest = from.Newest },
	incident.NeedIdentity:   func(to *incident.Observed, from incident.Observed) { to.Identity = from.Identity },
}

// asksOrSaysTheSame: what a plan decides over some of the facts it decides over all of them; else it asks for more. Unread is not empty.
func (s *story) asksOrSaysTheSame(all incident.Observed, want incident.Decision) {
	s.T.Helper()
	partial := all
	for _, set := range optional {
		set(&partial, incident.Observed{})
	}
	if usual := incident.Usual(partial); all.NotServed != nil && usual != 0 {
		s.T.Fatalf("where nothing may be read it asks for facts: %b", usual)
	}
	for range len(optional) + 1 {
		got := incident.Plan(partial, s.Now)
		if got.Needs == 0 {
			if !reflect.DeepEqual(got, want) {
				s.T.Fatalf("the plan decides otherwise without facts that it did not ask for (-all +some):\n%s", cmp.Diff(want, got))
			}
			return
		}
		if got.Steps.InOrder() != nil || !got.NextAt.IsZero() || !reflect.DeepEqual(got.Status, strategyv1.StrategyIncidentStatus{}) {
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

// pass plans and carries out: first the status, then the actions.
func (s *story) pass() (decision incident.Decision, changed bool) {
	s.T.Helper()
	decision = s.plan()
	changed = !reflect.DeepEqual(decision.Status, s.incident.Status) || len(effects(decision.Steps.InOrder())) > 0
	if conditions.True(s.incident.Status.Conditions, strategyv1.ConditionReady) && decision.Status.ClosedTime != nil {
		for _, wanted := range decision.Steps.InOrder() {
			switch wanted.(type) {
			case action.DeleteJob, action.AppendEntries, action.StoreEvidence, action.AnswerDecision:
			default:
				s.T.Fatalf("a closed incident asks for %s", testkit.Describe(decision.Steps.InOrder()))
			}
		}
	}
	s.incident.Status = *decision.Status.DeepCopy()
	actions := decision.Steps.InOrder()
	if s.crashAfter >= 0 && s.crashAfter < len(actions) {
		actions = testkit.Cut(actions, s.crashAfter)
	}
	s.crashAfter = -1
	s.Execute(actions)
	return decision, changed
}

func effects(actions []action.Action) []action.Action {
	var all []action.Action
	for _, wanted := range actions {
		if _, told := wanted.(action.Event); !told {
			all = append(all, wanted)
		}
	}
	return all
}

// quiet runs passes, with the world going on, until nothing happens any more at this time. A pass that asks for another
// one at once must have changed something: else it would be a hot loop.
func (s *story) quiet() incident.Decision {
	s.T.Helper()
	for range 60 {
		decision, changed := s.pass()
		if !changed && !decision.NextAt.IsZero() && !decision.NextAt.After(s.Now) {
			s.T.Fatalf("hot loop: nothing changed, and the next pass is due at once; %s", testkit.Conditions(decision.Status.Conditions))
		}
		if !s.Step() && !changed {
			return decision
		}
	}
	s.T.Fatalf("does not become quiet; %s", testkit.Conditions(s.incident.Status.Conditions))
	return incident.Decision{}
}

// reports sets what the containers print, by "Stage/check" or "check".
func (s *story) reports(by map[string]*testkit.Report) {
	s.Report = func(id checks.ID) *testkit.Report {
		if report, found := by[string(id.Stage)+"/"+id.Check]; found {
			return report
		}
		return by[id.Check]
	}
}

func (s *story) decide(verdict strategyv1.DecisionVerdict, by string) {
	s.decided = append(s.decided, facts.Decided{Name: "d-" + by, UID: fmt.Sprint(len(s.decided)), Verdict: verdict, By: by, Time: metav1.NewTime(s.Now)})
}

// endings are the reasons of Ready that are ends, too.
var endings = []strategyv1.Ending{
	strategyv1.EndDenied, strategyv1.EndApprovalExpired, strategyv1.EndProbeFailed, strategyv1.EndWithdrawn, strategyv1.EndRestored, strategyv1.EndReverted,
}

// rollbackIs sets the summary of the incident's newest rollback, as its own controller would.
func (s *story) rollbackIs(reason string, ready, stalled metav1.ConditionStatus) {
	s.T.Helper()
	for _, name := range slices.Backward(sortedNames(s.Rollbacks)) {
		rollback := s.Rollbacks[name]
		set := &rollback.Status.Conditions
		conditions.Set(set, s.Now, 1, strategyv1.ConditionReady, ready, reason, "as it is")
		conditions.Set(set, s.Now, 1, strategyv1.ConditionStalled, stalled, reason, "as it is")
		if reason == strategyv1.ReasonVerified {
			conditions.Set(set, s.Now, 1, strategyv1.ConditionInEffect, metav1.ConditionTrue, reason, "as it is")
			conditions.Set(set, s.Now, 1, strategyv1.ConditionVerified, metav1.ConditionTrue, reason, "as it is")
			rollback.Status.Config = &strategyv1.ConfigClaim{Claim: strategyv1.ClaimHold, WrittenTime: new(metav1.NewTime(s.Now))}
		}
		if slices.Contains(endings, strategyv1.Ending(reason)) {
			rollback.Status.End = &strategyv1.RollbackEnd{How: strategyv1.Ending(reason), Time: metav1.NewTime(s.Now)}
		}
		return
	}
	s.T.Fatalf("there is no rollback")
}

func (s *story) events() string {
	var words []string
	for _, line := range s.Logs[prefix] {
		words = append(words, line.Event)
	}
	return strings.Join(words, " ")
}

func (s *story) condition(kind string) string {
	for _, c := range s.incident.Status.Conditions {
		if c.Type == kind {
			return string(c.Status) + "/" + c.Reason
		}
	}
	return ""
}

func sortedNames(rollbacks map[string]*strategyv1.StrategyRollback) []string {
	var names []string
	for name := range rollbacks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

func until(next time.Time) string {
	if next.IsZero() {
		return "never"
	}
	return next.Sub(testkit.T0).String()
}
