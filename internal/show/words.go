package show

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
)

// span is a length of time without a sign: 45s, 4m19s, 3h59m.
func span(d time.Duration) string {
	return duration.HumanDuration(d.Abs().Round(time.Second))
}

// clock is a time of day in the zone of whoever looks, which is that of now, with the date if it is not today's.
func clock(at, now time.Time) string {
	at = at.In(now.Location())
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return at.Format(time.DateTime)
}

// moment is a time, and how far it is.
func moment(at, now time.Time) string {
	text := at.In(now.Location()).Format(time.RFC3339)
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
func Change(actions []strategyv1.RollbackAction) string { return or(change.Sentence(actions)) }
