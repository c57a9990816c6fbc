package playbook

import (
	"fmt"
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/routes"
	"tradeops.dev/strategy-operator/internal/signals"
)

// names are the names of something that is not there, ladders without an end, what does nothing, and a URL that is never
// asked.
func names(spec strategyv1.StrategyPlaybookSpec) []string {
	wrong := slices.Concat(unknownFeeds(spec), unknownChecks(spec), unknownRemediations(spec), idleMatches(spec.Checks), endlessLadders(spec.Remediations), besideProposals(spec.Remediations))
	if spec.Signals != nil {
		if err := signals.CheckURL(spec.Signals.Prometheus.URL); err != nil {
			wrong = append(wrong, fmt.Sprintf("spec.signals.prometheus.url: %v", err))
		}
		for _, query := range spec.Signals.Queries {
			if err := signals.CheckQuery(query.Query); err != nil {
				wrong = append(wrong, fmt.Sprintf("the query of signal %s: %v", query.Name, err))
			}
		}
	}
	_, unreadable := routes.Compile(spec.Alerts)
	for _, err := range unreadable {
		wrong = append(wrong, err.Error())
	}
	return append(wrong, unusableChannels(spec.Notifications)...)
}

// unusableChannels are those that are never asked, and routes to none.
func unusableChannels(spec *strategyv1.NotificationsSpec) (wrong []string) {
	if spec == nil {
		return nil
	}
	for _, channel := range spec.Channels {
		if err := signals.CheckChannel(channel.URL); err != nil {
			wrong = append(wrong, fmt.Sprintf("spec.notifications.channels, %s: %v", channel.Name, err))
		}
	}
	for _, route := range spec.Routes {
		for _, name := range route.Channels {
			if !slices.ContainsFunc(spec.Channels, func(c strategyv1.ChannelSpec) bool { return c.Name == name }) {
				wrong = append(wrong, fmt.Sprintf("spec.notifications.routes, %s: there is no channel %q", route.Name, name))
			}
		}
	}
	return wrong
}

func unknownChecks(spec strategyv1.StrategyPlaybookSpec) []string {
	var missing []string
	for _, use := range checks.UsesOf(spec) {
		if _, found := checks.Find(spec.Checks, use.Check); !found {
			missing = append(missing, fmt.Sprintf("%s uses check %q, which is not in spec.checks", use.Where, use.Check))
		}
	}
	return missing
}

// idleMatches are rules that would choose among one object.
func idleMatches(all []strategyv1.CheckSpec) []string {
	var idle []string
	for _, check := range all {
		if check.ReportMatch != "" && check.ReportFrom == strategyv1.ReportFromExitCode {
			idle = append(idle, fmt.Sprintf("check %s: reportMatch does nothing beside reportFrom: ExitCode, which is one object; leave it out", check.Name))
		}
	}
	return idle
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

func unknownRemediations(spec strategyv1.StrategyPlaybookSpec) []string {
	var missing []string
	for _, cause := range spec.Diagnosis.Causes {
		if _, found := remediationOf(spec.Remediations, cause.Remediation); cause.Remediation != "" && !found {
			missing = append(missing, fmt.Sprintf("cause %s names remediation %q, which is not in spec.remediations", cause.Name, cause.Remediation))
		}
	}
	for _, remediation := range spec.Remediations {
		if _, found := remediationOf(spec.Remediations, remediation.Then); remediation.Then != "" && !found {
			missing = append(missing, fmt.Sprintf("remediation %s (then) names remediation %q, which is not in spec.remediations", remediation.Name, remediation.Then))
		}
	}
	return missing
}

// endlessLadders are ladders of remedies that come back to where they were: each one is told once, from its first remedy.
func endlessLadders(remediations []strategyv1.RemediationSpec) []string {
	var endless []string
	told := map[string]bool{}
	for _, first := range remediations {
		ladder := []string{first.Name}
		for next := first.Then; next != "" && !slices.Contains(ladder, next); {
			ladder = append(ladder, next)
			remediation, _ := remediationOf(remediations, next)
			next = remediation.Then
		}
		last, _ := remediationOf(remediations, ladder[len(ladder)-1])
		if last.Then != first.Name || told[first.Name] {
			continue
		}
		for _, name := range ladder {
			told[name] = true
		}
		endless = append(endless, fmt.Sprintf("remediation %s (then): the ladder comes back to where it was: %s -> %s; let one of them end with onFailedAfter Revert or Keep",
			first.Name, strings.Join(ladder, " -> "), first.Name))
	}
	return endless
}

// besideProposals is what would never happen: a proposal is shown, and the operator changes nothing.
func besideProposals(remediations []strategyv1.RemediationSpec) []string {
	var idle []string
	for _, remediation := range remediations {
		if remediation.Proposal == nil {
			continue
		}
		for field, given := range map[string]bool{
			"before": len(remediation.Before) > 0, "after": len(remediation.After) > 0,
			"restore": remediation.Restore != nil, "then": remediation.Then != "",
		} {
			if given {
				idle = append(idle, fmt.Sprintf("remediation %s (proposal): %s does nothing beside a proposal, which people carry out; leave it out", remediation.Name, field))
			}
		}
	}
	slices.Sort(idle)
	return idle
}

func remediationOf(remediations []strategyv1.RemediationSpec, name string) (strategyv1.RemediationSpec, bool) {
	at := slices.IndexFunc(remediations, func(r strategyv1.RemediationSpec) bool { return r.Name == name })
	if at < 0 {
		return strategyv1.RemediationSpec{}, false
	}
	return remediations[at], true
}
