//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// needsPrometheus skips where nobody scrapes the demo's scheduler: the local cluster has a Prometheus that does.
func needsPrometheus(t *testing.T) {
	t.Helper()
	if !local {
		t.Skip("this cluster may have no Prometheus that scrapes the demo's scheduler; the local cluster (make cluster-up) has one")
	}
}

// soon shortens the windows of the queries: a story has seconds, not minutes.
func soon(spec *strategyv1.StrategyPlaybookSpec) {
	for i := range spec.Signals.Queries {
		query := &spec.Signals.Queries[i].Query
		*query = strings.ReplaceAll(*query, "[1m]", "[10s]")
	}
}

func leadRule(when string) *strategyv1.EscalationSpec {
	return &strategyv1.EscalationSpec{
		Rotation: &strategyv1.DocumentReference{ConfigMapName: "oncall-rotation", Key: "oncall_rotation.yaml"},
		Levels:   []strategyv1.LevelSpec{{Name: strategyv1.LevelLead, Rules: []strategyv1.LeadRule{{Name: "pnl", When: when}}}},
	}
}

// Nobody answers for L1 in time, and a real signal calls the technical lead.
func TestADeadlineIsBreachedAndTheLeadIsCalledByARealSignal(t *testing.T) {
	needsPrometheus(t)
	s := tell(t)
	playbook := s.sample("late")
	playbook.Spec.Triage.RespondWithinSeconds, playbook.Spec.Diagnosis.RespondWithinSeconds = 1, 86400
	playbook.Spec.Triage.Escalate, playbook.Spec.Triage.FalseAlarm = nil, nil
	playbook.Spec.Escalation = leadRule("signals.drawdown_pct < -5.0")
	name := s.playbook(playbook)
	incident := s.report("alice", name, func(spec *strategyv1.StrategyIncidentSpec) { spec.Type, spec.Schedule = "Compliance", "" })
	s.reaches(incident, "NeedsPerson", time.Minute)
	s.expect(incident, "SLAMet=False/DeadlinePassed", "Escalated=True/DeadlinePassed", "Diagnosed=False/CauseUnknown", "SignalsKnown=True/Sampled")
	s.says(incident, strategyv1.ConditionSLAMet, "L1 had to answer by")
	if level := incident.Status.Level; level != strategyv1.LevelL2 || condition(incident, strategyv1.ConditionLeadCalled).Type != "" {
		s.Errorf("the level is %s although no money is lost", level)
	}

	s.losingMoney()
	s.eventually("the technical lead is called", 30*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if incident.Status.Level != strategyv1.LevelLead {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
	s.says(incident, strategyv1.ConditionLeadCalled, "rule pnl: signals.drawdown_pct < -5.0 (drawdown_pct = -")
	if onCall := incident.Status.OnCall; len(onCall) != 3 || onCall[0].Name != "alice" || onCall[2].Contact == "" {
		s.Errorf("on call: %+v", onCall)
	}
	s.events(incident, "DeadlinePassed", "LeadCalled")
	s.decides("alice", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 10*time.Second)
	for event, times := range map[string]int{"sla_breached": 1, "escalated": 2, "incident": 1} {
		if found := countOf(s.logHolds(incident), event); local && found != times {
			s.Errorf("%d entries %s, not %d", found, event, times)
		}
	}
	s.logVerifies(incident)
}

func countOf(words []string, word string) int {
	n := 0
	for _, other := range words {
		if other == word {
			n++
		}
	}
	return n
}

// A Prometheus that does not answer makes the signals unknown, never zero.
func TestAPrometheusThatIsAwayCallsNobodyAndClosesNothing(t *testing.T) {
	s := tell(t)
	playbook := s.sample("blind")
	if playbook.Spec.Signals == nil {
		playbook.Spec.Signals = &strategyv1.SignalsSpec{Queries: []strategyv1.SignalQuery{{Name: "drawdown_pct", Query: "x"}}}
	}
	playbook.Spec.Signals.Prometheus.URL = s.here("http://exchange.trading:8080") // somebody who answers, but is no Prometheus
	playbook.Spec.Triage.Checks = []strategyv1.StageCheck{{Name: "stage4-audit"}}
	playbook.Spec.Triage.Escalate = nil
	playbook.Spec.Triage.FalseAlarm = &strategyv1.FalseAlarmRule{When: "signals.drawdown_pct > -4.0"}
	playbook.Spec.Escalation = leadRule("signals.drawdown_pct < 1000.0")
	incident := s.report("alice", s.playbook(playbook), nil)
	s.eventually("the unknown signals are told", time.Minute, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if c := condition(incident, strategyv1.ConditionSignalsKnown); c.Reason != strategyv1.ReasonLeadUnjudged || condition(incident, strategyv1.ConditionTriaged).Reason != strategyv1.ReasonChecksJudged {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
	s.says(incident, strategyv1.ConditionSignalsKnown, "unknown: ", "drawdown_pct", "cannot be evaluated: pnl")
	s.stays("nobody is called and nothing is closed", 6*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if incident.Status.Level != strategyv1.LevelL1 || isTrue(incident, strategyv1.ConditionReady) {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
	s.events(incident, strategyv1.ReasonLeadUnjudged)
}

// While alice is on it, time does not call L2. When her acknowledgement ends, it does.
func TestAnAcknowledgementHoldsTimeBackAndThenEnds(t *testing.T) {
	s := tell(t, long("no acknowledgement is shorter than a minute; the tables of internal/incident step the clock over it"))
	playbook := s.sample("acknowledged")
	playbook.Spec.Triage.Checks = []strategyv1.StageCheck{{Name: "stage4-audit"}}
	playbook.Spec.Triage.Escalate = []strategyv1.EscalateRule{{Name: "persists", AfterSeconds: 8}}
	playbook.Spec.Triage.FalseAlarm = nil
	playbook.Spec.Diagnosis.Checks = []strategyv1.StageCheck{{Name: "journal"}}
	incident := s.report("alice", s.playbook(playbook), func(spec *strategyv1.StrategyIncidentSpec) { spec.Type = "Compliance" })
	decision := &strategyv1.StrategyDecision{Spec: strategyv1.StrategyDecisionSpec{
		Target: strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: incident.Name}, Verdict: strategyv1.DecisionAcknowledge, ValidSeconds: 60,
	}}
	decision.Namespace, decision.GenerateName = s.namespace, "acknowledge-"
	s.must(as("alice").Create(s.ctx, decision))
	s.trace("alice acknowledges for a minute")
	s.stays("L1 keeps it", 25*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if level := incident.Status.Level; level != "" && level != strategyv1.LevelL1 {
			return fmt.Errorf("it is at %s:\n%s", level, describe(incident))
		}
		return nil
	})
	s.expect(incident, "Acknowledged=True/Acknowledged", "SLAMet=Unknown/WithinLimits")
	s.reaches(incident, "NeedsPerson", 70*time.Second)
	s.expect(incident, "Acknowledged=False/Ended", "Escalated=True/RuleHeld")
	s.decides("alice", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 10*time.Second)
	if gone := time.Since(decision.CreationTimestamp.Time); gone < time.Minute {
		s.Errorf("L2 was called after %s", gone)
	}
	s.logVerifies(incident)
}
