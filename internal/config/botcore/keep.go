package botcore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"tradeops.dev/strategy-operator/internal/config"
)

// Term is for how long an edit holds something back.
type Term struct {
	Until time.Time     // its end; zero = until it is undone
	Lasts time.Duration // how long that is, from when the edit was planned
}

// KeepSuspensions leaves out the edits of [DisableSchedules] that would shorten a suspension that somebody made: an entry that has no
// end, or a later one, stays as it is. Kept says which, and why. The summary is of the document that is edited; ours are the places at
// which an edit of the operator stands, which is nobody's will.
func KeepSuspensions(s Summary, edits []config.Edit, term Term, ours func(path string) bool) (left []config.Edit, kept []string, err error) {
	for _, edit := range edits {
		wanted, _ := suspension(viewOf(edit.Value))
		theirs, found := lastSuspension(s, wanted.Kind, wanted.Target)
		if !found || ours(edit.Path) {
			left = append(left, edit)
			continue
		}
		longer, end, err := term.outlastedBy(theirs.Until, theirs.Duration)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("the %s %q is suspended already, and %w", wanted.Kind, wanted.Target, err)
		case longer:
			kept = append(kept, fmt.Sprintf("the %s %q is suspended already, %s, by an entry that is not this rollback's and stays as it is", wanted.Kind, wanted.Target, end))
		default:
			left = append(left, edit)
		}
	}
	return left, kept, nil
}

// lastSuspension of a target: the last one counts.
func lastSuspension(s Summary, kind, target string) (last Suspension, found bool) {
	for _, one := range slices.Backward(s.Suspensions) {
		if one.Kind == kind && one.Target == target {
			return one, true
		}
	}
	return Suspension{}, false
}

// KeepLimit is the edit of [SetSignalLimit] so that it loosens no limit that somebody set: one that is as strict and lasts as long stays as
// it is (no edit), and a looser one that lasts longer gives the new one its end. A stricter one with an earlier end is refused, since no
// entry says both.
func KeepLimit(doc *config.Document, edit config.Edit, limit int32, reason string, term Term) (left []config.Edit, kept string, err error) {
	text, found, err := doc.Get(edit.Path)
	if err != nil {
		return nil, "", err
	}
	if !found {
		return []config.Edit{edit}, "", nil
	}
	theirs, limited, err := limitOf(viewOf(text))
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", edit.Path, err)
	}
	if !limited {
		return []config.Edit{edit}, "", nil
	}
	longer, end, err := term.outlastedBy(theirs.until, theirs.duration)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("%s has a limit already, and %w", edit.Path, err)
	case longer && theirs.limit <= limit:
		return nil, fmt.Sprintf("%s is limited to %d signals already, %s, which is not this rollback's and stays as it is", edit.Path, theirs.limit, end), nil
	case theirs.limit < limit:
		return nil, "", fmt.Errorf("%s is limited to %d signals already, %s: a limit of %d would allow more until then; ask for %d or less", edit.Path, theirs.limit, end, limit, theirs.limit)
	case longer:
		until, _ := readTime(theirs.until) // zero without one
		edit.Value = signalLimitText(limit, reason, until)
		return []config.Edit{edit}, fmt.Sprintf("%s is limited to %d signals, %s, so the new limit ends no earlier", edit.Path, theirs.limit, end), nil
	}
	return []config.Edit{edit}, "", nil
}

// limitEntry is what an entry of the signal limits says.
type limitEntry struct {
	limit           int32
	until, duration string
}

// limitOf reads an entry: a number, or a mapping with one. The scheduler's loader takes the number 0, and null, for no limit; the string
// "0" is one.
func limitOf(entry view) (read limitEntry, limited bool, err error) {
	number := entry
	if entry.isMap() {
		number = entry.get(keyLimit)
		if number.isNull() {
			number = entry.get(keyValue)
		}
		read.until, read.duration = entry.first(limitUntilKeys...), entry.first(limitDurationKeys...)
	}
	if number.text() == "" || number.node.Tag != "!!str" && strings.Trim(number.text(), "0.") == "" {
		return limitEntry{}, false, nil
	}
	limit, err := strconv.ParseInt(number.text(), 10, 32)
	if err != nil {
		return limitEntry{}, false, fmt.Errorf("the limit %q that is there cannot be read; write a whole number", number.text())
	}
	read.limit = int32(limit)
	return read, true, nil
}

// outlastedBy says whether what somebody wrote lasts at least as long, and its end in words. A duration begins anew with each start of the
// scheduler, and what is edited starts it.
func (t Term) outlastedBy(until, duration string) (longer bool, end string, err error) {
	switch {
	case until != "":
		at, ok := readTime(until)
		if !ok {
			return false, "", fmt.Errorf("its end %q cannot be read; write it like %s, or remove the entry", until, untilLayout)
		}
		return !t.Until.IsZero() && !at.Before(t.Until), "until " + until, nil
	case duration != "":
		lasts, ok := readDuration(duration)
		if !ok {
			return false, "", fmt.Errorf("its duration %q cannot be read; write it like 900 or 15m, or remove the entry", duration)
		}
		return !t.Until.IsZero() && lasts >= t.Lasts, "for " + duration + " from each start of the scheduler", nil
	}
	return true, "without an end", nil
}

// timeLayouts are what Python reads as a time of ISO 8601; without a zone it is UTC.
var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", time.DateOnly,
}

func readTime(text string) (time.Time, bool) {
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// readDuration reads seconds, or a number with one of the units s, m, h and d.
func readDuration(text string) (time.Duration, bool) {
	unit := time.Second
	for suffix, length := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour} {
		if number, found := strings.CutSuffix(text, suffix); found {
			text, unit = number, length
			break
		}
	}
	number, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || number < 0 || number > float64(100*365*24*time.Hour/unit) {
		return 0, false
	}
	return time.Duration(number * float64(unit)), true
}

// viewOf is a value as it stands in a document; the zero view if it cannot be read.
func viewOf(text string) view {
	var node yaml.Node
	if yaml.Unmarshal([]byte(text), &node) != nil || len(node.Content) != 1 {
		return view{}
	}
	return follow(node.Content[0])
}
