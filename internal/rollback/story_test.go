package rollback_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/rollback"
	"tradeops.dev/strategy-operator/internal/testkit"
)

const prefix = "trading/2026/11/23/off-87654321/"

type reports = map[string]*testkit.Report

// story is one rollback in a world.
type story struct {
	*testkit.World
	rollback        *strategyv1.StrategyRollback
	playbookProblem *facts.Problem
	configProblem   *facts.Problem
	logProblem      *facts.Problem
	notServed       *facts.Problem
	identity        rollback.Identity
	decided         []facts.Decided
	crashAfter      int  // actions of a pass that are carried out before the process dies; negative: all
	writerStopped   bool // the one that writes the configuration
	beforeExecute   func(actions int)
	once            bool // plan once only, where what a plan is was tried elsewhere
	mark            func()
}

func newStory(t testkit.T) *story {
	s := &story{World: testkit.New(t), crashAfter: -1, identity: rollback.Identity{Enforced: true}, rollback: &strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{Namespace: testkit.Namespace, Name: "off", UID: "87654321-aaaa", Generation: 1, CreationTimestamp: metav1.NewTime(testkit.T0)},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: "multi-strategy", RemediationName: "disable", DesiredState: strategyv1.StateApplied, RequestedBy: "alice",
			Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "fast"}},
		},
	}}
	s.Rollbacks["off"] = s.rollback
	s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK()})
	return s
}

func (s *story) observed() rollback.Observed {
	o := rollback.Observed{
		Rollback: s.rollback.DeepCopy(), Prefix: prefix, NotServed: s.notServed,
		Playbook:   facts.Playbook{Spec: *s.Spec.DeepCopy(), Revision: "multi-strategy-1", Problem: s.playbookProblem},
		Config:     s.Config(),
		Deployment: s.Deployment.DeepCopy(), Log: s.Log(prefix), Runs: s.Runs(s.rollback.UID, prefix),
		Decided: append([]facts.Decided(nil), s.decided...), Identity: s.identity,
	}
	for _, pod := range s.Pods {
		o.Pods = append(o.Pods, *pod.DeepCopy())
	}
	if s.configProblem != nil {
		o.Config = facts.Config{Problem: s.configProblem}
	}
	if s.logProblem != nil {
		o.Log = facts.Log{Problem: s.logProblem}
	}
	return o
}

// plan is the next decision. It is the same for the same input, and leaves the input as it is.
func (s *story) plan() rollback.Decision {
	s.T.Helper()
	if s.once {
		return rollback.Plan(s.observed(), s.Now)
	}
	first, untouched := s.observed(), s.observed()
	decision := rollback.Plan(first, s.Now)
	if !reflect.DeepEqual(untouched, first) {
		s.T.Fatalf("the plan changed its input:\n%s", cmp.Diff(untouched, first))
	}
	if again := rollback.Plan(untouched, s.Now); !reflect.DeepEqual(decision, again) {
		s.T.Fatalf("the plan is not deterministic:\n%s", cmp.Diff(decision, again))
	}
	return decision
}

func (s *story) ended() bool {
	approved := conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionApproved)
	return conditions.True(s.rollback.Status.Conditions, strategyv1.ConditionRestored) ||
		approved == strategyv1.ReasonDenied || approved == strategyv1.ReasonApprovalExpired
}

// pass plans and carries out: first the status, then the actions.
func (s *story) pass() (decision rollback.Decision, changed bool) {
	s.T.Helper()
	decision = s.plan()
	changed = !reflect.DeepEqual(decision.Status, s.rollback.Status)
	for _, wanted := range decision.Actions {
		switch wanted.(type) {
		case action.Event:
			continue
		case action.DeleteJob, action.AppendEntries, action.StoreEvidence:
		default:
			if s.ended() {
				s.T.Fatalf("a rollback that has ended asks for %s", testkit.Describe(decision.Actions))
			}
		}
		changed = true
	}
	s.rollback.Status = *decision.Status.DeepCopy()
	actions := decision.Actions
	if s.beforeExecute != nil {
		s.beforeExecute(len(effects(actions)))
	}
	if s.crashAfter >= 0 && s.crashAfter < len(actions) {
		actions = testkit.Cut(actions, s.crashAfter)
	}
	s.crashAfter = -1
	s.Execute(actions)
	return decision, changed
}

// turn is one pass, then the writer of the configuration, then the rest of the world.
func (s *story) turn() (decision rollback.Decision, changed bool) {
	s.T.Helper()
	decision, changed = s.pass()
	if !changed && !decision.NextAt.IsZero() && !decision.NextAt.After(s.Now) {
		s.T.Fatalf("hot loop: nothing changed, and the next pass is due at once; %s", testkit.Conditions(decision.Status.Conditions))
	}
	if !s.writerStopped && s.WriteConfig() {
		changed = true
	}
	return decision, s.Step() || changed
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
		if report, found := by[string(id.Stage)+"/"+id.Check]; found {
			return report
		}
		return by[id.Check]
	}
}

func (s *story) decide(verdict strategyv1.DecisionVerdict, by string) {
	decided := facts.Decided{Name: fmt.Sprintf("d-%s-%d", by, len(s.decided)), Verdict: verdict, By: by, Time: metav1.NewTime(s.Now)}
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
	for _, line := range s.Logs[prefix] {
		words = append(words, line.Event)
	}
	return strings.Join(words, " ")
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

func until(next time.Time) string {
	if next.IsZero() {
		return "never"
	}
	return next.Sub(testkit.T0).String()
}

// effects are all actions but the events, which come last.
func effects(actions []action.Action) []action.Action {
	var all []action.Action
	for _, wanted := range actions {
		if _, told := wanted.(action.Event); !told {
			all = append(all, wanted)
		}
	}
	return all
}
