package policies

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// defaults are what the API server fills in where nothing is said, by the path without indexes.
var defaults = map[string]any{
	"spec.failurePolicy":                               "Fail",
	"spec.matchConstraints.matchPolicy":                "Equivalent",
	"spec.matchConstraints.namespaceSelector":          map[string]any{},
	"spec.matchConstraints.objectSelector":             map[string]any{},
	"spec.matchConstraints.resourceRules.scope":        "*",
	"spec.matchConstraints.excludeResourceRules.scope": "*",
	"spec.matchResources.matchPolicy":                  "Equivalent",
	"spec.matchResources.namespaceSelector":            map[string]any{},
	"spec.matchResources.objectSelector":               map[string]any{},
}

// differs is where the installed value is not the shipped one, or empty. What the shipped one leaves out must be a default or absent: an
// installed field that nobody knows may mean anything.
func differs(path string, shipped, installed any) string {
	switch want := shipped.(type) {
	case map[string]any:
		return fieldsDiffer(path, want, installed)
	case []any:
		got, _ := installed.([]any)
		if len(got) != len(want) {
			return fmt.Sprintf("%s has %d entries, not %d", path, len(got), len(want))
		}
		for i := range want {
			if where := differs(fmt.Sprintf("%s[%d]", path, i), want[i], got[i]); where != "" {
				return where
			}
		}
		return ""
	}
	if text, isText := shipped.(string); isText {
		got, _ := installed.(string)
		if slices.Equal(strings.Fields(text), strings.Fields(got)) { // where a block of text is broken is the YAML writer's habit
			return ""
		}
	}
	if reflect.DeepEqual(shipped, installed) {
		return ""
	}
	return path
}

func fieldsDiffer(path string, want map[string]any, installed any) string {
	got, isObject := installed.(map[string]any)
	if !isObject {
		return path
	}
	for _, field := range slices.Sorted(maps.Keys(want)) {
		there, found := got[field]
		if !found {
			return path + "." + field + " is not there"
		}
		if where := differs(path+"."+field, want[field], there); where != "" {
			return where
		}
	}
	for _, field := range slices.Sorted(maps.Keys(got)) {
		at := path + "." + field
		if _, wanted := want[field]; wanted {
			continue
		}
		if usual, known := defaults[withoutIndexes(at)]; !known || !reflect.DeepEqual(usual, got[field]) {
			return at + " is not one of ours"
		}
	}
	return ""
}

func withoutIndexes(path string) string {
	var plain strings.Builder
	inside := false
	for _, r := range path {
		if r == '[' {
			inside = true
		}
		if !inside {
			plain.WriteRune(r)
		}
		if r == ']' {
			inside = false
		}
	}
	return plain.String()
}
