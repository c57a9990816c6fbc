package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"tradeops.dev/strategy-operator/internal/bounded"
)

const (
	// lastResort ends an evaluation whose work was not paid for, which is a bug: by its cost none takes more than a fraction of a second.
	lastResort = 30 * time.Second
	// checkEvery is after how many steps of a loop it is looked at.
	checkEvery = 1000
	// maxProblem bounds what an error says: it may quote the report.
	maxProblem = 512
)

// Compile checks a rule. The error names the rule and what is wrong, with the position (line:column, from 1) where CEL tells it.
func Compile(owner, rule string) error {
	_, err := known.get(owner, rule)
	return err
}

// Eval evaluates a rule. An error means that the rule could not be evaluated with these variables, e.g. because a field
// is missing, or because it costs too much; what follows from that is the caller's rule.
func Eval(rule string, vars Vars) (bool, error) {
	made, err := known.get(vars.Owner, rule)
	if err != nil {
		return false, err
	}
	if vars.Spent != nil && *vars.Spent >= SharedLimit {
		return false, fmt.Errorf("rule %q: %w", rule, errShared)
	}
	spent := meter{}
	defer func() {
		if vars.Spent != nil {
			*vars.Spent += spent.cost
		}
	}()
	if !spent.affords(made.cost) {
		return false, fmt.Errorf("rule %q: %w", rule, errTooExpensive)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastResort)
	defer cancel()
	value, _, err := made.program.ContextEval(ctx, vars.activation(&spent))
	if err != nil {
		return false, fmt.Errorf("rule %q: %w", rule, made.forPeople(short(err), vars))
	}
	held, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("rule %q yields %s, not a bool", rule, value.Type().TypeName())
	}
	return bool(held), nil
}

// TooExpensive says that a rule was not evaluated to its end since it, or those before it, cost too much.
func TooExpensive(err error) bool {
	_, ended := errors.AsType[interpreter.EvalCancelledError](err)
	return ended || errors.Is(err, errTooExpensive) || errors.Is(err, errShared)
}

// forPeople names a signal that nobody knows by that: CEL sees a key that is not in a map.
func (m compiled) forPeople(err error, vars Vars) error {
	name, missing := strings.CutPrefix(err.Error(), "no such key: ")
	if _, known := vars.Signals[name]; !missing || known || !slices.Contains(m.uses["signals"], name) {
		return err
	}
	return fmt.Errorf("signal %s is not known", name)
}

// short keeps what an error quotes out of statuses and logs.
func short(err error) error {
	if text := err.Error(); len(text) > maxProblem {
		return errors.New(bounded.Text(text, maxProblem))
	}
	return err
}
