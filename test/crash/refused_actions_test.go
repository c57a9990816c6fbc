package crash

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// refusedAction is one action that the API server refuses, and the object that must tell it.
type refusedAction struct {
	story   string
	before  func(*sim.World) bool // from then on it is refused; nil: from the beginning
	act     func(*sim.World)      // what somebody does then; nil: nothing
	against func(string, client.Object) bool
	told    func(*sim.World) []metav1.Condition
	after   func(*sim.World) bool // what must come of it when it is not refused any more; nil: nothing more than that
	works   bool                  // it only tidies up, so the object is not stalled
}

func incidentTells(w *sim.World) []metav1.Condition {
	if w.Incident() == nil {
		return nil
	}
	return w.Incident().Status.Conditions
}

func rollbackTells(name string) func(*sim.World) []metav1.Condition {
	return func(w *sim.World) []metav1.Condition {
		if rollback := w.RollbackNamed(name); rollback != nil {
			return rollback.Status.Conditions
		}
		return nil
	}
}

func alertTells(name string) func(*sim.World) []metav1.Condition {
	return func(w *sim.World) []metav1.Condition {
		if alert := w.AlertNamed(name); alert != nil {
			return alert.Status.Conditions
		}
		return nil
	}
}

func playbookTells(w *sim.World) []metav1.Condition {
	var playbook strategyv1.StrategyPlaybook
	w.Get(sim.Playbook, &playbook)
	return playbook.Status.Conditions
}

func readyIs(name, reason string) func(*sim.World) bool {
	return func(w *sim.World) bool { return w.RollbackNamed(name) != nil && w.Ready(name) == reason }
}

func gone(name string) func(*sim.World) bool {
	return func(w *sim.World) bool { return w.RollbackNamed(name) == nil }
}

// newSpecs makes so many revisions of the playbook, each of which is frozen.
func newSpecs(n int) func(*sim.World) {
	return func(w *sim.World) {
		made := 0
		w.People = func(w *sim.World) bool {
			var playbook strategyv1.StrategyPlaybook
			w.Get(sim.Playbook, &playbook)
			if made == n || playbook.Status.ObservedGeneration != playbook.Generation {
				return false
			}
			made++
			sim.Change(w, sim.Playbook, &playbook, func(p *strategyv1.StrategyPlaybook) { p.Spec.Triage.RespondWithinSeconds += 1 })
			return true
		}
	}
}

// refusedActions are all actions of package action by name, and where one is refused in several ways, each of them.
var refusedActions = map[string]refusedAction{
	"CreateJob":      {story: "main story", against: jobs, told: incidentTells},
	"CreateRollback": {story: "main story", against: to[*strategyv1.StrategyRollback]("create"), told: incidentTells, after: func(w *sim.World) bool { return w.Rollback() != nil }},
	"CreateIncident": {
		story: "an alert opens an incident, and its end lets it close", against: to[*strategyv1.StrategyIncident]("create"), told: alertTells("loss"),
		after: func(w *sim.World) bool { return w.Incident() != nil },
	},
	"DeleteJob": {story: "main story", against: to[*batchv1.Job]("delete"), told: incidentTells, works: true},
	"DeleteJob of what is closed": {
		story: "false alarm", against: to[*batchv1.Job]("delete"), told: incidentTells,
		before: func(w *sim.World) bool { return w.Incident() != nil && w.Incident().Status.ClosedTime == nil },
	},
	"CreateConfigMap": {story: "a drill", against: to[*corev1.ConfigMap]("create"), told: rollbackTells("")},
	"CreateRevision":  {story: "main story", against: to[*appsv1.ControllerRevision]("create"), told: playbookTells, after: func(w *sim.World) bool { return w.Rollback() != nil }},
	"DeleteRevision":  {story: "main story", act: newSpecs(13), against: to[*appsv1.ControllerRevision]("delete"), told: playbookTells, works: true},
	"DeleteObject": {
		story: "the history forgets an incident with its rollback and decisions", against: to[*strategyv1.StrategyDecision]("delete"), told: playbookTells,
		works: true, after: gone(""),
	},
	"AnswerDecision": {
		story: "rollback of a person", against: to[*strategyv1.StrategyDecision]("status"), told: rollbackTells("less"), works: true,
	},
	"KeepReceipt": {
		story: "rollback of a person", against: func(verb string, object client.Object) bool {
			rollback, ok := object.(*strategyv1.StrategyRollback)
			return ok && verb == "status" && rollback.Status.Config != nil && len(rollback.Status.Config.Receipts) > 0
		},
		told: rollbackTells("less"), after: readyIs("less", "Verified"),
	},
	"WriteConfig": {
		story: "rollback of a person", against: to[*corev1.ConfigMap]("update"), told: rollbackTells("less"), after: readyIs("less", "Verified"),
	},
	"WriteConfig of what is undone": {
		story: "rollback of a person", before: readyIs("less", "Verified"), against: to[*corev1.ConfigMap]("update"),
		told: rollbackTells("less"), after: readyIs("less", "Restored"),
	},
	"WriteConfig of what is left": {
		story: "deleted while applied", before: readyIs("less", "Verified"), against: to[*corev1.ConfigMap]("update"),
		told: rollbackTells("less"), after: gone("less"),
	},
	"WriteConfig of what was removed by force": {
		story: "rollback of a person", before: readyIs("less", "Verified"), against: to[*corev1.ConfigMap]("update"),
		act: func(w *sim.World) { w.Release("less"); w.DeleteRollback("less") }, told: playbookTells, works: true,
		after: func(w *sim.World) bool { return len(w.Record().Holders) == 0 },
	},
	"RestartWorkload": {story: "rollback of a person", against: deployments, told: rollbackTells("less"), after: readyIs("less", "Verified")},
	"SetFinalizers":   {story: "rollback of a person", against: to[*strategyv1.StrategyRollback]("patch"), told: rollbackTells("less"), after: readyIs("less", "Verified")},
	"SetFinalizers of what has ended": {
		story: "rollback of a person", before: readyIs("less", "Verified"), against: to[*strategyv1.StrategyRollback]("patch"),
		told:  rollbackTells("less"),
		after: func(w *sim.World) bool { return len(w.RollbackNamed("less").Finalizers) == 0 },
	},
}

