package crash

import (
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"tradeops.dev/strategy-operator/test/scenarios"
)

// What all tests of a run tried and found.
var played, cuts, effects, violations, known atomic.Int64

// TestCuts stops the operator at side effects of every scenario. CRASH says at which: "all" is each one, in each of the
// three modes; "one" is each one, in one mode; else, to be quick, a sample.
func TestCuts(t *testing.T) {
	for i, scenario := range scenarios.All {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			cutScenario(t, scenario, chosen(os.Getenv("CRASH"), i))
		})
	}
}

// cutScenario plays a scenario uncut, and from each of the points that are wanted: before and after an effect from a copy of
// the world in that moment, in doubt from the beginning, since there the operator goes on with its memory.
func cutScenario(t *testing.T, scenario scenarios.Scenario, wanted func(Point) bool) {
	t.Helper()
	ends := map[Point]*scenarios.End{}
	reference, done := uncut(t, scenario, func(r *run, point Point) {
		if wanted(point) {
			ends[point] = r.fork().end()
		}
	})
	for at := range done {
		if point := (Point{at + 1, Unknown}); wanted(point) {
			ends[point] = whole(t, scenario, &Cut{Point: point}, Mutant{})
		}
	}
	played.Add(1)
	effects.Add(int64(len(done)))
	cuts.Add(int64(len(ends)))
	tell, wrong := t.Errorf, 0
	if scenario.Known != "" {
		tell = t.Logf
	}
	for point, end := range ends {
		for _, violation := range end.Violations(reference) {
			wrong++
			tell("cut %s effect %d (%s): %s", point.Mode, point.At, done[point.At-1], violation)
		}
	}
	switch {
	case scenario.Known == "":
		violations.Add(int64(wrong))
	case wrong > 0:
		known.Add(int64(wrong))
	case len(ends) == 3*len(done):
		t.Errorf("every cut ends well: take Known out of the scenario (%s)", scenario.Known)
	}
}

// everyNth effect of a story is cut in a sample; each story begins elsewhere, and in another mode, so that together they cut
// everywhere.
const everyNth = 30

// chosen says where a scenario is cut.
func chosen(crash string, number int) func(Point) bool {
	return func(point Point) bool {
		switch crash {
		case "all":
			return true
		case "one":
			return Mode((number+point.At)%3) == point.Mode
		default:
			return (point.At+4*number)%everyNth == 0 && Mode((number+point.At/everyNth)%3) == point.Mode
		}
	}
}

// firstOfEachKind are the cuts, in each mode, at the first effect of each kind.
func firstOfEachKind(effects []string) []Point {
	var cuts []Point
	seen := map[string]bool{}
	for at, effect := range effects {
		if kind := kindOf(effect); !seen[kind] {
			seen[kind] = true
			cuts = append(cuts, Point{At: at + 1, Mode: Before}, Point{At: at + 1, Mode: After}, Point{At: at + 1, Mode: Unknown})
		}
	}
	return cuts
}

// kindOf an effect is a verb on a resource, or on a folder of the bucket: "update strategyrollbacks/status", "put log".
func kindOf(effect string) string {
	verb, path, _ := strings.Cut(effect, " ")
	parts := strings.Split(path, "/")
	switch {
	case verb == "put":
		return verb + " " + parts[len(parts)-2]
	case len(parts) == 3:
		return verb + " " + parts[0] + "/" + parts[2]
	}
	return verb + " " + parts[0]
}
