package controllers

import (
	"context"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// observePast reads the closed incidents that the history has no room or no time for, with what goes with them. One whose
// rollback has not ended stays.
func (r *playbooks) observePast(ctx context.Context, object *strategyv1.StrategyPlaybook, now time.Time) ([]playbook.Past, time.Time, error) {
	var closed strategyv1.StrategyIncidentList
	if err := r.Client.List(ctx, &closed, client.InNamespace(object.Namespace), client.MatchingFields{indexClosed: object.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, time.Time{}, err
	}
	overdue, nextAt := playbook.Overdue(object.Spec, closed.Items, now)
	var past []playbook.Past
	for _, incident := range overdue {
		if len(past) == playbook.MaxForgotten {
			return past, now.Add(r.Pauses.Passes), nil
		}
		rollbacks, err := r.observeRollbacksOf(ctx, incident)
		if err != nil {
			return nil, time.Time{}, err
		}
		if slices.ContainsFunc(rollbacks, func(one strategyv1.StrategyRollback) bool { return !lifecycle.Ended(one.Status) }) {
			continue
		}
		one := playbook.Past{Incident: incident, Rollbacks: rollbacks}
		if one.Decisions, err = r.observeDecisionsAbout(ctx, incident, rollbacks); err != nil {
			return nil, time.Time{}, err
		}
		past = append(past, one)
	}
	return past, nextAt, nil
}

// observeDecisionsAbout lists every decision about an incident or its rollbacks, honoured or not.
func (r *playbooks) observeDecisionsAbout(ctx context.Context, object *strategyv1.StrategyIncident, rollbacks []strategyv1.StrategyRollback) ([]strategyv1.StrategyDecision, error) {
	targets := []string{strategyv1.KindIncident + "/" + object.Name}
	for _, one := range rollbacks {
		targets = append(targets, strategyv1.KindRollback+"/"+one.Name)
	}
	var all []strategyv1.StrategyDecision
	for _, target := range targets {
		var list strategyv1.StrategyDecisionList
		if err := r.Client.List(ctx, &list, client.InNamespace(object.Namespace), client.MatchingFields{indexTarget: target}); err != nil {
			return nil, err
		}
		all = append(all, list.Items...)
	}
	return all, nil
}
