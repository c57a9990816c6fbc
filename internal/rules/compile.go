package rules

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
)

// maxRule bounds the text of a rule, in characters: what the API allows.
const maxRule = 2048

var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.CrossTypeNumericComparisons(true),
		cel.Macros(keyMacro),
		keyFunction,
		cel.Variable("report", cel.DynType),
		cel.Variable("exitCode", cel.DoubleType),
		cel.Variable("before", cel.DynType),
		cel.Variable("incident", cel.DynType),
		cel.Variable("rollback", cel.DynType),
		cel.Variable("checks", cel.ListType(cel.DynType)),
		cel.Variable("signals", cel.DynType),
		cel.Variable("limits", cel.DynType),
		cel.Variable("risk", cel.DynType),
	)
})

// compiled is a rule that can be evaluated, and what it uses.
type compiled struct {
	program cel.Program
	uses    map[string][]string
	cost    uint64 // what it costs to look at each part of it once

	patterns int // their instructions, together
}

func compile(rule string) (compiled, error) {
	if n := utf8.RuneCountInString(rule); n > maxRule {
		return compiled{}, fmt.Errorf("a rule has %d characters, and %d at most: split it", n, maxRule)
	}
	env, err := environment()
	if err != nil {
		return compiled{}, fmt.Errorf("CEL environment: %w", err)
	}
	parsed, issues := env.Parse(rule)
	if issues.Err() != nil {
		return compiled{}, fmt.Errorf("rule %q: %s", rule, firstLine(issues))
	}
	patterns, err := refuse(parsed.NativeRep()) // before the type checker, which some of it would keep busy for ever
	if err != nil {
		return compiled{}, fmt.Errorf("rule %q: %w", rule, err)
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return compiled{}, fmt.Errorf("rule %q: %s", rule, firstLine(issues))
	}
	if kind := checked.OutputType(); kind != cel.BoolType && kind != cel.DynType {
		return compiled{}, fmt.Errorf("rule %q yields %s, not a bool", rule, kind)
	}
	metered := priced(checked.NativeRep())
	metered.patterns = patterns
	program, err := env.Program(checked, cel.CustomDecoratorV2(metered.decorate), cel.InterruptCheckFrequency(checkEvery))
	if err != nil {
		return compiled{}, fmt.Errorf("rule %q: %w", rule, err)
	}
	return compiled{program: program, uses: usesOf(checked.NativeRep()), cost: metered.once, patterns: instructionsOf(patterns)}, nil
}

// firstLine is "1:7: undeclared reference to 'x'": CEL's own report has the source and a marker in more lines.
func firstLine(issues *cel.Issues) string {
	first := issues.Errors()[0]
	return fmt.Sprintf("%d:%d: %s", first.Location.Line(), first.Location.Column()+1, strings.SplitN(first.Message, "\n", 2)[0])
}
