package show

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// span is a length of time without a sign: 45s, 4m19s, 3h59m.
func span(d time.Duration) string {
	return duration.HumanDuration(d.Abs().Round(time.Second))
}

// clock is a time of day in UTC, with the date if it is not today's.
func clock(at, now time.Time) string {
	at, now = at.UTC(), now.UTC()
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return at.Format(time.DateTime)
}

// moment is a time, and how far it is.
func moment(at, now time.Time) string {
	text := at.UTC().Format(time.RFC3339)
	if at.After(now) {
		return fmt.Sprintf("%s (%s left)", text, span(at.Sub(now)))
	}
	return fmt.Sprintf("%s (%s ago)", text, span(now.Sub(at)))
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func or(text string) string { return orElse(Line(text), "-") }

// sentence joins the parts that are there.
func sentence(separator string, parts ...string) string {
	var there []string
	for _, part := range parts {
		if part != "" {
			there = append(there, part)
		}
	}
	return strings.Join(there, separator)
}

// list joins names of unknown origin.
func list(names []string) string {
	clean := make([]string, len(names))
	for i, name := range names {
		clean[i] = or(name)
	}
	return strings.Join(clean, ", ")
}

// labelled is "label text", or nothing without a text.
func labelled(label, text string) string {
	if text == "" {
		return ""
	}
	return label + " " + Line(text)
}

// pad fills a clean text up to so many columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-width(text)))
}

func took(check strategyv1.CheckStatus) string {
	if check.StartTime == nil || check.CompletionTime == nil {
		return "-"
	}
	return span(check.CompletionTime.Sub(check.StartTime.Time))
}

func find(conditions []metav1.Condition, kind string) metav1.Condition {
	for _, condition := range conditions {
		if condition.Type == kind {
			return condition
		}
	}
	return metav1.Condition{}
}

// Change is what actions do, in a sentence.
func Change(actions []strategyv1.RollbackAction) string {
	words := make([]string, len(actions))
	for i, wanted := range actions {
		words[i] = inWords(wanted)
	}
	return strings.Join(words, ", ")
}

func inWords(wanted strategyv1.RollbackAction) string {
	switch wanted.Type {
	case strategyv1.ActionDisableSchedule:
		if wanted.Strategy != "" {
			return "disable every schedule of strategy " + or(wanted.Strategy)
		}
		return "disable schedule " + or(wanted.Schedule)
	case strategyv1.ActionSetAllocation:
		return fmt.Sprintf("set allocation %s/%s to %s", or(wanted.RiskProfile), or(wanted.Bucket), or(wanted.Allocation))
	case strategyv1.ActionSwitchFeed:
		return "switch to feed " + or(wanted.Feed)
	case strategyv1.ActionSetResourceLimits:
		return "set resource limits" + limitsInWords(wanted.Limits)
	case strategyv1.ActionSetSignalLimit:
		limit := "-"
		if wanted.Limit != nil {
			limit = strconv.Itoa(int(*wanted.Limit))
		}
		return fmt.Sprintf("limit strategy %s in %s to %s signals", or(wanted.Strategy), or(wanted.RiskProfile), limit)
	}
	return or(string(wanted.Type))
}

func limitsInWords(limits *strategyv1.ResourceLimits) string {
	if limits == nil {
		return ""
	}
	text := ""
	for _, limit := range []struct{ name, value string }{
		{"CPU %", limits.CPUPercent}, {"memory MB", limits.MemoryMB}, {"reading MB/s", limits.IOReadMBs}, {"writing MB/s", limits.IOWriteMBs},
	} {
		if limit.value != "" {
			text += fmt.Sprintf(" %s=%s", limit.name, Line(limit.value))
		}
	}
	return text
}
