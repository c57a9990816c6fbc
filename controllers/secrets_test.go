package controllers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/alerts"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/incident"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/rollback"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/writeback"
)

var everyAction = []any{
	action.AnswerDecision{}, action.StoreEvidence{}, action.AppendEntries{}, action.CreateJob{}, action.DeleteJob{}, action.CreateRevision{}, action.DeleteRevision{},
	action.CreateRollback{}, action.CreateIncident{}, action.CreateConfigMap{}, action.DeleteObject{}, action.KeepReceipt{}, action.WriteConfig{}, action.RestartWorkload{}, action.KeepCheckpoints{},
	action.SetFinalizers{}, action.Event{},
}

// behind are the types that an interface may stand for.
var behind = map[reflect.Type][]any{
	reflect.TypeFor[action.Action]():  everyAction,
	reflect.TypeFor[action.Object]():  {strategyv1.StrategyIncident{}, strategyv1.StrategyRollback{}, strategyv1.StrategyDecision{}, strategyv1.StrategyAlert{}},
	reflect.TypeFor[runtime.Object](): {}, // of a RawExtension, which is written and not read
	reflect.TypeFor[any]():            {}, // a report's JSON
	reflect.TypeFor[error]():          {}, // why there is none
}

// TestNoSecretIsObservedOrDecided: what is observed and decided may be printed and kept, so no secret can be in it, whatever it is
// called. It is shown on the types: no value can be forgotten.
func TestNoSecretIsObservedOrDecided(t *testing.T) {
	secrets := []reflect.Type{
		reflect.TypeFor[decisionlog.Key](), reflect.TypeFor[decisionlog.Keys](), reflect.TypeFor[ownedSecret](), reflect.TypeFor[notify.Message](), reflect.TypeFor[signals.Source](), reflect.TypeFor[corev1.Secret](),
		reflect.TypeFor[writeback.Job](), reflect.TypeFor[writeback.Credentials](), // what became of a commit is observed, and not with what
	}
	for _, root := range []any{
		incident.Observed{}, incident.Decision{}, rollback.Observed{}, rollback.Decision{},
		alerts.Observed{}, alerts.Decision{}, playbook.Observed{}, playbook.Decision{}, schedulerconfig.Observed{}, schedulerconfig.Decision{},
	} {
		seen := map[reflect.Type]bool{}
		var walk func(one reflect.Type, path string)
		walk = func(one reflect.Type, path string) {
			if slices.Contains(secrets, one) {
				t.Errorf("%s is a %s", path, one)
			}
			if seen[one] {
				return
			}
			seen[one] = true
			switch one.Kind() {
			case reflect.Pointer, reflect.Slice, reflect.Array:
				walk(one.Elem(), path)
			case reflect.Map:
				walk(one.Key(), path)
				walk(one.Elem(), path)
			case reflect.Struct:
				for field := range one.Fields() {
					walk(field.Type, path+"."+field.Name)
				}
			case reflect.Interface:
				known, found := behind[one]
				if !found {
					t.Errorf("%s is a %s: what can be behind it?", path, one)
				}
				for _, each := range known {
					walk(reflect.TypeOf(each), path+"."+reflect.TypeOf(each).Name())
				}
			}
		}
		walk(reflect.TypeOf(root), reflect.TypeOf(root).String())
	}
}

// TestEveryActionIsLookedAt: an action that is new is in everyAction, too.
func TestEveryActionIsLookedAt(t *testing.T) {
	source, err := parser.ParseFile(token.NewFileSet(), "../internal/action/action.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared, known []string
	for _, one := range source.Decls {
		if method, ok := one.(*ast.FuncDecl); ok && method.Name.Name == "isAction" {
			declared = append(declared, method.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	for _, one := range everyAction {
		known = append(known, reflect.TypeOf(one).Name())
	}
	slices.Sort(declared)
	slices.Sort(known)
	if !slices.Equal(declared, known) {
		t.Errorf("actions are %v, looked at are %v", declared, known)
	}
}
