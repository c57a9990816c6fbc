package rollback

import (
	"maps"
	"slices"
)

// RuleNames are all rules of all lists, each once.
func RuleNames() []string {
	names := map[string]bool{}
	for _, list := range append(slices.Collect(maps.Values(procedure)), anyPhase) {
		for _, rule := range list {
			names[rule.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
