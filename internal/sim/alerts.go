package sim

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim/apiserver"
)

// Alertmanager is who sends alerts.
const Alertmanager = "system:serviceaccount:monitoring:alertmanager"

// Fire is an alert that begins to fire, as the intake stores it: for the first time, or anew.
func (w *World) Fire(name string, labels map[string]strategyv1.AlertText) {
	w.T.Helper()
	now := metav1.NewTime(w.Clock.Now().UTC().Truncate(time.Second))
	if w.AlertNamed(name) != nil {
		w.stored(name, func(alert *strategyv1.StrategyAlert) {
			alert.Spec.State, alert.Spec.EndTime, alert.Spec.StartTime = strategyv1.AlertFiring, nil, now
			alert.Spec.ChangedTime, alert.Spec.HeardTime = now, now
			alert.Spec.Occurrence++
			alert.Spec.Heard++
		})
		return
	}
	w.As(apiserver.Operator, &strategyv1.StrategyAlert{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: strategyv1.StrategyAlertSpec{
			Labels: labels, Annotations: map[string]strategyv1.AlertText{"summary": "it loses money"}, Sender: Alertmanager,
			State: strategyv1.AlertFiring, StartTime: now, ChangedTime: now, HeardTime: now, Occurrence: 1, Heard: 1,
		},
	})
}

// Hear is the alert once more, as it was.
func (w *World) Hear(name string) {
	w.T.Helper()
	now := metav1.NewTime(w.Clock.Now().UTC().Truncate(time.Second))
	w.stored(name, func(alert *strategyv1.StrategyAlert) {
		alert.Spec.HeardTime = now
		alert.Spec.Heard++
	})
}

// End is an alert that is resolved.
func (w *World) End(name string) {
	w.T.Helper()
	now := metav1.NewTime(w.Clock.Now().UTC().Truncate(time.Second))
	w.stored(name, func(alert *strategyv1.StrategyAlert) {
		alert.Spec.State, alert.Spec.EndTime, alert.Spec.ChangedTime, alert.Spec.HeardTime = strategyv1.AlertResolved, &now, now, now
		alert.Spec.Heard++
	})
}

// stored is what the intake changes.
func (w *World) stored(name string, change func(*strategyv1.StrategyAlert)) {
	w.T.Helper()
	var alert strategyv1.StrategyAlert
	w.Get(name, &alert)
	change(&alert)
	if err := w.API.As(apiserver.Operator).Update(context.Background(), &alert); err != nil {
		w.T.Fatalf("update alert %s: %v", name, err)
	}
}

// AlertNamed is the alert of that name, nil without it.
func (w *World) AlertNamed(name string) *strategyv1.StrategyAlert {
	var list strategyv1.StrategyAlertList
	w.List(&list)
	for i := range list.Items {
		if list.Items[i].Name == name {
			return &list.Items[i]
		}
	}
	return nil
}
