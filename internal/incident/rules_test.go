package incident_test

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"tradeops.dev/strategy-operator/internal/incident"
)

// ended has the rules that ended some pass of some test.
var ended sync.Map

// TestMain fails when all tests passed and there is a rule that never ended a pass in any of them: nobody knows what it does.
func TestMain(m *testing.M) {
	code := m.Run()
	if code != 0 || flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" || flag.Lookup("test.list").Value.String() != "" {
		os.Exit(code)
	}
	for _, name := range incident.RuleNames() {
		if _, seen := ended.Load(name); !seen {
			fmt.Fprintf(os.Stderr, "FAIL: the rule %s ends no pass of any test\n", name)
			code = 1
		}
	}
	sometimesTrue.Range(func(kind, _ any) bool {
		_, only := once[kind.(string)]
		if takenBack[kind.(string)] == nil && !only {
			fmt.Fprintf(os.Stderr, "FAIL: %s is True in some test, and nothing says what takes it back\n", kind)
			code = 1
		}
		return true
	})
	os.Exit(code)
}
