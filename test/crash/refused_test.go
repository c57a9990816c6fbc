package crash

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// refusing is an API server with a quota, or a policy, against some of what the operator asks for.
type refusing struct {
	client.Client
	against func(verb string, object client.Object) bool // nil: nothing
	asked   *int
}

func (r *refusing) refuse(verb string, object client.Object) error {
	if r.against == nil || !r.against(verb, object) {
		return nil
	}
	*r.asked++
	return apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, object.GetName(), errors.New("exceeded quota: desk"))
}

// Create implements client.Client.
func (r *refusing) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	if err := r.refuse("create", object); err != nil {
		return err
	}
	return r.Client.Create(ctx, object, options...)
}

// Update implements client.Client.
func (r *refusing) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	if err := r.refuse("update", object); err != nil {
		return err
	}
	return r.Client.Update(ctx, object, options...)
}

// Patch implements client.Client.
func (r *refusing) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	if err := r.refuse("patch", object); err != nil {
		return err
	}
	return r.Client.Patch(ctx, object, patch, options...)
}

// Delete implements client.Client.
func (r *refusing) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	if err := r.refuse("delete", object); err != nil {
		return err
	}
	return r.Client.Delete(ctx, object, options...)
}

// Status implements client.Client.
func (r *refusing) Status() client.SubResourceWriter { return &refusingStatus{r.Client.Status(), r} }

type refusingStatus struct {
	client.SubResourceWriter
	api *refusing
}

// Update implements client.SubResourceWriter.
func (r *refusingStatus) Update(ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption) error {
	if err := r.api.refuse("status", object); err != nil {
		return err
	}
	return r.SubResourceWriter.Update(ctx, object, options...)
}

// server starts a story whose API server refuses what it is told to.
func server(t *testing.T, name string) (*sim.World, *sim.Operator, *refusing) {
	t.Helper()
	return serverOf(t, scenarios.Named(name))
}

func serverOf(t *testing.T, story scenarios.Scenario) (*sim.World, *sim.Operator, *refusing) {
	t.Helper()
	w := sim.New(t, story.Playbook)
	story.Set(w)
	r := &refusing{asked: new(int)}
	return w, w.Start(sim.Seams{Client: func(next client.Client) client.Client { r.Client = next; return r }}), r
}

// to are writes of one verb to objects of one type.
func to[O client.Object](verb string) func(string, client.Object) bool {
	return func(asked string, object client.Object) bool {
		_, same := object.(O)
		return same && asked == verb
	}
}

var jobs, deployments = to[*batchv1.Job]("create"), to[*appsv1.Deployment]("patch")

// TestAJobThatIsRefusedIsTold, tried again now and then, and no reason to wait for good.
func TestAJobThatIsRefusedIsTold(t *testing.T) {
	w, operator, api := server(t, "main story")
	api.against = jobs
	until(t, w, operator, func() bool {
		return w.Incident() != nil && conditions.Reason(w.Incident().Status.Conditions, strategyv1.ConditionReady) == strategyv1.ReasonEffectRefused
	})
	status := w.Incident().Status
	stalled := meta.FindStatusCondition(status.Conditions, strategyv1.ConditionStalled)
	if stalled.Status != "True" || !strings.Contains(stalled.Message, "exceeded quota: desk") || !strings.Contains(stalled.Message, "CreateJob") || status.WaitsFor != strategyv1.WhoL1 {
		t.Errorf("it waits for %s and says %s", status.WaitsFor, stalled.Message)
	}
	if !slices.ContainsFunc(w.Trace, func(line string) bool {
		return strings.HasPrefix(line, "event Warning EffectRefused on StrategyIncident pnl: ")
	}) {
		t.Errorf("no event tells it:\n%s", strings.Join(w.Trace, "\n"))
	}
	began := w.Clock.Now()
	until(t, w, operator, func() bool { return len(w.Incident().Status.Checks) > 0 })
	if judged := w.Incident().Status.Checks[0]; judged.Verdict != strategyv1.VerdictError || !strings.Contains(judged.Message, "exceeded quota: desk") {
		t.Errorf("the check is %s: %s", judged.Verdict, judged.Message)
	}
	if waited := w.Clock.Since(began); *api.asked > 2+int(waited/(30*time.Second)) {
		t.Errorf("it asked %d times in %s", *api.asked, waited)
	}
	api.against = nil
	until(t, w, operator, func() bool {
		return slices.ContainsFunc(w.Incident().Status.Checks, func(c strategyv1.CheckStatus) bool { return c.Verdict == strategyv1.VerdictPass })
	})
	if reason := conditions.Reason(w.Incident().Status.Conditions, strategyv1.ConditionReady); reason == strategyv1.ReasonEffectRefused {
		t.Errorf("when there is room it still says %s", reason)
	}
}

// TestABaselineThatIsRefusedHoldsBackNoApprovedChange: what could not be measured is no reason to let a strategy trade.
func TestABaselineThatIsRefusedHoldsBackNoApprovedChange(t *testing.T) {
	w, operator, api := server(t, "main story")
	until(t, w, operator, func() bool { return w.Rollback() != nil && w.Ready("") == strategyv1.ReasonAwaitingApproval })
	api.against = jobs
	w.Decide("bob", "", strategyv1.DecisionApprove, "")
	began := w.Clock.Now()
	until(t, w, operator, func() bool { return w.Rollback().Status.Config != nil && w.Rollback().Status.Config.WrittenTime != nil })
	if waited := w.Clock.Since(began); waited > 11*time.Minute {
		t.Errorf("the change was written after %s", waited)
	}
}

// TestARestartThatIsRefusedIsTold on the rollback.
func TestARestartThatIsRefusedIsTold(t *testing.T) {
	w, operator, api := server(t, "rollback of a person")
	api.against = deployments
	until(t, w, operator, func() bool { return w.Ready("less") == strategyv1.ReasonEffectRefused })
	if message := conditions.Message(w.RollbackNamed("less").Status.Conditions, strategyv1.ConditionReady); !strings.Contains(message, "RestartWorkload") || !strings.Contains(message, "exceeded quota: desk") {
		t.Errorf("it says %s", message)
	}
	api.against = nil
	until(t, w, operator, func() bool { return w.Ready("less") == strategyv1.ReasonVerified })
}
