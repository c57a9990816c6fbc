package botcore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/internal/config"
)

// ResourceLimits are limits to set, as decimals such as "65.0"; an empty one stays as it is.
type ResourceLimits struct {
	CPUPercent, MemoryMB, IOReadMBs, IOWriteMBs string
}

// SetResourceLimits are the edits of runtime.resource_limits, one per limit, or one of the whole section where the file has none.
// Nothing enforces these limits at run time; they are what the running process is measured against.
func SetResourceLimits(doc *config.Document, limits ResourceLimits) ([]config.Edit, error) {
	wanted := []string{limits.CPUPercent, limits.MemoryMB, limits.IOReadMBs, limits.IOWriteMBs} // in the order of limitKeys
	if err := checkLimits(wanted); err != nil {
		return nil, err
	}
	root, err := read(doc)
	if err != nil {
		return nil, err
	}
	runtime := root.get(keyRuntime)
	if !runtime.isMap() {
		return nil, fmt.Errorf("the configuration has no mapping %s, so %s cannot be put there; add it by hand", keyRuntime, keyResourceLimits)
	}
	where, section := keyRuntime+"."+keyResourceLimits, runtime.get(keyResourceLimits)
	if section.isNull() {
		return newLimits(where, wanted)
	}
	if !section.isMap() {
		return nil, fmt.Errorf("%s is no mapping; make it one by hand", where)
	}
	var edits []config.Edit
	for i, value := range wanted {
		if value == "" {
			continue
		}
		key, err := spelling(section, where, limitKeys[i]...)
		if err != nil {
			return nil, err
		}
		edits = append(edits, config.Edit{Path: config.JoinPath(keyRuntime, keyResourceLimits, key), Value: value})
	}
	return edits, nil
}

// aboveZero is how many of limitKeys, the first ones, the scheduler's validator wants above zero.
const aboveZero = 2

func checkLimits(wanted []string) error {
	set := false
	for i, value := range wanted {
		switch {
		case value == "":
			continue
		case !decimal.MatchString(value):
			return fmt.Errorf("%s %q is not a decimal such as 65.0", limitKeys[i][0], value)
		case i < aboveZero && strings.Trim(value, "0.") == "":
			return fmt.Errorf("%s must be above zero", limitKeys[i][0])
		}
		set = true
	}
	if !set {
		return errors.New("no resource limit is given; give at least one")
	}
	return nil
}

// newLimits is the section as a whole. It needs the limits for which the loader's default, zero, is not valid.
func newLimits(where string, wanted []string) ([]config.Edit, error) {
	var fields []string
	for i, value := range wanted {
		if value == "" && i < aboveZero {
			return nil, fmt.Errorf("the configuration has no %s, and a new one needs %s and %s", where, limitKeys[0][0], limitKeys[1][0])
		}
		if value != "" {
			fields = append(fields, limitKeys[i][0]+": "+value)
		}
	}
	return []config.Edit{{Path: config.JoinPath(keyRuntime, keyResourceLimits), Value: "{" + strings.Join(fields, ", ") + "}"}}, nil
}

// SetSignalLimit is the edit that limits the signals of a strategy's schedules with a risk profile when the scheduler starts; with
// 0 they run and measure but emit none, and failover does not clear that. Whatever limit stood there is replaced; see [KeepLimit]. A zero until
// means until the edit is undone. Such a schedule must exist, because the scheduler accepts unknown names silently.
func SetSignalLimit(doc *config.Document, t Target, strategy, riskProfile string, limit int32, reason string, until time.Time) (config.Edit, error) {
	if limit < 0 {
		return config.Edit{}, fmt.Errorf("the signal limit %d is below zero", limit)
	}
	root, err := read(doc)
	if err != nil {
		return config.Edit{}, err
	}
	scheduler, path, err := findScheduler(root, t.Scheduler)
	if err != nil {
		return config.Edit{}, err
	}
	where, summary := strings.Join(path, "."), Summary{Schedules: schedules(scheduler)}
	if len(SchedulesWith(summary, strategy, riskProfile)) == 0 {
		return config.Edit{}, fmt.Errorf("%s.%s has no schedule of strategy %q with risk profile %q (%s)",
			where, keySchedules, strategy, riskProfile, has(pairs(summary)))
	}
	key, err := spelling(scheduler, where, signalLimitsKeys...)
	if err != nil {
		return config.Edit{}, err
	}
	// What is missing on the way is written as one value, from the highest missing key on.
	value := signalLimitText(limit, reason, until)
	limits := scheduler.get(key)
	if limits.isNull() {
		return config.Edit{Path: under(path, key), Value: flowMap(strategy, flowMap(riskProfile, value))}, nil
	}
	if limits.get(strategy).isNull() {
		return config.Edit{Path: under(path, key, strategy), Value: flowMap(riskProfile, value)}, nil
	}
	return config.Edit{Path: under(path, key, strategy, riskProfile), Value: value}, nil
}

// LimitsSignals says whether an edit at a path sets the signal limit of a strategy in a risk profile. It may be written with what it
// stands in.
func LimitsSignals(path, strategy, riskProfile string) bool {
	whole := config.JoinPath(strategy, riskProfile)
	for _, key := range signalLimitsKeys {
		_, inside, found := strings.Cut(path+"/", config.JoinPath(key)+"/")
		if rest := "/" + strings.TrimSuffix(inside, "/"); found && (rest == "/" || rest == whole || strings.HasPrefix(whole, rest+"/")) {
			return true
		}
	}
	return false
}

// signalLimitText is one limit. Zero is written as a string: the scheduler's loader takes the number 0 for no limit.
func signalLimitText(limit int32, reason string, until time.Time) string {
	number := strconv.Itoa(int(limit))
	if limit == 0 {
		number = `"0"`
	}
	return "{" + strings.Join(withReason([]string{keyLimit + ": " + number}, reason, until), ", ") + "}"
}

func flowMap(key, value string) string { return "{" + config.QuoteString(key) + ": " + value + "}" }

// pairs are the strategies with risk profiles that schedules have, each once.
func pairs(s Summary) []string {
	var list []string
	seen := map[string]bool{}
	for _, schedule := range s.Schedules {
		pair := schedule.Strategy + " with " + schedule.RiskProfile
		if !seen[pair] {
			seen[pair] = true
			list = append(list, pair)
		}
	}
	return list
}
