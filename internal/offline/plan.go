package offline

import (
	"errors"
	"fmt"
	"slices"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// Defaults of the API that change what is planned.
const (
	defaultKey         = "core.yaml"
	defaultMaxDuration = 14400
	maxMaxDuration     = 2592000
)

// Input is all that a plan is made of.
type Input struct {
	Playbook Text
	Config   Text
	Rollback Text
	// Until is the end of the time box; nil: the rollback's time box, counted from Now.
	Until *time.Time
	Now   time.Time
}

// Plan is what the operator would change.
type Plan struct {
	change.Draft
	// Until is the end of the time box, zero without one.
	Until time.Time
}

// RefusedError is the operator's own refusal: the texts were understood, and nothing would be changed.
type RefusedError struct {
	// Reason is the condition reason that the operator would show.
	Reason string
	// Message is the operator's message.
	Message string
}

// Error is the operator's message.
func (e *RefusedError) Error() string { return e.Message }

// Compute makes the plan. A *RefusedError is the operator's refusal; any other error means that a text could not be
// understood.
func Compute(in Input) (Plan, error) {
	book, wanted, err := read(in)
	if err != nil {
		return Plan{}, err
	}
	if problem := playbook.References(book.Spec); problem != nil {
		return Plan{}, &RefusedError{Reason: problem.Reason, Message: fmt.Sprintf("playbook %s is not valid (%s): %s", book.Name, problem.Reason, problem.Message)}
	}
	seconds, err := maxDuration(book.Spec, wanted.Spec)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{}
	switch {
	case in.Until != nil:
		plan.Until = in.Until.UTC().Truncate(time.Second)
	case seconds > 0:
		plan.Until = in.Now.UTC().Truncate(time.Second).Add(time.Duration(seconds) * time.Second)
	}
	scheduler := book.Spec.Scheduler
	key := scheduler.Config.Key
	if key == "" {
		key = defaultKey
	}
	target := botcore.Target{Scheduler: scheduler.Name, Environment: scheduler.Environment}
	document, err := config.Parse(string(in.Config.Data))
	if err != nil {
		return Plan{}, &RefusedError{Reason: strategyv1.ReasonConfigInvalid, Message: err.Error()}
	}
	summary, err := botcore.Describe(document, target)
	if err != nil {
		return Plan{}, &RefusedError{Reason: strategyv1.ReasonConfigInvalid, Message: err.Error()}
	}
	plan.Draft, err = change.NewDraft(change.Change{
		Document: document, DataKey: key, Target: target, Summary: summary, Feeds: book.Spec.Feeds, Name: nameOf(wanted), Spec: wanted.Spec, Until: plan.Until, Lasts: max(0, plan.Until.Sub(in.Now)),
	})
	if err != nil {
		return Plan{}, &RefusedError{Reason: strategyv1.ReasonEditRefused, Message: err.Error()}
	}
	return plan, nil
}

func read(in Input) (*strategyv1.StrategyPlaybook, *strategyv1.StrategyRollback, error) {
	object, err := decode(in.Playbook, strategyv1.KindPlaybook)
	if err != nil {
		return nil, nil, err
	}
	book := object.(*strategyv1.StrategyPlaybook)
	if object, err = decode(in.Rollback, strategyv1.KindRollback); err != nil {
		return nil, nil, err
	}
	change := object.(*strategyv1.StrategyRollback)
	if err := acceptable(change); err != nil {
		return nil, nil, fmt.Errorf("%s: the API server would refuse StrategyRollback %s: %w", in.Rollback.Name, nameOf(change), err)
	}
	if change.Spec.PlaybookName != book.Name {
		return nil, nil, fmt.Errorf("%s: the rollback is for playbook %q, but %s holds playbook %q; name the right files",
			in.Rollback.Name, change.Spec.PlaybookName, in.Playbook.Name, book.Name)
	}
	return book, change, nil
}

// maxDuration is the time box in seconds, 0 without one: the remediation's, else the rollback's own.
func maxDuration(book strategyv1.StrategyPlaybookSpec, change strategyv1.StrategyRollbackSpec) (int32, error) {
	chosen := change.MaxDurationSeconds
	if change.RemediationName != "" {
		found := false
		for _, remediation := range book.Remediations {
			if remediation.Name == change.RemediationName {
				chosen, found = remediation.MaxDurationSeconds, true
			}
		}
		if !found {
			return 0, &RefusedError{Reason: strategyv1.ReasonRemediationNotFound, Message: fmt.Sprintf(
				"playbook %s has no remediation %q; create another rollback with one that exists", change.PlaybookName, change.RemediationName)}
		}
	}
	if chosen == nil {
		return defaultMaxDuration, nil
	}
	return *chosen, nil
}

// acceptable repeats the rules of the API that the engine relies on.
func acceptable(change *strategyv1.StrategyRollback) error {
	spec := change.Spec
	switch {
	case change.Name == "" && change.GenerateName == "":
		return errors.New("metadata.name: Required value")
	case len(spec.Actions) == 0:
		return errors.New("spec.actions: name at least one action")
	case spec.RemediationName != "" && spec.MaxDurationSeconds != nil:
		return errors.New("spec: maxDurationSeconds comes from the remediation; leave it out when remediationName is set")
	case spec.MaxDurationSeconds != nil && (*spec.MaxDurationSeconds < 0 || *spec.MaxDurationSeconds > maxMaxDuration):
		return fmt.Errorf("spec.maxDurationSeconds: it must be between 0 and %d", maxMaxDuration)
	}
	for i, wanted := range spec.Actions {
		if err := acceptableAction(wanted); err != nil {
			return fmt.Errorf("spec.actions[%d]: %w", i, err)
		}
	}
	return nil
}

func acceptableAction(wanted strategyv1.RollbackAction) error {
	needed := map[strategyv1.ActionType]struct {
		given   bool
		message string
	}{
		strategyv1.ActionDisableSchedule:   {(wanted.Schedule == "") != (wanted.Strategy == ""), "DisableSchedule names either its schedule or its strategy"},
		strategyv1.ActionSetAllocation:     {all(wanted.RiskProfile, wanted.Bucket, wanted.Allocation), "SetAllocation needs riskProfile, bucket and allocation"},
		strategyv1.ActionSwitchFeed:        {wanted.Feed != "", "SwitchFeed needs feed"},
		strategyv1.ActionSetResourceLimits: {wanted.Limits != nil && *wanted.Limits != (strategyv1.ResourceLimits{}), "SetResourceLimits needs limits"},
		strategyv1.ActionSetSignalLimit:    {all(wanted.Strategy, wanted.RiskProfile) && wanted.Limit != nil, "SetSignalLimit needs strategy, riskProfile and limit"},
	}
	if rule, known := needed[wanted.Type]; known && !rule.given {
		return errors.New(rule.message)
	}
	return foreignFields(wanted)
}

func all(fields ...string) bool { return !slices.Contains(fields, "") }

// foreignFields refuses what belongs to another action.
func foreignFields(wanted strategyv1.RollbackAction) error {
	only := func(given bool, field string, types ...strategyv1.ActionType) error {
		if given && !slices.Contains(types, wanted.Type) {
			return fmt.Errorf("%s does not belong to %s", field, wanted.Type)
		}
		return nil
	}
	return errors.Join(
		only(wanted.Schedule != "", "schedule", strategyv1.ActionDisableSchedule),
		only(wanted.Strategy != "", "strategy", strategyv1.ActionDisableSchedule, strategyv1.ActionSetSignalLimit),
		only(wanted.RiskProfile != "", "riskProfile", strategyv1.ActionSetAllocation, strategyv1.ActionSetSignalLimit),
		only(wanted.Bucket != "", "bucket", strategyv1.ActionSetAllocation),
		only(wanted.Allocation != "", "allocation", strategyv1.ActionSetAllocation),
		only(wanted.Feed != "", "feed", strategyv1.ActionSwitchFeed),
		only(wanted.Limits != nil, "limits", strategyv1.ActionSetResourceLimits),
		only(wanted.Limit != nil, "limit", strategyv1.ActionSetSignalLimit),
	)
}

// nameOf is the rollback's name; one that the API server will complete is shown as such.
func nameOf(change *strategyv1.StrategyRollback) string {
	if change.Name != "" {
		return change.Name
	}
	return change.GenerateName + "xxxxx"
}
