package controllers

import (
	"context"
	"crypto/sha256"
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

// trial is a decision that must be refused. Nothing is created: it is a dry run.
type trial struct {
	verdict strategyv1.DecisionVerdict
	by      string
	refusal string // the words of it
	passed  string // what it means that it was not refused
}

// safest is what a forged decision would do least harm with, if it were stored; powerful needs a verb that the operator has not.
var (
	safest = map[string]strategyv1.DecisionVerdict{
		strategyv1.KindRollback: strategyv1.DecisionDeny, strategyv1.KindIncident: strategyv1.DecisionHold, strategyv1.KindPlaybook: strategyv1.DecisionHold,
	}
	powerful = map[string]strategyv1.DecisionVerdict{
		strategyv1.KindRollback: strategyv1.DecisionApprove, strategyv1.KindIncident: strategyv1.DecisionRelease, strategyv1.KindPlaybook: strategyv1.DecisionRelease,
	}
)

// observeIdentity proves that identities are enforced: the API server must refuse a decision in somebody else's name, and one that the
// operator has no verb for, and the installed policies must be those that the operator was built with. Asked only where a decision hangs on it.
func (r *reader) observeIdentity(ctx context.Context, namespace, kind, name string) (facts.Identity, error) {
	limited, enough := context.WithTimeout(ctx, r.Pauses.Live)
	defer enough()
	about := strategyv1.DecisionTarget{Kind: kind, Name: name}
	for _, one := range []trial{
		{safest[kind], "nobody: proof that identities are enforced", identityRefusal, "the API server accepts decisions in anybody's name; install config/admission"},
		{powerful[kind], r.User, r.User + " may not " + string(powerful[kind]), "the API server accepts decisions of the operator itself, " + r.User +
			": verbs are not asked for, or somebody gave it one; install config/admission, and take the verb away"},
	} {
		identity, err := r.try(limited, namespace, about, one)
		if err != nil {
			return r.notAsked(ctx, err)
		}
		if !identity.Enforced {
			return identity, nil
		}
	}
	since, differs, err := r.Policies.InForce(limited)
	if err != nil {
		return r.notAsked(ctx, err)
	}
	return facts.Identity{Enforced: differs == "", Message: differs, Since: since}, nil
}

// try is an error if nobody answered.
func (r *reader) try(ctx context.Context, namespace string, about strategyv1.DecisionTarget, one trial) (facts.Identity, error) {
	sent := &strategyv1.StrategyDecision{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "identity-proof-"},
		Spec: strategyv1.StrategyDecisionSpec{
			Target: about, Verdict: one.verdict, By: one.by, Reason: "a proof that identities are enforced; it is never stored",
		},
	}
	if one.verdict == strategyv1.DecisionApprove {
		sent.Spec.Digest = "sha256:" + strings.Repeat("0", sha256.Size*2)
	}
	err := r.Trial.Create(ctx, sent, FieldOwner)
	refused := apierrors.IsForbidden(err) || apierrors.IsInvalid(err)
	switch {
	case err == nil:
		return facts.Identity{Message: one.passed}, nil
	case refused && strings.Contains(err.Error(), one.refusal):
		return facts.Identity{Enforced: true}, nil
	case refused:
		return facts.Identity{Message: "it cannot be proved that identities are enforced: " + err.Error()}, nil
	}
	return facts.Identity{}, err
}

func (r *reader) notAsked(ctx context.Context, err error) (facts.Identity, error) {
	problem, err := r.unanswered(ctx, fmt.Errorf("it cannot be asked whether identities are enforced: %w", err))
	return facts.Identity{Problem: problem}, err
}
