//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/record"
)

// wholeStory are the stages of a loss that is mitigated and undone; every story of that kind goes through them.
var (
	wholeIncident = []string{"Triaging", "Diagnosing", "Mitigating", "Contained", "Resolved"}
	wholeRollback = []string{
		"AwaitingApproval", "CheckingBefore", "Applying", "RollingOut", "Proving", "CheckingAfter", "Verified",
		"CheckingRestore", "Restoring", "Restored",
	}
)

// What the log of such a story says. Checks of one stage end in any order.
var (
	wholeIncidentLog = []string{"check", "check", "check", "check", "check", "check", "check", "check", "check", "closed", "contained", "diagnosed", "escalated", "incident"}
	wholeRollbackLog = []string{
		"approved", "check", "check", "check", "check", "check", "check", "check", "check", "check", "check", "check", "config_change", "config_change", "disabled",
		"restore_requested", "restored", "rollback_requested", "verified",
	}
)

// losingMoney makes cross_exchange_watch lose more than the smoke check allows.
func (s *story) losingMoney() {
	s.Helper()
	s.must(s.setFault(s.ctx, "lossy-cross"))
	s.eventually("cross_exchange_watch loses more than 4 %", time.Minute, func(ctx context.Context) error {
		telemetry, err := s.readTelemetry(ctx)
		if err != nil {
			return err
		}
		if drawdown := telemetry["cross_exchange_watch"]["pnl_drawdown_pct"]; drawdown > -5 {
			return fmt.Errorf("it is at %.2f %%", drawdown)
		}
		return nil
	})
	s.trace("cross_exchange_watch has lost more than 5 %%")
}

func TestALossIsTriagedDiagnosedMitigatedProvedAndUndone(t *testing.T) {
	s := tell(t)
	s.losingMoney()
	incident := s.report("alice", s.playbook(s.sample("loss")), nil)
	rollback := s.rollbackOf(incident, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 20*time.Second)
	s.reaches(incident, "Mitigating", 20*time.Second)
	s.wasDiagnosed(incident)
	s.wasPlanned(incident, rollback)

	s.fourEyes(rollback)
	s.configIsAsBefore()
	s.isSuspended()

	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", 2*time.Minute)
	s.reaches(incident, "Contained", 20*time.Second)
	s.isInEffect(rollback)
	s.expect(incident, "Contained=True/Verified", "Stalled=False/Contained")

	s.must(s.clearFaults(s.ctx))
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(rollback, "Restored", 2*time.Minute)
	s.expect(rollback, "Ready=True/Restored", "Restored=True/Restored", "InEffect=False/Restored", "Applied=False/Restored", "Stalled=False/Restored")
	s.configIsAsBefore()
	s.isSuspended()
	s.reaches(incident, "Resolved", 20*time.Second)
	s.expect(incident, "Ready=True/Resolved", "Resolved=True/Resolved", "Contained=False/Restored", "SLAMet=True/WithinLimits", "Stalled=False/Resolved")

	s.endedWhole(incident, rollback)
	s.events(incident, wholeIncident[1:]...) // that the operator begins is no event
	s.events(rollback, wholeRollback...)
	s.noSecret(incident, rollback)
}

// wasDiagnosed checks what L1 and L2 found out.
func (s *story) wasDiagnosed(incident *strategyv1.StrategyIncident) {
	s.Helper()
	s.expect(incident, "Triaged=True/RuleHeld", "Escalated=True/RuleHeld", "Diagnosed=True/CauseFound",
		"Contained=False/Mitigating", "Ready=False/Mitigating", "Stalled=False/Mitigating", "SLAMet=Unknown/WithinLimits")
	s.says(incident, strategyv1.ConditionEscalated, "rule drawdown")
	status := incident.Status
	if status.Level != strategyv1.LevelL2 {
		s.Errorf("the level is %s, not L2", status.Level)
	}
	for _, deadline := range status.Deadlines { // nobody decided anything yet: only the operator has its results
		if deadline.AnsweredTime != nil || deadline.MachineTime == nil || (deadline.RelievedTime != nil) != (deadline.Level == strategyv1.LevelL1) {
			s.Errorf("the deadline of %s is %+v", deadline.Level, deadline)
		}
	}
	cause := status.Cause
	if cause == nil || cause.Name != "SignalDegradation" || cause.Remediation != "disable-schedule" || !slices.Equal(cause.Schedules, []string{"cross_exchange_watch"}) {
		s.Errorf("the cause is %+v", cause)
	}
	verdicts := map[string]strategyv1.Verdict{}
	for _, check := range status.Checks {
		verdicts[fmt.Sprintf("%s/%s/%d", check.Stage, check.Name, check.Attempt)] = check.Verdict
	}
	for _, passed := range []string{"Triage/stage4-audit/1", "Triage/security-baseline/1", "Triage/primary-probe/1", "Triage/load-test/1", "Diagnosis/primary-probe/1", "Diagnosis/load-test/1", "Diagnosis/journal/1"} {
		busy := verdicts[passed] == strategyv1.VerdictWarn && strings.Contains(passed, "load-test") // on a machine with other work
		if verdicts[passed] != strategyv1.VerdictPass && !busy {
			s.Errorf("%s is %q, not Pass", passed, verdicts[passed])
		}
	}
	if verdicts["Diagnosis/smoke/1"] != strategyv1.VerdictFail || verdicts["Diagnosis/kraken-probe/1"] != strategyv1.VerdictFail || len(verdicts) != 9 {
		s.Errorf("the verdicts are %v", verdicts)
	}
}

