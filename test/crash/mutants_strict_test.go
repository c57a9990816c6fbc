package crash

import (
	"context"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// strictMutants are bugs that only a world finds which refuses what the real one refuses.
var strictMutants = []Mutant{{
	Name: "a message is longer than the schema allows", // condition messages are bounded
	Client: onStatus(func(ctx context.Context, api client.Client, o client.Object, options []client.SubResourceUpdateOption) error {
		if incident, ok := o.(*strategyv1.StrategyIncident); ok {
			for i := range incident.Status.Conditions {
				if incident.Status.Conditions[i].Reason == strategyv1.ReasonDiagnosing {
					incident.Status.Conditions[i].Message = strings.Repeat("x", 40_000)
				}
			}
		}
		return api.Status().Update(ctx, o, options...)
	}),
}, {
	Name: "the status is written without a version", // over whatever somebody else wrote
	Client: onStatus(func(ctx context.Context, api client.Client, o client.Object, options []client.SubResourceUpdateOption) error {
		o.SetResourceVersion("")
		return api.Status().Update(ctx, o, options...)
	}),
}, {
	Name: "Jobs are created with a version", // of an object that was read
	Client: onCreate(func(ctx context.Context, api client.Client, o client.Object, options []client.CreateOption) error {
		if _, ok := o.(*batchv1.Job); ok {
			o.SetResourceVersion("1")
		}
		return api.Create(ctx, o, options...)
	}),
}, {
	Name: "every attempt has the same key", Story: "the image of a check is not there", // the bucket takes no other bytes under it
	Evidence: onBucket(func(ctx context.Context, _ *World, next controllers.Evidence, key string, data []byte) error {
		return next.Create(ctx, strings.Replace(key, "-load-2.", "-load-1.", 1), data)
	}),
}, {
	Name: "the operator approves in somebody's name",
	Client: onStatus(func(ctx context.Context, api client.Client, o client.Object, options []client.SubResourceUpdateOption) error {
		rollback, ok := o.(*strategyv1.StrategyRollback)
		if ok && conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady) == strategyv1.ReasonAwaitingApproval {
			if err := api.Create(ctx, &strategyv1.StrategyDecision{
				ObjectMeta: metav1.ObjectMeta{Namespace: rollback.Namespace, Name: "by-itself"},
				Spec: strategyv1.StrategyDecisionSpec{
					Target:  strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: rollback.Name},
					Verdict: strategyv1.DecisionApprove, Digest: rollback.Status.Plan.Digest, By: "carol", Reason: "mine",
				},
			}); err != nil {
				return err
			}
		}
		return api.Status().Update(ctx, o, options...)
	}),
}}
