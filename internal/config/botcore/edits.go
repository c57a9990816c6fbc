package botcore

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/internal/config"
)

// untilLayout is the only form of a time that every Python the scheduler runs on parses: a time it cannot parse means "for ever".
const untilLayout = "2006-01-02T15:04:05+00:00"

// DisableSchedule is the edit that suspends a schedule when the scheduler starts: an entry of its initial suspensions. An entry
// that a person made for the same schedule is replaced, and comes back when the edit is undone. A zero until means until the
// edit is undone; otherwise the scheduler resumes by itself at that time (seconds, in UTC). The schedule must exist, because
// the scheduler accepts unknown names silently.
func DisableSchedule(doc []byte, t Target, schedule, reason string, until time.Time) (config.Edit, error) {
	root, err := read(doc)
	if err != nil {
		return config.Edit{}, err
	}
	scheduler, path, err := findScheduler(root, t.Scheduler)
	if err != nil {
		return config.Edit{}, err
	}
	all := scheduler.get(keySchedules)
	if !all.get(schedule).isMap() {
		return config.Edit{}, fmt.Errorf("%s.%s has no schedule %q (%s)", strings.Join(path, "."), keySchedules, schedule, all.holds())
	}
	listKey, err := suspensionsKey(scheduler, path)
	if err != nil {
		return config.Edit{}, err
	}
	fields := []string{keySchedule + ": " + config.QuoteString(schedule), keyReason + ": " + config.QuoteString(reason)}
	if !until.IsZero() {
		fields = append(fields, keyUntil+": "+config.QuoteString(until.UTC().Format(untilLayout)))
	}
	return config.Edit{
		Path:  suspensionPath(path, listKey, schedule),
		Value: "{" + strings.Join(fields, ", ") + "}",
	}, nil
}

// suspensionsKey is the key of the suspensions that the file uses.
func suspensionsKey(scheduler view, path []string) (string, error) {
	main, alias := scheduler.get(keySuspensions), scheduler.get(keySuspensionsAlias)
	where := strings.Join(path, ".")
	key, used := keySuspensions, main
	switch {
	case main.node != nil && alias.node != nil:
		return "", fmt.Errorf("%s has both %s and %s, and the scheduler reads only one of them; merge them", where, keySuspensions, keySuspensionsAlias)
	case alias.node != nil:
		key, used = keySuspensionsAlias, alias
	}
	if used.isMap() {
		return "", fmt.Errorf("%s.%s is one entry, not a list; put a dash in front of it to make it a list", where, key)
	}
	return key, nil
}

// share admits what the scheduler reads as a float: digits with one decimal point, or digits alone.
var share = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,12})?$`)

// SetAllocation is the edit that sets the share of a bucket in a risk profile: a decimal such as "0.0" or "0.25". Both must exist.
// The scheduler's own run-time does not read allocations; they inform people and other tools.
func SetAllocation(doc []byte, riskProfile, bucket, allocation string) (config.Edit, error) {
	if !share.MatchString(allocation) || (len(allocation) > 1 && allocation[0] == '0' && allocation[1] != '.') {
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
	return config.Edit{Path: allocationPath(riskProfile, bucket), Value: allocation}, nil
}
