package rules

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
)

// The type checker's work grows with the cube of how deep lists are in lists; they come there by standing in each other, and by loops that
// are chained.
const (
	// maxDepth bounds how deep the parts of a rule are in each other, macros written out.
	maxDepth = 40
	// maxMade bounds the lists and objects that a rule makes; each map() and filter() makes one, too.
	maxMade = 40
)

// refuse looks for what no evaluation, or not even the type checker, could pay for, and compiles the patterns of matches(), by the id
// of the call. The error begins with the position.
func refuse(parsed *ast.AST) (patterns map[int64]*regexp.Regexp, err error) {
	patterns = map[int64]*regexp.Regexp{}
	made := 0
	for _, expr := range ast.MatchDescendants(ast.NavigateAST(parsed), func(ast.NavigableExpr) bool { return true }) {
		problem := unfit(expr, patterns)
		if makes(expr) {
			made++
		}
		if problem == nil && made > maxMade {
			problem = fmt.Errorf("the rule makes more than %d lists and objects, of which each map() and filter() makes one; split it", maxMade)
		}
		if problem != nil {
			at := parsed.SourceInfo().GetStartLocation(expr.ID())
			return nil, fmt.Errorf("%d:%d: %w", at.Line(), at.Column()+1, problem)
		}
	}
	return patterns, nil
}

func unfit(expr ast.NavigableExpr, patterns map[int64]*regexp.Regexp) (problem error) {
	if expr.Depth() > maxDepth {
		return fmt.Errorf("the rule is too deep: its parts are in each other more than %d times; split it", maxDepth)
	}
	switch expr.Kind() {
	case ast.MapKind:
		return literalKeys(expr.AsMap())
	case ast.StructKind:
		return errors.New("a rule makes no objects of a type")
	case ast.CallKind:
		if call := expr.AsCall(); call.FunctionName() == overloads.Matches {
			patterns[expr.ID()], problem = patternOf(call)
		}
	}
	return problem
}

func makes(expr ast.Expr) bool {
	return expr.Kind() == ast.ListKind && expr.AsList().Size() > 0 || expr.Kind() == ast.MapKind && expr.AsMap().Size() > 0
}

// literalKeys: objects as keys of objects have types that double with each step, and no evaluation takes them anyway.
func literalKeys(made ast.MapExpr) error {
	for _, entry := range made.Entries() {
		if entry.AsMapEntry().Key().Kind() != ast.LiteralKind {
			return errors.New("a key of an object that a rule makes must be a literal, such as 'name'")
		}
	}
	return nil
}

func patternOf(call ast.CallExpr) (*regexp.Regexp, error) {
	args := call.Args()
	if len(args) == 0 {
		return nil, nil // the type checker refuses it
	}
	last := args[len(args)-1]
	if last.Kind() != ast.LiteralKind {
		return nil, errors.New("the pattern of matches() must be a literal text")
	}
	pattern, is := last.AsLiteral().(types.String)
	if !is {
		return nil, errors.New("the pattern of matches() must be a literal text")
	}
	return compilePattern(string(pattern))
}
