package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/rules"
)

// MaxOutputBytes is how much of the end of a container's log is read and stored.
const MaxOutputBytes = 1 << 20

// MaxReportBytes bounds the report itself.
const MaxReportBytes = 512 << 10

// maxLastLine bounds what of a log is shown, in bytes.
const maxLastLine = 256

// maxBroken bounds the work on hostile output: so many bytes of objects that turn out to be broken, and no more.
const maxBroken = 4 * MaxOutputBytes

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
	default:
		output = wholeLines(output)
	}
	found, problem := objectsOf(output, where)
	if problem == "" {
		outcome.Report, outcome.Ambiguous, problem = choose(found, spec, vars, where)
	}
	outcome.ReportProblem = problem
	return outcome
}

// wholeLines leaves out the rest of a line whose beginning was not read: what stands there may be the inside of a report.
func wholeLines(output []byte) []byte {
	if len(output) < MaxOutputBytes {
		return output
	}
	return output[bytes.IndexByte(output, '\n')+1:]
}

// objects are what was found in an output. parts are complete, too, but what stands behind them says that they are part of something larger,
// whose beginning was not read or is broken. Somebody else's text behind a report says so as well: so a part is no report, and hides none.
type objects struct{ whole, parts []json.RawMessage }

// objectsOf finds the complete JSON objects that start a line or follow plain text on it. Objects inside another
// one are not looked at: half of a report is no report. Nor is anything behind one that is broken, since nobody can say where that one ends.
func objectsOf(output []byte, where string) (found objects, problem string) {
	broken := 0
	for at := 0; at < len(output) && broken < maxBroken; {
		line := output[at:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		start := objectStart(line)
		if start < 0 {
			at += len(line)
			continue
		}
		object, size, err := decodeObject(output[at+start:])
		if err == nil {
			of := &found.whole
			if goesOn(output[at+start+size:]) {
				of = &found.parts
			}
			*of = append(*of, object)
			at += start + size
			continue
		}
		if looksLikeObject(output[at+start:]) {
			return objects{}, fmt.Sprintf("a JSON object in the %s is broken, and nothing behind its beginning counts: %v", where, err)
		}
		broken += size
		at += len(line)
	}
	switch {
	case broken >= maxBroken:
		return objects{}, fmt.Sprintf("the %s is full of broken JSON", where)
	case len(found.whole) > 0:
		return found, ""
	case len(found.parts) > 0:
		return objects{}, partOf("last", where)
	case len(bytes.TrimSpace(output)) == 0:
		return objects{}, fmt.Sprintf("the %s is empty", where)
	}
	return objects{}, fmt.Sprintf("the %s has no JSON object; its %d bytes are kept beside the report in the evidence", where, len(output))
}

func partOf(which, where string) string {
	return fmt.Sprintf("the %s JSON object in the %s is part of something larger, whose beginning was not read or is broken", which, where)
}

// objectStart is where an object may start in a line, or -1. One that stands inside another one may not: behind a quote,
// or indented. Behind a brace there is no second start, since the first one is taken or was broken.
func objectStart(line []byte) int {
	start := bytes.IndexByte(line, '{')
	if start <= 0 {
		return start
	}
	before := line[:start]
	if bytes.IndexByte(before, '"') >= 0 || len(bytes.TrimSpace(before)) == 0 {
		return -1
	}
	return start
}

// goesOn: what stands behind an object says that it stands inside a list or another object.
func goesOn(rest []byte) bool {
	rest = bytes.TrimLeft(rest[:min(len(rest), 256)], " \t\r\n")
	return len(rest) > 0 && bytes.IndexByte([]byte(",]}"), rest[0]) >= 0
}

// looksLikeObject tells a broken report from a brace in a sentence.
func looksLikeObject(output []byte) bool {
	rest := bytes.TrimLeft(output[1:min(len(output), 256)], " \t\r\n")
	return len(rest) > 0 && rest[0] == '"'
}

// decodeObject returns the object at the start of data, compacted, and how many bytes were looked at.
func decodeObject(data []byte) (object json.RawMessage, size int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, int(syntax.Offset), err
		}
		return nil, len(data), err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, len(raw), err
	}
	return compact.Bytes(), int(decoder.InputOffset()), nil
}
