package crash

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// again makes an object of a running story again under its name; false: there is none yet.
type again func(w *World) bool

// madeAgain are the objects of a story, by what is made again.
var madeAgain = map[string]again{
	"playbook": func(w *World) bool { return sim.MakeAgain(w, sim.Playbook, &strategyv1.StrategyPlaybook{}, nil) },
	"incident": func(w *World) bool { return sim.MakeAgain(w, "pnl", &strategyv1.StrategyIncident{}, nil) },
	"rollback": func(w *World) bool {
		names := w.Names(&strategyv1.StrategyRollbackList{})
		return len(names) > 0 && sim.MakeAgain(w, names[0], &strategyv1.StrategyRollback{}, func(o *strategyv1.StrategyRollback) {
			o.Spec.IncidentUID = "" // only the operator may say that the incident itself asked
		})
	},
	"decision": func(w *World) bool {
		return theFirst(w, &strategyv1.StrategyDecisionList{}, &strategyv1.StrategyDecision{})
	},
	"Deployment":  func(w *World) bool { return sim.MakeAgain(w, sim.Deployment, &appsv1.Deployment{}, nil) },
	"Job":         func(w *World) bool { return theFirst(w, &batchv1.JobList{}, &batchv1.Job{}) },
	"PodTemplate": func(w *World) bool { return sim.MakeAgain(w, sim.Template, &corev1.PodTemplate{}, nil) },
	"Secret":      func(w *World) bool { return sim.MakeAgain(w, sim.Secret, &corev1.Secret{}, nil) },
	"revision": func(w *World) bool {
		return theFirst(w, &appsv1.ControllerRevisionList{}, &appsv1.ControllerRevision{})
	},
	"ConfigMap":    func(w *World) bool { return sim.MakeAgain(w, sim.ConfigMap, &corev1.ConfigMap{}, nil) },
	"pod of a Job": func(w *World) bool { return aPod(w, func(pod corev1.Pod) bool { return pod.Labels["app"] == "" }) },
	"pod of the scheduler": func(w *World) bool {
		return aPod(w, func(pod corev1.Pod) bool { return pod.Labels["app"] != "" })
	},
	"Secret with another key": func(w *World) bool {
		return sim.MakeAgain(w, sim.Secret, &corev1.Secret{}, func(s *corev1.Secret) {
			s.Data["hmac-key"] = []byte("another key of the tests, 32 bytes long, or more")
		})
	},
	"ConfigMap as it is in Git": func(w *World) bool {
		return sim.MakeAgain(w, sim.ConfigMap, &corev1.ConfigMap{}, func(c *corev1.ConfigMap) {
			c.Annotations, c.Data = nil, map[string]string{testkit.DataKey: testkit.Document}
		})
	},
	"ConfigMap as it is in Git, with the record": func(w *World) bool {
		return sim.MakeAgain(w, sim.ConfigMap, &corev1.ConfigMap{}, func(c *corev1.ConfigMap) {
			c.Data = map[string]string{testkit.DataKey: testkit.Document}
		})
	},
	"revision with another content": func(w *World) bool {
		names := w.Names(&appsv1.ControllerRevisionList{})
		return len(names) > 0 && sim.MakeAgain(w, names[0], &appsv1.ControllerRevision{}, func(r *appsv1.ControllerRevision) {
			r.Data.Raw = []byte(strings.ReplaceAll(string(r.Data.Raw), `"mode":"Required"`, `"mode":"Automatic"`))
		})
	},
}

func theFirst(w *World, list client.ObjectList, object client.Object) bool {
	names := w.Names(list)
	return len(names) > 0 && sim.MakeAgain(w, names[0], object, nil)
}

func aPod(w *World, is func(corev1.Pod) bool) bool {
	var pods corev1.PodList
	w.List(&pods)
	for _, pod := range pods.Items {
		if is(pod) {
			return sim.MakeAgain(w, pod.Name, &corev1.Pod{}, nil)
		}
	}
	return false
}

// TestMadeAgain: an object that is deleted and made again under its name is another one. Nothing is written that nobody approved, nothing of the
// old one counts for the new one, people are told what the operator cannot go on with, and in the end the configuration is what they left.
func TestMadeAgain(t *testing.T) {
	for _, story := range []string{"main story", "rollback of a person", "a common cause: the child recovers with its parent"} {
		_, done := uncut(t, scenarios.Named(story), nil)
		for what, make := range madeAgain {
			for at := range done {
				if every := everySo(); (at+len(what))%every != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/after effect %d (%s)", story, what, at+1, done[at]), func(t *testing.T) {
					t.Parallel()
					r := newAgain(t, scenarios.Named(story))
					r.at, r.make = at+1, make
					r.play()
				})
			}
		}
	}
}

// everySo is after each how many effects something strange happens: fewer with CRASH set, as for cuts.
func everySo() int {
	if os.Getenv("CRASH") == "" {
		return 17
	}
	return 3
}

// remade is a story in which something strange happens once, with people who approve what they are asked for, and in the end undo and close
// everything.
type remade struct {
	*run
	t        *testing.T
	at       int // the effect after which it happens
	make     again
	approved map[string]bool // plans, by their digests
	happened bool
	leaving  bool // people close what there is: what is made again after that nobody closes
	deleted  bool // the frozen playbook that is not what its name says
	problems []string
}

