//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestTheRealConfigurationIsChangedByLinesOnly runs the story on the file that bot_core ships: 2,847 lines, duplicate keys.
func TestTheRealConfigurationIsChangedByLinesOnly(t *testing.T) {
	folder := os.Getenv("UPSTREAM_DATA")
	if folder == "" {
		folder = filepath.Join(repository, "../shared/upstream")
	}
	data, err := os.ReadFile(filepath.Join(folder, configKey))
	if err != nil {
		t.Skipf("the scheduler's own core.yaml is not on this machine (UPSTREAM_DATA, else %s): its licence is not ours to copy it", folder)
	}
	s := tell(t, with(string(data)))
	s.losingMoney()
	// Its audits find fault with the file itself; that is neither here nor there.
	playbook := s.sample("real-configuration")
	playbook.Spec.Triage.Checks = []strategyv1.StageCheck{{Name: "load-test", Env: []strategyv1.EnvVar{{Name: "ITERATIONS", Value: new("5")}}}}
	playbook.Spec.Triage.Escalate = []strategyv1.EscalateRule{{Name: "critical", When: "incident.severity == 'Critical' && size(checks) == 1"}}
	incident := s.report("alice", s.playbook(playbook), nil)
	rollback := s.rollbackOf(incident, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 20*time.Second)
	s.diffOnlyAdds(rollback.Status.Plan.Diff)
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(incident, "Contained", 2*time.Minute)
	s.must(s.refresh(s.ctx, rollback))
	s.isInEffect(rollback)
	s.trace("added to %d bytes: %q", len(data), s.onlyAddedLines(s.config()))

	s.must(s.clearFaults(s.ctx))
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(incident, "Resolved", 2*time.Minute)
	s.configIsAsBefore()
	s.isSuspended()
	s.runs(s.original)
	s.logHolds(incident)
	s.logHolds(rollback)
	s.evidenceHolds(rollback)
}
