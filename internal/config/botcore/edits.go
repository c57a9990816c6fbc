package botcore

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/internal/config"
)

// untilLayout is the only form of a time that every Python the scheduler runs on parses: a time it cannot parse means "for ever".
const untilLayout = "2006-01-02T15:04:05+00:00"

// DisableSchedules are the edits that suspend schedules when the scheduler starts: entries of its initial suspensions. An entry
// that a person made for the same schedule is replaced, and comes back when the edit is undone; see [KeepSuspensions]. A zero until means until the
// edit is undone; otherwise the scheduler resumes by itself at that time (seconds, in UTC). The schedules must exist, because
// the scheduler accepts unknown names silently.
//
// The scheduler's failover clears the suspension of a schedule but not that of a tag. So where a schedule that goes on running
// names one of these as its fallback, the edit suspends a tag that these schedules alone have; without such a tag it refuses.
// One edit of a tag may stand for several schedules.
func DisableSchedules(doc *config.Document, t Target, names []string, reason string, until time.Time) ([]config.Edit, error) {
	if len(names) == 0 {
		return nil, errors.New("no schedule is named; name at least one")
	}
	root, err := read(doc)
	if err != nil {
		return nil, err
	}
	scheduler, path, err := findScheduler(root, t.Scheduler)
	if err != nil {
		return nil, err
	}
	all, known := schedules(scheduler), scheduler.get(keySchedules)
	for _, name := range names {
		if !slices.ContainsFunc(all, func(s Schedule) bool { return s.Name == name }) {
			return nil, fmt.Errorf("%s.%s has no schedule %q (%s)", strings.Join(path, "."), keySchedules, name, known.holds())
		}
	}
	listKey, err := suspensionsKey(scheduler, path)
	if err != nil {
		return nil, err
	}
	tags, err := tagsAgainstFailover(root, all, names)
	if err != nil {
		return nil, err
	}
	var edits []config.Edit
	for _, name := range names {
		kind, target := keySchedule, name
		if tag := tags[name]; tag != "" {
			kind, target = keyTag, tag
		}
		edit := config.Edit{Path: suspensionPath(path, listKey, kind, target), Value: suspensionText(kind, target, reason, until)}
		if slices.Contains(edits, edit) {
			continue
		}
		if err := checkEntries(scheduler.get(listKey), strings.Join(path, ".")+"."+listKey, kind, target); err != nil {
			return nil, err
		}
		edits = append(edits, edit)
	}
	return edits, nil
}

// TimeText is a time as it is written into the document.
func TimeText(at time.Time) string { return at.UTC().Format(untilLayout) }

func suspensionText(kind, target, reason string, until time.Time) string {
	return "{" + strings.Join(withReason([]string{kind + ": " + config.QuoteString(target)}, reason, until), ", ") + "}"
}

// withReason adds the fields that suspensions and signal limits share.
func withReason(fields []string, reason string, until time.Time) []string {
	fields = append(fields, keyReason+": "+config.QuoteString(reason))
	if !until.IsZero() {
		fields = append(fields, keyUntil+": "+config.QuoteString(TimeText(until)))
	}
	return fields
}

// suspensionsKey is the key of the suspensions that the file uses.
func suspensionsKey(scheduler view, path []string) (string, error) {
	where := strings.Join(path, ".")
	key, err := spelling(scheduler, where, keySuspensions, keySuspensionsAlias)
	if err != nil {
		return "", err
	}
	if scheduler.get(key).isMap() {
		return "", fmt.Errorf("%s.%s is one entry, not a list; put a dash in front of it to make it a list", where, key)
	}
	return key, nil
}

// checkEntries refuses a list in which the edit of an entry would do more, or less, than it says: of two entries for one target
// the scheduler takes the last, and of an entry with a schedule and a tag it takes the schedule.
func checkEntries(entries view, where, kind, target string) error {
	found := false
	for _, item := range entries.items() {
		named := item.get(kind).text() == target
		s, ok := suspension(item)
		meant := ok && s.Kind == kind && s.Target == target
		if named && !meant {
			return fmt.Errorf("%s has an entry with the %s %q that is about the %s %q; split it in two", where, kind, target, s.Kind, s.Target)
		}
		if found && meant && !named {
			return fmt.Errorf("%s has a second entry for the %s %q, with the key %s, and the last one counts; remove one", where, kind, target, keyTarget)
		}
		found = found || named
	}
	return nil
}

// spelling is which of the keys the file uses, the first if none. The scheduler's loader has several names for some keys.
func spelling(v view, where string, keys ...string) (string, error) {
	var used []string
	for _, key := range keys {
		if v.get(key).node != nil {
			used = append(used, key)
		}
	}
	switch len(used) {
	case 0:
		return keys[0], nil
	case 1:
		return used[0], nil
	}
	return "", fmt.Errorf("%s has both %s, and the scheduler reads only one of them; keep one", where, strings.Join(used, " and "))
}

// decimal admits what the scheduler reads as a float: digits with one decimal point, or digits alone. A leading zero before
// another digit would make an octal number of it.
var decimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})(\.[0-9]{1,12})?$`)

// SetAllocation is the edit that sets the share of a bucket in a risk profile: a decimal such as "0.0" or "0.25". Both must exist.
// The scheduler's own run-time does not read allocations; they inform people and other tools.
func SetAllocation(doc *config.Document, riskProfile, bucket, allocation string) (config.Edit, error) {
	if !decimal.MatchString(allocation) {
		return config.Edit{}, fmt.Errorf("allocation %q is not a decimal such as 0.25", allocation)
	}
	root, err := read(doc)
	if err != nil {
		return config.Edit{}, err
	}
	profiles := root.get(keyRiskProfiles)
	profile := profiles.get(riskProfile)
	if !profile.isMap() {
		return config.Edit{}, fmt.Errorf("%s has no profile %q (%s)", keyRiskProfiles, riskProfile, profiles.holds())
	}
	allocations := profile.get(keyAllocations)
	if !slices.Contains(allocations.keys(), bucket) {
		return config.Edit{}, fmt.Errorf("%s.%s.%s has no bucket %q (%s)", keyRiskProfiles, riskProfile, keyAllocations, bucket, allocations.holds())
	}
	return config.Edit{Path: AllocationPath(riskProfile, bucket), Value: allocation}, nil
}
