package main

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/offline"
	"tradeops.dev/strategy-operator/internal/show"
)

// The exit codes.
const (
	exitDone          = 0
	exitRefused       = 1
	exitNotUnderstood = 2
	exitUnanswered    = 3
)

// The exit codes of what verifies: as others of its kind, it says with 2 that something is wrong.
const (
	exitNotVerified = 1
	exitBroken      = 2
)

// refusedError says that the command was understood and not carried out.
type refusedError struct{ message string }

func (e *refusedError) Error() string { return e.message }

func refuse(format string, args ...any) error {
	return &refusedError{message: fmt.Sprintf(format, args...)}
}

// codeOf tells a refusal from everything else. What the API server refuses for its content or the asking person is a
// refusal, too.
func codeOf(err error) int {
	var refused *refusedError
	var refusedPlan *offline.RefusedError
	var unanswered *unansweredError
	if _, not := errors.AsType[*notDoneError](err); not {
		return exitNotVerified
	}
	if _, broken := errors.AsType[*brokenError](err); broken {
		return exitBroken
	}
	if errors.As(err, &unanswered) {
		return exitUnanswered
	}
	if errors.As(err, &refused) || errors.As(err, &refusedPlan) || apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		return exitRefused
	}
	return exitNotUnderstood
}

// messageOf is one line that a terminal can be shown.
func messageOf(err error) string {
	return show.Line(err.Error())
}

// explain adds what to do to an error of the API server. Refusals by admission are left as they are.
func (c cluster) explain(err error, kind, name string) error {
	switch {
	case apierrors.IsNotFound(err):
		return &missingError{kind: kind, name: name, namespace: c.namespace, cause: err}
	case meta.IsNoMatchError(err):
		return fmt.Errorf("the cluster does not know the kind %s: install the operator's CRDs, or choose another cluster with --context", kind)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the cluster does not accept your credentials (%w); log in again, or choose a user with --kubeconfig or --context", err)
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return err
	}
	return fmt.Errorf("cannot ask the cluster for %s %q in namespace %s: %w; check --kubeconfig and --context", kind, name, c.namespace, err)
}

// missingError is an object that does not exist.
type missingError struct {
	kind, name, namespace string
	cause                 error
}

func (e *missingError) Error() string {
	return fmt.Sprintf("no %s %q in namespace %s; list them: kubectl get %s -n %s", e.kind, e.name, e.namespace, resources[e.kind], e.namespace)
}

// Unwrap gives the API server's error.
func (e *missingError) Unwrap() error { return e.cause }

// resources are the names under which kubectl knows the kinds.
var resources = map[string]string{
	strategyv1.KindPlaybook: "strategyplaybooks", strategyv1.KindIncident: "strategyincidents", strategyv1.KindRollback: "strategyrollbacks", strategyv1.KindDecision: "strategydecisions",
}
