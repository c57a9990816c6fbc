package input

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestWhatATenantWritesMovesNoTerminal: whoever may edit the configuration gives a schedule a name that clears a screen and turns a line round. The
// operator repeats names in what it says in its own name.
func TestWhatATenantWritesMovesNoTerminal(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.changeConfig(func(configMap *corev1.ConfigMap) {
		for key, text := range configMap.Data {
			configMap.Data[key] = strings.ReplaceAll(text, "slow:", `"slow\e[2J\u202e":`)
		}
	})
	s.later(recheck)
	s.AskRollback("less", func(spec *strategyv1.StrategyRollbackSpec) {
		spec.Actions = []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "gone"}}
	})
	s.later(recheck)
	rollback := s.RollbackNamed("less")
	for what, said := range map[string]any{
		"the playbook": s.playbook().Status, "the rollback": rollback.Status, "events": s.Trace, "the log": scenarios.StoredLog(s.World, rollback.ObjectMeta),
	} {
		text, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{`\u001b`, "\u202e"} {
			if at := strings.Index(string(text), bad); at >= 0 {
				t.Errorf("%s: %q", what, text[max(0, at-100):at+10])
			}
		}
	}
	if message := s.conditions(aRollback(), "less")[0].Message; !strings.Contains(message, "it has: fast, slow\uFFFD[2J\uFFFD") {
		t.Error(message)
	}
}
