package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/test/world"
)

const (
	// maxRounds bounds a run: the longest story needs a third of it.
	maxRounds = 120
	// quietRounds must pass without a write or an event for a run to be over.
	quietRounds = 2
)

// TestCuts stops the operator at side effects of every scenario. With CRASH_ALL=1 at each one, in each of the three modes;
// else, to be quick, at the first of each kind in the main story and at every sixth in the others, in one mode.
func TestCuts(t *testing.T) {
	var cuts, effects atomic.Int64
	t.Run("scenarios", func(t *testing.T) {
		for i, scenario := range scenarios {
			t.Run(scenario.Name, func(t *testing.T) {
				t.Parallel()
				reference, done := uncut(t, scenario)
				effects.Add(int64(len(done)))
				for _, cut := range chosen(done, i == 0) {
					end := run1(t, scenario, &Cut{Point: cut}, Mutant{})
					for _, violation := range end.violations(reference) {
						t.Errorf("cut %s effect %d (%s): %s", cut.Mode, cut.At, end.effect, violation)
					}
					cuts.Add(1)
				}
			})
		}
	})
	t.Logf("%d scenarios, %d side effects, %d cuts", len(scenarios), effects.Load(), cuts.Load())
}

func chosen(effects []string, main bool) []Point {
	var cuts []Point
	switch {
	case os.Getenv("CRASH_ALL") != "":
		for at := range effects {
			cuts = append(cuts, Point{At: at + 1, Mode: Before}, Point{At: at + 1, Mode: After}, Point{At: at + 1, Mode: Unknown})
		}
	case main:
		for i, point := range firstOfEachKind(effects) {
			if i%3 == i/3%3 { // one mode for each effect, all three over the story
				cuts = append(cuts, point)
			}
		}
	default:
		for at := 6; at <= len(effects); at += 6 {
			cuts = append(cuts, Point{At: at, Mode: Mode(at / 6 % 3)})
		}
	}
	return cuts
}

// firstOfEachKind are the cuts, in each mode, at the first effect of each kind: a verb on a resource, or a folder of the
// bucket.
func firstOfEachKind(effects []string) []Point {
	var cuts []Point
	seen := map[string]bool{}
	for at, effect := range effects {
		kind := names.ReplaceAllString(effect, "")
		if seen[kind] {
			continue
		}
		seen[kind] = true
		cuts = append(cuts, Point{At: at + 1, Mode: Before}, Point{At: at + 1, Mode: After}, Point{At: at + 1, Mode: Unknown})
	}
	return cuts
}

// names is what tells two effects of one kind apart.
var names = regexp.MustCompile(`/world-[0-9]+|[0-9]+|-[0-9a-f]{8,10}|/(pnl|allocation|triage|diagnosis|before|after|proof|restore|restoreproof)[-a-z]*`)

// uncut is the reference run, which must itself be right.
func uncut(t *testing.T, scenario Scenario) (*End, []string) {
	t.Helper()
	cut := &Cut{}
	end := run1(t, scenario, cut, Mutant{})
	if end.incident != scenario.Incident || end.rollback != scenario.Rollback {
		t.Fatalf("the uncut run ends with incident %q and rollback %q, not %q and %q (last error: %v)\n%s",
			end.incident, end.rollback, scenario.Incident, scenario.Rollback, end.lastError, strings.Join(end.events, "\n"))
	}
	for _, violation := range end.violations(end) {
		t.Errorf("uncut: %s", violation)
	}
	return end, cut.Effects
}

// run1 plays a scenario until nothing happens any more, with the operator stopped at the cut and started again.
func run1(t *testing.T, scenario Scenario, cut *Cut, mutant Mutant) *End {
	t.Helper()
	ctx := context.Background()
	w := world.New(t, cluster, scenario.Playbook)
	w.Report, w.People = scenario.Report, scenario.People
	scenario.Begin(w)
	operator := start(w, cut, mutant)
	quiet, rounds := 0, 0
	for ; quiet < quietRounds && rounds < maxRounds; rounds++ {
		before := len(operator.cut.Effects)
		operator.Round(ctx)
		if operator.cut.stopped() {
			operator = start(w, &Cut{}, mutant)
			quiet = 0
			continue
		}
		if w.Play() || len(operator.cut.Effects) > before {
			quiet = 0
			continue
		}
		if operator.StepClock() {
			continue
		}
		quiet++
	}
	end := endOf(w)
	if cut.At > 0 && cut.At <= len(cut.Effects) {
		end.effect = cut.Effects[cut.At-1]
	}
	if quiet < quietRounds {
		end.problems = append(end.problems, fmt.Sprintf("not quiet after %d rounds: it never ends (last error: %v)", maxRounds, w.LastError))
	}
	// An operator that starts afresh in a finished world has nothing to do.
	fresh := &Cut{}
	restarted := start(w, fresh, mutant)
	restarted.Round(ctx)
	if len(fresh.Effects) > 0 {
		end.problems = append(end.problems, fmt.Sprintf("a restarted operator writes in a finished world: %v", fresh.Effects))
	}
	return end
}

