package testkit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// ConditionTypes are all types of conditions of the API, as the file says that has them: a test of a package of internal/ goes through them,
// so that whoever adds one adds it there, too.
func ConditionTypes(t T) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatalf("%v", err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Condition") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatalf("%v", err)
		}
		all = append(all, value)
		return true
	})
	slices.Sort(all)
	return all
}
