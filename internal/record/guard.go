package record

import (
	"fmt"
	"slices"
	"strings"
)

// guarded says why a new claim is above its guard, or is empty. It is asked within the compare-and-swap that writes the
// claim, so two claims at the same time cannot both take the last place.
func guarded(holders []Holder, claim Claim) string {
	if claim.Guard == nil {
		return ""
	}
	if limit := int(claim.Guard.MaxActiveRollbacks); limit > 0 && len(holders)+1 > limit {
		return fmt.Sprintf("the guard's maxActiveRollbacks is %d, in force: %s", limit, names(holders))
	}
	limit := int(claim.Guard.MaxDisabledSchedules)
	if limit == 0 || len(claim.Disables) == 0 {
		return ""
	}
	disabled := slices.Clone(claim.Disables)
	for _, holder := range holders {
		disabled = append(disabled, holder.Disables...)
	}
	slices.Sort(disabled)
	if disabled = slices.Compact(disabled); len(disabled) > limit {
		return fmt.Sprintf("the guard's maxDisabledSchedules is %d, with this rollback it would be %d (%s); in force: %s",
			limit, len(disabled), strings.Join(disabled, ", "), names(holders))
	}
	return ""
}

func names(holders []Holder) string {
	if len(holders) == 0 {
		return "none"
	}
	list := make([]string, len(holders))
	for i, holder := range holders {
		list[i] = holder.Name
	}
	return strings.Join(list, ", ")
}
