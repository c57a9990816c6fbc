package crash

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// Mutant bends an operator to a known bug of operators. A harness that does not find it proves nothing.
type Mutant struct {
	Name     string
	Client   func(*World, client.Client) client.Client
	Live     func(live, cache client.Reader) client.Reader
	Evidence func(*World, controllers.Evidence) controllers.Evidence
	// Story is the scenario that must find it; the main story if empty.
	Story string
	// Cuts are where it is looked for after the uncut run, given the effects; nil: at the first of each kind.
	Cuts func(effects []string) []Point
}

// found are the seeded bugs that were found.
var found, seeded atomic.Int64

// TestTheHarnessFindsSeededBugs: each mutant must be found in its story, uncut or at one of its cuts.
func TestTheHarnessFindsSeededBugs(t *testing.T) {
	all := slices.Concat(mutants, rollbackMutants, strictMutants)
	seeded.Store(int64(len(all)))
	t.Run("mutants", func(t *testing.T) {
		ends, effects := map[string]*scenarios.End{}, map[string][]string{}
		for _, mutant := range all {
			if story := mutant.story(); ends[story.Name] == nil {
				ends[story.Name], effects[story.Name] = uncut(t, story, nil)
			}
		}
		for _, mutant := range all {
			t.Run(mutant.Name, func(t *testing.T) {
				t.Parallel()
				story := mutant.story()
				reference, cuts := ends[story.Name], append([]Point{{}}, mutant.cuts(effects[story.Name])...)
				for _, cut := range cuts {
					end := whole(t, story, &Cut{Point: cut}, mutant)
					if violations := end.Violations(reference); len(violations) > 0 {
						found.Add(1)
						t.Logf("found at cut %d (%s): %.200s", cut.At, cut.Mode, strings.ReplaceAll(violations[0], "\n", "; "))
						return
					}
				}
				t.Errorf("not found in %d runs", len(cuts))
			})
		}
	})
}

func (m Mutant) story() scenarios.Scenario {
	if m.Story == "" {
		return scenarios.All[0]
	}
	return scenarios.Named(m.Story)
}

func (m Mutant) cuts(effects []string) []Point {
	if m.Cuts != nil {
		return m.Cuts(effects)
	}
	return firstOfEachKind(effects)
}

