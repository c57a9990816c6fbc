package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

var now = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)

var digest = "sha256:" + strings.Repeat("0123456789abcdef", 4)

// world is a command line on a cluster that holds some objects.
type world struct {
	*app
	cluster
	out, err *bytes.Buffer
}

// newWorld knows that bob runs the command, and stamps nothing.
func newWorld(t *testing.T, stdin string, objects ...client.Object) *world {
	t.Helper()
	return newWorldWith(t, stdin, interceptor.Funcs{Create: bobRuns}, objects...)
}

// bobRuns answers who runs the command.
func bobRuns(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
	if review, ok := object.(*authenticationv1.SelfSubjectReview); ok {
		review.Status.UserInfo.Username = "bob"
		return nil
	}
	if review, ok := object.(*authorizationv1.SelfSubjectAccessReview); ok { // bob may decide
		review.Status.Allowed = review.Spec.ResourceAttributes.Namespace == "trading"
		return nil
	}
	if err := c.Create(ctx, object, options...); err != nil {
		return err
	}
	return answers(ctx, c, object, strategyv1.OutcomeHonoured, "as bob says")
}

// answers is the operator, which has looked at a decision.
func answers(ctx context.Context, c client.WithWatch, object client.Object, outcome strategyv1.DecisionOutcome, message string) error {
	decision, ok := object.DeepCopyObject().(*strategyv1.StrategyDecision)
	if !ok {
		return nil
	}
	decision.Status.Answer = &strategyv1.DecisionAnswer{Outcome: outcome, Message: message, Time: metav1.NewTime(now), Seq: 3}
	return c.Update(ctx, decision)
}

func newWorldWith(t *testing.T, stdin string, funcs interceptor.Funcs, objects ...client.Object) *world {
	t.Helper()
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	in := bytes.NewBufferString(stdin)
	w := &world{out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	w.cluster = cluster{
		WithWatch: fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(funcs).
			WithIndex(&strategyv1.StrategyIncident{}, "metadata.name", byName).
			WithIndex(&strategyv1.StrategyRollback{}, "metadata.name", byName).
			WithIndex(&strategyv1.StrategyPlaybook{}, "metadata.name", byName).Build(), namespace: "trading",
		podLog: func(_ context.Context, pod string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("log of " + pod + "\x1b[31m\n")), nil
		},
		serverVersion: func() (string, error) { return "v1.36.0", nil },
		evidence:      folder{fstest.MapFS{}},
	}
	w.app = newApp(genericiooptions.IOStreams{In: in, Out: w.out, ErrOut: w.err})
	w.now = func() time.Time { return now }
	w.connect = func() (cluster, error) { return w.cluster, nil }
	w.isPerson = func() bool { return stdin != "" }
	return w
}

// byName is what the API server selects by, of every kind.
func byName(object client.Object) []string { return []string{object.GetName()} }

// run runs one command line.
func (w *world) run(t *testing.T, args ...string) int {
	t.Helper()
	return run(t.Context(), w.app, args)
}

func (w *world) decisions(t *testing.T) []strategyv1.StrategyDecision {
	t.Helper()
	var list strategyv1.StrategyDecisionList
	if err := w.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(now)}
}

// awaiting is a rollback that waits for an approval.
func awaiting() *strategyv1.StrategyRollback {
	return &strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "stop-cross", UID: "7"},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: "multi-strategy", IncidentName: "pnl-1", RequestedBy: "alice", DesiredState: strategyv1.StateApplied,
			Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "cross_exchange_watch"}},
		},
		Status: strategyv1.StrategyRollbackStatus{
			Plan: &strategyv1.RollbackPlan{
				Revision: 2, Digest: digest, RevisionTime: metav1.NewTime(now), Until: new(metav1.NewTime(now.Add(time.Hour))),
				Edits: []strategyv1.PlannedEdit{{Path: "/a/b", To: "{schedule: cross_exchange_watch}"}},
				Diff:  "--- core.yaml\n+++ core.yaml\n@@ -1 +1 @@\n+  - {schedule: cross_exchange_watch}\n",
			},
			Conditions: []metav1.Condition{
				condition(strategyv1.ConditionPlanned, metav1.ConditionTrue, strategyv1.ReasonPlanned, "disable"),
				condition(strategyv1.ConditionApproved, metav1.ConditionUnknown, strategyv1.ReasonAwaitingApproval, "decide"),
				condition(strategyv1.ConditionReady, metav1.ConditionFalse, strategyv1.ReasonAwaitingApproval, "decide"),
			},
		},
	}
}

// guarded is the same rollback, approved and held back.
func guarded() *strategyv1.StrategyRollback {
	rollback := awaiting()
	rollback.Status.WaitsFor = strategyv1.WhoApprover
	const message = "the guard allows 1 rollbacks at the same time"
	rollback.Status.Conditions = []metav1.Condition{
		rollback.Status.Conditions[0],
		condition(strategyv1.ConditionApproved, metav1.ConditionTrue, strategyv1.ReasonApproved, "approved by bob"),
		condition(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonGuardExceeded, message),
		condition(strategyv1.ConditionReady, metav1.ConditionFalse, strategyv1.ReasonGuardExceeded, message),
		condition(strategyv1.ConditionStalled, metav1.ConditionTrue, strategyv1.ReasonGuardExceeded, message),
	}
	return rollback
}

// verified is the same rollback in effect, renewed once.
func verified() *strategyv1.StrategyRollback {
	rollback := awaiting()
	rollback.Status.Plan.Renewals = 1
	rollback.Status.Config = &strategyv1.ConfigClaim{Claim: strategyv1.ClaimHold}
	rollback.Status.Conditions = []metav1.Condition{
		rollback.Status.Conditions[0],
		condition(strategyv1.ConditionApproved, metav1.ConditionTrue, strategyv1.ReasonApproved, "approved by bob"),
		condition(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "edited"),
		condition(strategyv1.ConditionInEffect, metav1.ConditionTrue, strategyv1.ReasonProved, "in force"),
		condition(strategyv1.ConditionReady, metav1.ConditionTrue, strategyv1.ReasonVerified, "in effect"),
	}
	return rollback
}

func incident() *strategyv1.StrategyIncident {
	return &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "pnl-1", UID: "9"},
		Spec:       strategyv1.StrategyIncidentSpec{PlaybookName: "multi-strategy", Type: "PnL", Severity: "Critical"},
		Status: strategyv1.StrategyIncidentStatus{
			Level:      strategyv1.LevelL1,
			Conditions: []metav1.Condition{condition(strategyv1.ConditionReady, metav1.ConditionFalse, strategyv1.ReasonTriaging, "0 of 3 checks judged")},
		},
	}
}
