package attack

import (
	"context"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// wilma has a role of her namespace with every verb, on everything.
const wilma = "wilma"

// wildcards: a verb, whoever grants it, makes nobody the operator.
func wildcards() table {
	every := []string{"*"}
	everything := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "everything"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: every, Resources: every, Verbs: every}},
	}
	asked := by(aRollback, wilma)
	asked.Spec.IncidentName, asked.Spec.IncidentUID, asked.Spec.RemediationName = "loss", "1234", "automatic"
	now := metav1.Now()
	alert := func(name, sender string) *strategyv1.StrategyAlert {
		return &strategyv1.StrategyAlert{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: strategyv1.StrategyAlertSpec{
			Labels: map[string]strategyv1.AlertText{"alertname": "PnlDrawdown"}, Sender: sender, State: strategyv1.AlertFiring,
			StartTime: now, Occurrence: 1, ChangedTime: now, Heard: 1, HeardTime: now,
		}}
	}
	heard := alert("heard-before", alma)
	return table{"wildcards", func(t *testing.T, server Server) {
		put(t, server, everything)
		store(t, server, heard)
		bind(t, server, wilma, "Role", "everything")
		until(t, func(ctx context.Context) bool {
			return server.As(wilma).List(ctx, &strategyv1.StrategyIncidentList{}, client.InNamespace(Namespace)) == nil
		})
	}, []attack{
		{"who has every verb asks in their own name", wilma, create(by(aRollback, wilma)), ""},
		{"in another's, to approve it themselves", wilma, create(by(aRollback, anna)), "a client may only name itself"},
		{"as the incident does, so that nobody need approve it", wilma, create(asked), "incidentUID says that the incident itself asked"},
		{"forges a check", wilma, create(job("new", nil)), wilma + " may not create jobs with the label strategy.tradeops.dev/owner-uid"},
		{"forges the copy of a drill", wilma, create(copyOf("drill")), wilma + " may not create configmaps with the label strategy.tradeops.dev/owner-uid"},
		{"says what another says fires", wilma, create(alert("mine", alma)), "alerts are stored by the alert intake alone"},
		{"takes a place of the intake", wilma, create(alert("other-0123456789abcdef", wilma)), "alerts are stored by the alert intake alone"},
		{"says that what another said is over", wilma, resolve(heard), "what an alert says is changed by the alert intake alone"},
	}}
}
