package playbook

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/rules"
)

// References checks every name that one part of the playbook uses for another, that every edit of a feed can be written, and
// that every rule compiles. It needs no cluster.
func References(spec strategyv1.StrategyPlaybookSpec) *facts.Problem {
	for _, problem := range []*facts.Problem{names(spec), feedEdits(spec.Feeds), compileAll(spec)} {
		if problem != nil {
			return problem
		}
	}
	return nil
}

func names(spec strategyv1.StrategyPlaybookSpec) *facts.Problem {
	missing := unknownFeeds(spec)
	need := func(where, check string) {
		if _, found := checks.Find(spec.Checks, check); !found {
			missing = append(missing, fmt.Sprintf("%s uses check %q, which is not in spec.checks", where, check))
		}
	}
	uses := func(where string, used []strategyv1.CheckUse) {
		for _, use := range used {
			need(where, use.Name)
		}
	}
	need("spec.scheduler.proof", spec.Scheduler.Proof.Check)
	for _, check := range spec.Triage.Checks {
		need("spec.triage", check.Name)
	}
	for _, check := range spec.Diagnosis.Checks {
		need("spec.diagnosis", check.Name)
	}
	for _, feed := range spec.Feeds {
		need("feed "+feed.Name+" (probe)", feed.Probe)
	}
	for _, remediation := range spec.Remediations {
		where := "remediation " + remediation.Name
		uses(where+" (before)", remediation.Before)
		uses(where+" (after)", remediation.After)
		if remediation.Restore != nil {
			uses(where+" (restore)", remediation.Restore.Checks)
		}
	}
	for _, cause := range spec.Diagnosis.Causes {
		known := slices.ContainsFunc(spec.Remediations, func(r strategyv1.RemediationSpec) bool { return r.Name == cause.Remediation })
		if cause.Remediation != "" && !known {
			missing = append(missing, fmt.Sprintf("cause %s names remediation %q, which is not in spec.remediations", cause.Name, cause.Remediation))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &facts.Problem{Reason: strategyv1.ReasonReferenceInvalid, Message: strings.Join(missing, "; ")}
}

func unknownFeeds(spec strategyv1.StrategyPlaybookSpec) []string {
	var missing []string
	for _, remediation := range spec.Remediations {
		for _, wanted := range remediation.Actions {
			known := slices.ContainsFunc(spec.Feeds, func(f strategyv1.FeedSpec) bool { return f.Name == wanted.Feed })
			if wanted.Type == strategyv1.ActionSwitchFeed && !known {
				missing = append(missing, fmt.Sprintf("remediation %s switches to feed %q, which is not in spec.feeds", remediation.Name, wanted.Feed))
			}
		}
	}
	return missing
}

func compileAll(spec strategyv1.StrategyPlaybookSpec) *facts.Problem {
	var broken []string
	compile := func(where, rule string) {
		if rule == "" {
			return
		}
		if err := rules.Compile(rule); err != nil {
			broken = append(broken, fmt.Sprintf("%s: %v", where, err))
		}
	}
	for _, check := range spec.Checks {
		for i, verdict := range check.Verdicts {
			compile(fmt.Sprintf("check %s, verdict %d", check.Name, i+1), verdict.When)
		}
	}
	if spec.Triage.FalseAlarm != nil {
		compile("triage.falseAlarm", spec.Triage.FalseAlarm.When)
	}
	for _, rule := range spec.Triage.Escalate {
		compile("escalate rule "+rule.Name, rule.When)
	}
	for _, cause := range spec.Diagnosis.Causes {
		compile("cause "+cause.Name, cause.When)
	}
	for _, remediation := range spec.Remediations {
		if remediation.Restore != nil {
			compile("remediation "+remediation.Name+" (restore)", remediation.Restore.When)
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return &facts.Problem{Reason: strategyv1.ReasonRuleInvalid, Message: strings.Join(broken, "; ")}
}

// templates checks that each check's PodTemplate is there and has a container for its command.
func templates(spec strategyv1.StrategyPlaybookSpec, namespace string, found map[string]corev1.PodTemplateSpec) *facts.Problem {
	var missing []string
	for _, check := range spec.Checks {
		template, ok := found[check.PodTemplateName]
		switch {
		case !ok:
			missing = append(missing, fmt.Sprintf("check %s needs PodTemplate %s, which does not exist in namespace %s", check.Name, check.PodTemplateName, namespace))
		case len(template.Spec.Containers) == 0:
			missing = append(missing, fmt.Sprintf("PodTemplate %s of check %s has no container", check.PodTemplateName, check.Name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &facts.Problem{Reason: strategyv1.ReasonPodTemplateNotFound, Message: strings.Join(missing, "; ")}
}
