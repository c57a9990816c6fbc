package attack

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// kept are decisions that a playbook has also when it is made again: deleting both must undo none of them.
func kept() table {
	made := func(name, kind string, verdict strategyv1.DecisionVerdict) *strategyv1.StrategyDecision {
		decision := &strategyv1.StrategyDecision{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kept": name}},
			Spec:       strategyv1.StrategyDecisionSpec{Target: strategyv1.DecisionTarget{Kind: kind, Name: "book"}, Verdict: verdict, Reason: "as agreed", By: "admin"},
		}
		if verdict == strategyv1.DecisionApprove || verdict == strategyv1.DecisionDeny {
			decision.Spec.Digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
		}
		return decision
	}
	const playbook = strategyv1.KindPlaybook
	var (
		hold, release, deny = made("kept-hold", playbook, strategyv1.DecisionHold), made("kept-release", playbook, strategyv1.DecisionRelease), made("kept-deny", playbook, strategyv1.DecisionDeny)
		approve, refusal    = made("kept-approve", playbook, strategyv1.DecisionApprove), made("kept-refused", playbook, strategyv1.DecisionHold)
		unanswered          = made("kept-unanswered", playbook, strategyv1.DecisionHold)
		incident            = made("kept-incident", strategyv1.KindIncident, strategyv1.DecisionEscalate)
	)
	all := []*strategyv1.StrategyDecision{hold, release, deny, approve, refusal, unanswered, incident}
	together := func(object *strategyv1.StrategyDecision) func(context.Context, client.Client) error {
		return func(ctx context.Context, as client.Client) error {
			return as.DeleteAllOf(ctx, &strategyv1.StrategyDecision{}, client.InNamespace(Namespace), client.MatchingLabels(object.Labels), client.DryRunAll)
		}
	}
	scene := func(t *testing.T, server Server) {
		for _, decision := range all {
			decision := decision.DeepCopy()
			decision.Namespace = Namespace
			creates := server.Admin
			if decision.Name == approve.Name { // whoever may write playbooks approves none
				creates, decision.Spec.By = server.As(dina), dina
			}
			must(t, creates.Create(t.Context(), decision))
			outcome := strategyv1.OutcomeHonoured
			switch decision.Name {
			case refusal.Name:
				outcome = strategyv1.OutcomeRefused
			case unanswered.Name:
				continue
			}
			decision.Status.Answer = &strategyv1.DecisionAnswer{Outcome: outcome, Message: "so it was", Time: metav1.Now()}
			must(t, server.Admin.Status().Update(t.Context(), decision))
		}
	}
	no := func(user, name, verdict, verb string) string {
		return user + " may not delete decision " + name + ", which was honoured (" + verdict + "), and which playbook book has also when it is made again: the verb " +
			verb + " on strategyplaybooks in namespace attacked is not granted"
	}
	return table{"kept", scene, []attack{
		{"who may delete it ends a hold", dora, remove(hold), no(dora, hold.Name, "Hold", "release")},
		{"with others of the kind", dora, together(hold), no(dora, hold.Name, "Hold", "release")},
		{"the garbage collector does", garbage, remove(hold), no(garbage, hold.Name, "Hold", "release")},
		{"the operator does", operator, remove(hold), no(operator, hold.Name, "Hold", "release")},
		{"who may release deletes a hold", adam, remove(hold), ""},
		{"who may delete it takes back a release", dora, remove(release), no(dora, release.Name, "Release", "hold")},
		{"who may hold deletes a release", adam, together(release), ""},
		{"an administrator takes back a denial", adam, remove(deny), no(adam, deny.Name, "Deny", "approve")},
		{"with others of the kind", adam, together(deny), no(adam, deny.Name, "Deny", "approve")},
		{"has an earlier approval count", adam, remove(approve), no(adam, approve.Name, "Approve", "approve")},
		{"who may approve deletes a denial", dina, remove(deny), ""},
		{"and an approval", dina, remove(approve), ""},
		{"who may delete it deletes what was refused", dora, remove(refusal), ""},
		{"what nobody looked at", dora, remove(unanswered), ""},
		{"what is about an incident", dora, remove(incident), ""},
		{"the operator does", operator, remove(incident), ""},
		{"the garbage collector does", garbage, remove(incident), ""},
	}}
}
