package controllers

import (
	"context"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/oncall"
)

// parsedRoster is what a rotation file says.
type parsedRoster struct {
	roster oncall.Roster
	err    error
}

// parseRoster remembers files by their text: an incident asks in each pass.
func (r *reader) parseRoster(text string) (oncall.Roster, error) {
	known, found := r.rosters.get(text)
	if !found {
		known.roster, known.err = oncall.Parse([]byte(text))
		r.rosters.put(text, known, len(text))
	}
	return known.roster, known.err
}

// observeOnCall reads the rotation. What is wrong with it is a fact: it must not stop an incident.
func (r *reader) observeOnCall(ctx context.Context, namespace string, spec *strategyv1.EscalationSpec) (facts.OnCall, error) {
	if spec == nil || spec.Rotation == nil {
		return facts.OnCall{}, nil
	}
	text, missing, err := r.observeText(ctx, namespace, *spec.Rotation)
	if err != nil || missing != nil {
		return facts.OnCall{Problem: missing}, err
	}
	roster, unreadable := r.parseRoster(text)
	if unreadable != nil {
		return facts.OnCall{Problem: problem(strategyv1.ReasonRotationInvalid, "ConfigMap %s/%s, key %s: %v", namespace, spec.Rotation.ConfigMapName, spec.Rotation.Key, unreadable)}, nil
	}
	return facts.OnCall{Roster: roster, Known: true}, nil
}
