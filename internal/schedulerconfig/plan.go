package schedulerconfig

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/config"
)

// Observed is one key of a ConfigMap and everything that claims it.
type Observed struct {
	Key             types.NamespacedName
	ResourceVersion string
	DataKey         string
	Content         string
	State           State
	Claims          []Claim
}

// Claim is what one rollback asks for.
type Claim struct {
	UID, Name string
	State     strategyv1.ClaimState
	Time      time.Time
	Edits     []strategyv1.PlannedEdit
}

// Refusal is a claim that could not be met; nothing of it was written.
type Refusal struct{ Name, Reason string }

// Decision is at most one write for all claims together.
type Decision struct {
	Write   *action.WriteConfig
	Refused []Refusal
}

// Plan undoes what is released, newest first, then applies what is newly claimed, oldest claim first.
func Plan(o Observed) (Decision, error) {
	content, state := []byte(o.Content), State{SHA256: o.State.SHA256, Holders: slices.Clone(o.State.Holders)}
	changed := false
	var decision Decision
	refuse := func(claim Claim, reason string) {
		decision.Refused = append(decision.Refused, Refusal{claim.Name, reason})
	}

	for i := len(state.Holders) - 1; i >= 0; i-- {
		claim := findClaim(o.Claims, state.Holders[i].UID, strategyv1.ClaimRelease)
		if claim == nil {
			continue
		}
		undone, _, err := config.Undo(content, state.Holders[i].Records) // conflicts stay as people left them; the rollback reports them
		if err != nil {
			refuse(*claim, err.Error())
			continue
		}
		content, state.Holders, changed = undone, slices.Delete(state.Holders, i, i+1), true
	}

	for _, claim := range inOrder(o.Claims) {
		if claim.State != strategyv1.ClaimHold || state.Holds(claim.UID) {
			continue
		}
		edited, records, reason := apply(content, state, claim)
		if reason != "" {
			refuse(claim, reason)
			continue
		}
		next := append(slices.Clone(state.Holders), Holder{UID: claim.UID, Name: claim.Name, Records: records})
		if _, err := (State{SHA256: Hash(string(edited)), Holders: next}).encode(); err != nil {
			refuse(claim, err.Error())
			continue
		}
		content, state.Holders, changed = edited, next, true
	}

	if !changed {
		return decision, nil
	}
	state.SHA256 = Hash(string(content))
	record, err := state.encode()
	if err != nil {
		return decision, err
	}
	decision.Write = &action.WriteConfig{
		Key: o.Key, ResourceVersion: o.ResourceVersion, DataKey: o.DataKey, Content: string(content), Edits: record,
	}
	return decision, nil
}

// apply is all of a claim's edits or none. What each path holds must still be what the approved plan says: between the
// approval and this write a person may have changed it.
func apply(content []byte, state State, claim Claim) (edited []byte, records []config.Record, refused string) {
	edits := make([]config.Edit, len(claim.Edits))
	for i, planned := range claim.Edits {
		if other := state.HolderOf(planned.Path, claim.UID); other != "" {
			return nil, nil, fmt.Sprintf("%s is held by rollback %s", planned.Path, other)
		}
		edits[i] = config.Edit{Path: planned.Path, Value: planned.To}
	}
	edited, records, err := config.Apply(content, edits, state.records()...)
	if err != nil {
		return nil, nil, err.Error()
	}
	for i, record := range records {
		planned := claim.Edits[i]
		if record.Absent != (planned.From == nil) || (planned.From != nil && *planned.From != record.From) {
			return nil, nil, fmt.Sprintf("%s no longer holds what the approved plan says", planned.Path)
		}
	}
	return edited, records, ""
}

func findClaim(claims []Claim, uid string, state strategyv1.ClaimState) *Claim {
	for i := range claims {
		if claims[i].UID == uid && claims[i].State == state {
			return &claims[i]
		}
	}
	return nil
}

func inOrder(claims []Claim) []Claim {
	sorted := slices.Clone(claims)
	slices.SortFunc(sorted, func(a, b Claim) int {
		if order := a.Time.Compare(b.Time); order != 0 {
			return order
		}
		return strings.Compare(a.UID, b.UID)
	})
	return sorted
}
