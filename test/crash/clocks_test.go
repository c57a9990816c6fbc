package crash

import (
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// hours are longer than everything that is waited for in a story, approvals and time boxes included.
const hours = 5 * time.Hour

// TestClocksThatDiffer: the operator, the API server and the nodes have clocks of their own, hours apart. Nothing is written that nobody
// approved, what is said to be in effect is, people can approve and undo, or are told why not, and nobody waits for ever.
func TestClocksThatDiffer(t *testing.T) {
	for _, story := range []string{"main story", "rollback of a person", "a common cause: the child recovers with its parent"} {
		for name, set := range map[string]func(*World){
			"the operator is ahead":  func(w *World) { w.Ahead = hours },
			"the operator is behind": func(w *World) { w.Ahead = -hours },
			"the nodes are ahead":    func(w *World) { w.NodesAhead = hours },
			"the nodes are behind":   func(w *World) { w.NodesAhead = -hours },
		} {
			t.Run(story+"/"+name, func(t *testing.T) {
				t.Parallel()
				scenario := scenarios.Named(story)
				begin := scenario.Begin
				scenario.Begin = func(w *World) { set(w); begin(w) }
				r := newAgain(t, scenario)
				r.play()
				told := strings.Contains(fmt.Sprint(answers(r.World)), "set the clocks right")
				switch {
				case name == "the operator is behind": // else time boxes would be over when they begin
					if r.Restarts > 1 || !told {
						r.fail("the scheduler was restarted %d times; people are told: %t", r.Restarts, told)
					}
				case len(r.approved) == 0 || r.Restarts < 3:
					r.fail("%d plans were approved, and the scheduler was restarted %d times", len(r.approved), r.Restarts)
				}
			})
		}
	}
}

// answers are what became of the decisions.
func answers(w *World) (all []string) {
	var decisions strategyv1.StrategyDecisionList
	w.List(&decisions)
	for _, decision := range decisions.Items {
		if decision.Status.Answer != nil {
			all = append(all, decision.Status.Answer.Message)
		}
	}
	return all
}

// TestTheClockIsSet: that of the operator's machine, in the middle of a story, with what it remembers lost. Times that a process keeps for
// itself are by a clock that nobody sets.
func TestTheClockIsSet(t *testing.T) {
	for _, story := range []string{"main story", "rollback of a person", "a common cause: the child recovers with its parent"} {
		_, done := uncut(t, scenarios.Named(story), nil)
		for name, by := range map[string]time.Duration{"forward": hours, "back": -hours} {
			for at := range done {
				if (at+len(name))%everySo() != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/after effect %d (%s)", story, name, at+1, done[at]), func(t *testing.T) {
					t.Parallel()
					r := newAgain(t, scenarios.Named(story))
					r.at = at + 1
					r.make = func(w *World) bool {
						w.Ahead, r.cut.Stopped = by, true
						return true
					}
					r.play()
				})
			}
		}
	}
}
