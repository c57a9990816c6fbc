package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// reviewWanted says whether a namespace asks for two persons for each playbook.
func (r *reader) reviewWanted(ctx context.Context, namespace string) bool {
	return playbook.ReviewWanted(r.Namespaces.Labels(ctx, namespace))
}

// observeServed is the playbook as something new would start on it: as it is now, or, where two persons are needed, as it was approved last.
// While nothing is approved, or that cannot be used, it is as it is now, for clocks and calls only.
func (r *reader) observeServed(ctx context.Context, current *strategyv1.StrategyPlaybook) (facts.Playbook, error) {
	if !r.reviewWanted(ctx, current.Namespace) {
		return r.observePresent(ctx, current)
	}
	digest, err := playbook.Digest(current.Spec)
	if err != nil {
		return facts.Playbook{}, err
	}
	approved := current.Status.Approved
	if approved != nil && approved.Digest != digest {
		served, err := r.observeApproved(ctx, current.Namespace, *approved)
		if err != nil || served.Problem == nil {
			return served, err
		}
		approved = nil // it is lost: the playbook says so
	}
	present, err := r.observePresent(ctx, current)
	if err != nil || present.Problem != nil || approved != nil {
		return present, err
	}
	present.AwaitsReview = true
	present.Hold = awaitsReview(current.Namespace, current.Name)
	return present, nil
}

// awaitsReview holds everything back but clocks and calls.
func awaitsReview(namespace, name string) *facts.Hold {
	return &facts.Hold{
		Reason:  strategyv1.ReasonAwaitingReview,
		Message: fmt.Sprintf("no version of StrategyPlaybook %s that a second person approved can be used", name),
		Ends:    "To go on, somebody who may approve playbooks and may not write them looks at it: " + playbook.ReviewCommand(name, namespace),
	}
}

// notApproved stops what must not run at all on a playbook that nobody approved.
func notApproved(namespace, name string) *facts.Problem {
	hold := awaitsReview(namespace, name)
	return &facts.Problem{Reason: hold.Reason, Message: hold.Message + ". " + hold.Ends}
}

// observePresent is the playbook as it is now, if it can be run.
func (r *reader) observePresent(ctx context.Context, current *strategyv1.StrategyPlaybook) (facts.Playbook, error) {
	status := current.Status
	if status.ObservedGeneration != current.Generation {
		return facts.Playbook{Problem: &facts.Problem{Reason: strategyv1.ReasonPlaybookNotReady, Passes: true, Retry: time.Second, Message: fmt.Sprintf(
			"the newest version of StrategyPlaybook %s is being checked", current.Name)}}, nil
	}
	sound := conditions.True(status.Conditions, strategyv1.ConditionReady) || conditions.Reason(status.Conditions, strategyv1.ConditionReady) == strategyv1.ReasonAwaitingReview
	if !sound {
		return facts.Playbook{Problem: problem(strategyv1.ReasonPlaybookNotReady,
			"StrategyPlaybook %s is not ready: %s", current.Name, conditions.Message(status.Conditions, strategyv1.ConditionReady))}, nil
	}
	frozen, missing, err := r.observeFrozen(ctx, current.Namespace, status.Revision)
	if err != nil || missing != nil {
		return facts.Playbook{Problem: missing}, err
	}
	if status.Digest != "" && frozen.digest != status.Digest { // a name has the beginning of the digest only
		return facts.Playbook{Problem: problem(strategyv1.ReasonPlaybookNotReady,
			"ControllerRevision %s in namespace %s holds another version of StrategyPlaybook %s than the one that is there", status.Revision, current.Namespace, current.Name)}, nil
	}
	return thawed(frozen, status.Revision), nil
}

// observeApproved is the version that was approved last, if it is there and is what was approved.
func (r *reader) observeApproved(ctx context.Context, namespace string, approved strategyv1.ApprovedRevision) (facts.Playbook, error) {
	frozen, unread, err := r.observeFrozen(ctx, namespace, approved.Revision)
	if err != nil || unread != nil {
		return facts.Playbook{Problem: unread}, err
	}
	if frozen.digest != approved.Digest {
		return facts.Playbook{Problem: problem(strategyv1.ReasonPlaybookNotFound,
			"ControllerRevision %s in namespace %s does not hold what was approved", approved.Revision, namespace)}, nil
	}
	return thawed(frozen, approved.Revision), nil
}

// observeApprovedLost says why the version of a playbook that was approved last cannot be used; empty: it can, or is the one that is there now.
func (r *playbooks) observeApprovedLost(ctx context.Context, object *strategyv1.StrategyPlaybook) (string, error) {
	approved := object.Status.Approved
	if approved == nil {
		return "", nil
	}
	digest, err := playbook.Digest(object.Spec)
	if err != nil || digest == approved.Digest {
		return "", err
	}
	served, err := r.observeApproved(ctx, object.Namespace, *approved)
	if err != nil || served.Problem == nil {
		return "", err
	}
	return served.Problem.Message, nil
}

// thawed is a copy, since parts of it go into statuses and Jobs, and the answer to a write is decoded into what was sent.
func thawed(frozen *frozenPlaybook, revision string) facts.Playbook {
	return facts.Playbook{Spec: *frozen.spec.DeepCopy(), Revision: revision}
}

// observeAwaiting is the playbook of an incident that began when nothing was approved: as it would start now, once that is approved or need not
// be. Until then it stays on what it began with.
func (r *reader) observeAwaiting(ctx context.Context, at types.NamespacedName, revision string) (facts.Playbook, error) {
	served, err := r.observePlaybook(ctx, at.Namespace, at.Name, "")
	if err != nil {
		return served, err
	}
	running, err := r.observePlaybook(ctx, at.Namespace, at.Name, revision)
	if err != nil {
		return running, err
	}
	hold := awaitsReview(at.Namespace, at.Name)
	switch goesOn := served.Problem == nil && !served.AwaitsReview; {
	case goesOn && (running.Problem != nil || served.Spec.SigningKeySecretName == running.Spec.SigningKeySecretName):
		return served, nil
	case goesOn: // whoever verifies its log has one key for it
		hold.Ends = fmt.Sprintf("StrategyPlaybook %s has signed with another key since this incident began, so it cannot go on on that. To go on, resolve it and report it again", at.Name)
	}
	running.AwaitsReview = true
	if running.Hold == nil {
		running.Hold = hold
	}
	return running, nil
}
