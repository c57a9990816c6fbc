package intake

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const (
	firing   = strategyv1.AlertFiring
	resolved = strategyv1.AlertResolved
)

var oneAlert = map[string]strategyv1.AlertText{"alertname": "One"}

// news is a message; an empty time is not said.
func news(state strategyv1.AlertState, starts, ends string) heard {
	h := heard{name: "one", labels: oneAlert, sender: "sender", state: state}
	if starts != "" {
		h.starts = at(starts)
	}
	if ends != "" {
		h.ends = at(ends)
	}
	return h
}

// stored is an alert that began at ten and was changed last some time ago.
func stored(state strategyv1.AlertState, ago time.Duration) *strategyv1.StrategyAlertSpec {
	spec := &strategyv1.StrategyAlertSpec{
		Labels: oneAlert, Sender: "before", State: state, StartTime: metav1.NewTime(at("10:00:00")), Occurrence: 3,
		ChangedTime: metav1.NewTime(noon.Add(-ago)), Heard: 7, HeardTime: metav1.NewTime(noon.Add(-ago)),
	}
	if state == resolved {
		spec.EndTime = &metav1.Time{Time: noon.Add(-ago)}
	}
	return spec
}

func TestMerge(t *testing.T) {
	const minute = time.Minute
	for name, c := range map[string]struct {
		before *strategyv1.StrategyAlertSpec
		heard  heard
		what   result
		state  strategyv1.AlertState
		starts string
		ends   string
		nth    int64
	}{
		"the first time":                              {nil, news(firing, "11:00:00", ""), created, firing, "11:00:00", "", 1},
		"the first time, and over":                    {nil, news(resolved, "11:00:00", "11:30:00"), created, resolved, "11:00:00", "11:30:00", 1},
		"the first time, without a start":             {nil, news(firing, "", ""), created, firing, "12:00:00", "", 1},
		"the first time, over, without any time":      {nil, news(resolved, "", ""), created, resolved, "12:00:00", "12:00:00", 1},
		"the first time, from a clock a bit ahead":    {nil, news(firing, "12:05:00", ""), created, firing, "12:05:00", "", 1},
		"the first time, from a clock far ahead":      {nil, news(firing, "12:05:01", ""), created, firing, "12:00:00", "", 1},
		"over, by a clock far ahead":                  {nil, news(resolved, "11:00:00", "13:00:00"), created, resolved, "11:00:00", "12:00:00", 1},
		"it goes on":                                  {stored(firing, minute), news(firing, "10:00:00", ""), repeated, firing, "10:00:00", "", 3},
		"it is over":                                  {stored(firing, minute), news(resolved, "10:00:00", "11:59:00"), changed, resolved, "10:00:00", "11:59:00", 3},
		"it is over, nobody says since when":          {stored(firing, minute), news(resolved, "10:00:00", ""), changed, resolved, "10:00:00", "12:00:00", 3},
		"it is over again":                            {stored(resolved, minute), news(resolved, "10:00:00", "11:00:00"), repeated, resolved, "10:00:00", "11:59:00", 3},
		"a late peer says that it fires":              {stored(resolved, 119*time.Second), news(firing, "10:00:00", ""), again, resolved, "10:00:00", "11:58:01", 3},
		"it fires again since the same time":          {stored(resolved, 2*minute), news(firing, "10:00:00", ""), changed, firing, "11:58:00", "", 4},
		"it began anew":                               {stored(resolved, minute), news(firing, "11:59:30", ""), changed, firing, "11:59:30", "", 4},
		"it began anew, and nobody said it was over":  {stored(firing, minute), news(firing, "11:59:30", ""), changed, firing, "11:59:30", "", 4},
		"another server's is over":                    {stored(firing, minute), news(resolved, "11:00:00", "11:10:00"), changed, resolved, "11:00:00", "11:10:00", 3},
		"another server has it since later":           {stored(firing, minute), news(firing, "10:00:15", ""), changed, firing, "10:00:15", "", 3},
		"what another server has since later is over": {stored(firing, minute), news(resolved, "10:00:15", "11:59:30"), changed, resolved, "10:00:15", "11:59:30", 3},
		"old news: it fired":                          {stored(firing, minute), news(firing, "09:00:00", ""), repeated, firing, "10:00:00", "", 3},
		"old news: it was over":                       {stored(firing, minute), news(resolved, "09:00:00", "09:30:00"), late, firing, "10:00:00", "", 3},
		"old news: it was over, nobody says when":     {stored(firing, minute), news(resolved, "09:00:00", ""), late, firing, "10:00:00", "", 3},
		"another server has it since before":          {stored(firing, minute), news(resolved, "09:59:45", "11:59:00"), changed, resolved, "10:00:00", "11:59:00", 3},
		"another server has it still":                 {stored(resolved, 3*minute), news(firing, "09:59:45", ""), changed, firing, "11:57:00", "", 4},
		"another server is a late peer":               {stored(resolved, minute), news(firing, "09:59:45", ""), again, resolved, "10:00:00", "11:59:00", 3},
		"a clock far ahead: it goes on":               {stored(firing, minute), news(firing, "13:00:00", ""), repeated, firing, "10:00:00", "", 3},
		"a clock far ahead: it fires again":           {stored(resolved, minute), news(firing, "13:00:00", ""), changed, firing, "12:00:00", "", 4},
		"no start: it goes on":                        {stored(firing, minute), news(firing, "", ""), repeated, firing, "10:00:00", "", 3},
		"no start: it is over":                        {stored(firing, minute), news(resolved, "", "11:59:00"), changed, resolved, "10:00:00", "11:59:00", 3},
		"no start: it is over again":                  {stored(resolved, minute), news(resolved, "", "11:59:00"), repeated, resolved, "10:00:00", "11:59:00", 3},
		"no start: an occurrence before is over":      {stored(firing, minute), news(resolved, "", "09:59:59"), late, firing, "10:00:00", "", 3},
		"no start, no end: nobody knows what is over": {stored(firing, minute), news(resolved, "", ""), late, firing, "10:00:00", "", 3},
		"a start far ahead names no occurrence":       {stored(firing, minute), news(resolved, "13:00:00", ""), late, firing, "10:00:00", "", 3},
		"over before it began, by its own clock":      {stored(firing, minute), news(resolved, "10:00:00", "09:00:00"), changed, resolved, "10:00:00", "10:00:00", 3},
	} {
		t.Run(name, func(t *testing.T) {
			after, what := merge(c.before, c.heard, noon)
			ends := ""
			if after.EndTime != nil {
				ends = after.EndTime.UTC().Format(time.TimeOnly)
			}
			if what != c.what || after.State != c.state || after.StartTime.UTC().Format(time.TimeOnly) != c.starts || ends != c.ends || after.Occurrence != c.nth {
				t.Errorf("%s: %+v", what, after)
			}
			if what.writes() != after.ChangedTime.Time.Equal(noon) {
				t.Errorf("%s, changed at %s", what, after.ChangedTime)
			}
			if want := int64(1); c.before != nil && after.Heard != c.before.Heard+want || c.before == nil && after.Heard != want {
				t.Errorf("heard %d times", after.Heard)
			}
			if after.HeardTime.Time.Equal(noon) == (what == late) { // of what is stored an old message tells nothing
				t.Errorf("%s: heard last at %s", what, after.HeardTime)
			}
			if c.before != nil && (after.Sender == "before") != (what == late || what == again) {
				t.Errorf("%s: the sender is %s", what, after.Sender)
			}
			storable(t, &after, c.before)
		})
	}
}

