package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	strictjson "sigs.k8s.io/json"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// choose says which of the objects that a check wrote is its report. What a check writes besides may be in the hands of others: the text of an
// exchange's error, a symbol's name. So of several different objects that might be the report none is.
func choose(found objects, spec strategyv1.CheckSpec, vars rules.Vars, where string) (chosen Report, ambiguous bool, problem string) {
	fitting, err := fittingOf(slices.Concat(found.whole, found.parts, found.inside), spec, vars)
	switch {
	case err != nil:
		return Report{}, false, fmt.Sprintf("nobody can say which JSON object in the %s is the report: %v", where, err)
	case len(fitting) == 0 && spec.ReportMatch != "":
		return Report{}, false, fmt.Sprintf("reportMatch (%s) holds for no JSON object in the %s (%d)", spec.ReportMatch, where, len(found.whole))
	case len(fitting) > 1:
		return Report{}, true, fmt.Sprintf("%d different JSON objects in the %s might be the report; let reportMatch say which one is", len(fitting), where)
	case len(fitting) == 1 && !has(found.whole, fitting[0]):
		return Report{}, false, noReport(found, fitting[0], where)
	case len(fitting) == 0: // the rules will say what they miss
		fitting = found.whole[len(found.whole)-1:]
	}
	if problem := problemOf(fitting[0], where); problem != "" {
		return Report{}, false, problem
	}
	return NewReport(fitting[0]), false, ""
}

func has(objects []json.RawMessage, object json.RawMessage) bool {
	return slices.ContainsFunc(objects, func(one json.RawMessage) bool { return bytes.Equal(one, object) })
}

// noReport says why the only object that fits is none.
func noReport(found objects, fitting json.RawMessage, where string) string {
	if has(found.parts, fitting) {
		return partOf("only fitting", where)
	}
	return fmt.Sprintf("the only fitting JSON object in the %s stands behind blanks, a quote or a brace; a report starts a line, or follows plain words on it", where)
}

// fittingOf are the different objects that reportMatch holds for; without one those that have a field that the check's rules read.
func fittingOf(found []json.RawMessage, spec strategyv1.CheckSpec, vars rules.Vars) (fitting []json.RawMessage, err error) {
	read, err := readFields(spec, vars.Owner)
	if err == nil && spec.ReportMatch != "" {
		err = rules.Compile(vars.Owner, spec.ReportMatch)
	}
	if err != nil {
		return nil, err
	}
	if vars.Spent == nil {
		vars.Spent = new(uint64)
	}
	seen := map[string]bool{}
	for _, object := range found {
		if seen[string(object)] {
			continue
		}
		seen[string(object)] = true
		report := NewReport(object)
		fits := report.Problem() != nil // one that cannot be decoded might be the report
		if !fits {
			if fits, err = matches(report, spec.ReportMatch, read, vars); err != nil {
				return nil, err
			}
		}
		if fits {
			fitting = append(fitting, object)
		}
	}
	return fitting, nil
}

// readFields are the fields of the report that the verdicts' rules name; none where a rule names no field, as it may read any.
func readFields(spec strategyv1.CheckSpec, owner string) ([]string, error) {
	var fields []string
	for _, verdict := range spec.Verdicts {
		uses, err := rules.Uses(owner, verdict.When)
		if err != nil {
			return nil, err
		}
		named, reads := uses["report"]
		if reads && len(named) == 0 {
			return nil, nil
		}
		fields = append(fields, named...)
	}
	return fields, nil
}

// matches: one that the rule cannot be evaluated for, since it lacks a field, is not the report.
func matches(report Report, match string, read []string, vars rules.Vars) (bool, error) {
	vars.Report = report.Value()
	if match == "" {
		return len(read) == 0 || slices.ContainsFunc(read, report.Value().Has), nil
	}
	held, err := rules.Eval(match, vars)
	if rules.TooExpensive(err) {
		return false, err
	}
	return held, nil
}

// problemOf says why what was found cannot be judged, empty if it can.
func problemOf(report json.RawMessage, where string) string {
	switch {
	case !utf8.Valid(report):
		return fmt.Sprintf("the JSON object in the %s is not valid UTF-8", where)
	case len(report) > MaxReportBytes:
		return fmt.Sprintf("the report has %d bytes; at most %d are read", len(report), MaxReportBytes)
	case !json.Valid(slices.Concat([]byte{'['}, report, []byte{']'})): // stored inside the outcome it is one level deeper
		return fmt.Sprintf("the JSON object in the %s is nested too deeply", where)
	}
	var decoded any
	if twice, err := strictjson.UnmarshalStrict(report, &decoded); err == nil && len(twice) > 0 {
		return fmt.Sprintf("the JSON object in the %s says a thing twice, and nobody can say which one counts: %v", where, errors.Join(twice...))
	}
	return ""
}
