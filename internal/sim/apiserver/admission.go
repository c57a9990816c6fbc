package apiserver

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/admission"
)

// What config/admission says when objects are created. Its questions about verbs are not asked: here whoever asks may, but the operator, which
// has no verb of any verdict. So whoever asks may write playbooks, too, and only the reviewer, who may not, approves them.

// Operator is the operator's name: that of its service account where it is installed as it is shipped.
const Operator = admission.Operator

// Reviewer is the only person who may write no playbook: an approver, and nothing else.
const Reviewer = "erin"

// author is the field of an object that names who made it; nil if it has none.
func author(object client.Object) (field string, name *string) {
	switch o := object.(type) {
	case *strategyv1.StrategyDecision:
		return "by", &o.Spec.By
	case *strategyv1.StrategyIncident:
		return "requestedBy", &o.Spec.RequestedBy
	case *strategyv1.StrategyRollback:
		return "requestedBy", &o.Spec.RequestedBy
	case *strategyv1.StrategyAlert:
		return "sender", &o.Spec.Sender
	}
	return "", nil
}

// stamp names who asks, where nobody is named.
func stamp(user string, object client.Object) {
	if _, name := author(object); name != nil && *name == "" {
		*name = user
	}
}

// ownName refuses a name that is not the user's. The operator alone may name another: of a rollback, which its incident asked for, and of an alert
// that it heard.
func ownName(user string, object client.Object, kind *kind) error {
	if rollback, is := object.(*strategyv1.StrategyRollback); is && rollback.Spec.IncidentUID != "" && user != Operator {
		return apierrors.NewForbidden(kind.group(), object.GetName(),
			errors.New("incidentUID says that the incident itself asked; leave it out, and name the incident with incidentName"))
	}
	field, name := author(object)
	_, asked := object.(*strategyv1.StrategyRollback)
	_, heard := object.(*strategyv1.StrategyAlert)
	if name == nil || *name == user || (asked || heard) && user == Operator {
		return nil
	}
	return apierrors.NewForbidden(kind.group(), object.GetName(),
		fmt.Errorf("a client may only name itself: %s is %q, the request comes from %q", field, *name, user))
}

// intakeAlone refuses what somebody else than the operator says of an alert.
func intakeAlone(user string, object client.Object, kind *kind) error {
	if _, is := object.(*strategyv1.StrategyAlert); !is || user == Operator {
		return nil
	}
	return apierrors.NewForbidden(kind.group(), object.GetName(), errors.New("what an alert says is stored by the alert intake alone; send it there"))
}

// intakeChanges refuses a change of what an alert says.
func (s *Server) intakeChanges(user string, before, next client.Object, kind *kind) error {
	if _, is := next.(*strategyv1.StrategyAlert); !is || !s.Policies || sameSpec(before, next) {
		return nil
	}
	return intakeAlone(user, next, kind)
}

// mayDecide refuses the operator's decisions, and those of authors about playbooks.
func mayDecide(user string, object client.Object, kind *kind) error {
	decision, decides := object.(*strategyv1.StrategyDecision)
	if !decides {
		return nil
	}
	if decision.Spec.Target.Kind == strategyv1.KindPlaybook && decision.Spec.Verdict == strategyv1.DecisionApprove && user != Reviewer && user != Operator {
		return apierrors.NewForbidden(kind.group(), object.GetName(), fmt.Errorf("%s may write playbooks, and whoever writes them approves none", user))
	}
	if user != Operator {
		return nil
	}
	return apierrors.NewForbidden(kind.group(), object.GetName(), fmt.Errorf("%s may not %s: the verb is not granted", user, decision.Spec.Verdict))
}

// mayForget refuses the operator to delete what a playbook has also when it is made again: it has no verb that undoes it.
func mayForget(user string, object client.Object, kind *kind) error {
	decision, decides := object.(*strategyv1.StrategyDecision)
	if !decides || user != Operator || decision.Spec.Target.Kind != strategyv1.KindPlaybook {
		return nil
	}
	if answer := decision.Status.Answer; answer == nil || answer.Outcome != strategyv1.OutcomeHonoured {
		return nil
	}
	return apierrors.NewForbidden(kind.group(), object.GetName(), fmt.Errorf("%s may not delete decision %s, which was honoured", user, object.GetName()))
}
