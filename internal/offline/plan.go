package offline

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/crd"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/schema"
)

// Defaults of the API that change what is planned.
const (
	defaultKey         = "core.yaml"
	defaultMaxDuration = 14400
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
	if problem := playbook.References("", book.Spec); problem != nil {
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
	change, err := readRollback(in.Rollback)
	if err != nil {
		return nil, nil, err
	}
	if change.Spec.PlaybookName != book.Name {
		return nil, nil, fmt.Errorf("%s: the rollback is for playbook %q, but %s holds playbook %q; name the right files",
			in.Rollback.Name, change.Spec.PlaybookName, in.Playbook.Name, book.Name)
	}
	return book, change, nil
}

// rollbackSchema takes a second to build, and is the same for all texts.
var rollbackSchema = sync.OnceValues(func() (*schema.Schema, error) { return schema.New(crd.Rollback) })

// readRollback is the rollback of a text, which the API server would accept.
func readRollback(text Text) (*strategyv1.StrategyRollback, error) {
	object, err := decode(text, strategyv1.KindRollback)
	if err != nil {
		return nil, err
	}
	change := object.(*strategyv1.StrategyRollback)
	found, err := only(text, strategyv1.KindRollback)
	if err != nil {
		return nil, err
	}
	refused, err := refusedRollback(found)
	if err != nil {
		return nil, err
	}
	if len(refused) > 0 {
		return nil, fmt.Errorf("%s: the API server would refuse StrategyRollback %s: %s", text.Name, nameOf(change), strings.Join(refused, "; "))
	}
	return change, nil
}

func refusedRollback(d document) ([]string, error) {
	known, err := rollbackSchema()
	if err != nil {
		return nil, err
	}
	meta, err := metaOf(d)
	if err != nil {
		return nil, err
	}
	object, err := objectOf(d)
	if err != nil {
		return nil, err
	}
	return slices.Concat(misnamed(meta), unknownMetadata(d), tagged(d), refusals(known, object)), nil
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

// nameOf is the rollback's name; one that the API server will complete is shown as such.
func nameOf(change *strategyv1.StrategyRollback) string {
	if change.Name != "" {
		return change.Name
	}
	return change.GenerateName + "xxxxx"
}
