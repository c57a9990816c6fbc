package controllers

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
)

// TestWhatAFailureStops of what comes after it in the same pass: effects, but not what people are told, or an object that must not be kept.
func TestWhatAFailureStops(t *testing.T) {
	scheme := fake.NewClientBuilder().Build().Scheme()
	if err := strategyv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	kind := schema.GroupResource{Resource: "jobs"}
	away := errors.New("connection refused")
	quota := apierrors.NewForbidden(kind, "one", errors.New("exceeded quota"))
	rollback := &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "less", UID: "r", Finalizers: []string{strategyv1.Finalizer}}}
	told := action.Event{Type: corev1.EventTypeNormal, Reason: "RollingOut", Message: "m"}
	create, remove := action.CreateJob{Job: job}, action.DeleteJob{Key: client.ObjectKeyFromObject(job), UID: job.UID}
	letGo := action.SetFinalizers{Key: client.ObjectKeyFromObject(rollback)}
	anyway := letGo
	anyway.Anyway = true
	for name, c := range map[string]struct {
		about   client.Object
		creates error // of Jobs
		deletes error
		actions []action.Action
		done    string
	}{
		"nothing fails":                                  {rollback, nil, nil, []action.Action{create, told, letGo}, "create told let-go"},
		"an effect that fails":                           {rollback, away, nil, []action.Action{create, remove, told, letGo}, "told"},
		"an effect that is refused":                      {rollback, quota, nil, []action.Action{create, remove, told, letGo}, "told"},
		"somebody was faster":                            {rollback, apierrors.NewConflict(kind, "one", nil), nil, []action.Action{create, told, letGo}, "told"},
		"an object that must not be kept":                {rollback, away, nil, []action.Action{create, told, anyway}, "told let-go"},
		"tidying up that is refused stops nothing":       {rollback, nil, quota, []action.Action{remove, create, told, letGo}, "create told let-go"},
		"tidying up that fails otherwise is like others": {rollback, nil, away, []action.Action{remove, create, told, letGo}, "told"},
		"a configuration tells of what was written":      {configuration, away, nil, []action.Action{create, told}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var done []string
			w := newWorld(t, interceptor.Funcs{})
			recorder := events.NewFakeRecorder(10)
			w.Recorder = recorder
			api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(rollback.DeepCopy(), configuration.DeepCopy()).Build()
			w.Client = interceptor.NewClient(api, interceptor.Funcs{
				Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
					if c.creates == nil {
						done = append(done, "create")
					}
					return c.creates
				},
				Delete: func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error { return c.deletes },
				Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
					done = append(done, "let-go")
					return nil
				},
			})
			about, _ := c.about.DeepCopyObject().(client.Object)
			err := w.execute(w.ctx, about, c.actions)
			if (err == nil) != (c.creates == nil && c.deletes == nil) {
				t.Errorf("returned %v", err)
			}
			if len(recorder.Events) > 0 {
				done = append(done, "told")
			}
			for _, want := range strings.Fields(c.done) {
				if !strings.Contains(strings.Join(done, " "), want) {
					t.Errorf("done: %v, without %s", done, want)
				}
			}
			if len(done) != len(strings.Fields(c.done)) {
				t.Errorf("done: %v, not only %s", done, c.done)
			}
		})
	}
}

// TestAFinalizerThatWasNotSetIsNotThere: the next pass would write edits that nobody holds.
func TestAFinalizerThatWasNotSetIsNotThere(t *testing.T) {
	w := newWorld(t, interceptor.Funcs{Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
		return errors.New("refused")
	}})
	rollback := &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "less"}}
	err := w.execute(w.ctx, rollback, []action.Action{action.SetFinalizers{Finalizers: []string{strategyv1.Finalizer}}})
	if err == nil || len(rollback.Finalizers) > 0 {
		t.Errorf("%v; finalizers %v", err, rollback.Finalizers)
	}
}
