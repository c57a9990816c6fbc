package playbook

import (
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/rules"
)

// Judged is a recorded report that two versions of a playbook judge differently.
type Judged struct {
	Check         string
	Sample        string // which one, for people
	Before, After string // verdict and why
}

// JudgedElse are the samples of both versions that their checks judge differently, of checks that both have. The second value is how many were
// compared; the third says why some were not.
func JudgedElse(before, after strategyv1.StrategyPlaybookSpec) (differ []Judged, compared int, left string) {
	var spent uint64
	for _, now := range after.Checks {
		was, found := checks.Find(before.Checks, now.Name)
		if !found || !compiles("", was) || !compiles("", now) {
			continue
		}
		for _, sample := range samplesOf(was, now) {
			if spent >= rules.SharedLimit {
				return differ, compared, "the samples before check " + now.Name + ", " + sample.name + ", were too expensive to go on"
			}
			old, oldWhy, problem := judgeSample(was, sample.ReportSample, rules.Vars{Spent: &spent})
			if problem != "" {
				continue // lint says so
			}
			verdict, why, _ := judgeSample(now, sample.ReportSample, rules.Vars{Spent: &spent})
			compared++
			if old != verdict {
				differ = append(differ, Judged{now.Name, sample.name, fmt.Sprintf("%s (%s)", old, oldWhy), fmt.Sprintf("%s (%s)", verdict, why)})
			}
		}
	}
	return differ, compared, ""
}

type namedSample struct {
	strategyv1.ReportSample
	name string
}

// samplesOf two versions of a check, each once.
func samplesOf(was, now strategyv1.CheckSpec) (all []namedSample) {
	seen := map[string]bool{}
	for which, list := range [][]strategyv1.ReportSample{was.Samples, now.Samples} {
		for i, sample := range list {
			exit := int32(0)
			if sample.ExitCode != nil {
				exit = *sample.ExitCode
			}
			key := fmt.Sprintf("%d\x00%s\x00%s", exit, sample.Report, sample.Before)
			if seen[key] {
				continue
			}
			seen[key] = true
			all = append(all, namedSample{sample, fmt.Sprintf("sample %d of the %s version", i+1, []string{"approved", "new"}[which])})
		}
	}
	return all
}
