package rollback

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
)

// probeFirst shows that a feed is usable before anyone is asked to approve the switch to it.
func (p *plan) probeFirst() bool { return p.probe(1) }

// probeAgain shows it once more right before the switch: the approval may have taken minutes. What had to be approved
// again is probed again.
func (p *plan) probeAgain() bool {
	return p.claimed() == "" && p.probe(int32(p.status.Plan.Revision)+1)
}

func (p *plan) probe(round int32) bool {
	uses := p.probes()
	if p.claimed() != "" || len(uses) == 0 {
		return false
	}
	stage := p.run(strategyv1.StageProbe, round, uses)
	if stage.Missing != "" {
		return true
	}
	for _, record := range stage.Final {
		if record.Verdict == strategyv1.VerdictPass {
			continue
		}
		message := fmt.Sprintf("the feed is not shown to be usable: %s. Nothing was changed; create another rollback when it is", checks.Sentence(record))
		p.end(strategyv1.EndProbeFailed)
		p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonProbeFailed, message)
		p.Note(strategyv1.EventFailed, message, "")
		p.Stall(strategyv1.ReasonProbeFailed, message)
		return true
	}
	if !stage.Done {
		p.Working(strategyv1.ReasonProbing, fmt.Sprintf("probing the feed: %d of %d checks judged", len(stage.Final), len(uses)))
	}
	return !stage.Done
}

// probes are the checks of the feeds that the actions switch to.
func (p *plan) probes() []strategyv1.CheckUse {
	var uses []strategyv1.CheckUse
	for _, wanted := range p.Rollback.Spec.Actions {
		feed := feedOf(p.Playbook.Spec.Feeds, wanted.Feed)
		if feed != nil && !slices.ContainsFunc(uses, func(use strategyv1.CheckUse) bool { return use.Name == feed.Probe }) {
			uses = append(uses, strategyv1.CheckUse{Name: feed.Probe})
		}
	}
	return uses
}

// dryRun ends here: the plan is made, probes and baseline are measured, and nothing is changed.
func (p *plan) dryRun() bool {
	if p.Rollback.Spec.Mode != strategyv1.ModeDryRun || p.checkBefore() {
		return p.Rollback.Spec.Mode == strategyv1.ModeDryRun
	}
	message := "dry run, nothing was changed. It would " + p.summary()
	if refusal := p.refusal(); refusal != nil {
		message += ". It would wait: " + refusal.Message
	}
	p.end(strategyv1.EndDryRun)
	p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonDryRun, "a dry run needs no approval")
	p.Note(strategyv1.EventDryRun, message, "")
	p.Done(strategyv1.ReasonDryRun, message)
	return true
}
