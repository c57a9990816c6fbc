package api_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// rounds in which somebody writes the configuration in the moment between the operator's reading and its writing.
const rounds = 1000

// faster is how often somebody is, until the operator may write.
const faster = 12

// A person, Git and the operator edit one key of one ConfigMap. Whatever the first two write in the worst moment, none of it is lost by the operator's
// hand, and what is undone in the end is the operator's alone.
func TestNoEditOfAnyoneElseIsLostOnTheRealServer(t *testing.T) {
	t.Parallel()
	w := onRealServer(t, func(spec *strategyv1.StrategyPlaybookSpec) {
		spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: strategyv1.GitOpsCoexist}
	})
	w.Configure(testkit.Document + "# person 0\n# git 0\n")
	race := &race{World: w, t: t}
	operator := w.Start(sim.Seams{Around: race.around})
	settle := func() {
		t.Helper()
		if !w.Settle(t.Context(), operator) {
			t.Fatalf("it never ends: %v", operator.LastError())
		}
	}
	for n := 0; race.rounds < rounds; n++ {
		name := fmt.Sprintf("less-%d", n)
		w.AskRollback(name, nil)
		settle()
		w.Decide("bob", name, strategyv1.DecisionApprove, "")
		settle()
		if got := w.Ready(name); got != strategyv1.ReasonVerified {
			t.Fatalf("%s is %s", name, got)
		}
		race.putBack()
		settle()
		w.Decide("bob", name, strategyv1.DecisionRestore, "")
		settle()
		if got := w.Ready(name); got != strategyv1.ReasonRestored {
			t.Fatalf("%s is %s", name, got)
		}
		if want := fmt.Sprintf("%s# person %d\n# git %d\n", testkit.Document, race.person, race.git); race.content() != want {
			t.Fatalf("after %s the configuration is\n%s\nwant\n%s", name, race.content(), want)
		}
		w.DeleteRollback(name)
		settle()
	}
	t.Logf("%d rounds, %d writes of the operator, %d edits of a person, %d of Git", race.rounds, race.writes, race.person, race.git)
}

type race struct {
	*sim.World
	t                   *testing.T
	rounds, writes      int
	person, git, before int
}

func (r *race) content() string {
	var configMap corev1.ConfigMap
	r.Get(sim.ConfigMap, &configMap)
	return configMap.Data[testkit.DataKey]
}

// around is the worst moment: the operator has read, and is about to write. Somebody is faster, by turns, again and again; then it may.
func (r *race) around(effect string, do func() error) error {
	if effect != "update configmaps/"+sim.ConfigMap {
		return do()
	}
	if r.before++; r.before%(faster+1) != 0 {
		r.rounds++
		if r.rounds%2 == 0 {
			r.edits("kubectl-edit", "person", &r.person)
		} else {
			r.edits("kustomize-controller", "git", &r.git)
		}
		err := do()
		if err == nil {
			r.t.Errorf("the operator wrote over what it had not read")
		}
		return err
	}
	if err := do(); err != nil {
		return err
	}
	r.writes++
	for _, stays := range []string{fmt.Sprintf("# person %d\n", r.person), fmt.Sprintf("# git %d\n", r.git)} {
		if !strings.Contains(r.content(), stays) {
			r.t.Errorf("lost by the operator's write: %s", stays)
		}
	}
	return nil
}

// edits counts on in somebody's line.
func (r *race) edits(manager, who string, count *int) {
	before := fmt.Sprintf("# %s %d\n", who, *count)
	*count++
	r.EditAs(manager, before, fmt.Sprintf("# %s %d\n", who, *count))
}

// putBack is Git, which has the old allocation and a new line of its own.
func (r *race) putBack() {
	r.edits("kustomize-controller", "git", &r.git)
	r.EditAs("kustomize-controller", "trend: 0.5", "trend: 1.0")
}
