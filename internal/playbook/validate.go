package playbook

import (
	"fmt"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
)

// References checks every name that one part of the playbook uses for another, that every edit can be written, that every
// rule compiles and uses what is there, and that the rules judge the samples as their author expects. It needs no cluster. Of what is
// wrong in several ways it tells those of the first reason; nil if nothing is.
func References(owner string, spec strategyv1.StrategyPlaybookSpec) *facts.Problem {
	problems := Problems(owner, spec)
	if len(problems) == 0 {
		return nil
	}
	first := facts.Problem{Reason: problems[0].Reason}
	var messages []string
	for _, problem := range problems {
		if problem.Reason == first.Reason { // what is wrong in another way shows when this is fixed
			messages = append(messages, problem.Message)
		}
	}
	first.Message = strings.Join(messages, "; ")
	return &first
}

// Problems are all that References looks for, each on its own: names first, then edits, rules and samples.
func Problems(owner string, spec strategyv1.StrategyPlaybookSpec) []facts.Problem {
	var problems []facts.Problem
	for _, group := range []struct {
		reason   string
		messages []string
	}{
		{strategyv1.ReasonReferenceInvalid, names(spec)},
		{strategyv1.ReasonEditRefused, edits(spec)},
		{strategyv1.ReasonRuleInvalid, brokenRules(owner, spec)},
		{strategyv1.ReasonSampleMisjudged, misjudged(owner, spec)},
	} {
		for _, message := range group.messages {
			problems = append(problems, facts.Problem{Reason: group.reason, Message: message})
		}
	}
	return problems
}

// templates checks that each check's PodTemplate is there, has a container for its command, and may run.
func templates(spec strategyv1.StrategyPlaybookSpec, namespace string, found map[string]checks.Template) *facts.Problem {
	var missing, refused []string
	for _, check := range spec.Checks {
		template, ok := found[check.PodTemplateName]
		switch {
		case !ok:
			missing = append(missing, fmt.Sprintf("check %s needs PodTemplate %s, which does not exist in namespace %s", check.Name, check.PodTemplateName, namespace))
		case len(template.Spec.Containers) == 0:
			missing = append(missing, fmt.Sprintf("PodTemplate %s of check %s has no container", check.PodTemplateName, check.Name))
		case template.NotAllowed != "":
			refused = append(refused, fmt.Sprintf("PodTemplate %s of check %s: %s", check.PodTemplateName, check.Name, template.NotAllowed))
		}
	}
	switch {
	case len(missing) > 0:
		return &facts.Problem{Reason: strategyv1.ReasonPodTemplateNotFound, Message: strings.Join(missing, "; ")}
	case len(refused) > 0:
		return &facts.Problem{Reason: strategyv1.ReasonPodTemplateNotAllowed, Message: strings.Join(refused, "; ")}
	}
	return nil
}
