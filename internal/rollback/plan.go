package rollback

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/record"
)

// progress are the rules of the procedure; the first that applies ends the pass.
var progress = []func(*plan) bool{
	(*plan).deleted,
	(*plan).ended,
	(*plan).badInput,
	(*plan).start,
	(*plan).frozen,
	(*plan).copyConfig,
	(*plan).stray,
	(*plan).boxEnds,
	(*plan).restoreRequested,
	(*plan).renewRequested,
	(*plan).restoring,
	(*plan).planEdits,
	(*plan).probeFirst,
	(*plan).dryRun,
	(*plan).approve,
	(*plan).awaitResume,
	(*plan).guard,
	(*plan).awaitOthers,
	(*plan).probeAgain,
	(*plan).checkBefore,
	(*plan).claim,
	(*plan).renew,
	(*plan).takeEffect,
	(*plan).endTimeBox,
	(*plan).checkAfter,
	(*plan).hold,
}

// plan is one pass: the observed facts and the decision as it grows.
type plan struct {
	Observed
	*pass.Pass
	remediation strategyv1.RemediationSpec
	status      strategyv1.StrategyRollbackStatus
	finalizer   *action.SetFinalizers
	asks        strategyv1.Who // whose turn a rule says it is
	tried       *tried
	needs       Need // facts that a rule asked for and that were not read
}

// Plan decides one pass, or says which facts it needs for that.
func Plan(o Observed, now time.Time) Decision {
	o.Pauses = o.Pauses.OrDefault()
	p := &plan{Observed: o, remediation: remediationOf(o), status: *o.Rollback.Status.DeepCopy()}
	p.status.ObservedGeneration, p.Decided = o.Rollback.Generation, vouched(p.status, o.Decided)
	p.Pass = pass.New(now, o.Rollback.Generation, o.Prefix, o.Log, pass.Status{
		Conditions: &p.status.Conditions, Timeline: &p.status.Timeline, Checks: &p.status.Checks, Log: &p.status.Log,
	})
	p.seeWritten()
	if p.running() {
		p.holdBack()
		p.Collect(checks.Collect(p.Playbook.Spec.Checks, p.status.Checks, p.Runs.Jobs, p.verdictVars()))
	}
	for _, rule := range progress {
		if rule(p) {
			break
		}
	}
	if p.hasEnded() {
		p.AwaitLog() // the last head goes into the status
	}
	if p.needs != 0 {
		return Decision{Needs: p.needs}
	}
	turn := p.turn()
	p.status.State, p.status.WaitsFor, p.status.DueTime = lifecycle.RollbackPhase(p.status), turn.Who, turn.Due()
	actions, nextAt := p.Finish(p.subject(), turn)
	if p.finalizer != nil { // after the log, and even without one
		actions = append(actions, *p.finalizer)
	}
	return Decision{Status: p.sparing(), Actions: actions, NextAt: nextAt}
}

// running: started and not ended. Jobs concern only such a rollback.
func (p *plan) running() bool {
	return p.status.PlaybookRevision != "" && p.Playbook.Problem == nil && !p.hasEnded()
}

// sparing leaves the log's head as it was when nothing else changed: it goes with the next change, or at the end.
func (p *plan) sparing() strategyv1.StrategyRollbackStatus {
	spared := p.status
	if !p.hasEnded() && p.Rollback.Status.Log != nil {
		spared.Log = p.Rollback.Status.Log
	}
	if equality.Semantic.DeepEqual(spared, p.Rollback.Status) {
		return spared
	}
	return p.status
}

// remediationOf is where approval, checks and time box come from. Without one: another person approves, nothing but the
// proof is checked, and nothing is reverted without a person.
func remediationOf(o Observed) strategyv1.RemediationSpec {
	for _, remediation := range o.Playbook.Spec.Remediations {
		if remediation.Name == o.Rollback.Spec.RemediationName {
			return remediation
		}
	}
	duration := new(int32(defaultMaxDuration))
	if o.Rollback.Spec.MaxDurationSeconds != nil {
		duration = o.Rollback.Spec.MaxDurationSeconds
	}
	return strategyv1.RemediationSpec{
		Approval: strategyv1.ApprovalSpec{
			Mode: strategyv1.ApprovalRequired, TimeoutSeconds: defaultApprovalTimeout, Requester: strategyv1.RequesterDenied,
		},
		OnFailedAfter: strategyv1.FailedAfterKeep, MaxDurationSeconds: duration,
	}
}

// What a rollback without a remediation gets; the same figures are the defaults of a remediation in the API.
const (
	defaultMaxDuration     = 14400
	defaultApprovalTimeout = 900
)

func (p *plan) uid() string { return string(p.Rollback.UID) }

// holder is what this rollback has in the configuration, of whatever revision; nil = nothing.
func (p *plan) holder() *record.Holder {
	return p.Config.State.Holder(p.uid())
}

// holds: the edits of the plan's newest revision are written.
func (p *plan) holds() bool {
	holder := p.holder()
	return holder != nil && p.status.Plan != nil && holder.Revision == p.status.Plan.Revision
}

func (p *plan) claimed() strategyv1.ClaimState { return lifecycle.Claim(p.status) }
