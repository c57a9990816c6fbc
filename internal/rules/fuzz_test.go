package rules

import (
	"runtime"
	"testing"

	"tradeops.dev/strategy-operator/internal/rules/bombs"
)

// Whatever a rule says, it is refused, or it ends within its limit.
func FuzzEval(f *testing.F) {
	for _, bomb := range bombs.All() {
		f.Add(bomb.Rule)
	}
	vars := hostile(f)
	f.Fuzz(func(t *testing.T, rule string) {
		var before, after runtime.MemStats
		spent := uint64(0)
		vars.Spent = &spent
		runtime.ReadMemStats(&before)
		_, err := Eval(rule, vars)
		runtime.ReadMemStats(&after)
		if spent > costLimit+1 {
			t.Errorf("it cost %d units: %v", spent, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 4*mostBytes {
			t.Errorf("it took %d MB: %v", took>>20, err)
		}
	})
}