// wasPlanned checks what bob is shown before he decides.
func (s *story) wasPlanned(incident *strategyv1.StrategyIncident, rollback *strategyv1.StrategyRollback) {
	s.Helper()
	s.expect(rollback, "Planned=True/Planned", "Approved=Unknown/AwaitingApproval", "Ready=False/AwaitingApproval", "Stalled=False/AwaitingApproval")
	if rollback.Spec.RequestedBy != "alice" || rollback.Spec.IncidentName != incident.Name || rollback.Spec.RemediationName != "disable-schedule" {
		s.Errorf("the rollback asks for %+v", rollback.Spec)
	}
	plan := rollback.Status.Plan
	s.diffOnlyAdds(plan.Diff)
	if plan.Until == nil || plan.Revision != 1 || len(plan.Edits) != 1 {
		s.Errorf("the plan is %+v", plan)
	}
}

// fourEyes: who asked cannot approve, neither without the right nor with it; nobody can approve in another's name.
func (s *story) fourEyes(rollback *strategyv1.StrategyRollback) {
	s.Helper()
	_, err := s.decide("alice", strategyv1.DecisionApprove, rollback)
	s.refused(err, "alice may not Approve", "the verb approve on strategyrollbacks")
	_, err = s.decide("eve", strategyv1.DecisionApprove, rollback)
	s.refused(err, "forbidden", `User "eve"`)
	forged := &strategyv1.StrategyDecision{Spec: strategyv1.StrategyDecisionSpec{
		Target:  strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: rollback.Name},
		Verdict: strategyv1.DecisionApprove, Digest: rollback.Status.Plan.Digest, By: "bob", Reason: "forged",
	}}
	forged.Namespace, forged.GenerateName = s.namespace, "forged-"
	s.refused(as("alice").Create(s.ctx, forged), "a client may only name itself")

	unbind := s.bind("alice", "strategy-operator-approver")
	s.eventually("the API server knows alice's new role", 10*time.Second, func(context.Context) error {
		_, err := s.decide("alice", strategyv1.DecisionApprove, rollback)
		return err
	})
	s.trace("alice, as an approver, approves her own rollback")
	s.eventually("the rollback says that it needs four eyes", 10*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, rollback); err != nil {
			return err
		}
		if message := condition(rollback, strategyv1.ConditionApproved).Message; !containsAll(message, "is not honoured", "four eyes") {
			return fmt.Errorf("it says %q", message)
		}
		return nil
	})
	s.expect(rollback, "Approved=Unknown/AwaitingApproval")
	unbind()
}

// isInEffect checks the proof, the configuration and the running scheduler.
func (s *story) isInEffect(rollback *strategyv1.StrategyRollback) {
	s.Helper()
	s.expect(rollback, "Approved=True/Approved", "Applied=True/Edited", "InEffect=True/Proved", "Verified=True/Verified", "Ready=True/Verified", "Stalled=False/Verified")
	edited := s.config()
	s.onlyAddedLines(edited)
	if decision := rollback.Status.Decision; decision == nil || decision.By != "bob" || decision.Verdict != strategyv1.DecisionApprove {
		s.Errorf("the decision is %+v", decision)
	}
	hash := record.Hash(edited)
	if proof := rollback.Status.Proof; proof == nil || proof.Edited != hash || proof.Stored != hash || proof.Running != hash {
		s.Errorf("the proof is %+v, not three times %s", proof, hash)
	}
	s.isSuspended("cross_exchange_watch")
	before, err := s.readTelemetry(s.ctx)
	s.must(err)
	s.must(s.smoke(s.ctx, 3))
	after, err := s.readTelemetry(s.ctx)
	s.must(err)
	for _, figure := range []string{"pnl_pct", "pnl_drawdown_pct"} {
		if was, is := before["cross_exchange_watch"][figure], after["cross_exchange_watch"][figure]; was != is {
			s.Errorf("%s of the suspended schedule moves: %v, then %v", figure, was, is)
		}
	}
	s.trace("in effect: cross_exchange_watch is suspended, and its profit and loss stand still")
}

// endedWhole checks the record of a story that went from the loss to the end.
func (s *story) endedWhole(incident *strategyv1.StrategyIncident, rollback *strategyv1.StrategyRollback) {
	s.Helper()
	s.passes(incident, 10*time.Second, wholeIncident...)
	s.passes(rollback, 10*time.Second, wholeRollback...)
	// Triage 4, diagnosis 5; before 2, proof 1, after 2, gate 5 (the diagnosis once more, with the gate's own), proof of the restore 1.
	s.endedWith(incident, wholeIncidentLog, 9)
	s.endedWith(rollback, append(slices.Clone(wholeRollbackLog), "not_honoured"), 11) // alice's own approval
}

// endedWith compares the log's events and counts the checks. A check that could not measure, as right after a restart when
// the scheduler's service is not reachable yet, was repeated: that is one entry and one Job more.
func (s *story) endedWith(object client.Object, wanted []string, checks int) {
	s.Helper()
	events := s.logHolds(object)
	_, judged, _ := s.recorded(object)
	for _, check := range judged {
		if check.Verdict == strategyv1.VerdictError {
			wanted, checks = append(slices.Clone(wanted), "check"), checks+1
			s.trace("not measured: %s %s, attempt %d: %s", check.Stage, check.Name, check.Attempt, check.Message)
		}
	}
	slices.Sort(wanted)
	if local && !slices.Equal(slices.Sorted(slices.Values(events)), wanted) {
		s.Errorf("%s: the log says %v", nameOf(object), events)
	}
	s.evidenceHolds(object)
	jobs := s.oneJobPerAttempt(object)
	if len(jobs) != checks {
		s.Errorf("%s ran %d Jobs instead of %d: %v", nameOf(object), len(jobs), checks, jobs)
	}
	s.trace("%s: %d entries of the log verified, %d Jobs", nameOf(object), len(events), len(jobs))
}
