package rollback

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/record"
)

// planEdits computes the plan again in every pass until the edits are claimed, so that what is approved is what the
// document needs now.
func (p *plan) planEdits() bool {
	if p.claimed() != "" {
		return false
	}
	until := p.until()
	draft, err := p.draft(p.Config.Document, until)
	if err != nil {
		return p.cannotPlan(strategyv1.ReasonEditRefused, err.Error()+". Nothing was changed; mend the configuration or create another rollback")
	}
	if blocked := record.Blocked(p.Config.Document, p.Config.State, p.uid(), draft.Edits); blocked != "" {
		return p.cannotPlan(strategyv1.ReasonTargetBelongsToOthers, blocked)
	}
	switch {
	case p.status.Plan == nil:
		p.status.Plan = &strategyv1.RollbackPlan{PlannedTime: p.Stamp()}
		if !until.IsZero() {
			p.status.Plan.Until = new(metav1.NewTime(until))
		}
		p.revise(draft.Edits)
		p.Note(strategyv1.EventRollbackRequested, fmt.Sprintf("asked for by %s: %s", p.requester(), p.summary()), p.Rollback.Spec.RequestedBy)
	case !equality.Semantic.DeepEqual(p.status.Plan.Edits, draft.Edits):
		p.void("the configuration was changed at an edited path")
		p.revise(draft.Edits)
	}
	p.status.Plan.Disables, p.status.Plan.Diff = draft.Disables, bounded.Text(draft.Diff, maxDiff)
	p.Set(strategyv1.ConditionPlanned, metav1.ConditionTrue, strategyv1.ReasonPlanned, p.summary()+p.twoTraders())
	return false
}

// draft is the plan on a document, for a time box that ends at until. What a shared path held before is what people put there, not what
// another rollback did: so the plan stays the same whichever of the two is applied or restored first.
func (p *plan) draft(document *config.Document, until time.Time) (Draft, error) {
	scheduler := p.Playbook.Spec.Scheduler
	draft, err := NewDraft(Change{
		Document: document, Summary: p.Config.Summary, DataKey: scheduler.Config.Key,
		Target: botcore.Target{Scheduler: scheduler.Name, Environment: scheduler.Environment},
		Feeds:  p.Playbook.Spec.Feeds, Name: p.Rollback.Name, Spec: p.Rollback.Spec, Until: until,
	})
	if err != nil {
		return Draft{}, err
	}
	for i, edit := range draft.Edits {
		base := p.Config.State.Base(edit.Path, p.uid())
		if base == nil {
			continue
		}
		draft.Edits[i].From = nil
		if !base.Absent {
			draft.Edits[i].From = &base.From
		}
	}
	return draft, nil
}

// cannotPlan voids an approval: what was approved is not possible any more.
func (p *plan) cannotPlan(reason, message string) bool {
	if p.status.Plan != nil && p.Is(strategyv1.ConditionApproved) {
		p.void(message)
		p.revise(p.status.Plan.Edits)
	}
	p.Set(strategyv1.ConditionPlanned, metav1.ConditionFalse, reason, message)
	p.BadInput(reason, message)
	return true
}

// revise makes every earlier approval worthless.
func (p *plan) revise(edits []strategyv1.PlannedEdit) {
	p.status.Plan.Revision++
	p.status.Plan.RevisionTime = p.Stamp()
	p.status.Plan.Edits = edits
	p.status.Plan.Digest = digest(p.uid(), p.status.Plan.Revision, edits)
}

func (p *plan) void(why string) {
	if p.Is(strategyv1.ConditionApproved) {
		p.Note(strategyv1.EventApprovalVoided, why, "")
	}
	p.status.Decision, p.status.Override = nil, nil
	p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonPlanChanged, why)
	p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonPlanned, "nothing was changed")
}

// until is pinned at the first plan: an approval is for a moment in time, not for a duration.
func (p *plan) until() time.Time {
	if p.status.Plan != nil {
		if p.status.Plan.Until == nil {
			return time.Time{}
		}
		return p.status.Plan.Until.UTC()
	}
	if p.timeBox() == 0 {
		return time.Time{}
	}
	return p.Stamp().Add(p.timeBox())
}

// timeBox is its full length, 0 without one.
func (p *plan) timeBox() time.Duration {
	if p.remediation.MaxDurationSeconds == nil {
		return 0
	}
	return time.Duration(*p.remediation.MaxDurationSeconds) * time.Second
}

func (p *plan) requester() string {
	if p.Rollback.Spec.RequestedBy == "" {
		return "an unknown requester"
	}
	return p.Rollback.Spec.RequestedBy
}

// summary is the change in a sentence.
func (p *plan) summary() string {
	words := make([]string, len(p.Rollback.Spec.Actions))
	for i, wanted := range p.Rollback.Spec.Actions {
		words[i] = inWords(wanted)
	}
	text := strings.Join(words, ", ")
	if p.status.Plan != nil && p.status.Plan.Until != nil {
		text += " until " + p.status.Plan.Until.UTC().Format(time.RFC3339)
	}
	return text
}

func inWords(wanted strategyv1.RollbackAction) string {
	switch wanted.Type {
	case strategyv1.ActionDisableSchedule:
		if wanted.Strategy != "" {
			return "disable every schedule of strategy " + wanted.Strategy
		}
		return "disable schedule " + wanted.Schedule
	case strategyv1.ActionSetAllocation:
		return fmt.Sprintf("set allocation %s/%s to %s", wanted.RiskProfile, wanted.Bucket, wanted.Allocation)
	case strategyv1.ActionSwitchFeed:
		return "switch to feed " + wanted.Feed
	case strategyv1.ActionSetResourceLimits:
		return "set resource limits" + limitsInWords(wanted.Limits)
	case strategyv1.ActionSetSignalLimit:
		return fmt.Sprintf("limit strategy %s in %s to %d signals", wanted.Strategy, wanted.RiskProfile, *wanted.Limit)
	}
	return string(wanted.Type)
}

func limitsInWords(limits *strategyv1.ResourceLimits) string {
	text := ""
	for _, limit := range []struct{ name, value string }{
		{"CPU %", limits.CPUPercent}, {"memory MB", limits.MemoryMB}, {"reading MB/s", limits.IOReadMBs}, {"writing MB/s", limits.IOWriteMBs},
	} {
		if limit.value != "" {
			text += fmt.Sprintf(" %s=%s", limit.name, limit.value)
		}
	}
	return text
}

// twoTraders warns, before anyone approves, of a Deployment that starts the new scheduler while the old one still trades.
func (p *plan) twoTraders() string {
	if p.isDrill() || p.Deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return ""
	}
	return fmt.Sprintf(". Deployment %s is replaced by a rolling update: while it restarts, two schedulers trade at once; its strategy Recreate avoids that", p.Deployment.Name)
}
