package controllers

import (
	"context"
	"sync"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/oncall"
)

// rosterCache remembers what rotation files said, by their text: an incident asks in each pass.
type rosterCache struct {
	sync.Mutex
	parsed map[string]parsedRoster
}

type parsedRoster struct {
	roster oncall.Roster
	err    error
}

// maxRosters bounds the memory: a file has 64 KiB at most, and a playbook has one.
const maxRosters = 64

func (c *rosterCache) parse(text string) (oncall.Roster, error) {
	c.Lock()
	defer c.Unlock()
	known, found := c.parsed[text]
	if !found {
		if c.parsed == nil || len(c.parsed) >= maxRosters {
			c.parsed = map[string]parsedRoster{}
		}
		known.roster, known.err = oncall.Parse([]byte(text))
		c.parsed[text] = known
	}
	return known.roster, known.err
}

// observeOnCall reads the rotation. What is wrong with it is a fact: it must not stop an incident.
func (e *Environment) observeOnCall(ctx context.Context, namespace string, spec *strategyv1.EscalationSpec) (facts.OnCall, error) {
	if spec == nil || spec.Rotation == nil {
		return facts.OnCall{}, nil
	}
	text, missing, err := e.observeText(ctx, namespace, *spec.Rotation)
	if err != nil || missing != nil {
		return facts.OnCall{Problem: missing}, err
	}
	roster, unreadable := e.rosters.parse(text)
	if unreadable != nil {
		return facts.OnCall{Problem: problem(strategyv1.ReasonRotationInvalid, "ConfigMap %s/%s, key %s: %v", namespace, spec.Rotation.ConfigMapName, spec.Rotation.Key, unreadable)}, nil
	}
	return facts.OnCall{Roster: roster, Known: true}, nil
}
