package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/writeback"
)

// proposal is what is to be pushed for an incident: what its status has proposed, to where the playbook said when it began.
func (r *committer) proposal(ctx context.Context, object *strategyv1.StrategyIncident) (writeback.Job, error) {
	spec, err := r.frozen(ctx, object.Namespace, object.Spec.PlaybookName, object.Status.PlaybookRevision)
	if err != nil {
		return writeback.Job{}, err
	}
	proposed := object.Status.Proposal
	at := slices.IndexFunc(spec.Remediations, func(remedy strategyv1.RemediationSpec) bool {
		return remedy.Name == proposed.Remediation && remedy.Proposal != nil && remedy.Proposal.WriteBack != nil && remedy.Proposal.WriteBack.PushBranch != ""
	})
	if at < 0 {
		return writeback.Job{}, &writeback.Failure{
			Kind: writeback.Invalid, Problem: fmt.Sprintf("the playbook that the incident runs on has no writeBack with a pushBranch in the proposal of remediation %s", proposed.Remediation),
		}
	}
	job, err := r.jobTo(ctx, object, spec.Remediations[at].Proposal.WriteBack)
	if err != nil {
		return job, err
	}
	round := proposed.WriteBack.Revision
	job.Key, job.Edits, job.Digest = proposed.Document.Key, proposed.Edits, change.Digest(string(object.UID), round, proposed.Edits, nil)
	job.Proposal = &writeback.Proposal{Name: gitops.ProposalBranch(object, round), Round: int(round), Known: proposed.WriteBack.State == strategyv1.WriteBackOpen}
	job.Message.Summary = fmt.Sprintf("%s of ConfigMap %s, key %s", proposed.Remediation, proposed.Document.ConfigMapName, proposed.Document.Key)
	job.Message.Reason, job.Message.Incident, job.Message.Asked = object.Spec.Summary, object.Name, object.Spec.RequestedBy
	job.Message.Remedy, job.Message.Alerts = proposed.Remediation, alertsInShort(proposed.Alerts)
	if object.Status.Cause != nil {
		job.Message.Cause = object.Status.Cause.Name
	}
	return job, nil
}

// alertsInShort says how often alerts began to fire, those that did most often.
func alertsInShort(rules []strategyv1.AlertRuleStatus) string {
	const most = 5
	var words []string
	for _, rule := range rules[:min(len(rules), most)] {
		words = append(words, fmt.Sprintf("%s began to fire %d times", rule.Name, rule.Occurrences))
	}
	return strings.Join(words, ", ")
}
