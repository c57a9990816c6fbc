package show

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Moment is one thing that happened.
type Moment struct {
	Time    metav1.Time      `json:"time"`
	Of      string           `json:"of"`
	Event   strategyv1.Event `json:"event"`
	By      string           `json:"by,omitempty"`
	Message string           `json:"message,omitempty"`
}

// Moments are the timelines of a subject in one, the oldest first.
func Moments(s Subject) (moments []Moment) {
	add := func(of string, entries []strategyv1.TimelineEntry) {
		for _, entry := range entries {
			moments = append(moments, Moment{entry.Time, of, entry.Event, entry.By, entry.Message})
		}
	}
	if s.Incident != nil {
		add("strategyincident/"+s.Incident.Name, s.Incident.Status.Timeline)
	}
	for i := range s.Rollbacks {
		add("strategyrollback/"+s.Rollbacks[i].Name, s.Rollbacks[i].Status.Timeline)
	}
	slices.SortStableFunc(moments, func(a, b Moment) int { return a.Time.Compare(b.Time.Time) })
	return moments
}

// Timeline is what happened, a paragraph each.
func Timeline(moments []Moment, now time.Time, options Options) string {
	if options.Width <= 0 {
		options.Width = DefaultWidth
	}
	w := &writer{Options: options}
	for _, one := range moments {
		head := clock(one.Time.Time, now) + "  " + pad(or(string(one.Event)), 20) + "  "
		indent := strings.Repeat(" ", width(head))
		if w.Width < width(head)+2*minText {
			w.line("", head)
			head, indent = "  ", "  "
		}
		text := Line(one.Message)
		if one.By != "" {
			text = sentence(" ", text, "(by "+Line(one.By)+")")
		}
		for _, line := range wrap(orElse(text, "-"), w.Width-width(indent)) {
			w.line("", head+line)
			head = indent
		}
	}
	if len(moments) == 0 {
		w.plain(none, "nothing happened yet")
	}
	return w.text()
}
