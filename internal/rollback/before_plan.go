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
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/record"
)

// planEdits computes the plan again in every pass until the edits are claimed, so that what is approved is what the
// document needs now.
func (p *plan) planEdits() pass.Outcome {
	until := p.until()
	draft, err := p.draft(p.seen.Config.Document, until)
	if err != nil {
		return p.cannotPlan(strategyv1.ReasonEditRefused, err.Error()+". Nothing was changed; fix the configuration or create another rollback")
	}
	blocked := record.Blocked(p.seen.Config.Document, p.seen.Config.State, p.uid(), draft.Edits)
	if blocked == "" {
		blocked = record.Lost(p.seen.Config.Document, p.seen.Config.State, p.claimsOfOthers(), p.uid(), draft.Edits)
	}
	if blocked != "" {
		return p.cannotPlan(strategyv1.ReasonTargetBelongsToOthers, blocked)
	}
	effect := gitops.Effect(p.gitOpsMode(), p.seen.Config.Owner, p.pauses())
	if to := p.writesBack(); to != nil && effect != nil {
		effect.CommitsTo = gitops.CommitsTo(*to)
	}
	switch {
	case p.next.Plan == nil:
		p.next.Plan = &strategyv1.RollbackPlan{PlannedTime: p.out.Stamp(), GitOps: effect}
		if !until.IsZero() {
			p.next.Plan.Until = new(metav1.NewTime(until))
		}
		p.revise(draft.Edits)
		p.out.Note(strategyv1.EventRollbackRequested, fmt.Sprintf("asked for by %s: %s", p.requester(), p.summary())+p.notOfRemedy()+p.unknownRequester()+p.ownedByOthers(), p.seen.Rollback.Spec.RequestedBy)
	case !equality.Semantic.DeepEqual(p.next.Plan.Edits, draft.Edits):
		p.void("the configuration was changed at an edited path")
		p.next.Plan.GitOps = effect
		p.revise(draft.Edits)
	case !equality.Semantic.DeepEqual(p.next.Plan.GitOps, effect):
		p.void("what the operator does about the tool that applies the ConfigMap, too, is not what was approved")
		p.next.Plan.GitOps = effect
		p.revise(draft.Edits)
	}
	p.next.Plan.Disables, p.next.Plan.Diff, p.next.Plan.Owner = draft.Disables, bounded.Text(draft.Diff, change.MaxDiff), p.seen.Config.Owner
	p.out.Set(strategyv1.ConditionPlanned, metav1.ConditionTrue, strategyv1.ReasonPlanned, p.summary()+kept(draft)+p.twoTraders()+p.notOfRemedy()+p.unknownRequester()+p.ownedByOthers())
	return pass.GoOn
}

func (p *plan) claimsOfOthers() (claims []record.Claim) {
	for _, other := range p.others() {
		if claim, asked := record.ClaimOf(&other); asked {
			claims = append(claims, claim)
		}
	}
	return claims
}

// maxKept bounds what is told of what people hold back already.
const maxKept = 2000

// kept is what of the change is left to what people wrote.
func kept(draft change.Draft) string {
	if len(draft.Kept) == 0 {
		return ""
	}
	return bounded.Text(". Left as it is: "+strings.Join(draft.Kept, "; "), maxKept)
}

