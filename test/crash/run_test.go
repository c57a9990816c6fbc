package crash

import (
	"context"
	"strings"
	"testing"

	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// run is a story on its way, with the operator that lives now.
type run struct {
	*World
	scenario scenarios.Scenario
	mutant   Mutant
	watch    scenarios.Watch
	operator *sim.Operator
	cut      *Cut
	looked   int // effects of the operator's that the watch has looked at
	seen     func(Point)
}

// begin makes a world in which the story has begun.
func begin(t testing.TB, scenario scenarios.Scenario, mutant Mutant, cut *Cut) *run {
	t.Helper()
	r := &run{World: sim.New(t, scenario.Playbook), scenario: scenario, mutant: mutant}
	scenario.Set(r.World)
	r.start(cut)
	return r
}

func (r *run) start(cut *Cut) {
	r.cut, r.looked = cut, 0
	r.operator = start(r.World, r.scenario, r.mutant, cut)
}

// fork is the run as it would go on if the operator stopped now.
func (r *run) fork() *run {
	fork := &run{World: r.Fork(), scenario: r.scenario, mutant: r.mutant, watch: r.watch}
	fork.watch.Problems = append([]string(nil), r.watch.Problems...)
	fork.watch.Look(fork.World, r.cut.Effects[r.looked:])
	fork.start(&Cut{})
	return fork
}

// goOn plays until nothing happens any more, with the operator stopped at the cut and started again. It says false if it
// never ends.
func (r *run) goOn(ctx context.Context) bool {
	for range maxSteps {
		if !r.oneStep(ctx) {
			return true
		}
	}
	return false
}

// oneStep plays one step, and says whether anything happened.
func (r *run) oneStep(ctx context.Context) bool {
	more := r.Next(ctx, r.operator)
	r.watch.Look(r.World, r.cut.Effects[r.looked:])
	r.looked, r.cut.late = len(r.cut.Effects), false
	if r.cut.Stopped {
		r.start(&Cut{Seen: r.seen})
		return true
	}
	return more
}

// end plays to the end.
func (r *run) end() *scenarios.End {
	ctx := context.Background()
	quiet := r.goOn(ctx)
	end := scenarios.EndOf(r.World, r.operator.LastError())
	for _, problem := range r.watch.Problems {
		end.Problem("%s", problem)
	}
	if !quiet {
		end.Problem("not quiet after %d steps: it never ends (last error: %v)", maxSteps, r.operator.LastError())
	}
	if left := r.Left(); left > 0 {
		end.Problem("people wait for something that does not come: %d of %d steps left", left, len(r.scenario.Script))
	}
	// An operator that starts afresh in a finished world has nothing to do.
	fresh := &Cut{}
	operator := start(r.World, r.scenario, r.mutant, fresh)
	for operator.Step(ctx) {
		if operator.Reconciles > maxSteps {
			end.Problem("a restarted operator never rests in a finished world")
			break
		}
	}
	if len(fresh.Effects) > 0 {
		end.Problem("a restarted operator writes in a finished world: %v", fresh.Effects)
	}
	return end
}

// maxSteps bounds a run: the longest scenario needs a tenth of it.
const maxSteps = 2000

// uncut is the reference run, which must itself be right. Seen is called around each effect; nil: nobody looks.
func uncut(t *testing.T, scenario scenarios.Scenario, seen func(*run, Point)) (*scenarios.End, []string) {
	t.Helper()
	cut := &Cut{}
	r := begin(t, scenario, Mutant{}, cut)
	if seen != nil {
		cut.Seen = func(point Point) { seen(r, point) }
	}
	end := r.end()
	for _, wrong := range end.Wrong(scenario) {
		t.Errorf("uncut: %s", wrong)
	}
	if t.Failed() {
		t.Fatalf("last error: %v\n%s", r.operator.LastError(), strings.Join(r.Trace, "\n"))
	}
	return end, cut.Effects
}

// whole is a run from its beginning with one cut.
func whole(t testing.TB, scenario scenarios.Scenario, cut *Cut, mutant Mutant) *scenarios.End {
	t.Helper()
	return begin(t, scenario, mutant, cut).end()
}
