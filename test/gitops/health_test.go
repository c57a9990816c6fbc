// Package gitops holds what GitOps tools are told about the operator's kinds to what every scenario makes of them.
package gitops

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// How Argo CD calls health.
const (
	healthy, progressing, suspended, degraded = "Healthy", "Progressing", "Suspended", "Degraded"
)

// TestHealthOfEveryState: of each status that any scenario comes to, Argo CD and Flux say what the facts are.
func TestHealthOfEveryState(t *testing.T) {
	argo, flux := argoHealth(t), fluxHealth(t)
	seen := map[string]map[string]bool{}
	eachStatus(t, func(scenario string, object client.Object, content map[string]any) {
		kind, want := expected(object)
		if seen[kind] == nil {
			seen[kind] = map[string]bool{}
		}
		seen[kind][want] = true
		if got := argo(kind, content); got != want {
			t.Errorf("%s: Argo CD takes %s %s for %s, not %s: %v", scenario, kind, object.GetName(), got, want, content["status"])
		}
		inFlux := map[string]string{healthy: "Current", degraded: "Failed"}[want]
		if got := flux(kind, content); got != inFlux && (got != "InProgress" || inFlux != "") {
			t.Errorf("%s: Flux takes %s %s for %s, Argo CD for %s: %v", scenario, kind, object.GetName(), got, want, content["status"])
		}
	})
	for kind, wanted := range map[string][]string{
		strategyv1.KindIncident: {healthy, progressing, suspended, degraded}, strategyv1.KindRollback: {healthy, progressing, suspended, degraded},
		strategyv1.KindPlaybook: {healthy, progressing, suspended, degraded},
	} {
		for _, one := range wanted {
			if !seen[kind][one] {
				t.Errorf("no scenario has a %s that is %s", kind, one)
			}
		}
	}
}

// Nothing is known of an object that nobody has looked at, however it looks.
func TestHealthOfWhatNobodyHasLookedAt(t *testing.T) {
	argo, flux := argoHealth(t), fluxHealth(t)
	for _, kind := range []string{strategyv1.KindIncident, strategyv1.KindRollback, strategyv1.KindPlaybook} {
		fresh := map[string]any{"metadata": map[string]any{"name": "x", "generation": int64(1)}}
		if got := argo(kind, fresh); got != progressing {
			t.Errorf("Argo CD takes a new %s for %s", kind, got)
		}
		changed := map[string]any{"metadata": map[string]any{"name": "x", "generation": int64(2)}, "status": map[string]any{"conditions": []any{
			map[string]any{"type": "Ready", "status": "True", "reason": "Valid", "message": "", "observedGeneration": int64(1)},
		}}}
		if got := argo(kind, changed); got != progressing {
			t.Errorf("Argo CD takes a changed %s for %s", kind, got)
		}
		if got := flux(kind, changed); got != "InProgress" {
			t.Errorf("Flux takes a changed %s for %s", kind, got)
		}
	}
}

// eachStatus calls do with each status that any scenario comes to, until one fails.
func eachStatus(t *testing.T, do func(scenario string, object client.Object, content map[string]any)) {
	t.Helper()
	for _, scenario := range scenarios.All {
		w := sim.New(t, scenario.Playbook)
		scenario.Set(w)
		operator, versions := w.Start(sim.Seams{}), map[string]bool{}
		for range 4000 {
			if !w.Next(t.Context(), operator) {
				break
			}
			for _, object := range objectsIn(w) {
				version := object.GetName() + "@" + object.GetResourceVersion()
				if versions[version] {
					continue
				}
				versions[version] = true
				content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
				if err != nil {
					t.Fatal(err)
				}
				if do(scenario.Name, object, content); t.Failed() {
					return
				}
			}
		}
	}
}

func objectsIn(w *sim.World) (objects []client.Object) {
	for _, list := range []client.ObjectList{&strategyv1.StrategyIncidentList{}, &strategyv1.StrategyRollbackList{}, &strategyv1.StrategyPlaybookList{}} {
		w.List(list)
		_ = meta.EachListItem(list, func(item runtime.Object) error {
			objects = append(objects, item.(client.Object))
			return nil
		})
	}
	return objects
}

