package rules

import (
	"fmt"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// costLimit bounds one evaluation: the API server's limit for one call of an admission rule.
const costLimit = 1_000_000

// maxCached bounds the memory of compiled rules; a cluster's playbooks have far fewer.
const maxCached = 4096

// Vars are the variables of one evaluation. An empty field is an empty object, so has(before.x) is false and report.x an error.
type Vars struct {
	Report   Value          // the check's report
	ExitCode *int32         // of the check's container; nil: it never ended by itself, which a rule sees as -1
	Before   Value          // the earlier report of the same check
	Incident map[string]any // see internal/subject; a verdict sees no level and no alerts
	Rollback map[string]any // what the running scheduler must have in force; the fields are in docs/rules.md
	Checks   []Check        // judged checks of the current stage
	Signals  map[string]any // known numbers by name; an unknown one is not in it, so using it is an error
	Limits   map[string]any // runtime.resource_limits as doubles, by the names and in the units there: cpu_percent of one core, memory_mb
	Risk     map[string]any // the risk profile: profile, its name; max_daily_loss_pct, a double and a fraction: 0.015 is 1.5 %

	Spent *uint64 // what evaluations cost is added to it; nil if nobody asks
}

// Check is one judged check as rules see it.
type Check struct {
	Name     string
	Verdict  string
	ExitCode *int32
	Report   Value
}

// Compile checks a rule. The error names the rule and what is wrong, with the position (line:column, from 1) where CEL tells it.
func Compile(rule string) error {
	_, err := known(rule)
	return err
}

// Eval evaluates a rule. An error means that the rule could not be evaluated with these variables, e.g. because a field
// is missing; what follows from that is the caller's rule.
func Eval(rule string, vars Vars) (bool, error) {
	made, err := known(rule)
	if err != nil {
		return false, err
	}
	value, details, err := made.program.Eval(vars.activation())
	if vars.Spent != nil {
		*vars.Spent += costOf(details)
	}
	if err != nil {
		return false, fmt.Errorf("rule %q: %w", rule, err)
	}
	held, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("rule %q yields %s, not a bool", rule, value.Type().TypeName())
	}
	return bool(held), nil
}

// costOf is what an evaluation cost; one that was cut short before anything was counted cost all that it may.
func costOf(details *cel.EvalDetails) uint64 {
	if details == nil || details.ActualCost() == nil {
		return costLimit
	}
	return *details.ActualCost()
}

func (v Vars) activation() map[string]any {
	checks := make([]any, len(v.Checks))
	for i, c := range v.Checks {
		checks[i] = map[string]any{
			"name": c.Name, "verdict": c.Verdict, "exitCode": number(c.ExitCode), "report": object(c.Report.decoded),
		}
	}
	return map[string]any{
		"report": object(v.Report.decoded), "exitCode": number(v.ExitCode), "before": object(v.Before.decoded),
		"incident": object(v.Incident), "rollback": object(v.Rollback), "checks": checks,
		"signals": object(v.Signals), "limits": object(v.Limits), "risk": object(v.Risk),
	}
}

// number is -1 for a container that never ended by itself.
func number(code *int32) float64 {
	if code == nil {
		return -1
	}
	return float64(*code)
}

func object(v any) any {
	switch typed := v.(type) {
	case nil:
		return map[string]any{}
	case map[string]any:
		if typed == nil {
			return map[string]any{}
		}
	}
	return v
}

var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.CrossTypeNumericComparisons(true),
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

// cache remembers compiled rules: compiling costs a hundred times an evaluation.
var cache = struct {
	sync.Mutex
	rules map[string]compiled
}{rules: map[string]compiled{}}

// compiled is a rule that can be evaluated, and what it uses.
type compiled struct {
	program cel.Program
	uses    map[string][]string
}

func known(rule string) (compiled, error) {
	cache.Lock()
	defer cache.Unlock()
	if found, ok := cache.rules[rule]; ok {
		return found, nil
	}
	made, err := compile(rule)
	if err != nil {
		return compiled{}, err
	}
	if len(cache.rules) >= maxCached {
		clear(cache.rules)
	}
	cache.rules[rule] = made
	return made, nil
}

func compile(rule string) (compiled, error) {
	env, err := environment()
	if err != nil {
		return compiled{}, fmt.Errorf("CEL environment: %w", err)
	}
	checked, issues := env.Compile(rule)
	if issues.Err() != nil {
		return compiled{}, fmt.Errorf("rule %q: %s", rule, firstLine(issues))
	}
	if kind := checked.OutputType(); kind != cel.BoolType && kind != cel.DynType {
		return compiled{}, fmt.Errorf("rule %q yields %s, not a bool", rule, kind)
	}
	program, err := env.Program(checked, cel.CostLimit(costLimit))
	if err != nil {
		return compiled{}, fmt.Errorf("rule %q: %w", rule, err)
	}
	return compiled{program: program, uses: usesOf(checked.NativeRep())}, nil
}

// firstLine is "1:7: undeclared reference to 'x'": CEL's own report has the source and a marker in more lines.
func firstLine(issues *cel.Issues) string {
	first := issues.Errors()[0]
	return fmt.Sprintf("%d:%d: %s", first.Location.Line(), first.Location.Column()+1, strings.SplitN(first.Message, "\n", 2)[0])
}
