package controllers

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// What an incident waits for people, and what for machines, are figures apart: only the second can be made shorter here.
var (
	effectSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "strategy_effect_seconds", Help: "How long effects took, by effect and result (ok, conflict, refused, error).",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"effect", "result"})
	stageSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "strategy_stage_seconds", Help: "How long incidents were in a stage that they have left. Drills do not count.", Buckets: procedureBuckets,
	}, []string{"stage"})
	approvalSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "strategy_approval_seconds", Help: "How long plans waited for a person's decision, by decision (Approve, Deny). Drills do not count.", Buckets: procedureBuckets,
	}, []string{"decision"})
)

// procedureBuckets are from what machines need to a day.
var procedureBuckets = []float64{5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400}

// resultOf is how an effect went, in one word: a conflict is made again at once, what is refused needs somebody to allow it.
func resultOf(err error) string {
	switch {
	case err == nil:
		return "ok"
	case apierrors.IsConflict(err):
		return "conflict"
	case errors.Is(err, errNotOurs), errors.Is(err, evidence.ErrDifferent), apierrors.IsForbidden(err), apierrors.IsInvalid(err):
		return "refused"
	}
	return "error"
}

// countStage counts the stage that an incident left with a status write. One that went back, since its change stands again, has not
// left it for good.
func countStage(object *strategyv1.StrategyIncident, before strategyv1.StrategyIncidentStatus) {
	if object.Spec.Mode == strategyv1.IncidentDrill || before.State == object.Status.State || before.PlaybookRevision == "" {
		return
	}
	began, ended := lifecycle.IncidentSince(object.CreationTimestamp, before), lifecycle.IncidentSince(object.CreationTimestamp, object.Status)
	if !ended.Before(began) {
		stageSeconds.WithLabelValues(string(before.State)).Observe(ended.Sub(began).Seconds())
	}
}

// countApproval counts a decision about a plan that a status write took up. A denial may be older than the plan.
func countApproval(object *strategyv1.StrategyRollback, before strategyv1.StrategyRollbackStatus) {
	decided, plan := object.Status.Decision, object.Status.Plan
	if object.Spec.Mode == strategyv1.ModeDrill || decided == nil || plan == nil || before.Decision != nil && before.Decision.Name == decided.Name {
		return
	}
	if decided.Verdict == strategyv1.DecisionApprove || decided.Verdict == strategyv1.DecisionDeny {
		waited := max(0, decided.Time.Sub(plan.RevisionTime.Time))
		approvalSeconds.WithLabelValues(string(decided.Verdict)).Observe(waited.Seconds())
	}
}

// countEffect counts one effect and how long it took.
func countEffect(name string, took time.Duration, err error) {
	effectSeconds.WithLabelValues(name, resultOf(err)).Observe(took.Seconds())
}