// expected is the health by the facts, as the operator itself looks at them.
func expected(object client.Object) (kind, health string) {
	switch object := object.(type) {
	case *strategyv1.StrategyIncident:
		ready := meta.FindStatusCondition(object.Status.Conditions, strategyv1.ConditionReady)
		if ready == nil || ready.ObservedGeneration < object.Generation {
			return strategyv1.KindIncident, progressing
		}
		return strategyv1.KindIncident, working(lifecycle.Closed(object.Status), meta.IsStatusConditionTrue(object.Status.Conditions, strategyv1.ConditionStalled), object.Status.WaitsFor)
	case *strategyv1.StrategyRollback:
		ready := meta.FindStatusCondition(object.Status.Conditions, strategyv1.ConditionReady)
		if ready == nil || ready.ObservedGeneration < object.Generation {
			return strategyv1.KindRollback, progressing
		}
		holds := lifecycle.Ended(object.Status) || meta.IsStatusConditionTrue(object.Status.Conditions, strategyv1.ConditionReady)
		return strategyv1.KindRollback, working(holds, meta.IsStatusConditionTrue(object.Status.Conditions, strategyv1.ConditionStalled), object.Status.WaitsFor)
	case *strategyv1.StrategyPlaybook:
		ready := meta.FindStatusCondition(object.Status.Conditions, strategyv1.ConditionReady)
		switch {
		case ready == nil || ready.ObservedGeneration < object.Generation || ready.Reason == strategyv1.ReasonBeingChecked:
			return strategyv1.KindPlaybook, progressing
		case ready.Status == "True":
			return strategyv1.KindPlaybook, healthy
		case ready.Reason == strategyv1.ReasonAwaitingReview:
			return strategyv1.KindPlaybook, suspended
		}
		return strategyv1.KindPlaybook, degraded
	}
	panic(fmt.Sprintf("%T", object))
}

func working(over, stuck bool, who strategyv1.Who) string {
	switch {
	case over:
		return healthy
	case stuck:
		return degraded
	case who != "" && who != strategyv1.WhoMachine && who != strategyv1.WhoNobody:
		return suspended
	}
	return progressing
}

// argoHealth runs the Lua of the shipped patch as Argo CD does: the object is obj, and no library is there but the basic one.
func argoHealth(t *testing.T) func(kind string, object map[string]any) string {
	t.Helper()
	var patch corev1.ConfigMap
	load(t, "argocd-health.yaml", &patch)
	return func(kind string, object map[string]any) string {
		script, found := patch.Data["resource.customizations.health.strategy.tradeops.dev_"+kind]
		if !found {
			t.Fatalf("nothing is said of %s", kind)
		}
		state := lua.NewState(lua.Options{SkipOpenLibs: true})
		defer state.Close()
		state.Push(state.NewFunction(lua.OpenBase))
		state.Push(lua.LString(lua.BaseLibName))
		state.Call(1, 0)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		state.SetContext(ctx)
		state.SetGlobal("obj", inLua(state, object))
		if err := state.DoString(script); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		result, is := state.Get(-1).(*lua.LTable)
		if !is || state.GetField(result, "message").Type() != lua.LTString {
			t.Fatalf("%s: it returns %s", kind, state.Get(-1))
		}
		return state.GetField(result, "status").String()
	}
}

func inLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for name, field := range value {
			table.RawSetString(name, inLua(state, field))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(inLua(state, item))
		}
		return table
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	}
	return lua.LNil
}

// fluxHealth asks the expressions of the shipped list as Flux does: those in progress first, then failed, then current; they are parsed, and not
// checked, and the fields of the object are their variables.
func fluxHealth(t *testing.T) func(kind string, object map[string]any) string {
	t.Helper()
	var list struct {
		HealthCheckExprs []struct{ APIVersion, Kind, InProgress, Failed, Current string }
	}
	load(t, "flux-health.yaml", &list)
	env, err := cel.NewEnv(cel.HomogeneousAggregateLiterals(), cel.CrossTypeNumericComparisons(true), cel.OptionalTypes())
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]cel.Program{}
	for _, one := range list.HealthCheckExprs {
		if one.APIVersion != strategyv1.GroupVersion.String() {
			t.Errorf("%s is of %s", one.Kind, one.APIVersion)
		}
		for what, text := range map[string]string{"InProgress": one.InProgress, "Failed": one.Failed, "Current": one.Current} {
			parsed, issues := env.Parse(text)
			if issues.Err() != nil {
				t.Fatalf("%s of %s: %v", what, one.Kind, issues.Err())
			}
			if programs[one.Kind+what], err = env.Program(parsed); err != nil {
				t.Fatal(err)
			}
		}
	}
	return func(kind string, object map[string]any) string {
		for _, what := range []string{"InProgress", "Failed", "Current"} {
			program := programs[kind+what]
			if program == nil {
				t.Fatalf("nothing is said of %s", kind)
			}
			value, _, err := program.Eval(object)
			if _, known := object["status"]; err != nil && !known {
				return "InProgress" // Flux asks again
			}
			if err != nil {
				t.Fatalf("%s of %s: %v", what, kind, err)
			}
			if value.Value() == true {
				return what
			}
		}
		return "InProgress"
	}
}

func load(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../config/gitops/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(strings.TrimSpace(string(text))), into); err != nil {
		t.Fatal(err)
	}
}
