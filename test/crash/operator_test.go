package crash

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// World is what the operator lives in.
type World = sim.World

// start makes an operator with an empty memory. A mutant bends its clients to a known bug.
func start(w *World, scenario scenarios.Scenario, mutant Mutant, cut *Cut) *sim.Operator {
	var cache client.Reader
	operator := w.Start(sim.Seams{
		Around: cut.around,
		Client: func(next client.Client) client.Client {
			cache = next
			if mutant.Client != nil {
				return mutant.Client(w, next)
			}
			return next
		},
		Live: func(next client.Reader) client.Reader {
			if mutant.Live != nil {
				return mutant.Live(next, cache)
			}
			return next
		},
		Evidence: func(next controllers.Evidence) controllers.Evidence {
			if mutant.Evidence != nil {
				return mutant.Evidence(w, next)
			}
			return next
		},
	})
	operator.Late = func(changed client.Object) time.Duration {
		switch changed.(type) {
		case *strategyv1.StrategyRollback, *batchv1.Job:
			if cut.late {
				return lag
			}
		}
		return scenario.Late(changed)
	}
	return operator
}

// lag is how late a cache is: the operator has tried again by then.
const lag = 10 * time.Millisecond