// A message that was tried again for long makes an alert fire that is over; its sender's next one says so, and is believed.
func TestALateMessageIsPutRight(t *testing.T) {
	over := news(resolved, "10:00:00", "11:58:00")
	spec := stored(firing, time.Hour)
	for i, step := range []struct {
		heard heard
		after time.Duration
		want  result
	}{{over, 0, changed}, {news(firing, "10:00:00", ""), 3 * time.Minute, changed}, {over, 4 * time.Minute, changed}, {over, 5 * time.Minute, repeated}} {
		after, what := merge(spec, step.heard, noon.Add(step.after))
		if what != step.want {
			t.Fatalf("step %d is %s: %+v", i, what, after)
		}
		spec = &after
	}
	if spec.State != resolved || spec.Occurrence != 4 {
		t.Errorf("%+v", spec)
	}
}

func drawn(t *rapid.T) heard {
	said := func(name string) time.Time {
		if rapid.IntRange(0, 5).Draw(t, name+" is said") == 0 {
			return time.Time{}
		}
		return noon.Add(time.Duration(rapid.IntRange(-40, 12).Draw(t, name)) * 30 * time.Second)
	}
	return heard{labels: oneAlert, sender: "s", state: rapid.SampledFrom([]strategyv1.AlertState{firing, resolved}).Draw(t, "state"), starts: said("starts"), ends: said("ends")}
}