// notRefused are those that the API server is not asked for, and one that no object waits for: TestARefusedAnchorIsCaughtUp.
var notRefused = map[string]bool{"StoreEvidence": true, "AppendEntries": true, "Event": true, "KeepCheckpoints": true}

func TestEachActionIsInTheTable(t *testing.T) {
	source, err := os.ReadFile("../../internal/action/action.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`func \((\w+)\) isAction`).FindAllSubmatch(source, -1) {
		if _, listed := refusedActions[string(found[1])]; !listed && !notRefused[string(found[1])] {
			t.Errorf("nobody knows what a refused %s shows", found[1])
		}
	}
}

// TestWhatIsRefusedIsToldAndForgotten: each action that the API server refuses shows on the object that waits for it, in the API server's words,
// and no more when it is not refused any more.
func TestWhatIsRefusedIsToldAndForgotten(t *testing.T) {
	for name, c := range refusedActions {
		t.Run(name, func(t *testing.T) {
			w, operator, api := serverOf(t, scenarios.Named(c.story))
			if c.before != nil {
				until(t, w, operator, func() bool { return c.before(w) })
			}
			api.against = c.against
			if c.act != nil {
				c.act(w)
			}
			effect, _, _ := strings.Cut(name, " ")
			says := func(kind string) bool {
				message := conditions.Message(c.told(w), kind)
				return strings.Contains(message, "exceeded quota: desk") && strings.Contains(message, effect)
			}
			tells := func() bool { return says(strategyv1.ConditionReady) || says(strategyv1.ConditionStalled) }
			until(t, w, operator, tells)
			if stalled := conditions.True(c.told(w), strategyv1.ConditionStalled); stalled == c.works {
				t.Errorf("stalled: %v, %v", stalled, c.told(w))
			}
			if trace := strings.Join(w.Trace, "\n"); !strings.Contains(trace, "event Warning EffectRefused on ") {
				t.Errorf("no event tells it:\n%s", trace)
			}
			began, asked := w.Clock.Now(), *api.asked
			until(t, w, operator, func() bool { return w.Clock.Since(began) > 2*time.Minute || c.works && !tells() })
			if again := *api.asked - asked; again > 3*5 {
				t.Errorf("it asked %d times in %s", again, w.Clock.Since(began))
			}
			api.against = nil
			until(t, w, operator, func() bool { return !tells() && (c.after == nil || c.after(w)) })
			for range 50 {
				operator.Step(t.Context())
			}
			for _, kind := range []string{strategyv1.ConditionReady, strategyv1.ConditionStalled} {
				if reason := conditions.Reason(c.told(w), kind); c.told(w) != nil && reason == strategyv1.ReasonEffectRefused {
					t.Errorf("%s is still %s: %s", kind, reason, fmt.Sprint(c.told(w)))
				}
			}
		})
	}
}
