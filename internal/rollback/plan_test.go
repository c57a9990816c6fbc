package rollback_test

import (
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// The procedure from the plan to the verified change.
func TestPlan(t *testing.T) {
	compare(t, map[string]point{
		"a new rollback plans its edits and waits for approval": {
			given:      func(*story) {},
			conditions: "Planned=True/Planned Approved=Unknown/AwaitingApproval Ready=False/AwaitingApproval",
			actions:    "log 0+ rollback_requested; warn AwaitingApproval",
			next:       "0s", // somebody waits: the head of the log goes into the status
		},
		"an approval starts the checks before": {
			given:      func(s *story) { s.quiet(); s.decide(strategyv1.DecisionApprove, "bob") },
			conditions: "Planned=True/Planned Approved=True/Approved Ready=False/CheckingBefore",
			actions:    "log 1+ approved; create Job Before/load/1; answer d-bob-0 Honoured; tell CheckingBefore",
			next:       "15m0s", // until the status has it, the time to approve goes on
		},
		"checks before that fail do not block; the finalizer comes first": {
			given:      func(s *story) { s.before(testkit.Fail()) },
			conditions: "Planned=True/Planned Approved=True/Approved Ready=False/Applying",
			actions:    "log 2+ check; delete Job before-load; tell Applying; hold on",
			next:       "0s",
		},
		"checks before that could not measure do not block": {
			given:      func(s *story) { s.before(testkit.Mute()) },
			conditions: "Planned=True/Planned Approved=True/Approved Ready=False/Applying",
			actions:    "log 2+ check; delete Job before-load; tell Applying; hold on",
			next:       "0s",
		},
		"the log comes before the claim": {
			given:      func(s *story) { s.before(testkit.OK()); s.pass() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Applying Ready=False/Applying",
			actions:    "store config.before-c87cb056e75f.yaml; store config.1-096460bdb2b5.diff; log 3+ config_change",
			next:       "0s",
		},
		"claims once the log has the entry": {
			given:      func(s *story) { s.before(testkit.OK()); s.pass(); s.pass() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Applying Ready=False/Applying",
			next:       "30s",
		},
		"waits for the writer of the configuration": {
			given:      func(s *story) { s.writerStopped = true; s.approved() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Applying Ready=False/Applying",
			next:       "30s",
		},
		"applied is read from the record in the ConfigMap; then the scheduler restarts": {
			given:      func(s *story) { s.writerStopped = true; s.approved(); s.writes() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited Ready=False/RollingOut",
			actions:    "restart bot-core-scheduler; tell RollingOut",
			next:       "4s",
		},
		"the writer is late: not in effect, reverting": {
			given:      func(s *story) { s.writerStopped = true; s.approved(); s.At(180 * time.Second) },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Applying InEffect=False/NotInEffect Verified=False/NotInEffect Restored=Unknown/CheckingRestore Ready=False/Reverting",
			actions:    "log 4+ failed,restore_requested; tell Reverting",
			next:       "3m0s",
		},
		"proves as soon as the roll-out is complete": {
			given:      func(s *story) { s.rollingOut(); s.Step() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited Ready=False/Proving",
			actions:    "create Job Proof/running-plan/1; tell Proving",
			next:       "3m2s",
		},
		"in effect: the log says disabled, the checks after start": {
			given:      func(s *story) { s.proofJudged() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Ready=False/CheckingAfter",
			actions:    "store config.after-4bfc2cac6140.yaml; log 4+ check,disabled; delete Job proof-running-plan; create Job After/load/1; create Job After/smoke/1; tell CheckingAfter",
			next:       "2s",
		},
		"verified after good checks": {
			given:      func(s *story) { s.approved() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=True/Verified Ready=True/Verified",
			next:       "3h55m0s",
		},
		"a check after that fails reverts": {
			given: func(s *story) {
				s.reports(reports{"load": testkit.OK()})
				s.approved()
				s.reports(reports{"smoke": testkit.Fail()})
				s.Step()
				s.Step()
			},
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=False/FailedAfter Restored=Unknown/CheckingRestore Ready=False/Reverting",
			actions:    "store config.after-4bfc2cac6140.yaml; log 7+ check,failed,restore_requested; delete Job after-smoke; tell Reverting",
			next:       "2s",
		},
		"a check after that could not be measured keeps the change and asks a person": {
			given:      func(s *story) { s.reports(reports{"load": testkit.OK(), "smoke": testkit.Broken()}); s.approved() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=False/UnmeasuredAfter Ready=False/UnmeasuredAfter Stalled=True/UnmeasuredAfter",
			next:       "3h55m0s",
		},
		"a check after without a report keeps the change and asks a person": {
			given:      func(s *story) { s.reports(reports{"load": testkit.OK(), "smoke": testkit.Mute()}); s.approved() },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=False/UnmeasuredAfter Ready=False/UnmeasuredAfter Stalled=True/UnmeasuredAfter",
			next:       "3h55m0s",
		},
		"slower than before fails": {
			given: func(s *story) {
				s.reports(reports{"smoke": testkit.OK(), "Before/load": {JSON: `{"status":"ok","ms":100}`}, "After/load": {JSON: `{"status":"ok","ms":121}`}})
				s.approved()
			},
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Restored InEffect=False/Restored Verified=False/FailedAfter Restored=True/Restored Ready=False/Reverted Stalled=True/Reverted",
			next:       "never",
		},
		"failed after with Keep keeps the change and asks a person": {
			given: func(s *story) {
				s.rollback.Spec.RemediationName = "keep"
				s.reports(reports{"smoke": testkit.Fail()})
				s.approved()
			},
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=False/FailedAfter Ready=False/FailedAfter Stalled=True/FailedAfter",
			next:       "never",
		},
		"an automatic remedy needs nobody": {
			given:      func(s *story) { s.remedy("automatic"); s.quiet() },
			conditions: "Planned=True/Planned Approved=True/Automatic Applied=True/Edited InEffect=True/Proved Verified=True/Verified Ready=True/Verified",
			next:       "55m0s",
		},
		"denied: ends, nothing was changed": {
			given:      func(s *story) { s.quiet(); s.decide(strategyv1.DecisionDeny, "bob") },
			conditions: "Planned=True/Planned Approved=False/Denied Ready=False/Denied Stalled=True/Denied",
			actions:    "log 1+ denied; answer d-bob-0 Honoured; warn Denied",
			next:       "0s",
		},
		"overwritten by a person": {
			given:      func(s *story) { s.approved(); s.Edit(testkit.Document) },
			conditions: "Planned=True/Planned Approved=True/Approved Applied=False/Overwritten InEffect=True/Proved Verified=True/Verified Ready=False/Overwritten Stalled=True/Overwritten",
			actions:    "warn Overwritten",
			next:       "32s", // did the scheduler start again?
		},
		"what a person put back holds again": {
			given: func(s *story) {
				s.approved()
				ours := s.Content
				s.Edit(testkit.Document)
				s.quiet()
				s.Edit(ours)
			},
			conditions: "Planned=True/Planned Approved=True/Approved Applied=True/Edited InEffect=True/Proved Verified=True/Verified Ready=True/Verified",
			actions:    "tell Verified",
			next:       "3h55m0s",
		},
		"denied: Jobs that still run are deleted": {
			given: func(s *story) {
				s.reports(nil)
				s.approved()
				s.decide(strategyv1.DecisionDeny, "bob")
			},
			conditions: "Planned=True/Planned Approved=False/Denied Ready=False/Denied Stalled=True/Denied",
			actions:    "log 2+ denied; delete Job before-load; answer d-bob-1 Honoured; warn Denied",
			next:       "0s",
		},
	})
}

// before is an approved rollback whose check before has just been stored with this report.
func (s *story) before(report *testkit.Report) {
	s.T.Helper()
	s.quiet()
	s.reports(reports{"load": report})
	s.decide(strategyv1.DecisionApprove, "bob")
	s.turn()
	s.Step()
}

// rollingOut is a rollback whose edits are written, and whose Deployment was just told to restart.
func (s *story) rollingOut() {
	s.T.Helper()
	s.writerStopped = true
	s.approved()
	s.writes()
	s.pass()
}

// proofJudged is a rollback whose proof was just stored.
func (s *story) proofJudged() {
	s.T.Helper()
	s.rollingOut()
	s.Step()
	s.pass()
	s.Step()
	s.Step()
}

// allocation makes it a rollback by hand, without a remedy, that sets an allocation.
func (s *story) allocation() {
	s.rollback.Spec.RemediationName = ""
	s.rollback.Spec.Actions = []strategyv1.RollbackAction{{Type: strategyv1.ActionSetAllocation, RiskProfile: "balanced", Bucket: "cross", Allocation: "0.0"}}
}
