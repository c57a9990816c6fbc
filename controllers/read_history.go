package controllers

import (
	"context"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
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

// observeLost reads the decisions of a namespace whose target is not there. What the cache does not have is asked for once more before anything
// is deleted for it: a cache may be behind.
func (r *playbooks) observeLost(ctx context.Context, namespace string, now time.Time) ([]strategyv1.StrategyDecision, time.Time, error) {
	var all strategyv1.StrategyDecisionList
	if err := r.Client.List(ctx, &all, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, time.Time{}, err
	}
	known := map[strategyv1.DecisionTarget]bool{}
	candidates, nextAt, err := playbook.Lost(all.Items, func(target strategyv1.DecisionTarget) (found bool, err error) {
		found, asked := known[target]
		if !asked {
			found, err = isThere(ctx, r.Client, namespace, target)
			known[target] = found
		}
		return found, err
	}, now)
	if err != nil {
		return nil, time.Time{}, err
	}
	var lost []strategyv1.StrategyDecision
	for _, one := range candidates {
		if len(lost) == playbook.MaxForgotten {
			return lost, now.Add(r.Pauses.Passes), nil
		}
		gone, known := r.isGone(ctx, namespace, one.Spec.Target)
		if !known { // it is no reason to leave everything else of the pass
			return lost, checks.Earlier(nextAt, now.Add(pass.Recheck)), nil
		}
		if gone {
			lost = append(lost, *one.DeepCopy())
		}
	}
	return lost, nextAt, nil
}

// isGone asks the API server, as long as it answers.
func (r *playbooks) isGone(ctx context.Context, namespace string, target strategyv1.DecisionTarget) (gone, known bool) {
	found, err := isThere(ctx, r.Live, namespace, target)
	return !found, err == nil
}

// isThere says whether the target of a decision exists. That it cannot be read does not say that it does not.
func isThere(ctx context.Context, reads client.Reader, namespace string, target strategyv1.DecisionTarget) (bool, error) {
	var object client.Object = &strategyv1.StrategyIncident{}
	switch target.Kind {
	case strategyv1.KindRollback:
		object = &strategyv1.StrategyRollback{}
	case strategyv1.KindPlaybook:
		object = &strategyv1.StrategyPlaybook{}
	}
	err := reads.Get(ctx, client.ObjectKey{Namespace: namespace, Name: target.Name}, object, uncopied)
	return err == nil, client.IgnoreNotFound(err)
}
