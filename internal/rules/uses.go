package rules

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// Uses says which variables a rule looks at, and which of their fields it names: signals.x, has(signals.x), signals['x'] and
// 'x' in signals name x. A field whose name is only known when the rule runs is not among them. The fields are sorted. The
// answer is shared: it must not be changed. The error is that of Compile.
func Uses(owner, rule string) (map[string][]string, error) {
	made, err := known.get(owner, rule)
	return made.uses, err
}

func usesOf(checked *ast.AST) map[string][]string {
	uses := map[string][]string{}
	for _, name := range ast.MatchDescendants(ast.NavigateAST(checked), ast.KindMatcher(ast.IdentKind)) {
		variable := name.AsIdent()
		if bound(name) {
			continue
		}
		fields := uses[variable]
		if field := fieldOf(name); field != "" && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
		uses[variable] = fields
	}
	for _, fields := range uses {
		slices.Sort(fields)
	}
	return uses
}

// bound says whether a name is not a variable of the rule, but one that a macro such as checks.all(c, ...) makes for itself.
func bound(name ast.NavigableExpr) bool {
	inside := name
	for {
		parent, found := inside.Parent()
		if !found {
			return false
		}
		if parent.Kind() == ast.ComprehensionKind {
			made := parent.AsComprehension()
			variables := []string{made.IterVar(), made.IterVar2(), made.AccuVar()}
			if slices.Contains(variables, name.AsIdent()) && inside.ID() != made.IterRange().ID() {
				return true
			}
		}
		inside = parent
	}
}

// fieldOf is the field that a use of a variable names, or empty.
func fieldOf(name ast.NavigableExpr) string {
	parent, found := name.Parent()
	if !found {
		return ""
	}
	switch parent.Kind() {
	case ast.SelectKind:
		return parent.AsSelect().FieldName()
	case ast.CallKind:
		call := parent.AsCall()
		args := call.Args()
		switch {
		case call.FunctionName() == operators.Index && args[0].ID() == name.ID():
			return literal(args[1])
		case call.FunctionName() == operators.In && args[1].ID() == name.ID():
			return literal(args[0])
		}
	}
	return ""
}

func literal(expr ast.Expr) string {
	if expr.Kind() != ast.LiteralKind {
		return ""
	}
	text, _ := expr.AsLiteral().(types.String)
	return string(text)
}
