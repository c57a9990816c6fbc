package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// Limits of what is compared.
const (
	maxNumbers = 40 // of a report
	maxDeep    = 4
	maxBars    = 16
)

// bars is a plot of numbers before and after a change.
type bars struct {
	Title string
	Pairs []pair
}

// pair is one number before and after.
type pair struct {
	Name          string
	Before, After float64
}

// comparison: what the same check said before a change and after it.
func (f *Folder) comparison() section {
	result := section{ID: "comparison", Title: "Before and after"}
	for i := range f.Snapshot.Rollbacks {
		rollback := &f.Snapshot.Rollbacks[i]
		for _, name := range checksOf(rollback.Status.Checks) {
			result.Blocks = append(result.Blocks, f.compare(rollback, name)...)
		}
	}
	return result
}

// checksOf are the checks of the stages before and after a change, in order.
func checksOf(judged []strategyv1.CheckStatus) []string {
	var names []string
	for _, check := range judged {
		if check.Stage == strategyv1.StageAfter && !slices.Contains(names, check.Name) {
			names = append(names, check.Name)
		}
	}
	return names
}

func (f *Folder) compare(rollback *Rollback, check string) []block {
	before, after := f.numbers(rollback, strategyv1.StageBefore, check), f.numbers(rollback, strategyv1.StageAfter, check)
	var pairs []pair
	for _, name := range sortedKeys(before) {
		if later, both := after[name]; both && len(pairs) < maxNumbers {
			pairs = append(pairs, pair{name, before[name], later})
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	heading := fmt.Sprintf("%s, check %s", rollback.Name, check)
	rows := table{Caption: heading + ": numbers of both reports", Head: []string{"Number", "Before", "After", "Change"}}
	changed := bars{Title: heading}
	for _, one := range pairs {
		rows.Rows = append(rows.Rows, []cell{code(one.Name), text(bounded.Number(one.Before)), text(bounded.Number(one.After)), text(change(one))})
		if one.Before >= 0 && one.After >= 0 && one.Before != one.After && len(changed.Pairs) < maxBars {
			changed.Pairs = append(changed.Pairs, one)
		}
	}
	blocks := []block{{Heading: heading, Table: rows.most()}}
	if len(changed.Pairs) > 0 {
		blocks = append(blocks, block{Bars: &changed})
	}
	return blocks
}

func change(one pair) string {
	switch one.Before {
	case one.After:
		return "none"
	case 0:
		return "from zero"
	}
	percent := (one.After/one.Before - 1) * 100
	if math.IsInf(percent, 0) || math.IsNaN(percent) || math.Abs(percent) >= 1e6 {
		return "more than can be said in percent"
	}
	return fmt.Sprintf("%+.1f %%", percent)
}

// numbers of the newest report of a check in a stage, by their path; none if that is not the one that was judged.
func (f *Folder) numbers(rollback *Rollback, stage strategyv1.Stage, check string) map[string]float64 {
	newest := strategyv1.CheckStatus{}
	for _, one := range rollback.Status.Checks {
		if one.Stage == stage && one.Name == check && cmp.Compare(one.Attempt, newest.Attempt) > 0 {
			newest = one
		}
	}
	numbers := map[string]float64{}
	if newest.Report == nil {
		return numbers
	}
	stored, known := f.outcomes[newest.Report.Key]
	var decoded any
	if !known || stored.Problem != "" || json.Unmarshal([]byte(stored.Report.String()), &decoded) != nil {
		return numbers
	}
	flatten("", decoded, maxDeep, numbers)
	return numbers
}

// flatten collects the numbers of objects. Those of lists have no name that is the same in two reports.
func flatten(path string, value any, deep int, into map[string]float64) {
	switch value := value.(type) {
	case float64:
		into[path] = value
	case map[string]any:
		if deep == 0 {
			return
		}
		for name, below := range value {
			at := name
			if path != "" {
				at = path + "." + name
			}
			flatten(at, below, deep-1, into)
		}
	}
}
