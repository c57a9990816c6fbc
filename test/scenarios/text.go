package scenarios

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/sim"
)

var background = context.Background()

// Stories are the files of stories, seen from a package of tests.
func Stories(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "scenarios", "stories", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	return files
}

// Tell plays a story line by line; what each line leads to must be what the file says. It returns the story as a scenario, in
// which each line waits until nothing happens any more. -rewrite writes the file.
func Tell(t *testing.T, file string, w *sim.World) Scenario {
	t.Helper()
	name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".txt"), "-", " ")
	scenario := Scenario{Name: name, Begin: func(*sim.World) {}, Told: true}
	operator := w.Start(sim.Seams{})
	teller := &teller{world: w, said: map[string]string{}, logged: map[string]int{}}
	w.Settle(background, operator)
	teller.news() // what is there before anything happens
	datadriven.RunTest(t, file, func(t *testing.T, given *datadriven.TestData) string {
		line := *given
		scenario.Script = append(scenario.Script, Step{
			When: func(w *sim.World) bool { return w.Idle },
			Do: func(w *sim.World) {
				if err := say(w, &line); err != nil {
					w.T.Fatalf("%v", err)
				}
			},
		})
		if err := say(w, &line); err != nil {
			t.Fatal(err)
		}
		if !w.Settle(background, operator) {
			t.Fatalf("%s: it never ends: %v", line.Pos, operator.LastError())
		}
		return teller.news()
	})
	return scenario
}

// teller tells what changed since it told last.
type teller struct {
	world     *sim.World
	said      map[string]string // Ready by object
	logged    map[string]int    // lines of its log by object
	content   string
	git, file string // subjects of the main branch, and its file
	restarts  int
}

// news are the summaries, the lines of the logs and the configuration, as far as they are new.
func (t *teller) news() string {
	var news []string
	var incidents strategyv1.StrategyIncidentList
	t.world.List(&incidents)
	for _, object := range incidents.Items {
		status := object.Status
		news = append(news, t.about("incident", object.ObjectMeta, status.Conditions, turn(status.State, status.WaitsFor, status.DueTime))...)
	}
	var rollbacks strategyv1.StrategyRollbackList
	t.world.List(&rollbacks)
	for _, was := range t.world.EveryRollback() {
		at := slices.IndexFunc(rollbacks.Items, func(r strategyv1.StrategyRollback) bool { return r.UID == was.UID })
		if at < 0 {
			news = append(news, t.about("rollback", was, []metav1.Condition{{Type: strategyv1.ConditionReady, Reason: "gone"}}, "")...)
			continue
		}
		status := rollbacks.Items[at].Status
		news = append(news, t.about("rollback", was, status.Conditions, turn(status.State, status.WaitsFor, status.DueTime))...)
	}
	if content := t.world.Content(); content != t.content {
		if t.content != "" {
			news = append(news, strings.TrimSpace(config.UnifiedDiff("core.yaml", t.content, content)))
		}
		t.content = content
	}
	if git := t.world.Git; git != nil {
		log := strings.Join(git.Log("main"), "\n")
		if added := strings.TrimSuffix(log, t.git); added != "" && t.git != "" {
			for _, subject := range strings.Split(strings.TrimSpace(added), "\n") {
				news = append(news, "commit on main: "+subject)
			}
		}
		t.git = log
		if file := git.File(); file != t.file {
			if t.file != "" {
				news = append(news, strings.TrimSpace(config.UnifiedDiff(git.Path+" in Git", t.file, file)))
			}
			t.file = file
		}
	}
	if restarts := t.world.Restarts - t.restarts; restarts > 0 && t.restarts > 0 {
		news = append(news, fmt.Sprintf("the scheduler was restarted (%d)", restarts))
	}
	t.restarts = t.world.Restarts
	return unnamed(strings.Join(append(news, ""), "\n"))
}

// turn is where an object is, whose turn it is, and until when.
func turn[State ~string](state State, who strategyv1.Who, due *metav1.Time) string {
	text := fmt.Sprintf(" (%s, waits for %s", state, who)
	if due != nil {
		text += " until " + due.UTC().Format(time.RFC3339)
	}
	return text + ")"
}

func (t *teller) about(kind string, object metav1.ObjectMeta, conditions []metav1.Condition, turn string) []string {
	name := kind + " " + object.Name
	var news []string
	for _, line := range logOf(t.world, object)[t.logged[name]:] {
		news = append(news, fmt.Sprintf("%s log: %s: %s%s", name, line.Event, line.Artefacts["message"], by(line)))
		t.logged[name]++
	}
	for _, condition := range conditions {
		if condition.Type != strategyv1.ConditionReady {
			continue
		}
		if says := strings.TrimSuffix(fmt.Sprintf("%s is %s%s: %s", name, condition.Reason, turn, condition.Message), ": "); says != t.said[name] {
			t.said[name] = says
			news = append(news, says)
		}
	}
	return news
}

func by(line line) string {
	if by := line.Artefacts["by"]; by != "" {
		return " (" + by + ")"
	}
	return ""
}
