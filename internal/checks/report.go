package checks

import (
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/rules"
)

// MaxOutputBytes and MaxOutputLines are how much of the end of a container's log is read and stored: what is within both.
const (
	MaxOutputBytes = 1 << 20
	MaxOutputLines = 10_000
)

// MaxReportBytes bounds the report itself.
const MaxReportBytes = 512 << 10

// maxLastLine bounds what of a log is shown, in bytes.
const maxLastLine = 256

// Report is the JSON object that a check is judged by: its text, as it is stored, and what it says, decoded once. It cannot be
// changed, so passes and goroutines may share one. The zero value is no report.
type Report struct {
	text    string
	value   rules.Value
	problem error
}

// NewReport reads a report. What cannot be decoded, like a number that is too large, is a report, too: Problem says what is
// wrong with it.
func NewReport(text []byte) Report {
	if len(text) == 0 || string(text) == "null" {
		return Report{}
	}
	value, problem := rules.Decode(text)
	return Report{string(text), value, problem}
}

// Missing says that there is none.
func (r Report) Missing() bool { return r.text == "" }

// Value is the report as rules see it.
func (r Report) Value() rules.Value { return r.value }

// Problem says why the report cannot be judged, nil if it can.
func (r Report) Problem() error { return r.problem }

// String is the report as it is stored.
func (r Report) String() string { return r.text }

// MarshalJSON implements json.Marshaler.
func (r Report) MarshalJSON() ([]byte, error) {
	if r.Missing() {
		return []byte("null"), nil
	}
	return []byte(r.text), nil
}

// UnmarshalJSON implements json.Unmarshaler. A report that cannot be judged does not hide the outcome around it.
func (r *Report) UnmarshalJSON(text []byte) error {
	*r = NewReport(text)
	return nil
}

// WithReport adds the report, found where the check says, to an outcome; or why there is none (ReportProblem). vars say whose
// rule chooses the report, and who pays for it; output is the end of the container's log, at most MaxOutputBytes, message its termination
// message. An attempt that did not end by itself has no report.
func WithReport(outcome Outcome, spec strategyv1.CheckSpec, vars rules.Vars, output []byte, message string) Outcome {
	if outcome.Reason == ReasonExited {
		outcome = reported(outcome, spec, vars, output, message)
	}
	if outcome.Report.Missing() {
		outcome.LastLine = bounded.LastLine(string(output), maxLastLine)
	}
	return outcome
}

func reported(outcome Outcome, spec strategyv1.CheckSpec, vars rules.Vars, output []byte, message string) Outcome {
	where := "log"
	switch spec.ReportFrom {
	case strategyv1.ReportFromExitCode:
		outcome.Report = NewReport(fmt.Appendf(nil, `{"exit_code":%d}`, *outcome.ExitCode))
		return outcome
	case strategyv1.ReportFromTerminationMessage:
		output, where = []byte(message), "termination message"
	}
	cut := where == "log" && isCut(output)
	if cut {
		output = wholeLines(output)
	}
	found, problem := objectsOf(output, where)
	if problem == "" {
		outcome.Report, outcome.Ambiguous, problem = choose(found, spec, vars, where)
	}
	if cut && (outcome.Report.Missing() || outcome.Report.String() != string(found.end)) {
		outcome.Report, outcome.Ambiguous, problem = Report{}, true, hidden(problem)
	}
	outcome.ReportProblem = problem
	return outcome
}

// hidden says of a cut log why it has no report: whoever writes enough behind a report pushes it out of what is read, and may write another one.
// Only what stands at the very end has nothing behind it; and what others are quoted with stands behind words, so a line of its own is asked for, too.
func hidden(problem string) string {
	if problem == "" {
		problem = "something stands on the line of the last fitting JSON object in the log, or behind it"
	}
	return fmt.Sprintf("%s; the log is longer than what is read of it (%d lines, %d bytes), so the report may have been cut off: "+
		"print the report last, on a line of its own, or write it to the termination message (reportFrom: TerminationMessage)", problem, MaxOutputLines, MaxOutputBytes)
}
