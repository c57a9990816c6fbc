package attack

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// rights are those that change trading without a second person.
func rights() table {
	const notAsked = "incidentUID says that the incident itself asked"
	asked := func(user, incidentUID string) *strategyv1.StrategyRollback {
		rollback := by(aRollback, user)
		rollback.Spec.IncidentName, rollback.Spec.IncidentUID, rollback.Spec.RemediationName = "loss", incidentUID, "automatic"
		return rollback
	}
	elsewhere := func(object client.Object) func(context.Context, client.Client) error {
		object.SetNamespace("unserved")
		return create(object)
	}
	const notServed = "the operator does not serve namespace unserved; whoever administers the cluster: kubectl label namespace unserved strategy.tradeops.dev/serve=true"
	scene := func(t *testing.T, server Server) {
		put(t, server, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "unserved"}})
		bindIn(t, server, "unserved", adam, "ClusterRole", "strategy-operator-admin")
		until(t, func(ctx context.Context) bool {
			return server.As(adam).List(ctx, &strategyv1.StrategyIncidentList{}, client.InNamespace("unserved")) == nil
		})
	}
	return table{"rights", scene, []attack{
		{"an administrator fills the operator's memory with incidents of a namespace that is not served", adam, elsewhere(by(anIncident, adam)), notServed},
		{"with playbooks", adam, elsewhere(by(aPlaybook, adam)), notServed},
		{"with rollbacks", adam, elsewhere(by(aRollback, adam)), notServed},
		{"with decisions", adam, elsewhere(by(aDecision, adam)), notServed},
		{"an approver asks for an automatic remedy", anna, create(asked(anna, "")), ""},
		{"an approver asks for one as its incident does", anna, create(asked(anna, "1234")), notAsked},
		{"an administrator of the namespace does", adam, create(asked(adam, "1234")), notAsked},
		{"its incident does", operator, create(asked(anna, "1234")), ""},
	}}
}
