package crash

import (
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// TestCuts stops the operator at side effects of every scenario. With CRASH_ALL=1 at each one, in each of the three modes;
// else, to be quick, at the first of each kind in the main story and at some in the others, in one mode.
func TestCuts(t *testing.T) {
	var cuts, effects atomic.Int64
	t.Run("scenarios", func(t *testing.T) {
		for i, scenario := range scenarios {
			t.Run(scenario.Name, func(t *testing.T) {
				t.Parallel()
				reference, done := uncut(t, scenario)
				effects.Add(int64(len(done)))
				points := chosen(done, i)
				for _, cut := range points {
					end := run1(t, scenario, &Cut{Point: cut}, Mutant{})
					for _, violation := range end.violations(reference) {
						t.Errorf("cut %s effect %d (%s): %s", cut.Mode, cut.At, end.effect, violation)
					}
					cuts.Add(1)
				}
				t.Logf("%d side effects, %d restarts, %d cuts", len(done), reference.restarts, len(points))
			})
		}
	})
	t.Logf("%d scenarios, %d side effects, %d cuts", len(scenarios), effects.Load(), cuts.Load())
}

// every is how many effects of a story there are to one cut, when not all are cut. The stories of incidents came first, and
// the others have most effects in common with them.
const (
	everyOfIncidents = 9
	everyOfOthers    = 30
)

func chosen(effects []string, number int) []Point {
	var cuts []Point
	switch {
	case os.Getenv("CRASH_ALL") != "":
		for at := range effects {
			cuts = append(cuts, Point{At: at + 1, Mode: Before}, Point{At: at + 1, Mode: After}, Point{At: at + 1, Mode: Unknown})
		}
	case number == 0: // the main story
		for i, point := range firstOfEachKind(effects) {
			if i%3 == i/3%3 { // one mode for each effect, all three over the story
				cuts = append(cuts, point)
			}
		}
	case number < len(incidents):
		for at := everyOfIncidents; at <= len(effects); at += everyOfIncidents {
			cuts = append(cuts, Point{At: at, Mode: Mode(at / everyOfIncidents % 3)})
		}
	default: // each story begins elsewhere and in another mode, so that together they cut everywhere
		for at := 1 + 4*number%everyOfOthers; at <= len(effects); at += everyOfOthers {
			cuts = append(cuts, Point{At: at, Mode: Mode((number + at/everyOfOthers) % 3)})
		}
	}
	return cuts
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

var (
	ofAPI    = regexp.MustCompile(`^([A-Z]+) /.*/namespaces/[^/]+/([a-z]+)(?:/[^/]+)?(/[a-z]+)?$`)
	ofBucket = regexp.MustCompile(`^([A-Z]+) bucket/.*/([a-z]+)/[^/]+$`)
)

// kindOf an effect is a verb on a resource, or on a folder of the bucket.
func kindOf(effect string) string {
	for _, form := range []*regexp.Regexp{ofAPI, ofBucket} {
		if parts := form.FindStringSubmatch(effect); parts != nil {
			return strings.Join(parts[1:], " ")
		}
	}
	return effect
}
