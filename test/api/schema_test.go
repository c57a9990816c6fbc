package api_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// row is one change of a valid spec and what the API server must answer; an empty answer is acceptance.
type row struct {
	name  string
	path  string // the field that the row is about, "" for a rule over several
	edits []edit
	want  string
}

type edit struct {
	path  string // "checks.0.name", from spec
	value any
}

// absent as a value removes the field.
var absent = struct{}{}

func set(path string, value any) edit { return edit{path, value} }
func drop(path string) edit           { return edit{path, absent} }

// rule is a row over several fields.
func rule(name, want string, edits ...edit) []row {
	return []row{{name: name, edits: edits, want: want}}
}

func required(paths ...string) []row {
	var rows []row
	for _, path := range paths {
		rows = append(rows, row{"required: " + path, path, []edit{drop(path)}, shown(path) + ": Required value"})
	}
	return rows
}

// text has a shortest and a longest length.
func text(path string, shortest, longest int) []row {
	rows := []row{
		{fmt.Sprintf("%s has %d characters", path, longest+1), path, []edit{set(path, strings.Repeat("a", longest+1))}, shown(path) + ": Too long"},
		{fmt.Sprintf("%s has %d characters", path, longest), path, []edit{set(path, strings.Repeat("a", longest))}, ""},
		{fmt.Sprintf("%s has %d characters", path, shortest), path, []edit{set(path, strings.Repeat("a", shortest))}, ""},
	}
	if shortest > 0 {
		rows = append(rows, row{path + " is empty", path, []edit{set(path, "")}, shown(path) + ": Invalid value"})
	}
	return rows
}

// pattern has texts that fit and texts that do not.
func pattern(path string, fit, unfit []string) []row {
	var rows []row
	for _, value := range fit {
		rows = append(rows, row{fmt.Sprintf("%s: %q", path, value), path, []edit{set(path, value)}, ""})
	}
	for _, value := range unfit {
		rows = append(rows, row{fmt.Sprintf("%s: %q", path, value), path, []edit{set(path, value)}, shown(path) + ": "})
	}
	return rows
}

func number(path string, least, most int64) []row {
	return []row{
		{path + " is too small", path, []edit{set(path, least-1)}, shown(path) + ": Invalid value"},
		{path + " is the smallest", path, []edit{set(path, least)}, ""},
		{path + " is the largest", path, []edit{set(path, most)}, ""},
		{path + " is too large", path, []edit{set(path, most+1)}, shown(path) + ": Invalid value"},
	}
}

// enum lists the values that are accepted here.
func enum(path string, values ...string) []row {
	rows := []row{{path + " is something else", path, []edit{set(path, "Other")}, shown(path) + ": Unsupported value"}}
	for _, value := range values {
		rows = append(rows, row{path + " is " + value, path, []edit{set(path, value)}, ""})
	}
	return rows
}

// items bounds a list; item makes the one at a place.
func items(path string, fewest, most int, item func(int) any) []row {
	list := func(length int) []any {
		made := make([]any, length)
		for i := range made {
			made[i] = item(i)
		}
		return made
	}
	rows := []row{
		{fmt.Sprintf("%s has %d items", path, most+1), path, []edit{set(path, list(most+1))}, shown(path) + ": Too many"},
		{fmt.Sprintf("%s has %d items", path, most), path, []edit{set(path, list(most))}, ""},
	}
	if fewest > 0 {
		rows = append(rows, row{path + " has no items", path, []edit{set(path, list(0))}, shown(path) + ": Invalid value"})
	}
	return rows
}

// unique: items of a list are told apart by their name.
func unique(path string, item any) []row {
	return []row{{path + " has an item twice", path, []edit{set(path, []any{item, item})}, ": Duplicate value"}}
}

// shown is a path as the API server writes it: checks.0.name -> spec.checks[0].name.
func shown(path string) string {
	return "spec." + regexp.MustCompile(`\.(\d+)`).ReplaceAllString(path, "[$1]")
}

func together(groups ...[]row) []row {
	var rows []row
	for _, group := range groups {
		rows = append(rows, group...)
	}
	return rows
}

