package attack

import (
	"context"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// alma sends alerts.
const alma = "alma"

// alerts are said in another's name, or changed by somebody who is not asked.
func alerts() table {
	const (
		stored = "alerts are stored by the alert intake alone"
		said   = "what an alert says is changed by the alert intake alone"
		over   = `{"spec":{"state":"Resolved","endTime":"2026-11-28T11:00:00Z"}}`
	)
	now := metav1.NewTime(time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC))
	alert := func(name, sender string) *strategyv1.StrategyAlert {
		return &strategyv1.StrategyAlert{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: strategyv1.StrategyAlertSpec{
			Labels: map[string]strategyv1.AlertText{"alertname": "PnlDrawdown"}, Sender: sender, State: strategyv1.AlertFiring,
			StartTime: now, Occurrence: 1, ChangedTime: now, Heard: 1, HeardTime: now,
		}}
	}
	const intakes = "pnldrawdown-0123456789abcdef"
	stands := alert(intakes, alma)
	return table{"alerts", func(t *testing.T, server Server) {
		bind(t, server, alma, "ClusterRole", "strategy-operator-alert-sender")
		store(t, server, stands)
		until(t, func(ctx context.Context) bool { // the right is there: what is left is the policy
			err := create(alert("mine", alma))(ctx, server.As(alma))
			return err != nil && strings.Contains(err.Error(), stored)
		})
	}, []attack{
		{"the operator stores what somebody said", operator, create(alert("pnldrawdown-0123456789abcdee", alma)), ""},
		{"a sender says something without the intake", alma, create(alert("mine", alma)), stored},
		{"in another's name", alma, create(alert("mine", operator)), stored},
		{"in a place of the intake, to swallow what others say", alma, create(alert("other-0123456789abcdef", alma)), stored},
		{"the administrator does", adam, create(alert("other-0123456789abcdef", adam)), stored},
		{"an administrator speaks for a sender", adam, create(alert("mine", alma)), stored},
		{"a responder says something", rita, create(alert("mine", rita)), `cannot create resource "strategyalerts"`},
		{"a tenant says something", tina, create(alert("mine", tina)), `cannot create resource "strategyalerts"`},
		{"a sender looks at what others said", alma, read(stands), `cannot get resource "strategyalerts"`},
		{"a sender says that it is over, past the intake", alma, patch(stands, over), `cannot patch resource "strategyalerts"`},
		{"a viewer says that it is over", victor, patch(stands, over), `cannot patch resource "strategyalerts"`},
		{"an editor of playbooks does", paul, patch(stands, over), `cannot patch resource "strategyalerts"`},
		{"who may update everything does", gil, patch(stands, over), said},
		{"the administrator does", adam, patch(stands, over), said},
		{"the administrator takes over what was said", adam, patch(stands, `{"spec":{"sender":"adam"}}`), said},
		{"the administrator leaves a label", adam, patch(stands, `{"metadata":{"labels":{"desk":"crypto"}}}`), ""},
		{"the operator hears that it is over", operator, resolve(stands), ""},
		{"the administrator says what becomes of it", adam, status(stands, `{"status":{"outcome":"Ignored"}}`), `cannot patch resource "strategyalerts/status"`},
		{"a sender deletes it", alma, remove(stands), `cannot delete resource "strategyalerts"`},
		{"a tenant deletes it", tina, remove(stands), `cannot delete resource "strategyalerts"`},
		{"an approver deletes it", anna, remove(stands), `cannot delete resource "strategyalerts"`},
		{"a sender lets another one send", alma, create(&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-"}, Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "mallory"}},
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "strategy-operator-alert-sender"},
		}), `cannot create resource "rolebindings"`},
	}}
}

// store is what the operator does with what it heard.
func store(t *testing.T, server Server, alert *strategyv1.StrategyAlert) {
	t.Helper()
	until(t, func(ctx context.Context) bool { return server.As(operator).Create(ctx, sent(alert)) == nil }) // its right may be new
}

// resolve is what the operator sends when it hears that an alert is over.
func resolve(alert *strategyv1.StrategyAlert) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		var stored strategyv1.StrategyAlert
		if err := as.Get(ctx, client.ObjectKeyFromObject(sent(alert)), &stored); err != nil {
			return err
		}
		stored.Spec.State, stored.Spec.EndTime = strategyv1.AlertResolved, &stored.Spec.HeardTime
		return as.Update(ctx, &stored, client.DryRunAll)
	}
}
