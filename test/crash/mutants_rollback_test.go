package crash

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// onRollbackStatus bends what is written into a rollback's status.
func onRollbackStatus(bend func(*strategyv1.StrategyRollback)) func(*World, client.Client) client.Client {
	return onStatus(func(ctx context.Context, api client.Client, o client.Object, options []client.SubResourceUpdateOption) error {
		if rollback, ok := o.(*strategyv1.StrategyRollback); ok {
			bend(rollback)
		}
		return api.Status().Update(ctx, o, options...)
	})
}

// onRecord bends the writes of the configuration, given what is stored.
func onRecord(bend func(stored, written *corev1.ConfigMap, before record.State, after *record.State) error) func(*World, client.Client) client.Client {
	return func(w *World, api client.Client) client.Client {
		return onConfig(func(ctx context.Context, api client.Client, o *corev1.ConfigMap, options []client.UpdateOption) error {
			var stored corev1.ConfigMap
			w.Get(o.Name, &stored) // the operator's cache has no content
			before, err := record.ParseState(stored.Annotations[strategyv1.AnnotationEdits])
			if err != nil {
				return err
			}
			after, err := record.ParseState(o.Annotations[strategyv1.AnnotationEdits])
			if err != nil {
				return err
			}
			if err := bend(&stored, o, before, &after); err != nil {
				return err
			}
			o.Annotations[strategyv1.AnnotationEdits] = asJSON(after)
			return api.Update(ctx, o, options...)
		})(w, api)
	}
}

// refinalize sets a rollback's finalizers past the plan; the object goes on as it is now.
func refinalize(ctx context.Context, api client.Client, o client.Object, finalizers []string) error {
	var stored strategyv1.StrategyRollback
	if err := api.Get(ctx, client.ObjectKeyFromObject(o), &stored); err != nil {
		return err
	}
	stored.Finalizers = finalizers
	if err := api.Update(ctx, &stored); err != nil {
		return err
	}
	o.SetResourceVersion(stored.ResourceVersion)
	o.SetFinalizers(finalizers)
	return nil
}

// near are the cuts from the first effect of a kind on.
func near(kind string, effects int) func([]string) []Point {
	return func(all []string) []Point {
		first := slices.IndexFunc(all, func(effect string) bool { return kindOf(effect) == kind })
		var cuts []Point
		for at := first + 1; at <= first+effects; at++ {
			cuts = append(cuts, Point{At: at, Mode: Before}, Point{At: at, Mode: After})
		}
		return cuts
	}
}

var rollbackMutants = []Mutant{{
	Name: "the finalizer is set after the claim", Story: "deleted while applied", Cuts: near("patch strategyrollbacks", 8),
	Client: func(_ *World, api client.Client) client.Client {
		return &bent{Client: api,
			patch: func(ctx context.Context, o client.Object, patch client.Patch, options ...client.PatchOption) error {
				if len(o.GetFinalizers()) > 0 {
					return nil // not yet
				}
				return api.Patch(ctx, o, patch, options...)
			},
			status: func(ctx context.Context, o client.Object, options ...client.SubResourceUpdateOption) error {
				var stored strategyv1.StrategyRollback
				if rollback, ok := o.(*strategyv1.StrategyRollback); !ok || !scenarios.Holds(*rollback) {
					return api.Status().Update(ctx, o, options...)
				}
				if err := api.Get(ctx, client.ObjectKeyFromObject(o), &stored); err != nil {
					return err
				}
				if err := api.Status().Update(ctx, o, options...); err != nil || scenarios.Holds(stored) {
					return err
				}
				return refinalize(ctx, api, o, []string{strategyv1.Finalizer})
			},
		}
	},
}, {
	Name: "a deleted rollback does not wait for its edits to be undone", Story: "deleted, to be restored",
	Client: onStatus(func(ctx context.Context, api client.Client, o client.Object, options []client.SubResourceUpdateOption) error {
		if err := api.Status().Update(ctx, o, options...); err != nil || o.GetDeletionTimestamp().IsZero() {
			return err
		}
		return refinalize(ctx, api, o, nil)
	}),
}, {
	Name: "the guard is asked outside the compare-and-swap", Story: "guard: two claims at once",
	Client: func(_ *World, api client.Client) client.Client {
		return &bent{Client: api, list: func(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
			if err := api.List(ctx, list, options...); err != nil {
				return err
			}
			if rollbacks, ok := list.(*strategyv1.StrategyRollbackList); ok {
				for i := range rollbacks.Items {
					unguard(&rollbacks.Items[i])
				}
			}
			return nil
		}}
	},
	Live: func(next, _ client.Reader) client.Reader {
		return &bentReader{next, func(ctx context.Context, key types.NamespacedName, object client.Object, options ...client.GetOption) error {
			err := next.Get(ctx, key, object, options...)
			if rollback, ok := object.(*strategyv1.StrategyRollback); ok {
				unguard(rollback)
			}
			return err
		}}
	},
}, {
	Name: "the write is not bound to the version that was read", Story: "edited elsewhere in the moment of the write",
	Client: onConfig(func(ctx context.Context, api client.Client, o *corev1.ConfigMap, options []client.UpdateOption) error {
		o.ResourceVersion = ""
		return api.Update(ctx, o, options...)
	}),
}, {
	Name: "the record of a shared edit is not handed over", Story: "the same value, restored in order",
	Client: onRecord(func(_, _ *corev1.ConfigMap, before record.State, after *record.State) error {
		for i, holder := range after.Holders {
			if was := before.Holder(holder.UID); was != nil {
				after.Holders[i].Records = was.Records
			}
		}
		return nil
	}),
}, {
	Name: "forgetting undoes, too", Story: "deleted while applied",
	Client: onRecord(func(stored, written *corev1.ConfigMap, before record.State, after *record.State) error {
		for _, holder := range before.Holders {
			if after.Holder(holder.UID) != nil {
				continue
			}
			document, err := config.Parse(stored.Data[testkit.DataKey])
			if err != nil {
				return err
			}
			undone, err := record.Without(document, before, holder.UID)
			if err != nil {
				return err
			}
			written.Data[testkit.DataKey] = undone.String()
		}
		return nil
	}),
}, {
	Name: "a renewal has no revision of its own", Story: "renewed while in effect",
	Client: onRollbackStatus(func(rollback *strategyv1.StrategyRollback) {
		if plan := rollback.Status.Plan; plan != nil && plan.Renewals > 0 {
			plan.Revision = 1
		}
	}),
}, {
	Name: "what became of a decision is not kept", Story: "main story",
	Client: onRollbackStatus(func(rollback *strategyv1.StrategyRollback) { rollback.Status.Answers = nil }),
}}

func unguard(rollback *strategyv1.StrategyRollback) {
	if rollback.Status.Config != nil {
		rollback.Status.Config.Guard = nil
	}
}