// TestSchemas sends every row as a dry-run.
func TestSchemas(t *testing.T) {
	itself := client.WithFieldValidation(in(operator, "system:masters"), metav1.FieldValidationStrict) // some fields are the operator's alone
	kinds := map[string]struct {
		valid string
		rows  []row
		by    client.Client
	}{
		"strategyplaybooks": {validPlaybook, playbookRows(), admin},
		"strategyincidents": {validIncident, incidentRows(), admin},
		"strategyrollbacks": {validRollback, rollbackRows(), itself},
		"strategydecisions": {validDecision, decisionRows(), admin},
		"strategyalerts":    {validAlert, alertRows(), itself},
	}
	for resource, kind := range kinds {
		t.Run(resource, func(t *testing.T) {
			refused(t, kind.by.Create(t.Context(), parse(t, kind.valid), client.DryRunAll), "")
			for _, row := range kind.rows {
				t.Run(row.name, func(t *testing.T) {
					object := parse(t, kind.valid)
					apply(t, object, row.edits)
					refused(t, kind.by.Create(t.Context(), object, client.DryRunAll), row.want)
				})
			}
			for field := range constrained(t, resource) {
				if !covers(kind.rows, field) {
					t.Errorf("no row is about spec.%s, which the schema constrains", field)
				}
			}
		})
	}
}

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	objects, err := decode([]byte(text))
	must(t, err)
	if len(objects) != 1 {
		t.Fatalf("%d objects, want one", len(objects))
	}
	return objects[0]
}

// apply changes the spec of an object.
func apply(t *testing.T, object *unstructured.Unstructured, edits []edit) {
	t.Helper()
	for _, edit := range edits {
		steps := strings.Split(edit.path, ".")
		changed, err := replaced(object.Object["spec"], steps, edit.value)
		if err != nil {
			t.Fatalf("edit %s: %v", edit.path, err)
		}
		object.Object["spec"] = changed
	}
}

func replaced(in any, steps []string, value any) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	switch typed := in.(type) {
	case map[string]any:
		if len(steps) == 1 && value == any(absent) {
			delete(typed, steps[0])
			return typed, nil
		}
		changed, err := replaced(typed[steps[0]], steps[1:], value)
		typed[steps[0]] = changed
		return typed, err
	case []any:
		index, err := strconv.Atoi(steps[0])
		if err != nil || index >= len(typed) {
			return nil, fmt.Errorf("no item %s", steps[0])
		}
		typed[index], err = replaced(typed[index], steps[1:], value)
		return typed, err
	}
	return nil, fmt.Errorf("%v has nothing below it", in)
}

func covers(rows []row, field string) bool {
	for _, row := range rows {
		if regexp.MustCompile(`\.\d+`).ReplaceAllString(row.path, "[]") == field && row.want != "" {
			return true
		}
	}
	return false
}

// constrained are the fields of a kind's spec with a bound, a pattern or an enumeration, so that no row is forgotten.
func constrained(t *testing.T, resource string) map[string]bool {
	t.Helper()
	fields := map[string]bool{}
	walk(specSchema(t, resource), "", fields)
	if len(fields) == 0 {
		t.Fatal("no field is constrained: the walk is broken")
	}
	return fields
}

// specSchema is the schema of a kind's spec.
func specSchema(t *testing.T, resource string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, "config/crd/bases", "strategy.tradeops.dev_"+resource+".yaml"))
	must(t, err)
	var crd map[string]any
	must(t, yaml.Unmarshal(data, &crd))
	versions, _, err := unstructured.NestedSlice(crd, "spec", "versions")
	must(t, err)
	schema, found, err := unstructured.NestedMap(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "spec")
	must(t, err)
	if !found {
		t.Fatal("the CRD has no schema")
	}
	return schema
}

func walk(schema map[string]any, path string, fields map[string]bool) {
	for _, constraint := range []string{"minLength", "maxLength", "pattern", "enum", "minimum", "maximum", "minItems", "maxItems"} {
		if _, has := schema[constraint]; has {
			fields[path] = true
		}
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		for name, property := range properties {
			walk(property.(map[string]any), strings.TrimPrefix(path+"."+name, "."), fields)
		}
	}
	if list, ok := schema["items"].(map[string]any); ok {
		walk(list, path+"[]", fields)
	}
}
