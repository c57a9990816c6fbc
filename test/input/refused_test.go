package input

import (
	"errors"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim/apiserver"
)

// TestWhatTheAPIServerRefusesIsTriedAgain: a quota has no room for the checks' Jobs, or a policy forbids the rollback. Nothing
// is made up for it; when the refusal is over, the incident goes on by itself.
func TestWhatTheAPIServerRefusesIsTriedAgain(t *testing.T) {
	for kind, c := range map[string]struct{ waits, then string }{
		"Job":                   {"EffectRefused", "LooksLikeFalseAlarm"},
		strategyv1.KindDecision: {"LooksLikeFalseAlarm", "LooksLikeFalseAlarm"}, // which the operator never writes
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := tell(t, nil)
			s.API.Seen().Refuse = func(request apiserver.Request) error {
				if request.Verb != "create" || request.Kind != kind {
					return nil
				}
				return apierrors.NewForbidden(schema.GroupResource{Resource: "jobs"}, request.Object.GetName(), errors.New("exceeded quota: checks, requested: count/jobs.batch=1"))
			}
			s.ReportIncident(nil)
			s.settle()
			s.is(anIncident(), "pnl", c.waits)
			if refused := len(s.Jobs) == 0; refused != (kind == "Job") {
				t.Errorf("Jobs: %v", s.Jobs)
			}
			if said := conditions.Message(s.Incident().Status.Conditions, strategyv1.ConditionReady); kind == "Job" && !strings.Contains(said, "exceeded quota") {
				t.Errorf("it says %q", said)
			}
			if err := s.lastError(); err != nil { // it is told where people look, and not in the manager's log as well
				t.Errorf("the last error is %v", err)
			}
			s.API.Seen().Refuse = nil
			s.later(time.Minute)
			s.is(anIncident(), "pnl", c.then)
			if jobs := s.Names(&batchv1.JobList{}); len(jobs) > 0 {
				t.Errorf("Jobs are left: %v", jobs)
			}
		})
	}
}
