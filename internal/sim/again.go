package sim

import (
	"encoding/json"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// MakeAgain deletes an object, by force where a finalizer holds it, and makes another one under its name: with the same spec or data, labels
// and annotations, a UID of its own and no status, as "kubectl replace --force" or a tool for backups does. change adapts it; nil leaves it
// as it is. It says false if there is no such object.
func MakeAgain[O client.Object](w *World, name string, object O, change func(O)) bool {
	w.T.Helper()
	if w.find(name, object) != nil {
		return false
	}
	again, _ := w.unborn(object).(O)
	if len(object.GetFinalizers()) > 0 {
		Change(w, name, object, func(o O) { o.SetFinalizers(nil) })
	}
	if object.GetDeletionTimestamp() == nil {
		w.Delete(name, object)
	}
	if change != nil {
		change(again)
	}
	w.As(authorOf(again), again)
	if pod, isPod := client.Object(again).(*corev1.Pod); isPod && pod.Labels["app"] == w.Deployment().Spec.Selector.MatchLabels["app"] {
		w.running = w.Content() // the scheduler reads it when it starts
	}
	return true
}

// authorOf is in whose name an object is made: people may only name themselves.
func authorOf(object client.Object) string {
	switch o := object.(type) {
	case *strategyv1.StrategyIncident:
		return o.Spec.RequestedBy
	case *strategyv1.StrategyRollback:
		return o.Spec.RequestedBy
	case *strategyv1.StrategyDecision:
		return o.Spec.By
	}
	return "admin"
}

// unborn is an object as it would be created: without what the API server gives, and without a status.
func (w *World) unborn(object client.Object) client.Object {
	w.T.Helper()
	fields := map[string]any{}
	data, err := json.Marshal(object)
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	delete(fields, "status")
	if meta, ok := fields["metadata"].(map[string]any); ok {
		for _, given := range []string{"uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "finalizers"} {
			delete(meta, given)
		}
	}
	again, _ := reflect.New(reflect.TypeOf(object).Elem()).Interface().(client.Object)
	if data, err = json.Marshal(fields); err == nil {
		err = json.Unmarshal(data, again)
	}
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	return again
}
