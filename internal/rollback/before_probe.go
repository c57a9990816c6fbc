package rollback

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/pass"
)

// probeFirst shows that a feed is usable before anyone is asked to approve the switch to it. Its rounds are odd: adopted checks begin the next.
func (p *plan) probeFirst() pass.Outcome { return p.probe(2*p.roundOf(1) - 1) }

// probeAgain shows it once more right before the switch: the approval may have taken minutes. What had to be approved
// again is probed again. Its rounds are even, so that no answer of the first probe, whichever check gave it, is taken for one of these.
func (p *plan) probeAgain() pass.Outcome {
	return p.probe(2 * p.roundOf(int32(p.next.Plan.Revision)))
}

func (p *plan) probe(round int32) pass.Outcome {
	uses := p.probes()
	if len(uses) == 0 {
		return pass.GoOn
	}
	stage := p.run(strategyv1.StageProbe, round, uses)
	if stage.Missing != "" {
		return pass.Ends
	}
	for _, record := range stage.Final {
		if record.Verdict == strategyv1.VerdictPass {
			continue
		}
		message := fmt.Sprintf("the feed is not shown to be usable: %s. Nothing was changed; %s", checks.Sentence(record), p.afterProbe(record.Verdict))
		p.end(strategyv1.EndProbeFailed)
		p.out.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonProbeFailed, message)
		p.out.Note(strategyv1.EventFailed, message, "")
		p.out.Stall(strategyv1.ReasonProbeFailed, message)
		return pass.Ends
	}
	if !stage.Done {
		p.out.Working(strategyv1.ReasonProbing, fmt.Sprintf("probing the feed: %d of %d checks judged", len(stage.Final), len(uses)))
	}
	return pass.Outcome(!stage.Done)
}

// afterProbe is what somebody can do. This rollback is over, so a probe that is broken is adopted by what another one begins with: its incident, or
// the playbook as it is then.
func (p *plan) afterProbe(verdict strategyv1.Verdict) string {
	switch incident := p.seen.Rollback.Spec.IncidentName; {
	case verdict != strategyv1.VerdictError && verdict != strategyv1.VerdictInconclusive:
		return "create another rollback when it is"
	case incident != "":
		return fmt.Sprintf("if the check is broken, fix the playbook, then: kubectl strategy adopt-checks incident/%s -n %s, and create another rollback",
			incident, p.seen.Rollback.Namespace)
	}
	return "if the check is broken, fix the playbook, then create another rollback"
}

// probes are the checks of the feeds that the actions switch to.
func (p *plan) probes() []strategyv1.CheckUse {
	var uses []strategyv1.CheckUse
	for _, wanted := range p.seen.Rollback.Spec.Actions {
		feed := change.FeedOf(p.seen.Playbook.Spec.Feeds, wanted.Feed)
		if feed != nil && !slices.ContainsFunc(uses, func(use strategyv1.CheckUse) bool { return use.Name == feed.Probe }) {
			uses = append(uses, strategyv1.CheckUse{Name: feed.Probe})
		}
	}
	return uses
}

// baseline measures the baseline. Its verdicts do not block: the fault is often why we are here.
func (p *plan) baseline() pass.Outcome {
	stage := p.run(strategyv1.StageBefore, p.roundOf(1), p.remediation.Before)
	if stage.Missing != "" {
		return pass.Ends
	}
	if !stage.Done {
		p.out.Working(strategyv1.ReasonCheckingBefore, fmt.Sprintf("measuring the baseline: %d of %d checks judged", len(stage.Final), len(p.remediation.Before)))
		return pass.Ends
	}
	return pass.GoOn
}

// dryRun ends here: the plan is made, probes and baseline are measured, and nothing is changed.
func (p *plan) dryRun() pass.Outcome {
	if p.seen.Rollback.Spec.Mode != strategyv1.ModeDryRun {
		return pass.GoOn
	}
	if p.baseline() == pass.Ends {
		return pass.Ends
	}
	message := "dry run, nothing was changed. It would " + p.summary()
	if refusal := p.refusal(); refusal != nil {
		message += ". It would wait: " + refusal.Message
	}
	p.end(strategyv1.EndDryRun)
	p.out.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonDryRun, "a dry run needs no approval")
	p.out.Note(strategyv1.EventDryRun, message, "")
	p.out.Done(strategyv1.ReasonDryRun, message)
	return pass.Ends
}
