package rules

import (
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/functions"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/stdlib"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// The calls whose work depends on what they are given, and what they cost. All others take the same time whatever they get.
var costs = map[string]func(args []ref.Val) uint64{
	operators.Add:       adding,
	operators.Equals:    func(args []ref.Val) uint64 { return comparing(args[0], args[1]) },
	operators.NotEquals: func(args []ref.Val) uint64 { return comparing(args[0], args[1]) },
	operators.In:        searching,

	operators.Less: lookingAtTexts, operators.LessEquals: lookingAtTexts, operators.Greater: lookingAtTexts, operators.GreaterEquals: lookingAtTexts,
	overloads.Size: lookingAtTexts, overloads.Contains: lookingAtTexts, overloads.StartsWith: lookingAtTexts, overloads.EndsWith: lookingAtTexts,
	overloads.TypeConvertBool: lookingAtTexts, overloads.TypeConvertBytes: lookingAtTexts, overloads.TypeConvertDouble: lookingAtTexts,
	overloads.TypeConvertDuration: lookingAtTexts, overloads.TypeConvertInt: lookingAtTexts, overloads.TypeConvertString: lookingAtTexts,
	overloads.TypeConvertTimestamp: lookingAtTexts, overloads.TypeConvertUint: lookingAtTexts, keyName: lookingAtTexts,

	overloads.TimeGetFullYear: inZone, overloads.TimeGetMonth: inZone, overloads.TimeGetDayOfYear: inZone, overloads.TimeGetDayOfMonth: inZone,
	overloads.TimeGetDate: inZone, overloads.TimeGetDayOfWeek: inZone, overloads.TimeGetHours: inZone, overloads.TimeGetMinutes: inZone,
	overloads.TimeGetSeconds: inZone, overloads.TimeGetMilliseconds: inZone,
}

func lookingAtTexts(args []ref.Val) (cost uint64) {
	for _, arg := range args {
		switch typed := arg.(type) {
		case types.String:
			cost += text(len(typed))
		case types.Bytes:
			cost += text(len(typed))
		}
	}
	return cost
}

// adding makes a new text or a new list. The list that a loop collects into is not copied.
func adding(args []ref.Val) uint64 {
	cost := lookingAtTexts(args)
	for _, arg := range args {
		_, collects := arg.(traits.MutableLister)
		if _, is := arg.(traits.Lister); is && !collects {
			cost += lengthOf(arg)
		}
	}
	return cost
}

// searching compares with every item of a list; a key of an object is found at once.
func searching(args []ref.Val) uint64 {
	list, is := args[1].(traits.Lister)
	if !is {
		return lookingAtTexts(args[:1])
	}
	cost := uint64(0)
	for items := list.Iterator(); cost <= costLimit && items.HasNext() == types.True; {
		cost += 1 + comparing(args[0], items.Next())
	}
	return cost
}

// inZone looks a time zone up, which is a file.
func inZone(args []ref.Val) uint64 {
	if len(args) < 2 {
		return 0
	}
	return 1000
}

// standard are CEL's own functions, as they are called when their types are only known as the rule runs.
var standard = sync.OnceValue(func() map[string]*functions.Overload {
	known := map[string]*functions.Overload{}
	for _, function := range stdlib.Functions() {
		bindings, _ := function.Bindings()
		for _, binding := range bindings {
			if binding.Operator == function.Name() {
				known[binding.Operator] = binding
			}
		}
	}
	return known
})

// call makes a call that pays before it works.
func (p *prices) call(called interpreter.InterpretableCall) interpreter.InterpretableV2 {
	name := called.Function()
	cost, priced := costs[name]
	do := run(name)
	if pattern, is := p.patterns[called.ID()]; is {
		cost, priced, do = matchingCost(pattern), true, matching(pattern)
	}
	if !priced {
		return called
	}
	return &paid{InterpretableV2: called, args: called.Args(), cost: cost, do: do}
}

// run is what a function does once it is paid for.
func run(name string) func(args []ref.Val) ref.Val {
	switch name {
	case operators.Equals:
		return func(args []ref.Val) ref.Val { return types.Equal(args[0], args[1]) }
	case operators.NotEquals:
		return func(args []ref.Val) ref.Val { return types.Bool(types.Equal(args[0], args[1]) != types.True) }
	case keyName:
		return func(args []ref.Val) ref.Val { return args[0] }
	}
	return func(args []ref.Val) ref.Val {
		if name == operators.Add {
			if joined := joinLists(args); joined != nil {
				return joined
			}
		}
		return runStandard(name, args)
	}
}

// runStandard is what CEL does with a call whose types are not known before.
func runStandard(name string, args []ref.Val) ref.Val {
	if own := standard()[name]; own != nil && (own.OperandTrait == 0 || args[0].Type().HasTrait(own.OperandTrait)) {
		switch {
		case len(args) == 1 && own.Unary != nil:
			return own.Unary(args[0])
		case len(args) == 2 && own.Binary != nil:
			return own.Binary(args[0], args[1])
		case own.Function != nil:
			return own.Function(args...)
		}
	}
	if receiver, is := args[0].(traits.Receiver); is && args[0].Type().HasTrait(traits.ReceiverType) {
		return receiver.Receive(name, "", args[1:])
	}
	return types.NewErr("no such overload: %s", strings.Trim(name, "_@"))
}

// joinLists makes one list out of two: CEL's own remembers how it was put together, and is searched by that. Nil: these are not two.
func joinLists(args []ref.Val) ref.Val {
	first, one := args[0].(traits.Lister)
	second, two := args[1].(traits.Lister)
	if _, collects := args[0].(traits.MutableLister); !one || !two || collects {
		return nil
	}
	joined := make([]ref.Val, 0, lengthOf(first)+lengthOf(second))
	for _, list := range []traits.Lister{first, second} {
		for items := list.Iterator(); items.HasNext() == types.True; {
			joined = append(joined, items.Next())
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, joined)
}

// paid is a call that pays before it works.
type paid struct {
	interpreter.InterpretableV2 // the call itself; only its id is asked for
	args                        []interpreter.InterpretableV2
	cost                        func(args []ref.Val) uint64
	do                          func(args []ref.Val) ref.Val
}

// Exec implements interpreter.InterpretableV2.
func (c *paid) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := make([]ref.Val, len(c.args))
	for i, arg := range c.args {
		args[i] = arg.Exec(frame)
	}
	for _, arg := range args {
		if types.IsUnknownOrError(arg) {
			return arg
		}
	}
	charge(frame, c.cost(args))
	return types.LabelErrNode(c.ID(), c.do(args))
}

// Eval implements interpreter.Interpretable.
func (c *paid) Eval(vars interpreter.Activation) ref.Val { return c.Exec(interpreter.AsFrame(vars)) }

// A key that is only known when the rule runs, m[key], is paid for like any text: the macro makes a call of it.
const keyName = "@key"

var keyFunction = cel.Function(keyName, cel.Overload("key_any", []*cel.Type{cel.TypeParamType("T")}, cel.TypeParamType("T"),
	cel.UnaryBinding(func(key ref.Val) ref.Val { return key })))

var keyMacro = cel.GlobalMacro(operators.Index, 2, func(make cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if args[1].Kind() == ast.LiteralKind {
		return nil, nil // it stands in the rule
	}
	return make.NewCall(operators.Index, args[0], make.NewCall(keyName, args[1])), nil
})
