package checks

import (
	"fmt"
	"maps"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// Judge is the verdict on a stored outcome, and why, in a sentence: the first rule that holds. A rule that cannot be evaluated stops the
// search, since a later rule might hold by mistake: that is Inconclusive.
func Judge(spec strategyv1.CheckSpec, outcome Outcome, vars rules.Vars) (strategyv1.Verdict, string) {
	verdict, message, _ := JudgeByRule(spec, outcome, vars)
	return verdict, message
}

// JudgeByRule says, too, which rule decided, counted from 1; 0: none did.
func JudgeByRule(spec strategyv1.CheckSpec, outcome Outcome, vars rules.Vars) (verdict strategyv1.Verdict, message string, rule int) {
	if outcome.Reason != ReasonExited {
		return strategyv1.VerdictError, joinReason(outcome.Reason, outcome.Message) + lastWords(outcome), 0
	}
	if outcome.Report.Missing() {
		verdict, message = judgeNoReport(outcome)
		return verdict, message, 0
	}
	if err := outcome.Report.Problem(); err != nil {
		return strategyv1.VerdictInconclusive, fmt.Sprintf("the stored report is not JSON: %v", err), 0
	}
	vars.Report, vars.ExitCode = outcome.Report.Value(), outcome.ExitCode
	if outcome.Severity != "" { // the incident may have been raised since
		vars.Incident = maps.Clone(vars.Incident)
		vars.Incident["severity"] = outcome.Severity
	}
	for i, candidate := range spec.Verdicts {
		held, err := rules.Eval(candidate.When, vars)
		if err != nil {
			return strategyv1.VerdictInconclusive, fmt.Sprintf("cannot be judged: %v", err), i + 1
		}
		if held {
			return candidate.Verdict, messageOf(candidate), i + 1
		}
	}
	return strategyv1.VerdictInconclusive, "no rule of the check fits its report", 0
}

// judgeNoReport tells a tool that broke (Error: try again) from one that ended well and said nothing, or said several things (Inconclusive).
func judgeNoReport(outcome Outcome) (strategyv1.Verdict, string) {
	if outcome.ExitCode != nil && *outcome.ExitCode != 0 && !outcome.Ambiguous {
		return strategyv1.VerdictError, fmt.Sprintf("exit code %d without a report: %s%s", *outcome.ExitCode, outcome.ReportProblem, lastWords(outcome))
	}
	return strategyv1.VerdictInconclusive, outcome.ReportProblem + lastWords(outcome)
}

// lastWords are what a check without a report said last.
func lastWords(outcome Outcome) string {
	if outcome.LastLine == "" {
		return ""
	}
	return "; its log ends with: " + outcome.LastLine
}

func messageOf(rule strategyv1.VerdictRule) string {
	if rule.Message != "" {
		return rule.Message
	}
	return rule.When
}
