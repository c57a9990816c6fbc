package controllers

import (
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// What is held is counted by kind and reason, an exercise is not, and what was released is not either.
func TestWhatIsHeldIsCounted(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := strategyv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	held := []metav1.Condition{{Type: strategyv1.ConditionOnHold, Status: metav1.ConditionTrue, Reason: strategyv1.ReasonPlaybookHeld}}
	released := []metav1.Condition{{Type: strategyv1.ConditionOnHold, Status: metav1.ConditionFalse, Reason: strategyv1.ReasonReleased}}
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "trading", Name: name} }
	incident := func(name string, mode strategyv1.IncidentMode, all []metav1.Condition) client.Object {
		return &strategyv1.StrategyIncident{
			ObjectMeta: named(name), Spec: strategyv1.StrategyIncidentSpec{Type: "PnL", Mode: mode}, Status: strategyv1.StrategyIncidentStatus{Conditions: all},
		}
	}
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		&strategyv1.StrategyPlaybook{ObjectMeta: named("held"), Status: strategyv1.StrategyPlaybookStatus{Conditions: held}},
		&strategyv1.StrategyPlaybook{ObjectMeta: named("free"), Status: strategyv1.StrategyPlaybookStatus{Conditions: released}},
		incident("held", strategyv1.IncidentLive, held), incident("free", strategyv1.IncidentLive, nil), incident("drill", strategyv1.IncidentDrill, held),
	).Build()
	out := make(chan prometheus.Metric, 100)
	counted, counter := map[[2]string]int{}, &objectCounter{reader: reader}
	counter.collectPlaybooks(t.Context(), out, counted)
	counter.collectIncidents(t.Context(), out, counted)
	want := map[[2]string]int{{"StrategyPlaybook", "PlaybookHeld"}: 1, {"StrategyIncident", "PlaybookHeld"}: 1}
	if !maps.Equal(counted, want) {
		t.Errorf("%v, not %v", counted, want)
	}
}
