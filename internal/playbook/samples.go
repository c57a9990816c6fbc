package playbook

import (
	"errors"
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/rules"
)

// misjudged are the samples that the rules of their check give another verdict than their author expects.
func misjudged(owner string, spec strategyv1.StrategyPlaybookSpec) []string {
	var wrong []string
	var spent uint64
	for _, check := range spec.Checks {
		if !compiles(owner, check) { // told already
			continue
		}
		for i, sample := range check.Samples {
			where := fmt.Sprintf("check %s, sample %d", check.Name, i+1)
			if spent >= rules.SharedLimit {
				return append(wrong, where+": the samples before it were too expensive to go on; leave some out, or make the rules that judge them simpler")
			}
			if problem := misjudge(check, sample, rules.Vars{Owner: owner, Spent: &spent}); problem != "" {
				wrong = append(wrong, where+": "+problem)
			}
		}
	}
	return wrong
}

func compiles(owner string, check strategyv1.CheckSpec) bool {
	if check.ReportMatch != "" && rules.Compile(owner, check.ReportMatch) != nil {
		return false
	}
	for _, verdict := range check.Verdicts {
		if rules.Compile(owner, verdict.When) != nil {
			return false
		}
	}
	return true
}

// misjudge says what is wrong with a sample, empty if nothing is.
func misjudge(check strategyv1.CheckSpec, sample strategyv1.ReportSample, vars rules.Vars) string {
	verdict, message, problem := judgeSample(check, sample, vars)
	switch {
	case problem != "":
		return problem
	case verdict == sample.Verdict:
		return ""
	}
	return fmt.Sprintf("the rules give %s (%s), the sample expects %s; correct the one that is wrong", verdict, message, sample.Verdict)
}

// judgeSample is what the rules of a check say of a sample, or why it is none.
func judgeSample(check strategyv1.CheckSpec, sample strategyv1.ReportSample, vars rules.Vars) (verdict strategyv1.Verdict, message, problem string) {
	report, err := objectOf(sample.Report)
	if err != nil {
		return "", "", fmt.Sprintf("its report is no JSON object (%v); write one as the check prints it", err)
	}
	if sample.Before != "" {
		before, err := objectOf(sample.Before)
		if err != nil {
			return "", "", fmt.Sprintf("its before is no JSON object (%v); write one as the check prints it", err)
		}
		vars.Before = before.Value()
	}
	exitCode := int32(0)
	if sample.ExitCode != nil {
		exitCode = *sample.ExitCode
	}
	outcome := checks.Ended(checks.Outcome{}, exitCode)
	if check.ReportFrom == strategyv1.ReportFromExitCode {
		outcome.Report = report
	} else {
		outcome = checks.WithReport(outcome, check, vars, []byte(sample.Report), sample.Report)
	}
	verdict, message, rule := checks.JudgeByRule(check, outcome, vars)
	if rule > 0 {
		message = fmt.Sprintf("rule %d: %s", rule, message)
	}
	return verdict, message, ""
}

// objectOf reads an example of a report, which must be an object.
func objectOf(text string) (checks.Report, error) {
	report := checks.NewReport([]byte(text))
	switch {
	case report.Problem() != nil:
		return report, report.Problem()
	case report.Missing():
		return report, errors.New("it is null")
	case !report.Value().IsObject():
		return report, errors.New("it is a list, a text or a number")
	}
	return report, nil
}
