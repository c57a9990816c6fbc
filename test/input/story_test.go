// Package input proves what the operator does with bad input: it says what is wrong, where, and what to do, changes
// nothing, and goes on by itself once the input is fixed. It is played on the simulated cluster.
package input

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
)

// recheck is when the operator looks for fixed input again where no watch tells.
const recheck = 30 * time.Second

// story is a world, its operator, and what the two did.
type story struct {
	*sim.World
	t        *testing.T
	operator *sim.Operator
	seen     outcome // what was there when the input was bad
}

// tell starts a story. change adapts the playbook's spec; nil leaves it as it is.
func tell(t *testing.T, change func(*strategyv1.StrategyPlaybookSpec)) *story {
	t.Helper()
	s := &story{World: sim.New(t, change), t: t}
	s.operator = s.Start(sim.Seams{})
	s.Play() // the Deployment is there before anything happens
	return s
}

// settle goes on until nothing happens any more without the clock. The seconds that the writer of the configuration waits
// for other claims go by.
func (s *story) settle() {
	s.t.Helper()
	if !s.Settle(context.Background(), s.operator) {
		s.t.Fatalf("it never ends: %v\n%s", s.operator.LastError(), strings.Join(s.Trace, "\n"))
	}
}

// later lets time pass, then goes on.
func (s *story) later(d time.Duration) {
	s.t.Helper()
	s.Clock.SetTime(s.Clock.Now().Add(d))
	s.settle()
}

// outcome is everything that bad input must not change.
type outcome struct {
	Content   string
	Rollbacks []string
	Jobs      int // that ever existed
	Restarts  int
}

func (s *story) outcome() outcome {
	s.t.Helper()
	return outcome{s.Content(), s.Names(&strategyv1.StrategyRollbackList{}), len(s.Jobs), s.Restarts}
}

// breaks remembers what is there before the operator sees the bad input.
func (s *story) breaks() { s.seen = s.outcome() }

// changedNothing: neither the configuration, nor Jobs, rollbacks or restarts; and time alone changes nothing, either.
func (s *story) changedNothing() {
	s.t.Helper()
	if now := s.outcome(); fmt.Sprint(now) != fmt.Sprint(s.seen) {
		s.t.Errorf("bad input changed the world:\n%+v\nbefore:\n%+v", now, s.seen)
	}
	writes, warned := s.writes(), s.events()
	s.later(recheck)
	if wrote := s.writes() - writes; wrote > 0 || s.events() > warned || fmt.Sprint(s.outcome()) != fmt.Sprint(s.seen) {
		s.t.Errorf("while it waits it writes %d times and warns %d times in %v: %v", wrote, s.events()-warned, recheck, s.outcome())
	}
}

// stalls: one clear reason and message, one warning, and a person is asked.
func (s *story) stalls(object client.Object, name, reason string, says ...string) {
	s.t.Helper()
	all := s.conditions(object, name)
	ready, stalled := meta.FindStatusCondition(all, strategyv1.ConditionReady), meta.FindStatusCondition(all, strategyv1.ConditionStalled)
	if ready == nil || stalled == nil || ready.Status != metav1.ConditionFalse || stalled.Status != metav1.ConditionTrue || ready.Reason != reason || stalled.Reason != reason {
		s.t.Fatalf("%T %s is not stalled by %s: Ready %+v, Stalled %+v (%v)", object, name, reason, ready, stalled, s.lastError())
	}
	if ready.Message != stalled.Message {
		s.t.Errorf("Ready and Stalled say different things: %q, %q", ready.Message, stalled.Message)
	}
	for _, what := range says {
		if !strings.Contains(ready.Message, what) {
			s.t.Errorf("%T %s says %q, not %q", object, name, ready.Message, what)
		}
	}
	for _, condition := range all {
		own := []string{strategyv1.ConditionReady, strategyv1.ConditionStalled, strategyv1.ConditionPlanned, strategyv1.ConditionApproved}
		if condition.Reason == reason && !slices.Contains(own, condition.Type) {
			s.t.Errorf("%s repeats it: %+v", condition.Type, condition)
		}
	}
	if n := s.warnings(object, name, reason); n != 1 && reason != strategyv1.ReasonNamespaceNotServed {
		s.t.Errorf("%d warnings %s, want one: %v", n, reason, s.Trace)
	}
}

// is compares the reason of Ready.
func (s *story) is(object client.Object, name, reason string) {
	s.t.Helper()
	all := s.conditions(object, name)
	if got := conditions.Reason(all, strategyv1.ConditionReady); got != reason {
		s.t.Fatalf("%T %s is %s, want %s: %s (%v)", object, name, got, reason, conditions.Message(all, strategyv1.ConditionReady), s.lastError())
	}
}

func (s *story) conditions(object client.Object, name string) []metav1.Condition {
	s.t.Helper()
	s.Get(name, object)
	switch o := object.(type) {
	case *strategyv1.StrategyPlaybook:
		return o.Status.Conditions
	case *strategyv1.StrategyIncident:
		return o.Status.Conditions
	case *strategyv1.StrategyRollback:
		return o.Status.Conditions
	}
	s.t.Fatalf("%T has no conditions", object)
	return nil
}

// The objects that a test asks about.
func aPlaybook() client.Object  { return &strategyv1.StrategyPlaybook{} }
func anIncident() client.Object { return &strategyv1.StrategyIncident{} }
func aRollback() client.Object  { return &strategyv1.StrategyRollback{} }

// noJobs: none now and none ever.
func (s *story) noJobs() {
	s.t.Helper()
	if jobs := s.Names(&batchv1.JobList{}); len(jobs) > 0 || len(s.Jobs) > 0 {
		s.t.Errorf("Jobs %v, ever %v", jobs, s.Jobs)
	}
}

// changePlaybook edits the playbook's spec.
func (s *story) changePlaybook(change func(*strategyv1.StrategyPlaybookSpec)) {
	s.t.Helper()
	sim.Change(s.World, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(p *strategyv1.StrategyPlaybook) { change(&p.Spec) })
}

// writes are what the operator did so far.
func (s *story) writes() int {
	return s.count(func(line string) bool { return !strings.HasPrefix(line, "event ") })
}

// events are those of the operator so far.
func (s *story) events() int {
	return s.count(func(line string) bool { return strings.HasPrefix(line, "event ") })
}

// warnings counts those about an object with a reason.
func (s *story) warnings(object client.Object, name, reason string) int {
	about := fmt.Sprintf("event Warning %s on %s %s:", reason, s.API.Seen().KindOf(object), name)
	return s.count(func(line string) bool { return strings.HasPrefix(line, about) })
}

func (s *story) count(counts func(line string) bool) int {
	n := 0
	for _, line := range s.Trace {
		if counts(line) {
			n++
		}
	}
	return n
}

// lastError is the newest error of a reconcile, nil without any.
func (s *story) lastError() error { return s.operator.LastError() }
