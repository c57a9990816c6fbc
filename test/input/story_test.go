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
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/test/world"
)

const (
	// maxRounds bounds how long a story goes on without the clock.
	maxRounds = 40
	// recheck is when the operator looks for mended input again where no watch tells.
	recheck = 30 * time.Second
)

// story is a world, its operator, and what the two did.
type story struct {
	*world.World
	operator *world.Operator
	requests *world.Requests
	events   *recorder
	seen     outcome // what was there when the input was bad
}

// tell starts a story. change adapts the playbook's spec; nil leaves it as it is.
func tell(t *testing.T, change func(*strategyv1.StrategyPlaybookSpec)) *story {
	t.Helper()
	s := &story{World: world.New(t, cluster, change), requests: &world.Requests{}, events: &recorder{}}
	s.operator = s.Operator(world.Seams{Transport: s.requests.Transport})
	s.operator.Environment.Recorder = s.events
	s.Play() // the Deployment is there before anything happens
	return s
}

// settle goes on until nothing happens any more without the clock. The seconds that the writer of the configuration waits
// for other claims go by.
func (s *story) settle() {
	s.T.Helper()
	idle := false
	for range maxRounds {
		writes := s.requests.Writes()
		s.operator.Round(context.Background())
		switch {
		case s.Play() || s.requests.Writes() != writes:
			idle = false
		case idle || !s.operator.StepClock():
			return
		default:
			idle = true
		}
	}
	s.T.Fatalf("not quiet after %d rounds: %v\n%v", maxRounds, s.requests.Counts(), s.lastError())
}

// later lets time pass, then goes on.
func (s *story) later(d time.Duration) {
	s.T.Helper()
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
	s.T.Helper()
	return outcome{s.Content(), s.Names(&strategyv1.StrategyRollbackList{}), len(s.Jobs), s.Restarts}
}

// breaks remembers what is there before the operator sees the bad input.
func (s *story) breaks() { s.seen = s.outcome() }

// changedNothing: neither the configuration, nor Jobs, rollbacks or restarts; and time alone changes nothing, either.
func (s *story) changedNothing() {
	s.T.Helper()
	if now := s.outcome(); fmt.Sprint(now) != fmt.Sprint(s.seen) {
		s.T.Errorf("bad input changed the world:\n%+v\nbefore:\n%+v", now, s.seen)
	}
	writes, warned := s.requests.Writes(), s.events.count()
	s.later(recheck)
	if wrote := s.requests.Writes() - writes; wrote > 0 || s.events.count() > warned || fmt.Sprint(s.outcome()) != fmt.Sprint(s.seen) {
		s.T.Errorf("while it waits it writes %d times and warns %d times in %v: %v", wrote, s.events.count()-warned, recheck, s.outcome())
	}
}

// stalls: one clear reason and message, one warning, and a person is asked.
func (s *story) stalls(object client.Object, name, reason string, says ...string) {
	s.T.Helper()
	all := s.conditions(object, name)
	ready, stalled := meta.FindStatusCondition(all, strategyv1.ConditionReady), meta.FindStatusCondition(all, strategyv1.ConditionStalled)
	if ready == nil || stalled == nil || ready.Status != metav1.ConditionFalse || stalled.Status != metav1.ConditionTrue || ready.Reason != reason || stalled.Reason != reason {
		s.T.Fatalf("%T %s is not stalled by %s: Ready %+v, Stalled %+v (%v)", object, name, reason, ready, stalled, s.lastError())
	}
	if ready.Message != stalled.Message {
		s.T.Errorf("Ready and Stalled say different things: %q, %q", ready.Message, stalled.Message)
	}
	for _, what := range says {
		if !strings.Contains(ready.Message, what) {
			s.T.Errorf("%T %s says %q, not %q", object, name, ready.Message, what)
		}
	}
	for _, condition := range all {
		own := []string{strategyv1.ConditionReady, strategyv1.ConditionStalled, strategyv1.ConditionPlanned, strategyv1.ConditionApproved}
		if condition.Reason == reason && !slices.Contains(own, condition.Type) {
			s.T.Errorf("%s repeats it: %+v", condition.Type, condition)
		}
	}
	if n := s.events.warnings(fmt.Sprintf("%T %s", object, name), reason); n != 1 && reason != strategyv1.ReasonNamespaceNotServed {
		s.T.Errorf("%d warnings %s, want one: %v", n, reason, s.events.all)
	}
}

// is compares the reason of Ready.
func (s *story) is(object client.Object, name, reason string) {
	s.T.Helper()
	all := s.conditions(object, name)
	if got := conditions.Reason(all, strategyv1.ConditionReady); got != reason {
		s.T.Fatalf("%T %s is %s, want %s: %s (%v)", object, name, got, reason, conditions.Message(all, strategyv1.ConditionReady), s.lastError())
	}
}

func (s *story) conditions(object client.Object, name string) []metav1.Condition {
	s.T.Helper()
	s.Get(name, object)
	switch o := object.(type) {
	case *strategyv1.StrategyPlaybook:
		return o.Status.Conditions
	case *strategyv1.StrategyIncident:
		return o.Status.Conditions
	case *strategyv1.StrategyRollback:
		return o.Status.Conditions
	}
	s.T.Fatalf("%T has no conditions", object)
	return nil
}

// The objects that a test asks about.
func aPlaybook() client.Object  { return &strategyv1.StrategyPlaybook{} }
func anIncident() client.Object { return &strategyv1.StrategyIncident{} }
func aRollback() client.Object  { return &strategyv1.StrategyRollback{} }

// noJobs: none now and none ever.
func (s *story) noJobs() {
	s.T.Helper()
	if jobs := s.Names(&batchv1.JobList{}); len(jobs) > 0 || len(s.Jobs) > 0 {
		s.T.Errorf("Jobs %v, ever %v", jobs, s.Jobs)
	}
}

// changePlaybook edits the playbook's spec.
func (s *story) changePlaybook(change func(*strategyv1.StrategyPlaybookSpec)) {
	s.T.Helper()
	world.Change(s.World, world.Playbook, &strategyv1.StrategyPlaybook{}, func(p *strategyv1.StrategyPlaybook) { change(&p.Spec) })
}

// recorder keeps events.
type recorder struct{ all []string }

// Eventf implements events.EventRecorder.
func (r *recorder) Eventf(regarding, _ runtime.Object, kind, reason, _, note string, args ...any) {
	name := ""
	if object, ok := regarding.(metav1.Object); ok {
		name = object.GetName()
	}
	r.all = append(r.all, fmt.Sprintf("%T %s: %s %s: %s", regarding, name, kind, reason, fmt.Sprintf(note, args...)))
}

func (r *recorder) count() int { return len(r.all) }

// warnings counts those about an object with a reason.
func (r *recorder) warnings(about, reason string) int {
	n := 0
	for _, event := range r.all {
		if strings.HasPrefix(event, about+": Warning "+reason+":") {
			n++
		}
	}
	return n
}

// lastError is the newest error of a reconcile, nil without any.
func (s *story) lastError() error {
	if all := s.operator.Errors; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}
