package api_test

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestWhoMaySuspendAPlaybook: spec.suspend is the way of whoever may update playbooks, and who may do only that does not thereby write
// the procedure.
func TestWhoMaySuspendAPlaybook(t *testing.T) {
	morePeople(t)
	updates := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "updates-playbooks"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"strategy.tradeops.dev"}, Resources: []string{"strategyplaybooks"}, Verbs: []string{"get", "update", "patch"}},
	}}
	give(t, updates)
	tool := bound("gil", "ClusterRole", updates.Name)
	give(t, &tool)
	editor := bound("erin", "ClusterRole", "strategy-operator-playbook-editor")
	give(t, &editor)
	must(t, eventually(t.Context(), func() (bool, error) {
		return allowed(t, "erin", "trading", "author", "strategy.tradeops.dev/strategyplaybooks") &&
			allowed(t, "gil", "trading", "patch", "strategy.tradeops.dev/strategyplaybooks"), nil
	}))
	playbook := parse(t, validPlaybook)
	playbook.SetGenerateName("")
	playbook.SetName("switch")
	playbook.SetNamespace("trading")
	give(t, playbook)
	const (
		stop     = `{"spec":{"suspend":true}}`
		notPatch = `cannot patch resource "strategyplaybooks"`
		only     = " may change nothing of a playbook but suspend: the verb author on strategyplaybooks in namespace trading is not granted"
	)
	for _, test := range []struct{ name, user, patch, want string }{
		{"who may update stops everything", "gil", stop, ""},
		{"who may update lets it go on", "gil", `{"spec":{"suspend":false}}`, ""},
		{"an approver decides instead", "bob", stop, notPatch},
		{"the role admin", "dana", stop, ""},
		{"the platform team", "erin", stop, ""},
		{"a responder", "alice", stop, notPatch},
		{"nobody in particular", "eve", stop, notPatch},
		{"the operator", operator, stop, notPatch},
		{"who may update labels it", "gil", `{"metadata":{"labels":{"desk":"crypto"}}}`, ""},
		{"the platform team changes the procedure", "erin", `{"spec":{"triage":{"respondWithinSeconds":60}}}`, ""},
		{"who may update stops it and changes a deadline", "gil", `{"spec":{"suspend":true,"triage":{"respondWithinSeconds":60}}}`, "gil" + only},
		// One row for each field: a new one must be in the policy, too.
		{"scheduler", "gil", `{"spec":{"scheduler":{"name":"other"}}}`, "gil" + only},
		{"signals", "gil", `{"spec":{"signals":{"intervalSeconds":60}}}`, "gil" + only},
		{"no signals", "gil", `{"spec":{"signals":null}}`, "gil" + only},
		{"alerts", "gil", `{"spec":{"alerts":{"maxIncidentsPerHour":1}}}`, "gil" + only},
		{"no alerts", "gil", `{"spec":{"alerts":null}}`, "gil" + only},
		{"notifications", "gil", `{"spec":{"notifications":{"channels":[{"name":"mine","type":"Slack","secretName":"mine"}]}}}`, "gil" + only},
		{"dashboards", "gil", `{"spec":{"dashboards":[]}}`, "gil" + only},
		{"checks", "gil", `{"spec":{"checks":[{"name":"plan","podTemplateName":"other","command":["x"],"verdicts":[{"when":"true","verdict":"Pass"}]}]}}`, "gil" + only},
		{"triage", "gil", `{"spec":{"triage":{"falseAlarm":null}}}`, "gil" + only},
		{"diagnosis", "gil", `{"spec":{"diagnosis":{"causes":[]}}}`, "gil" + only},
		{"remediations", "gil", `{"spec":{"remediations":[]}}`, "gil" + only},
		{"feeds", "gil", `{"spec":{"feeds":null}}`, "gil" + only},
		{"guard", "gil", `{"spec":{"guard":null}}`, "gil" + only},
		{"escalation", "gil", `{"spec":{"escalation":null}}`, "gil" + only},
		{"recovery", "gil", `{"spec":{"recovery":{"maxStrikes":9}}}`, "gil" + only},
		{"history", "gil", `{"spec":{"history":{"keepIncidents":9}}}`, "gil" + only},
		{"signingKeySecretName", "gil", `{"spec":{"signingKeySecretName":"mine"}}`, "gil" + only},
	} {
		t.Run(test.name, func(t *testing.T) {
			object := &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "switch"}}
			patch := client.RawPatch(types.MergePatchType, []byte(test.patch))
			refused(t, as(test.user).Patch(t.Context(), object, patch, client.DryRunAll), test.want)
		})
	}
	t.Run("every field of a playbook is in the rows above", func(t *testing.T) {
		rows := map[string]bool{
			"suspend": true, "scheduler": true, "signals": true, "dashboards": true, "checks": true, "triage": true, "diagnosis": true, "remediations": true,
			"alerts": true, "notifications": true, "feeds": true, "guard": true, "escalation": true, "recovery": true, "history": true, "signingKeySecretName": true,
		}
		for field := range specSchema(t, "strategyplaybooks")["properties"].(map[string]any) {
			if !rows[field] {
				t.Errorf("nobody tried to change spec.%s, which the policy may not know", field)
			}
		}
	})
}

func TestWhoMaySuspendAnIncident(t *testing.T) {
	morePeople(t)
	incident := parse(t, validIncident)
	incident.SetGenerateName("")
	incident.SetName("held")
	incident.SetNamespace("trading")
	give(t, incident)
	for user, want := range map[string]string{"dana": "", "alice": `cannot patch resource "strategyincidents"`, "bob": `cannot patch resource "strategyincidents"`, "eve": `cannot patch resource "strategyincidents"`, operator: `cannot patch resource "strategyincidents"`} {
		object := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "held"}}
		refused(t, as(user).Patch(t.Context(), object, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"suspend":true}}`)), client.DryRunAll), want)
	}
}

// TestTheHistoryDeletesOnlyWhatHasEnded: the operator has the right to delete, and undoes nothing with it.
func TestTheHistoryDeletesOnlyWhatHasEnded(t *testing.T) {
	standing(t, "standing", strategyv1.DeletionRestore)
	standing(t, "over", strategyv1.DeletionRestore)
	var over strategyv1.StrategyRollback
	must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(called("over")), &over))
	over.Status.End = &strategyv1.RollbackEnd{How: strategyv1.EndRestored, Time: metav1.Now()}
	must(t, admin.Status().Update(t.Context(), &over))
	refused(t, as(operator).Delete(t.Context(), called("over"), client.DryRunAll), "")
	refused(t, as(operator).Delete(t.Context(), called("standing"), client.DryRunAll), "which would undo its change (deletionPolicy Restore)")
}
