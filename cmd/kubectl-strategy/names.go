package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/show"
)

// reference names an object.
type reference struct{ kind, name string }

// kindWords are the words for the kinds that commands are about; the first of each is the one that help uses.
var kindWords = map[string][]string{
	strategyv1.KindIncident: {"incident", "incidents", "sinc", "strategyincident", "strategyincidents"},
	strategyv1.KindRollback: {"rollback", "rollbacks", "srb", "strategyrollback", "strategyrollbacks"},
	strategyv1.KindPlaybook: {"playbook", "playbooks", "spb", "strategyplaybook", "strategyplaybooks"},
}

// newKind gives an empty object of a kind, and an empty list.
func newKind(kind string) (client.Object, client.ObjectList) {
	switch kind {
	case strategyv1.KindIncident:
		return &strategyv1.StrategyIncident{}, &strategyv1.StrategyIncidentList{}
	case strategyv1.KindRollback:
		return &strategyv1.StrategyRollback{}, &strategyv1.StrategyRollbackList{}
	}
	return &strategyv1.StrategyPlaybook{}, &strategyv1.StrategyPlaybookList{}
}

// parse reads KIND/NAME, in any of kubectl's words for a kind, and NAME, which has no kind yet. It asks nobody.
func parse(argument string, kinds ...string) (reference, error) {
	word, name, found := strings.Cut(argument, "/")
	if !found {
		return reference{name: argument}, nil
	}
	word, _, _ = strings.Cut(strings.ToLower(word), ".")
	for _, kind := range kinds {
		if slices.Contains(kindWords[kind], word) && name != "" {
			return reference{kind, name}, nil
		}
	}
	return reference{}, fmt.Errorf("%q names no %s%s", argument, forms(kinds), guess(word, firstWords(kinds)))
}

// firstWords are the words of the kinds, as help has them.
func firstWords(kinds []string) (words []string) {
	for _, kind := range kinds {
		words = append(words, kindWords[kind][0])
	}
	return words
}

// forms are how one may name an object of these kinds.
func forms(kinds []string) string { return strings.Join(firstWords(kinds), "/NAME or ") + "/NAME" }

// resolve finds what an argument names: of a name alone, the first of the kinds that has it.
func (c cluster) resolve(ctx context.Context, argument string, kinds ...string) (reference, error) {
	ref, err := parse(argument, kinds...)
	if err != nil {
		return ref, err
	}
	if ref.kind != "" {
		kinds = []string{ref.kind}
	}
	var missing error
	for _, kind := range kinds {
		object, _ := newKind(kind)
		err := c.get(ctx, kind, ref.name, object)
		if err == nil {
			return reference{kind, ref.name}, nil
		}
		if !apierrors.IsNotFound(err) {
			return reference{}, err
		}
		if missing == nil {
			missing = err
		}
	}
	return reference{}, &hintError{missing, c.hint(ctx, ref.name, kinds)}
}

// hintError says with a hint that something is not there.
type hintError struct {
	cause error
	hint  string
}

func (e *hintError) Error() string { return e.cause.Error() + e.hint }

// Unwrap gives what is not there.
func (e *hintError) Unwrap() error { return e.cause }

// hint is where an object of that name is, or which one may have been meant. Whoever may not list gets none.
func (c cluster) hint(ctx context.Context, name string, kinds []string) string {
	names, elsewhere := []string{}, []string{}
	for _, kind := range kinds {
		names = append(names, c.names(ctx, kind)...)
		_, list := newKind(kind)
		if c.List(ctx, list, client.MatchingFields{"metadata.name": name}) != nil {
			continue
		}
		for _, object := range objectsOf(list) {
			elsewhere = append(elsewhere, object.GetNamespace())
		}
	}
	if len(elsewhere) > 0 {
		return fmt.Sprintf(". It is in namespace %s: add -n %s", show.Line(listed(elsewhere)), show.Line(elsewhere[0]))
	}
	return guess(name, names)
}

// names of a kind in the namespace; none if they cannot be read.
func (c cluster) names(ctx context.Context, kind string) (names []string) {
	_, list := newKind(kind)
	if c.List(ctx, list, client.InNamespace(c.namespace)) != nil {
		return nil
	}
	for _, object := range objectsOf(list) {
		names = append(names, object.GetName())
	}
	return names
}

func objectsOf(list client.ObjectList) (objects []client.Object) {
	switch list := list.(type) {
	case *strategyv1.StrategyIncidentList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	case *strategyv1.StrategyRollbackList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	case *strategyv1.StrategyPlaybookList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	}
	return objects
}

// theRollback is the one that an argument names: itself, or by its incident, the only one of it that the decision would not come to nothing for.
func (c cluster) theRollback(ctx context.Context, argument string, v verdict) (*strategyv1.StrategyRollback, error) {
	ref, err := c.resolve(ctx, argument, strategyv1.KindRollback, strategyv1.KindIncident)
	if err != nil {
		return nil, err
	}
	if ref.kind == strategyv1.KindRollback {
		rollback, err := c.rollback(ctx, ref.name)
		if err != nil {
			return nil, err
		}
		if why := rollbackRefusal(rollback, v.value); why != "" {
			return nil, refuse("%s", why)
		}
		return rollback, nil
	}
	subject, err := c.subject(ctx, ref)
	if err != nil {
		return nil, err
	}
	return theOne(subject, v)
}

// theOne of an incident's rollbacks that somebody can decide about so.
func theOne(subject show.Subject, v verdict) (*strategyv1.StrategyRollback, error) {
	var fit []*strategyv1.StrategyRollback
	var whys, names []string
	for i := range subject.Rollbacks {
		rollback := &subject.Rollbacks[i]
		if why := rollbackRefusal(rollback, v.value); why != "" {
			whys = append(whys, why)
			continue
		}
		fit, names = append(fit, rollback), append(names, rollback.Name)
	}
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(fit) > 1:
		return nil, refuse("incident %s has %d rollbacks that you could %s; name one: %s", subject.Incident.Name, len(fit), v.word, listed(names))
	case len(whys) == 0:
		return nil, refuse("incident %s has no rollback, so there is nothing to %s; see: kubectl strategy status %s -n %s",
			subject.Incident.Name, v.word, subject.Incident.Name, subject.Incident.Namespace)
	}
	return nil, refuse("%s", strings.Join(whys, "; "))
}
