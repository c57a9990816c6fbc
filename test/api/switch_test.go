package api_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestWhoMayPutAPlaybookOnHold: those who must stop things in an emergency may, and may not thereby write the procedure.
func TestWhoMayPutAPlaybookOnHold(t *testing.T) {
	morePeople(t)
	editor := bound("erin", "ClusterRole", "strategy-operator-playbook-editor")
	give(t, &editor)
	must(t, eventually(t.Context(), func() (bool, error) {
		return allowed(t, "erin", "trading", "author", "strategy.tradeops.dev/strategyplaybooks"), nil
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
		{"an approver stops everything", "bob", stop, ""},
		{"an approver lets it go on", "bob", `{"spec":{"suspend":false}}`, ""},
		{"the role admin", "dana", stop, ""},
		{"the platform team", "erin", stop, ""},
		{"a responder", "alice", stop, notPatch},
		{"nobody in particular", "eve", stop, notPatch},
		{"the operator", operator, stop, notPatch},
		{"an approver labels it", "bob", `{"metadata":{"labels":{"desk":"crypto"}}}`, ""},
		{"the platform team changes the procedure", "erin", `{"spec":{"triage":{"respondWithinSeconds":60}}}`, ""},
		{"an approver stops it and changes a deadline", "bob", `{"spec":{"suspend":true,"triage":{"respondWithinSeconds":60}}}`, "bob" + only},
		// One row for each field: a new one must be in the policy, too.
		{"scheduler", "bob", `{"spec":{"scheduler":{"name":"other"}}}`, "bob" + only},
		{"signals", "bob", `{"spec":{"signals":{"intervalSeconds":60}}}`, "bob" + only},
		{"no signals", "bob", `{"spec":{"signals":null}}`, "bob" + only},
		{"dashboards", "bob", `{"spec":{"dashboards":[]}}`, "bob" + only},
		{"checks", "bob", `{"spec":{"checks":[{"name":"plan","podTemplateName":"other","command":["x"],"verdicts":[{"when":"true","verdict":"Pass"}]}]}}`, "bob" + only},
		{"triage", "bob", `{"spec":{"triage":{"falseAlarm":null}}}`, "bob" + only},
		{"diagnosis", "bob", `{"spec":{"diagnosis":{"causes":[]}}}`, "bob" + only},
		{"remediations", "bob", `{"spec":{"remediations":[]}}`, "bob" + only},
		{"feeds", "bob", `{"spec":{"feeds":null}}`, "bob" + only},
		{"guard", "bob", `{"spec":{"guard":null}}`, "bob" + only},
		{"escalation", "bob", `{"spec":{"escalation":null}}`, "bob" + only},
		{"recovery", "bob", `{"spec":{"recovery":{"maxStrikes":9}}}`, "bob" + only},
		{"history", "bob", `{"spec":{"history":{"keepIncidents":9}}}`, "bob" + only},
		{"signingKeySecretName", "bob", `{"spec":{"signingKeySecretName":"mine"}}`, "bob" + only},
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
			"feeds": true, "guard": true, "escalation": true, "recovery": true, "history": true, "signingKeySecretName": true,
		}
		for field := range specSchema(t, "strategyplaybooks")["properties"].(map[string]any) {
			if !rows[field] {
				t.Errorf("nobody tried to change spec.%s, which the policy may not know", field)
			}
		}
	})
}

func TestWhoMaySuspendAnIncident(t *testing.T) {
	incident := parse(t, validIncident)
	incident.SetGenerateName("")
	incident.SetName("held")
	incident.SetNamespace("trading")
	give(t, incident)
	for user, want := range map[string]string{"alice": "", "bob": "", "eve": `cannot patch resource "strategyincidents"`, operator: `cannot patch resource "strategyincidents"`} {
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