func newAgain(t *testing.T, scenario scenarios.Scenario) *remade {
	t.Helper()
	r := &remade{t: t, approved: map[string]bool{}}
	cut := &Cut{Seen: func(point Point) { r.look(point) }}
	scenario.Script = nil
	if scenario.Rollbacks["risk"] == "" && scenario.Others["risk"] != "" {
		begin := scenario.Begin
		scenario.Begin = func(w *sim.World) {
			begin(w)
			w.Pass(time.Second)
			w.ReportAs("risk", func(spec *strategyv1.StrategyIncidentSpec) { spec.Type = "Risk" })
		}
	}
	r.run = begin(t, scenario, Mutant{}, cut)
	r.seen = r.look
	r.People = sim.People(r.deleteRevision, r.approve)
	return r
}

// look is told before and after each effect of the operator.
func (r *remade) look(point Point) {
	if r.run == nil || point.Mode != After {
		return
	}
	if point.At == r.at && !r.happened && !r.leaving {
		r.happened = true
		r.make(r.World)
	}
	for _, holder := range r.Record().Holders {
		rollback := r.RollbackNamed(holder.Name)
		if rollback == nil || string(rollback.UID) != holder.UID || rollback.Status.Plan == nil {
			continue // it was left behind
		}
		if !r.approved[rollback.Status.Plan.Digest] {
			r.problems = append(r.problems, fmt.Sprintf("effect %d: the edits of %s stand, and nobody approved them", point.At, holder.Name))
		}
	}
}

// deleteRevision is carol, who does what she is told.
func (r *remade) deleteRevision(w *World) bool {
	if r.deleted || !strings.Contains(strings.Join(w.Trace, "\n"), "somebody made it again with another content. Delete it") {
		return false
	}
	w.Delete(w.Names(&appsv1.ControllerRevisionList{})[0], &appsv1.ControllerRevision{})
	r.deleted = true
	return true
}

// approve is bob, once for each plan.
func (r *remade) approve(w *World) bool {
	var rollbacks strategyv1.StrategyRollbackList
	w.List(&rollbacks)
	for _, rollback := range rollbacks.Items {
		if conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady) != strategyv1.ReasonAwaitingApproval || r.approved[rollback.Status.Plan.Digest] {
			continue
		}
		r.approved[rollback.Status.Plan.Digest] = true
		w.Decide("bob", rollback.Name, strategyv1.DecisionApprove, "")
		return true
	}
	return false
}

func (r *remade) play() {
	r.settle()
	for range 6 {
		r.Pass(10 * time.Minute)
		r.settle()
	}
	r.toldOf()
	r.undo()
	for _, problem := range append(r.problems, r.watch.Problems...) {
		if strings.HasSuffix(problem, "were written, which does not exist") && r.told("OrphanEdits") {
			continue // it was made again by force in the moment of the write
		}
		r.fail("%s", problem)
	}
}

func (r *remade) settle() {
	if !r.goOn(context.Background()) {
		r.fail("it never ends: %v", r.operator.LastError())
	}
}

func (r *remade) fail(format string, args ...any) {
	r.t.Helper()
	r.t.Errorf(format+"\n%s", append(args, strings.Join(r.Trace, "\n"))...)
}

// told says whether a warning was told.
func (r *remade) told(reason string) bool {
	return strings.Contains(strings.Join(r.Trace, "\n"), "event Warning "+reason+" on ")
}

// toldOf: what does not go on waits for somebody, and says so.
func (r *remade) toldOf() {
	var incidents strategyv1.StrategyIncidentList
	r.List(&incidents)
	for _, object := range incidents.Items {
		if conditions.Reason(object.Status.Conditions, strategyv1.ConditionReady) == strategyv1.ReasonFollowsParent {
			continue // the other one waits for somebody
		}
		if !lifecycle.Closed(object.Status) && (object.Status.WaitsFor == strategyv1.WhoMachine || object.Status.WaitsFor == "") {
			r.fail("incident %s waits for the operator for ever: %s", object.Name, conditions.Message(object.Status.Conditions, strategyv1.ConditionReady))
		}
	}
	var rollbacks strategyv1.StrategyRollbackList
	r.List(&rollbacks)
	for _, object := range rollbacks.Items {
		if !lifecycle.Ended(object.Status) && (object.Status.WaitsFor == strategyv1.WhoMachine || object.Status.WaitsFor == "") {
			r.fail("rollback %s waits for the operator for ever: %s", object.Name, conditions.Message(object.Status.Conditions, strategyv1.ConditionReady))
		}
	}
}

// undo: everything is restored and closed, and the configuration is what people left: theirs, or with edits of which they were told that nobody
// undoes them.
func (r *remade) undo() {
	for _, name := range r.Names(&strategyv1.StrategyRollbackList{}) {
		sim.Change(r.World, name, &strategyv1.StrategyRollback{}, func(o *strategyv1.StrategyRollback) { o.Spec.DesiredState = strategyv1.StateRestored })
	}
	r.settle()
	for range 4 {
		r.Pass(2 * time.Hour)
		r.settle()
	}
	if content := r.Content(); content != testkit.Document && !r.told("EditsLeft") && !r.told("OrphanEdits") && !r.told(strategyv1.ReasonRetained) {
		r.fail("the configuration is\n%s", content)
	}
	if holders := r.Record().Holders; len(holders) > 0 {
		r.fail("the record still has %+v", holders)
	}
	r.leaving = true
	r.wayOut(r.t)
}
