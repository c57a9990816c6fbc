package checks

import strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"

// Use is one place of a playbook that names a check.
type Use struct{ Where, Check string }

// UsesOf are all places of a playbook that name a check.
func UsesOf(spec strategyv1.StrategyPlaybookSpec) []Use {
	uses := []Use{{"spec.scheduler.proof", spec.Scheduler.Proof.Check}}
	for _, check := range spec.Triage.Checks {
		uses = append(uses, Use{"spec.triage", check.Name})
	}
	for _, check := range spec.Diagnosis.Checks {
		uses = append(uses, Use{"spec.diagnosis", check.Name})
	}
	for _, feed := range spec.Feeds {
		uses = append(uses, Use{"feed " + feed.Name + " (probe)", feed.Probe})
	}
	for _, remediation := range spec.Remediations {
		where := "remediation " + remediation.Name
		for _, use := range remediation.Before {
			uses = append(uses, Use{where + " (before)", use.Name})
		}
		for _, use := range remediation.After {
			uses = append(uses, Use{where + " (after)", use.Name})
		}
		if remediation.Restore == nil {
			continue
		}
		for _, use := range remediation.Restore.Checks {
			uses = append(uses, Use{where + " (restore)", use.Name})
		}
	}
	return uses
}