// End is what a run leaves behind, as far as it must be the same however often the operator was stopped.
type End struct {
	effect             string // that was cut
	incident, rollback string
	conditions         []string
	events             []string // of both decision logs
	jobs               []string // every Job that ever existed, as stage/check/attempt
	rollbacks          int
	leftJobs           int
	content            string
	restarts           int
	problems           []string
	lastError          error
}

func endOf(w *World) *End {
	e := &End{content: w.Content(), restarts: w.Restarts, leftJobs: len(w.Names(&batchv1.JobList{})), lastError: w.LastError}
	for _, id := range w.Jobs {
		e.jobs = append(e.jobs, fmt.Sprintf("%s/%s/%d", id.Stage, id.Check, id.Attempt))
	}
	sort.Strings(e.jobs)
	if incident := w.Incident(); incident != nil {
		e.incident = conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady)
		e.look(w, "incident", incident, incident.Status.Conditions, incident.Status.Timeline, incident.Status.Log)
	}
	var rollbacks strategyv1.StrategyRollbackList
	w.List(&rollbacks)
	e.rollbacks = len(rollbacks.Items)
	for _, rollback := range rollbacks.Items {
		e.rollback = conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady)
		e.look(w, "rollback", &rollback, rollback.Status.Conditions, rollback.Status.Timeline, rollback.Status.Log)
	}
	sort.Strings(e.events)
	return e
}

// look adds one object's conditions and decision log, and checks the log.
func (e *End) look(w *World, kind string, object metav1.Object, all []metav1.Condition, entries []strategyv1.TimelineEntry, log *strategyv1.LogStatus) {
	for _, condition := range all {
		e.conditions = append(e.conditions, fmt.Sprintf("%s %s=%s/%s", kind, condition.Type, condition.Status, condition.Reason))
	}
	sort.Strings(e.conditions)
	prefix := evidence.Prefix(object.GetNamespace(), object.GetName(), string(object.GetUID()), object.GetCreationTimestamp().Time)
	var lines [][]byte
	for seq := int64(1); ; seq++ {
		line, err := w.Store.Get(context.Background(), evidence.LogKey(prefix, seq))
		if errors.Is(err, evidence.ErrNotFound) {
			break
		}
		if err != nil {
			w.T.Fatal(err)
		}
		lines = append(lines, line)
	}
	head, err := decisionlog.VerifyChain(lines, decisionlog.Key{Secret: world.SigningKey})
	if err != nil {
		e.problems = append(e.problems, kind+"'s log: "+err.Error())
	}
	if len(lines) != len(entries) {
		e.problems = append(e.problems, fmt.Sprintf("%s has %d timeline entries and %d log entries", kind, len(entries), len(lines)))
	}
	if kind == "incident" && e.incident == "Resolved" && (log == nil || log.Head != head) {
		e.problems = append(e.problems, "the head in the incident's status is not the log's")
	}
	for i, entry := range entries {
		if entry.Seq != int64(i+1) {
			e.problems = append(e.problems, fmt.Sprintf("%s's timeline has a gap at %d", kind, i+1))
		}
		message, _, _ := strings.Cut(entry.Message, " until ") // times differ from run to run
		e.events = append(e.events, fmt.Sprintf("%s %s: %s", kind, entry.Event, masked.ReplaceAllString(message, "")))
	}
	e.order(kind, entries)
}

// masked is what differs from run to run: part of a rollback's name, and the namespace.
var masked = regexp.MustCompile(`-[0-9a-f]{8}|world-[0-9]+`)

// order: what people must be able to read in sequence.
func (e *End) order(kind string, entries []strategyv1.TimelineEntry) {
	at := func(event string) int {
		return slices.IndexFunc(entries, func(t strategyv1.TimelineEntry) bool { return t.Event == event })
	}
	for _, pair := range [][2]string{
		{"incident", "escalated"}, {"escalated", "diagnosed"}, {"incident", "closed"}, {"rollback_requested", "approved"},
		{"approved", "config_change"}, {"config_change", "disabled"}, {"disabled", "verified"}, {"restore_requested", "restored"},
	} {
		if first, second := at(pair[0]), at(pair[1]); first >= 0 && second >= 0 && first > second {
			e.problems = append(e.problems, fmt.Sprintf("%s: %s stands before %s", kind, pair[1], pair[0]))
		}
	}
}

// violations are the differences to the uncut run, and what is wrong by itself.
func (e *End) violations(reference *End) []string {
	found := slices.Clone(e.problems)
	differ := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			found = append(found, fmt.Sprintf("%s: got %v, want %v (last error: %v)", what, got, want, e.lastError))
		}
	}
	differ("incident", e.incident, reference.incident)
	differ("rollback", e.rollback, reference.rollback)
	differ("conditions", strings.Join(e.conditions, "\n"), strings.Join(reference.conditions, "\n"))
	differ("log", strings.Join(e.events, "\n"), strings.Join(reference.events, "\n"))
	differ("Jobs", e.jobs, reference.jobs)
	differ("rollbacks", e.rollbacks, reference.rollbacks)
	differ("Jobs left", e.leftJobs, reference.leftJobs)
	differ("restarts", e.restarts, reference.restarts)
	if e.rollback != "Verified" && e.content != testkit.Document {
		found = append(found, "the configuration is not what it was: "+e.content)
	}
	return found
}
