package crash

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestEveryReasonHasItsPlace: whoever adds a reason says where it may stand. That it stands nowhere else is watched in every run of
// every scenario and story, cut or not (scenarios.Watch).
func TestEveryReasonHasItsPlace(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			reasons[value] = true
		}
		return true
	})
	for reason := range reasons {
		place, known := scenarios.ReasonPlaces[reason]
		if !known {
			t.Errorf("%s has no place in test/scenarios/places.go: in which states may it be the reason of Ready?", reason)
		} else if (len(place.Incident)+len(place.Rollback) > 0) == (place.Other != "") {
			t.Errorf("%s is the reason of Ready in some state, or of something else: %+v", reason, place)
		}
	}
	for reason := range scenarios.ReasonPlaces {
		if !reasons[reason] {
			t.Errorf("%s is no reason any more", reason)
		}
	}
}
