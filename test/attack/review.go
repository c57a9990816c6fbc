package attack

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// review is about the second person of a playbook. That a version which nobody approved is not used is the operator's to see to.
func review() table {
	const (
		notGranted = "the verb approve on strategyplaybooks in namespace attacked is not granted"
		writes     = " may write playbooks (the verb author or create on strategyplaybooks in namespace attacked), and whoever writes them approves none"
		looked     = "name what was looked at"
	)
	about := func(user string, verdict strategyv1.DecisionVerdict, digest string) *strategyv1.StrategyDecision {
		decision := by(aDecision, user)
		decision.Spec = strategyv1.StrategyDecisionSpec{
			Target: strategyv1.DecisionTarget{Kind: strategyv1.KindPlaybook, Name: "book"}, Verdict: verdict, Digest: digest, Reason: "it is as agreed", By: user,
		}
		return decision
	}
	digest := "sha256:" + strings.Repeat("0", 64)
	approves := func(user string) attack {
		return attack{user + " approves a playbook", user, create(about(user, strategyv1.DecisionApprove, digest)), ""}
	}
	refused := func(row attack, answer string) attack {
		row.answer = answer
		return row
	}
	served := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}
	forged := about(anna, strategyv1.DecisionApprove, digest)
	return table{"review", func(t *testing.T, server Server) {
		for _, user := range []string{petra, nina} { // who is refused for what they may, not for what they may not yet
			until(t, func(ctx context.Context) bool {
				err := approves(user).sends(ctx, server.As(user))
				return err != nil && strings.Contains(err.Error(), writes)
			})
		}
	}, []attack{
		approves(anna),
		{"anna denies one", anna, create(about(anna, strategyv1.DecisionDeny, digest)), ""},
		refused(approves(paul), "strategydecisions"),
		refused(approves(rita), "rita may not Approve: "+notGranted),
		refused(approves(victor), "strategydecisions"),
		refused(approves(adam), "adam may not Approve: "+notGranted),
		refused(approves(petra), petra+writes),
		refused(approves(nina), nina+writes),
		{"whoever may write it denies it", petra, create(about(petra, strategyv1.DecisionDeny, digest)), ""},
		{"the author approves in another's name", petra, create(forged), "a client may only name itself"},
		{"anna approves whatever is there", anna, create(about(anna, strategyv1.DecisionApprove, "")), looked},
		{"anna denies whatever is there", anna, create(about(anna, strategyv1.DecisionDeny, "")), "names what was looked at"},
		{"the author says in the status that it is approved", paul, status(aPlaybook, `{"status":{"approved":{"revision":"r","digest":"`+digest+`"}}}`), "cannot patch resource"},
		{"an approver changes the playbook", anna, patch(aPlaybook, `{"spec":{"triage":{"respondWithinSeconds":60}}}`), "cannot patch resource"},
		{"an administrator of the namespace takes its label off", adam, patch(served, `{"metadata":{"labels":{"`+strategyv1.LabelPlaybookReview+`":null}}}`), "cannot patch resource"},
	}}
}
