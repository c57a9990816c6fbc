package rules

import (
	"regexp"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// prices are what the parts of a rule cost, by the ids of its expressions.
type prices struct {
	once   uint64           // all that is not in a loop
	steps  map[int64]uint64 // a step of a loop, at the expression that begins it: as much as its body is long
	ranges map[int64]bool   // what loops go through

	patterns map[int64]*regexp.Regexp // of calls of matches()
}

// priced reads the prices off a rule. A part that is looked at costs a unit, and as much more as it has text. What a branch that is not
// taken would cost is paid, too: so nothing that goes on inside is free.
func priced(checked *ast.AST) *prices {
	p := &prices{steps: map[int64]uint64{}, ranges: map[int64]bool{}}
	p.once = p.of(checked.Expr())
	return p
}

func (p *prices) of(expr ast.Expr) uint64 {
	switch expr.Kind() {
	case ast.LiteralKind:
		return sizeOf(expr.AsLiteral(), costLimit)
	case ast.SelectKind:
		return 1 + p.of(expr.AsSelect().Operand())
	case ast.CallKind:
		call := expr.AsCall()
		cost := 1 + p.all(call.Args())
		if call.IsMemberFunction() {
			cost += p.of(call.Target())
		}
		return cost
	case ast.ListKind:
		return 1 + p.all(expr.AsList().Elements())
	case ast.MapKind:
		cost := uint64(1)
		for _, entry := range expr.AsMap().Entries() {
			cost += p.of(entry.AsMapEntry().Key()) + p.of(entry.AsMapEntry().Value())
		}
		return cost
	case ast.ComprehensionKind:
		loop := expr.AsComprehension()
		p.steps[loop.LoopCondition().ID()] = p.of(loop.LoopCondition()) + p.of(loop.LoopStep())
		p.ranges[loop.IterRange().ID()] = true
		return 1 + p.of(loop.IterRange()) + p.of(loop.AccuInit()) + p.of(loop.Result())
	}
	return 1
}

func (p *prices) all(exprs []ast.Expr) (cost uint64) {
	for _, expr := range exprs {
		cost += p.of(expr)
	}
	return cost
}

// decorate has the parts of a program pay: steps of loops, ranges of loops, and calls whose work depends on what they are given.
func (p *prices) decorate(part interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if call, is := part.(interpreter.InterpretableCall); is {
		part = p.call(call)
	}
	if cost, is := p.steps[part.ID()]; is {
		return &step{part, cost}, nil
	}
	if !p.ranges[part.ID()] {
		return part, nil
	}
	if attribute, is := part.(interpreter.InterpretableAttribute); is { // the planner goes on with it as one
		return &fieldRange{attribute}, nil
	}
	return &otherRange{part}, nil
}

// step begins one step of a loop.
type step struct {
	interpreter.InterpretableV2
	cost uint64
}

// Exec implements interpreter.InterpretableV2.
func (s *step) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	charge(frame, s.cost)
	return s.InterpretableV2.Exec(frame)
}

// Eval implements interpreter.Interpretable.
func (s *step) Eval(vars interpreter.Activation) ref.Val { return s.Exec(interpreter.AsFrame(vars)) }

// otherRange is what a loop goes through, made by the rule.
type otherRange struct{ interpreter.InterpretableV2 }

// Exec implements interpreter.InterpretableV2.
func (r *otherRange) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	return listing(frame, r.InterpretableV2.Exec(frame))
}

// Eval implements interpreter.Interpretable.
func (r *otherRange) Eval(vars interpreter.Activation) ref.Val {
	return r.Exec(interpreter.AsFrame(vars))
}

// fieldRange is what a loop goes through, found in a variable.
type fieldRange struct {
	interpreter.InterpretableAttribute
}

// Exec implements interpreter.InterpretableV2.
func (r *fieldRange) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	return listing(frame, r.InterpretableAttribute.Exec(frame))
}

// Eval implements interpreter.Interpretable.
func (r *fieldRange) Eval(vars interpreter.Activation) ref.Val {
	return r.Exec(interpreter.AsFrame(vars))
}

// listing: the keys of an object are listed before the first step, however few steps there are.
func listing(frame *interpreter.ExecutionFrame, value ref.Val) ref.Val {
	if _, is := value.(traits.Mapper); is && !types.IsUnknownOrError(value) {
		charge(frame, lengthOf(value))
	}
	return value
}
