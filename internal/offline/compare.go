package offline

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Change is a field that is not the same in two versions of a playbook. What is not there is empty; what is there never is.
type Change struct {
	Path     string // like "remediations[disable].approval.mode"
	From, To string // as JSON
}

// Lines are what a field holds, for people to read: an object or a list in YAML.
func Lines(value string) []string {
	if value == "" {
		return nil
	}
	if strings.ContainsRune("{[", rune(value[0])) {
		if text, err := yaml.JSONToYAML([]byte(value)); err == nil {
			return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		}
	}
	return []string{value}
}

// Changes are the fields that differ between two versions of a playbook, in the order of their paths. spec.suspend is not compared: it acts at once,
// and nobody approves it.
func Changes(before, after strategyv1.StrategyPlaybookSpec) ([]Change, error) {
	before.Suspend, after.Suspend = false, false
	was, err := tree(before)
	if err != nil {
		return nil, err
	}
	now, err := tree(after)
	if err != nil {
		return nil, err
	}
	return compare("", was, now), nil
}

func tree(spec strategyv1.StrategyPlaybookSpec) (any, error) {
	data, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encode a playbook: %w", err)
	}
	var parsed any
	return parsed, json.Unmarshal(data, &parsed)
}

func compare(path string, was, now any) []Change {
	if reflect.DeepEqual(was, now) {
		return nil
	}
	switch was := was.(type) {
	case map[string]any:
		if now, same := now.(map[string]any); same {
			return compareFields(path, was, now)
		}
	case []any:
		if now, same := now.([]any); same {
			return compareItems(path, was, now)
		}
	}
	return []Change{{path, text(was), text(now)}}
}

func compareFields(path string, was, now map[string]any) (changes []Change) {
	all := maps.Clone(was)
	maps.Copy(all, now)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		changes = append(changes, compare(strings.TrimPrefix(path+"."+key, "."), was[key], now[key])...)
	}
	return changes
}

// compareItems by their names where they have some, and by their places else. The order counts, too: of rules the first that holds decides.
func compareItems(path string, was, now []any) (changes []Change) {
	before, named := names(was)
	after, alsoNamed := names(now)
	if !named || !alsoNamed {
		for i := range max(len(was), len(now)) {
			changes = append(changes, compare(fmt.Sprintf("%s[%d]", path, i), item(was, i), item(now, i))...)
		}
		return changes
	}
	for i, name := range before {
		changes = append(changes, compare(fmt.Sprintf("%s[%s]", path, name), was[i], item(now, slices.Index(after, name)))...)
	}
	for i, name := range after {
		if !slices.Contains(before, name) {
			changes = append(changes, compare(fmt.Sprintf("%s[%s]", path, name), nil, now[i])...)
		}
	}
	if kept := without(before, after); !slices.Equal(kept, without(after, before)) || !slices.Equal(after, append(kept, after[min(len(kept), len(after)):]...)) {
		changes = append(changes, Change{path + " (order)", strings.Join(before, ", "), strings.Join(after, ", ")})
	}
	return changes
}

// without leaves out the names that the other list does not have.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return !slices.Contains(other, name) })
}

func item(list []any, i int) any {
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i]
}

// names of the items of a list, if each has one of its own.
func names(list []any) (all []string, named bool) {
	for _, item := range list {
		fields, is := item.(map[string]any)
		name, has := fields["name"].(string)
		if !is || !has || slices.Contains(all, name) {
			return nil, false
		}
		all = append(all, name)
	}
	return all, true
}

func text(value any) string {
	if value == nil {
		return ""
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // rules are full of < and &&
	if err := encoder.Encode(value); err != nil {
		panic(err) // it was decoded from JSON
	}
	return strings.TrimSuffix(out.String(), "\n")
}
