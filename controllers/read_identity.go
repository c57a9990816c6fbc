package controllers

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
)

// unanswered makes a fact of a question to the API server that got no answer: what does not hang on it goes on. What ends the pass is
// only that the operator itself ends.
func (r *reader) unanswered(ctx context.Context, err error) (*facts.Problem, error) {
	if ctx.Err() != nil {
		return nil, err
	}
	return &facts.Problem{Reason: strategyv1.ReasonAPIUnavailable, Retry: r.Pauses.Retry, Message: err.Error()}, nil
}

// identityRefusal is what the admission policy says to a forged identity; see config/admission.
const identityRefusal = "a client may only name itself"

// safest is what a forged decision would do least harm with, if it were stored.
var safest = map[string]strategyv1.DecisionVerdict{
	strategyv1.KindRollback: strategyv1.DecisionDeny, strategyv1.KindIncident: strategyv1.DecisionHold, strategyv1.KindPlaybook: strategyv1.DecisionHold,
}

// observeIdentity proves that identities are enforced: the API server must refuse a decision in somebody else's name.
// Nothing is created: it is a dry run.
func (r *reader) observeIdentity(ctx context.Context, namespace, kind, name string) (facts.Identity, error) {
	forged := &strategyv1.StrategyDecision{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "identity-proof-"},
		Spec: strategyv1.StrategyDecisionSpec{
			Target:  strategyv1.DecisionTarget{Kind: kind, Name: name},
			Verdict: safest[kind], By: "nobody: proof that identities are enforced",
			Reason: "a proof that identities are enforced; it is never stored",
		},
	}
	limited, enough := context.WithTimeout(ctx, r.Pauses.Live)
	defer enough()
	err := r.Trial.Create(limited, forged, FieldOwner)
	if err == nil {
		return facts.Identity{Message: "the API server accepts decisions in anybody's name; install config/admission"}, nil
	}
	if (apierrors.IsForbidden(err) || apierrors.IsInvalid(err)) && strings.Contains(err.Error(), identityRefusal) {
		return facts.Identity{Enforced: true}, nil
	}
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		return facts.Identity{Message: "it cannot be proved that identities are enforced: " + err.Error()}, nil
	}
	problem, err := r.unanswered(ctx, fmt.Errorf("it cannot be asked whether identities are enforced: %w", err))
	return facts.Identity{Problem: problem}, err
}