var mutants = []Mutant{{
	Name: "Jobs get random names",
	Client: onCreate(func(ctx context.Context, api client.Client, o client.Object, options []client.CreateOption) error {
		if job, ok := o.(*batchv1.Job); ok {
			job.Name += "-" + rand.String(5)
		}
		return api.Create(ctx, o, options...)
	}),
}, {
	Name: "rollbacks get random names",
	Client: onCreate(func(ctx context.Context, api client.Client, o client.Object, options []client.CreateOption) error {
		if rollback, ok := o.(*strategyv1.StrategyRollback); ok {
			rollback.Name += "-" + rand.String(5)
		}
		return api.Create(ctx, o, options...)
	}),
}, {
	Name: "AlreadyExists is answered by another name",
	Client: onCreate(func(ctx context.Context, api client.Client, o client.Object, options []client.CreateOption) error {
		err := api.Create(ctx, o, options...)
		if apierrors.IsAlreadyExists(err) {
			o.SetName(o.GetName() + "-" + rand.String(5))
			return api.Create(ctx, o, options...)
		}
		return err
	}),
}, {
	Name: "Jobs are never deleted",
	Client: func(_ *World, api client.Client) client.Client {
		return &bent{Client: api, remove: func(context.Context, client.Object, ...client.DeleteOption) error { return nil }}
	},
}, {
	Name: "Jobs are deleted without their UID, and then made again",
	Client: func(w *World, api client.Client) client.Client {
		return &bent{Client: api, remove: func(ctx context.Context, o client.Object, _ ...client.DeleteOption) error {
			var job batchv1.Job
			if err := w.API.As("admin").Get(ctx, client.ObjectKeyFromObject(o), &job); err != nil { // a cache has no spec of it
				return client.IgnoreNotFound(err)
			}
			if err := api.Delete(ctx, o, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
				return err
			}
			again := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
				Namespace: job.Namespace, Name: job.Name, Labels: job.Labels, OwnerReferences: job.OwnerReferences,
			}, Spec: batchv1.JobSpec{Template: job.Spec.Template, BackoffLimit: job.Spec.BackoffLimit}}
			again.Spec.Template.Labels = map[string]string{strategyv1.LabelOwnerUID: job.Labels[strategyv1.LabelOwnerUID]}
			return api.Create(ctx, again)
		}}
	},
}, {
	Name: "the record of the edits is not written",
	Client: onConfig(func(ctx context.Context, api client.Client, o *corev1.ConfigMap, options []client.UpdateOption) error {
		delete(o.Annotations, strategyv1.AnnotationEdits)
		return api.Update(ctx, o, options...)
	}),
}, {
	Name: "the record of the edits is written after the content",
	Client: onConfig(func(ctx context.Context, api client.Client, o *corev1.ConfigMap, options []client.UpdateOption) error {
		record := o.Annotations[strategyv1.AnnotationEdits]
		var stored corev1.ConfigMap
		if err := api.Get(ctx, client.ObjectKeyFromObject(o), &stored); err != nil {
			return err
		}
		o.Annotations[strategyv1.AnnotationEdits] = stored.Annotations[strategyv1.AnnotationEdits]
		if err := api.Update(ctx, o, options...); err != nil {
			return err
		}
		o.Annotations[strategyv1.AnnotationEdits] = record
		return api.Update(ctx, o, options...)
	}),
}, {
	Name: "the record of the edits is written before the content",
	Client: onConfig(func(ctx context.Context, api client.Client, o *corev1.ConfigMap, options []client.UpdateOption) error {
		var stored corev1.ConfigMap
		if err := api.Get(ctx, client.ObjectKeyFromObject(o), &stored); err != nil {
			return err
		}
		content := o.Data
		o.Data = stored.Data
		if err := api.Update(ctx, o, options...); err != nil {
			return err
		}
		o.Data = content
		return api.Update(ctx, o, options...)
	}),
}, {
	Name: "the whole configuration is rewritten",
	Client: onConfig(func(ctx context.Context, api client.Client, o *corev1.ConfigMap, options []client.UpdateOption) error {
		for key, content := range o.Data {
			o.Data[key] = strings.TrimRight(content, "\n") + "\n\n"
		}
		return api.Update(ctx, o, options...)
	}),
}, {
	Name: "each pass restarts the scheduler",
	Client: func(w *World, api client.Client) client.Client {
		return &bent{Client: api, status: func(ctx context.Context, o client.Object, options ...client.SubResourceUpdateOption) error {
			if err := api.Status().Update(ctx, o, options...); err != nil {
				return err
			}
			if rollback, ok := o.(*strategyv1.StrategyRollback); ok && rollback.Status.Proof != nil {
				patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"restarted-at":%q}}}}}`, time.Now().String())
				deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: sim.Deployment}}
				return api.Patch(ctx, deployment, client.RawPatch("application/merge-patch+json", []byte(patch)))
			}
			return nil
		}}
	},
}, {
	Name: "the restart is forgotten",
	Client: func(_ *World, api client.Client) client.Client {
		return &bent{Client: api, patch: func(context.Context, client.Object, client.Patch, ...client.PatchOption) error { return nil }}
	},
}, {
	Name: "the status is written after the next effect",
	Client: func(_ *World, api client.Client) client.Client {
		held := map[string]client.Object{}
		flush := func(ctx context.Context) error {
			for key, o := range held {
				delete(held, key)
				if err := api.Status().Update(ctx, o); err != nil {
					return err
				}
			}
			return nil
		}
		b := &bent{Client: api}
		b.status = func(ctx context.Context, o client.Object, _ ...client.SubResourceUpdateOption) error {
			if err := flush(ctx); err != nil {
				return err
			}
			held[o.GetName()] = o.DeepCopyObject().(client.Object)
			return nil
		}
		b.create = func(ctx context.Context, o client.Object, options ...client.CreateOption) error {
			if err := api.Create(ctx, o, options...); err != nil {
				return err
			}
			return flush(ctx)
		}
		return b
	},
}, {
	Name: "an entry of the timeline is dropped",
	Client: onStatus(func(ctx context.Context, api client.Client, o client.Object, options []client.SubResourceUpdateOption) error {
		if rollback, ok := o.(*strategyv1.StrategyRollback); ok && rollback.Status.Config != nil && rollback.Status.Config.Claim == strategyv1.ClaimRelease {
			rollback.Status.Timeline = rollback.Status.Timeline[:len(rollback.Status.Timeline)-1]
		}
		return api.Status().Update(ctx, o, options...)
	}),
}, {
	Name: "an entry that is there is written again behind it",
	Evidence: onBucket(func(ctx context.Context, _ *World, next controllers.Evidence, key string, data []byte) error {
		err := next.Create(ctx, key, data)
		if strings.Contains(key, "/log/") && err == nil {
			var seq int
			at := strings.LastIndex(key, "/") + 1
			if _, scan := fmt.Sscanf(key[at:], "%06d.json", &seq); scan == nil {
				return next.Create(ctx, fmt.Sprintf("%s%06d.json", key[:at], seq+1), data)
			}
		}
		return err
	}),
}, {
	Name: "an entry that is there is an error",
	Evidence: onBucket(func(ctx context.Context, _ *World, next controllers.Evidence, key string, data []byte) error {
		if _, err := next.Get(ctx, key); err == nil {
			return errors.New("it is there already")
		}
		return next.Create(ctx, key, data)
	}),
}, {
	Name: "log entries are lost",
	Evidence: onBucket(func(ctx context.Context, _ *World, next controllers.Evidence, key string, data []byte) error {
		if strings.Contains(key, "/log/000005") {
			return nil
		}
		return next.Create(ctx, key, data)
	}),
}, {
	Name: "reports are not stored",
	Evidence: onBucket(func(ctx context.Context, _ *World, next controllers.Evidence, key string, data []byte) error {
		if strings.Contains(key, "/checks/") {
			return nil
		}
		return next.Create(ctx, key, data)
	}),
}, {
	Name: "half of an entry is written when the operator stops",
	Evidence: onBucket(func(ctx context.Context, w *World, next controllers.Evidence, key string, data []byte) error {
		err := next.Create(ctx, key, data)
		if errors.Is(err, errStopped) && strings.Contains(key, "/log/") {
			if _, missing := w.Bucket.Get(ctx, key); errors.Is(missing, evidence.ErrNotFound) {
				return w.Bucket.Create(ctx, key, data[:len(data)/2])
			}
		}
		return err
	}),
}}
