package coreconfig

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is what a suspension names.
type Kind string

// The two kinds; the scheduler drops items of any other.
const (
	KindSchedule Kind = "schedule"
	KindTag      Kind = "tag"
)

// Suspension is one item of initial_suspensions. Until is nil for one without end, which is also what an end that cannot
// be read means.
type Suspension struct {
	Kind   Kind       `json:"kind"`
	Target string     `json:"target"`
	Reason string     `json:"reason"`
	Until  *time.Time `json:"until"`
}

// Suspensions reads the items of a scheduler's section as they are in force for a process started at the given time:
// durations count from there, each time anew. Items without a target and of unknown kinds are dropped.
func Suspensions(scheduler Node, startedAt time.Time) []Suspension {
	var suspensions []Suspension
	for _, item := range scheduler.First("initial_suspensions", "suspensions").Items() {
		kind, target := suspensionTarget(item)
		if target == "" {
			continue
		}
		suspensions = append(suspensions, Suspension{
			Kind:   kind,
			Target: target,
			Reason: item.At("reason").TextOr("manual"),
			Until:  until(item, startedAt, []string{"until", "resume_at"}, []string{"duration_seconds", "duration", "resume_in"}),
		})
	}
	return suspensions
}

func suspensionTarget(item Node) (Kind, string) {
	if schedule := item.At("schedule").Text(); schedule != "" {
		return KindSchedule, schedule
	}
	if tag := item.At("tag").Text(); tag != "" {
		return KindTag, tag
	}
	kind := Kind(strings.ToLower(item.At("kind").TextOr(string(KindSchedule))))
	if kind != KindSchedule && kind != KindTag {
		return "", ""
	}
	return kind, item.At("target").Text()
}

// until is the end of a suspension or limit: an absolute time wins over a duration, and one that cannot be read counts
// as not given.
func until(item Node, startedAt time.Time, endKeys, durationKeys []string) *time.Time {
	if end, ok := ParseTime(item.First(endKeys...).Text()); ok {
		return &end
	}
	if duration, ok := parseDuration(item.First(durationKeys...)); ok {
		end := startedAt.Add(duration).UTC()
		return &end
	}
	return nil
}

// InForce is the suspension that holds the schedule at the time, nil if there is none. One that names the schedule comes
// before one that names a tag; of two with the same target the later item counts; an expired one never does.
func InForce(suspensions []Suspension, schedule string, tags []string, now time.Time) *Suspension {
	var byTag *Suspension
	var bySchedule *Suspension
	for i := range suspensions {
		s := &suspensions[i]
		switch {
		case s.Kind == KindSchedule && s.Target == schedule:
			bySchedule = s
		case s.Kind == KindTag && slices.Contains(tags, strings.ToLower(s.Target)):
			byTag = s
		}
	}
	if bySchedule != nil && bySchedule.activeAt(now) {
		return bySchedule
	}
	if byTag != nil && byTag.activeAt(now) {
		return byTag
	}
	return nil
}

// Remaining is how long the suspension still holds; false if it has no end.
func (s *Suspension) Remaining(now time.Time) (time.Duration, bool) {
	if s.Until == nil {
		return 0, false
	}
	return max(0, s.Until.Sub(now)), true
}

func (s *Suspension) activeAt(now time.Time) bool { return s.Until == nil || now.Before(*s.Until) }

// timeLayouts are the ISO forms the scheduler's language reads; without an offset the time is UTC.
var timeLayouts = func() []string {
	var layouts []string
	for _, separator := range []string{"T", " "} {
		for _, clock := range []string{"15:04:05", "15:04"} {
			for _, offset := range []string{"", "Z07:00", "Z0700", "Z07"} {
				layouts = append(layouts, "2006-01-02"+separator+clock+offset)
			}
		}
	}
	return append(layouts, "2006-01-02", "20060102T150405", "20060102T150405Z0700", "20060102")
}()

// ParseTime reads an ISO time; fractions of a second are allowed wherever seconds are.
func ParseTime(text string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

var durationUnits = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}

// parseDuration reads seconds as a number, or a number with the unit s, m, h or d.
func parseDuration(node Node) (time.Duration, bool) {
	if n, ok := node.Number(); ok {
		return seconds(n), true
	}
	text := strings.ToLower(node.Text())
	if text == "" {
		return 0, false
	}
	unit, ok := durationUnits[text[len(text)-1]]
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text[:len(text)-1]), 64)
	if err != nil {
		return 0, false
	}
	return time.Duration(n * float64(unit)), true
}
