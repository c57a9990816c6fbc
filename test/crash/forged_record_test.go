package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// evil never stands in a plan, nor in what was there before one.
const evil = "6.66"

// forgeries are what a tenant who may edit the ConfigMap does with the record of the edits.
var forgeries = map[string]func(w *World, s *record.State){
	"from":     forgesEach(func(r *config.Record) { r.From, r.Old, r.Absent = evil, evil, false }),
	"only old": forgesEach(func(r *config.Record) { r.Old = r.Old + " # " + evil }),
	"another": forgesHolder(func(h *record.Holder) {
		h.Records = append(h.Records, forgedEdit("/risk_profiles/balanced/max_daily_loss_pct", "0.015"))
	}),
	"added": forgesHolder(func(h *record.Holder) {
		h.Records = append([]config.Record{forgedEdit("/risk_profiles/bold/max_daily_loss_pct", "0.03")}, h.Records...)
	}),
	"removed":   func(_ *World, s *record.State) { s.Holders = nil },
	"to":        forgesEach(func(r *config.Record) { r.To, r.New = evil, evil }),
	"layout":    forgesEach(func(r *config.Record) { r.Layout, r.New = config.Lines, r.Path }),
	"doubled":   func(_ *World, s *record.State) { s.Holders = append(s.Holders, s.Holders...) },
	"moved":     forgesHolder(func(h *record.Holder) { h.UID = "00000000-0000-0000-0000-000000000000" }),
	"renamed":   forgesHolder(func(h *record.Holder) { h.Name = "../.." }),
	"every one": func(w *World, s *record.State) { s.Holders = inventedFor(w) },
}

func forgesHolder(forge func(*record.Holder)) func(*World, *record.State) {
	return func(_ *World, s *record.State) {
		for i := range s.Holders {
			forge(&s.Holders[i])
		}
	}
}

func forgesEach(forge func(*config.Record)) func(*World, *record.State) {
	return forgesHolder(func(h *record.Holder) {
		for i := range h.Records {
			forge(&h.Records[i])
		}
	})
}

// forgedEdit says that the operator changed a value, which it would change back.
func forgedEdit(path, to string) config.Record {
	return config.Record{Path: path, From: evil, To: to, Layout: config.Inline, Old: evil, New: to}
}

// inventedFor are entries for every rollback that there is, whatever became of it, and for one that never was.
func inventedFor(w *World) (holders []record.Holder) {
	names := map[string]string{"never": "00000000-0000-0000-0000-000000000000"}
	var list strategyv1.StrategyRollbackList
	w.List(&list)
	for _, rollback := range list.Items {
		names[rollback.Name] = string(rollback.UID)
	}
	for name, uid := range names {
		holders = append(holders, record.Holder{UID: uid, Name: name, Revision: 1, Records: []config.Record{forgedEdit("/risk_profiles/balanced/max_daily_loss_pct", "0.015")}})
	}
	slices.SortFunc(holders, func(a, b record.Holder) int { return strings.Compare(a.Name, b.Name) })
	return holders
}

// forge is tina with the verb update on ConfigMaps.
func forge(w *World, how func(*World, *record.State)) {
	var configMap corev1.ConfigMap
	w.Get(sim.ConfigMap, &configMap)
	state := w.Record()
	how(w, &state)
	data, err := json.Marshal(state)
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	if configMap.Annotations == nil {
		configMap.Annotations = map[string]string{}
	}
	configMap.Annotations[strategyv1.AnnotationEdits] = string(data)
	if err := w.API.As("tina").Update(context.Background(), &configMap, client.FieldOwner("kubectl-edit")); err != nil {
		w.T.Fatalf("%v", err)
	}
}

// forgedStories are those in which the record is forged: from the plan until everything is restored.
var forgedStories = []string{"one is restored and another applied in one write", "deleted, to be restored", "renewed while in effect"}

// everyForged effect of a story is followed by a forgery; each kind begins elsewhere, so that together they are everywhere.
const everyForged = 9

// After effects of the operator's all over a story somebody forges the record. Whatever the
// operator does then: no byte goes into the configuration that is in no plan, nor was there before one; and it is not said of a change that
// stands that it was undone.
func TestForgedRecords(t *testing.T) {
	for _, scenario := range scenarios.All {
		if !slices.Contains(forgedStories, scenario.Name) {
			continue
		}
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			allowed := contents(t, scenario)
			_, effects := uncut(t, scenario, nil)
			for number, name := range slices.Sorted(maps.Keys(forgeries)) {
				for at := range effects {
					if (at+number)%everyForged == 0 {
						forged(t, scenario, allowed, name, forgeries[name], at+1)
					}
				}
			}
		})
	}
}

// contents are the values that each place has in the undisturbed story.
func contents(t *testing.T, scenario scenarios.Scenario) map[string]bool {
	lines := map[string]bool{}
	r := begin(t, scenario, Mutant{}, &Cut{})
	note := func() {
		for _, line := range strings.Split(r.Content(), "\n") {
			lines[line] = true
		}
	}
	r.cut.Seen = func(Point) { note() }
	r.goOn(context.Background())
	note()
	return lines
}

func forged(t *testing.T, scenario scenarios.Scenario, allowed map[string]bool, name string, how func(*World, *record.State), at int) {
	t.Helper()
	cut := &Cut{}
	r := begin(t, scenario, Mutant{}, cut)
	done := false
	cut.Seen = func(point Point) {
		if point.At == at && point.Mode == After && !done {
			done = true
			forge(r.World, how)
		}
	}
	where := fmt.Sprintf("%s after effect %d", name, at)
	if !r.goOn(context.Background()) {
		t.Errorf("%s: it never ends: %v", where, r.operator.LastError())
		return
	}
	for number, line := range strings.Split(r.Content(), "\n") {
		if strings.Contains(line, evil) || !allowed[line] && !strings.Contains(line, "until:") && !strings.HasSuffix(line, ": []") {
			t.Errorf("%s: line %d was written by nobody's plan: %s", where, number+1, line)
		}
	}
	if !done {
		return
	}
	var list strategyv1.StrategyRollbackList
	r.List(&list)
	for _, rollback := range list.Items {
		if r.Reason(rollback.Name, strategyv1.ConditionRestored) != strategyv1.ReasonRestored {
			continue
		}
		for _, edit := range rollback.Status.Plan.Edits {
			held, err := testkit.Parsed(t, r.Content()).Holds(edit.Path, edit.To)
			if shared := r.Record().HolderOf(edit.Path, string(rollback.UID)) != ""; err == nil && held && !shared {
				t.Errorf("%s: %s is Restored, and %s is %s", where, rollback.Name, edit.Path, edit.To)
			}
		}
	}
}
