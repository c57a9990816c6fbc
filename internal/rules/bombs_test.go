package rules

import (
	"runtime"
	"strings"
	"testing"

	"tradeops.dev/strategy-operator/internal/rules/bombs"
)

const (
	mostBytes = 16 << 20 // allocated in all, of which most is garbage at once
)

func hostile(t testing.TB) Vars {
	made := func(text string) Value {
		value, err := Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	report := bombs.Report()
	return Vars{Report: made(report), Before: made(report)} // two of them: no comparison ends at the same address
}

// None of the bombs may cost more than the limit, in units and in bytes.
func TestNoRuleCostsMoreThanItsLimit(t *testing.T) {
	vars := hostile(t)
	for name, bomb := range bombs.All() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			spent := uint64(0)
			vars.Spent = &spent
			runtime.ReadMemStats(&before)
			_, err := Eval(bomb.Rule, vars)
			runtime.ReadMemStats(&after)
			if bomb.Says != "" && (err == nil || !strings.Contains(err.Error(), bomb.Says)) || bomb.Says == "" && err != nil {
				t.Errorf("%.300v, and it should say %q", err, bomb.Says)
			}
			if err != nil && len(err.Error()) > maxProblem+5*maxRule {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if spent > costLimit+1 {
				t.Errorf("it cost %d units", spent)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > mostBytes {
				t.Errorf("it took %d MB", took>>20)
			} else {
				t.Logf("%d units, %d kB", spent, took>>10)
			}
		})
	}
}
