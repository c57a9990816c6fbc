package testkit_test

import (
	"fmt"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// failing is a test that notes why it failed.
type failing struct{ why string }

func (f *failing) Helper() {}
func (f *failing) Fatalf(format string, args ...any) {
	f.why = fmt.Sprintf(format, args...)
	panic(f)
}

// refusal is what the world of a plan says to what no plan may ask for; empty: nothing.
func refusal(do func(*testkit.World)) (why string) {
	f := &failing{}
	defer func() {
		if recover() != nil {
			why = f.why
		}
	}()
	do(testkit.New(f))
	return ""
}

func TestTheWorldRefusesWhatNoPlanMayDo(t *testing.T) {
	entry := []decisionlog.Entry{{Event: "incident"}}
	answer := func(outcome strategyv1.DecisionOutcome) action.Action {
		return action.AnswerDecision{Name: "d", UID: "1", Answer: strategyv1.DecisionAnswer{Outcome: outcome}}
	}
	for name, c := range map[string]struct {
		actions []action.Action
		want    string // empty: it is allowed
	}{
		"entries after the last one":        {[]action.Action{action.AppendEntries{Prefix: "p/", Entries: entry}}, ""},
		"entries after one that is not":     {[]action.Action{action.AppendEntries{Prefix: "p/", After: 1, Entries: entry}}, "the plan appends after 1"},
		"entries after another head":        {[]action.Action{action.AppendEntries{Prefix: "p/", Head: "x", Entries: entry}}, "the plan appends after 0"},
		"the same answer":                   {[]action.Action{answer("Honoured"), answer("Honoured")}, ""},
		"another answer":                    {[]action.Action{answer("Honoured"), answer("Refused")}, "was told"},
		"what the writer does, and no plan": {[]action.Action{action.WriteConfig{}}, "cannot do"},
	} {
		got := refusal(func(w *testkit.World) { w.Execute(c.actions) })
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWhatIsThereIsNotMadeAgain(t *testing.T) {
	w := testkit.New(t)
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: testkit.Namespace, Name: "x"}}
	w.Execute([]action.Action{action.CreateJob{Job: job}, action.CreateJob{Job: job}, action.StoreEvidence{Key: "k", Data: []byte("1")}, action.StoreEvidence{Key: "k", Data: []byte("2")}})
	if w.Created["x"] != 1 || string(w.Objects["k"]) != "1" {
		t.Errorf("made %d times, stored %s", w.Created["x"], w.Objects["k"])
	}
	w.Execute([]action.Action{action.DeleteJob{Key: types.NamespacedName{Namespace: testkit.Namespace, Name: "x"}, UID: "another"}})
	if len(w.Jobs()) != 1 {
		t.Error("a Job of another UID was deleted")
	}
	w.Execute([]action.Action{action.RestartWorkload{ResourceVersion: "7"}})
	if w.Restarts != 0 {
		t.Error("a Deployment that had changed was restarted")
	}
}

func TestHalfOfWhatIsLoggedIsLostInACrash(t *testing.T) {
	actions := []action.Action{action.Event{}, action.AppendEntries{Entries: make([]decisionlog.Entry, 4)}, action.Event{}}
	done := testkit.Cut(actions, 1)
	if entries, ok := done[len(done)-1].(action.AppendEntries); len(done) != 2 || !ok || len(entries.Entries) != 2 {
		t.Errorf("done: %+v", done)
	}
	if done := testkit.Cut(actions, 2); len(done) != 2 {
		t.Errorf("done before the last: %+v", done)
	}
}

func TestTreesAreComparedByWhatTheySay(t *testing.T) {
	parse := func(text string) testkit.Tree { return testkit.ParseTree(t, text) }
	for name, c := range map[string]struct {
		a, b string
		same bool
	}{
		"another layout": {"{a: 1, b: [x, y]}", "b:\n  - y\n  - x\na: 1 # one\n", true},
		"another value":  {"a: 1", "a: 2", false},
		"another type":   {"a: 1", "a: '1'", false},
		"one key more":   {"a: 1", "{a: 1, b: 2}", false},
	} {
		if same := parse(c.a).String() == parse(c.b).String(); same != c.same {
			t.Errorf("%s: the same: %t", name, same)
		}
	}
	tree := parse("a: {b: 1}\nlist: [{name: x, v: 1}]\n")
	copied := tree.Clone()
	tree.Set("/a/b", "2")
	tree.Set("/list/[name=x]/v", "3")
	tree.Set("/list/[name=y]", "{name: y}")
	tree.Set("/new/[name=z]", "{name: z}")
	if want := parse("{a: {b: 2}, list: [{name: x, v: 3}, {name: y}], new: [{name: z}]}"); tree.String() != want.String() {
		t.Errorf("set: %s", tree)
	}
	tree.Remove("/list/[name=y]")
	tree.Put("/a", copied)
	tree.Put("/new", copied) // it is not there
	if want := parse("{a: {b: 1}, list: [{name: x, v: 3}]}"); tree.String() != want.String() || copied.Get("/list/[name=x]/v") != testkit.Says(t, "1") {
		t.Errorf("put back: %s, the copy: %s", tree, copied)
	}
	if missing, ok := testkit.Within([]string{"a\n", "c\n"}, "a\nb\nc\n"); !ok {
		t.Errorf("%q is missing", missing)
	}
	if missing, ok := testkit.Within([]string{"c\n", "a\n"}, "a\nb\nc\n"); ok || missing != "a\n" {
		t.Errorf("in another order, %q is missing", missing)
	}
}
