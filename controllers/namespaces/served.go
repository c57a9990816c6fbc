package namespaces

import (
	"context"
	"fmt"
	"slices"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
)

// Fixed is a list of served namespaces that nothing changes and nobody refuses.
type Fixed []string

// Served says why nothing can be done in a namespace; nil: it is served.
func (f Fixed) Served(namespace string) *facts.Problem {
	if slices.Contains(f, namespace) {
		return nil
	}
	return notAsked(namespace)
}

// Labels are none: nothing is asked for, and nothing is an exception.
func (f Fixed) Labels(context.Context, string) (map[string]string, bool) { return nil, true }

// letIn is how the operator gets its rights in a namespace.
const letIn = "bind ClusterRole strategy-operator-namespace there (config/namespace)"

func notAsked(namespace string) *facts.Problem {
	return problem("the operator does not serve namespace %s; kubectl label namespace %s %s=%s, and %s",
		namespace, namespace, strategyv1.LabelServe, strategyv1.ServeValue, letIn)
}

func deleted(namespace string) *facts.Problem {
	return problem("namespace %s is being deleted; the operator does nothing in it any more", namespace)
}

func refused(namespace string, err error) *facts.Problem {
	lost := problem("the operator has not the rights that it needs in namespace %s: %v; %s; the operator then goes on by itself", namespace, err, letIn)
	lost.Lost = true
	return lost
}

func problem(format string, args ...any) *facts.Problem {
	return &facts.Problem{Reason: strategyv1.ReasonNamespaceNotServed, Message: fmt.Sprintf(format, args...)}
}