// draft is the plan on a document, for a time box that ends at until. What a shared path held before is what people put there, not what
// another rollback did: so the plan stays the same whichever of the two is applied or restored first.
func (p *plan) draft(document *config.Document, until time.Time) (change.Draft, error) {
	scheduler := p.seen.Playbook.Spec.Scheduler
	draft, err := change.NewDraft(change.Change{
		Document: document, Summary: p.seen.Config.Summary, DataKey: scheduler.Config.Key,
		Target: botcore.Target{Scheduler: scheduler.Name, Environment: scheduler.Environment},
		Feeds:  p.seen.Playbook.Spec.Feeds, Name: p.seen.Rollback.Name, Spec: p.seen.Rollback.Spec, Until: until, Lasts: p.timeBox(),
		Ours: func(path string) bool { return p.seen.Config.State.HolderOf(path, p.uid()) != "" },
	})
	if err != nil {
		return change.Draft{}, err
	}
	for i, edit := range draft.Edits {
		base := p.seen.Config.State.Base(edit.Path, p.uid())
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
func (p *plan) cannotPlan(reason, message string) pass.Outcome {
	if p.next.Plan != nil && p.out.Is(strategyv1.ConditionApproved) {
		p.void(message)
		p.revise(p.next.Plan.Edits)
	}
	p.out.Set(strategyv1.ConditionPlanned, metav1.ConditionFalse, reason, message)
	p.out.BadInput(reason, message)
	return pass.Ends
}

// revise makes every earlier approval worthless.
func (p *plan) revise(edits []strategyv1.PlannedEdit) {
	p.next.Plan.Revision++
	p.next.Plan.RevisionTime = p.out.Stamp()
	p.next.Plan.Edits = edits
	p.next.Plan.Digest = change.Digest(p.uid(), p.next.Plan.Revision, edits, p.next.Plan.GitOps)
}

func (p *plan) void(why string) {
	if p.out.Is(strategyv1.ConditionApproved) {
		p.out.Note(strategyv1.EventApprovalVoided, why, "")
	}
	p.next.Decision, p.next.Override = nil, nil
	p.out.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonPlanChanged, why)
	p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonPlanned, "nothing was changed")
}

// summary is the change in a sentence.
func (p *plan) summary() string {
	text := change.Sentence(p.seen.Rollback.Spec.Actions)
	if p.next.Plan != nil && p.next.Plan.Until != nil {
		text += " until " + p.next.Plan.Until.UTC().Format(time.RFC3339)
	}
	return text
}

func (p *plan) requester() string {
	if p.seen.Rollback.Spec.RequestedBy == "" {
		return "an unknown requester"
	}
	return p.seen.Rollback.Spec.RequestedBy
}

// unknownRequester warns, before anyone approves, that four eyes by names say nothing where a tool applied the rollback, or the incident.
func (p *plan) unknownRequester() string {
	if by := p.seen.Rollback.Spec.RequestedBy; by != "" && by == p.seen.User {
		return ". Nobody asked for it: an alert opened the incident, so any approver may agree"
	}
	if why := p.seen.Machines.UnknownRequester(p.seen.Rollback.Spec.RequestedBy); why != "" {
		return ". Mind that " + why
	}
	return ""
}

// ownedByOthers tells, before anyone approves, of a tool that applies the configuration, too: it may put the edits back.
func (p *plan) ownedByOthers() string {
	text := ""
	if owner := p.seen.Config.Owner; owner != nil {
		text = ". Mind that " + gitops.Sentence(*owner)
	}
	if p.next.Plan.GitOps != nil {
		text += ". " + gitops.EffectWords(*p.next.Plan.GitOps, p.seen.Config.Owner)
	}
	return text
}

// gitOpsMode is what the playbook says about a GitOps tool. Nothing applies the copy that a drill works on.
func (p *plan) gitOpsMode() strategyv1.GitOpsMode {
	spec := p.seen.Playbook.Spec.Scheduler.GitOps
	if spec == nil || p.isDrill() {
		return strategyv1.GitOpsReport
	}
	return spec.Mode
}

// pauses are the annotations that stand on the ConfigMap for the edits of rollbacks.
func (p *plan) pauses() (ours []string) {
	for _, holder := range p.seen.Config.State.Holders {
		if holder.Pause != "" {
			ours = append(ours, holder.Pause)
		}
	}
	return ours
}

// twoTraders warns, before anyone approves, of a Deployment that starts the new scheduler while the old one still trades.
func (p *plan) twoTraders() string {
	if p.isDrill() || p.seen.Deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return ""
	}
	return fmt.Sprintf(". Deployment %s is replaced by a rolling update: while it restarts, two schedulers trade at once; its strategy Recreate avoids that", p.seen.Deployment.Name)
}

// notOfRemedy says, before anyone approves, that the remedy's own approval is not for this.
func (p *plan) notOfRemedy() string {
	if p.foreign == "" {
		return ""
	}
	return fmt.Sprintf(". The approval of remedy %s is not for this, since %s: somebody other than who asked must approve it", p.remediation.Name, p.foreign)
}