// Whatever comes in whatever order: no time goes back, no occurrence is taken away, what is resolved has an end, saying it twice changes
// nothing more, and the API server takes each step.
func TestMergeAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := noon
		var before *strategyv1.StrategyAlertSpec
		for range rapid.IntRange(1, 12).Draw(t, "messages") {
			now = now.Add(time.Duration(rapid.IntRange(-10, 400).Draw(t, "seconds")) * time.Second)
			h := drawn(t)
			after, _ := merge(before, h, now)
			storable(t, &after, before)
			if (after.State == resolved) != (after.EndTime != nil) || after.EndTime != nil && after.EndTime.Time.Before(after.StartTime.Time) {
				t.Fatalf("%+v", after)
			}
			if before != nil && (after.StartTime.Time.Before(before.StartTime.Time) || after.Occurrence < before.Occurrence || after.HeardTime.Time.Before(before.HeardTime.Time) || after.Heard <= before.Heard) {
				t.Fatalf("from %+v to %+v", before, after)
			}
			again, what := merge(&after, h, now)
			again.Heard, again.HeardTime, again.Annotations = after.Heard, after.HeardTime, after.Annotations
			if what.writes() || !cmp.Equal(after, again) {
				t.Fatalf("the second time it is %s: %+v, %+v", what, after, again)
			}
			before = &after
		}
	})
}

// What senders that know the times say at once ends the same in whatever order it comes: in the newest occurrence, resolved if any says so.
func TestMergeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []heard
		newest, over := time.Time{}, false
		for range rapid.IntRange(1, 6).Draw(t, "messages") {
			starts := noon.Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "occurrence")) * time.Hour)
			h := heard{labels: oneAlert, sender: "s", starts: starts, state: rapid.SampledFrom([]strategyv1.AlertState{firing, resolved}).Draw(t, "state")}
			if h.state == resolved {
				h.ends = starts.Add(10 * time.Minute)
			}
			if starts.After(newest) {
				newest, over = starts, false
			}
			over = over || starts.Equal(newest) && h.state == resolved
			all = append(all, h)
		}
		var spec *strategyv1.StrategyAlertSpec
		for _, h := range rapid.Permutation(all).Draw(t, "order") {
			after, _ := merge(spec, h, noon.Add(30*time.Second))
			spec = &after
		}
		if !spec.StartTime.Time.Equal(newest) || (spec.State == resolved) != over {
			t.Fatalf("newest %s, over %t: %+v", newest, over, spec)
		}
	})
}

// An alert that goes on firing is never left resolved: heard again when no peer can be late any more, it fires.
func TestWhatFiresIsNeverForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, _ := merge(nil, drawn(t), noon)
		second, _ := merge(&first, drawn(t), noon.Add(10*time.Second))
		last := drawn(t)
		last.state = firing
		if after, _ := merge(&second, last, noon.Add(10*time.Minute)); after.State != firing {
			t.Fatalf("%+v", after)
		}
	})
}

// Two Prometheus servers have a start each; what one of them says of an occurrence before ends nothing, and what it says of this one does.
func TestTwoStartsAreOneOccurrence(t *testing.T) {
	spec := stored(firing, time.Minute) // since ten
	for i, step := range []struct {
		heard heard
		want  result
	}{
		{news(firing, "10:00:15", ""), changed}, {news(firing, "10:00:00", ""), repeated}, {news(firing, "10:00:15", ""), repeated},
		{news(resolved, "10:00:00", "10:00:10"), late}, {news(resolved, "10:00:00", "11:59:30"), changed}, {news(resolved, "10:00:15", "11:59:40"), repeated},
	} {
		after, what := merge(spec, step.heard, noon)
		if what != step.want {
			t.Fatalf("step %d is %s: %+v", i, what, after)
		}
		spec = &after
	}
	if spec.State != resolved || spec.Occurrence != 3 || !spec.StartTime.Time.Equal(at("10:00:15")) {
		t.Errorf("%+v", spec)
	}
}
