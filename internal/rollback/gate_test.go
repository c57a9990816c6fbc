package rollback_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// causedBy is a rollback in force for an incident whose cause has this rule; the remedy has no gate of its own.
func causedBy(t testkit.T, rule string) *story {
	s := newStory(t)
	s.remedy("automatic")
	s.incident.Status.Cause.Rule = rule
	s.Spec.Signals = &strategyv1.SignalsSpec{IntervalSeconds: 15, Queries: []strategyv1.SignalQuery{{Name: "loss", Query: "loss", Unit: "percent"}, {Name: "cpu", Query: "cpu"}}}
	s.quiet()
	return s
}

// reads is what the signals are now; NaN would be unknown, so what is not here is.
func (s *story) reads(values map[string]float64) {
	s.signals = signals.Snapshot{Time: s.Now, NextAt: s.Now.Add(15 * time.Second), Readings: map[string]signals.Reading{"loss": {Problem: "no answer"}, "cpu": {Problem: "no answer"}}}
	for name, value := range values {
		s.signals.Readings[name] = signals.Reading{Known: true, Value: value, Time: s.Now}
	}
}

// That the edits are undone does not mend what they were made for: a restore asks first whether it is gone.
func TestARestoreAsksWhetherTheCauseIsGone(t *testing.T) {
	const (
		restored, failed = "Restored", "RestoreGateFailed"
		byCheck          = "checks.exists(c, c.name == 'smoke' && c.verdict == 'Fail')"
	)
	for name, c := range map[string]struct {
		rule  string
		given func(*story)
		ready string
		says  string
	}{
		"a signal that is well again":   {"signals.loss < -4.0", func(s *story) { s.reads(map[string]float64{"loss": -1}) }, restored, ""},
		"a signal that is still bad":    {"signals.loss < -4.0", func(s *story) { s.reads(map[string]float64{"loss": -5.123456}) }, failed, "cause SignalDegradation still holds: signals.loss < -4.0 (loss = -5.1235 percent)"},
		"a signal that nobody knows":    {"signals.loss < -4.0", func(s *story) { s.reads(nil) }, failed, "nobody knows whether cause SignalDegradation is gone"},
		"another one that nobody knows": {"signals.loss < -4.0", func(s *story) { s.reads(map[string]float64{"loss": -1}) }, restored, ""},
		"a check that passes now":       {byCheck, func(*story) {}, restored, ""},
		"a check that still fails":      {byCheck, func(s *story) { s.reports(reports{"load": testkit.OK(), "smoke": testkit.Fail()}) }, failed, "cause SignalDegradation still holds: " + byCheck + " (load Pass, smoke Fail)"},
		"a check that measures nothing": {byCheck, func(s *story) { s.reports(reports{"load": testkit.OK(), "smoke": testkit.Broken()}) }, failed, "nobody knows whether cause SignalDegradation is gone"},
		"a check without a report":      {byCheck, func(s *story) { s.reports(reports{"load": testkit.OK(), "smoke": testkit.Mute()}) }, failed, "nobody knows whether cause SignalDegradation is gone"},
		"an optional one without a report": {byCheck, func(s *story) {
			s.Spec.Diagnosis.Checks[1].Need = strategyv1.NeedOptional
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.Broken()})
		}, failed, "nobody knows whether cause SignalDegradation is gone"},
		"alerts that fire": {"incident.alerts.exists(a, a.state == 'Firing')", func(s *story) {
			s.incident.Status.Alerts = []strategyv1.IncidentAlert{{Name: "a", State: strategyv1.AlertFiring}}
		}, failed, "still holds"},
		"alerts that are over": {"incident.alerts.exists(a, a.state == 'Firing')", func(s *story) {
			s.incident.Status.Alerts = []strategyv1.IncidentAlert{{Name: "a", State: strategyv1.AlertResolved}}
		}, restored, ""},
		"a rule that has an error":        {"signals.loss", func(s *story) { s.reads(map[string]float64{"loss": -1}) }, failed, "nobody knows"},
		"only what was reported":          {"incident.type == 'PnL'", func(*story) {}, restored, ""},
		"what was reported, or a signal":  {"incident.type == 'PnL' || signals.loss < -4.0", func(*story) {}, restored, ""},
		"what was reported, and a signal": {"incident.type == 'PnL' && signals.loss < -4.0", func(s *story) { s.reads(map[string]float64{"loss": -5}) }, failed, "still holds"},
		"that nothing is known":           {"!has(signals.loss)", func(s *story) { s.reads(nil) }, failed, "still holds"},
		"that everything is well":         {"checks.all(c, c.verdict == 'Pass')", func(*story) {}, failed, "still holds"},
		"that nothing is well":            {"checks.all(c, c.verdict != 'Pass')", func(*story) {}, restored, ""},
		"the playbook does not ask": {"signals.loss < -4.0", func(s *story) {
			s.Spec.Remediations[2].Restore = &strategyv1.RestoreGate{Cause: strategyv1.CauseIgnored}
			s.reads(map[string]float64{"loss": -5})
		}, restored, ""},
		"the cause is not known":   {"", func(s *story) { s.reads(map[string]float64{"loss": -5}) }, restored, ""},
		"its incident was deleted": {"signals.loss < -4.0", func(s *story) { s.incident = nil; s.reads(map[string]float64{"loss": -5}) }, restored, ""},
		"and the gate of the remedy": {"signals.loss < -4.0", func(s *story) {
			s.Spec.Remediations[2].Restore = &strategyv1.RestoreGate{Checks: []strategyv1.CheckUse{{Name: "load"}}}
			s.reports(reports{"load": testkit.Fail()})
			s.reads(map[string]float64{"loss": -5})
		}, failed, "does not hold (load Fail); and cause SignalDegradation still holds"},
		"but the gate of the remedy": {"signals.loss < -4.0", func(s *story) {
			s.Spec.Remediations[2].Restore = &strategyv1.RestoreGate{Checks: []strategyv1.CheckUse{{Name: "load"}}}
			s.reports(reports{"load": testkit.Fail()})
			s.reads(map[string]float64{"loss": -1})
		}, failed, "does not hold (load Fail)"},
		"the gate's rule sees its own checks only": {byCheck, func(s *story) {
			s.Spec.Remediations[2].Restore = &strategyv1.RestoreGate{Checks: []strategyv1.CheckUse{{Name: "load"}}, When: "size(checks) == 1"}
		}, restored, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := causedBy(t, c.rule)
			expect(t, "before", s.ready(), "Verified")
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK()})
			c.given(s)
			s.decide(strategyv1.DecisionRestore, "carol")
			s.quiet()
			s.Now = s.Now.Add(30 * time.Second) // what is not known is waited for
			s.quiet()
			expect(t, "Ready", s.ready(), c.ready)
			if message := s.message(strategyv1.ConditionReady); !strings.Contains(message, c.says) {
				t.Errorf("it does not say %q: %s", c.says, message)
			}
			if c.ready == restored {
				return
			}
			s.decide(strategyv1.DecisionOverride, "dave")
			s.quiet()
			expect(t, "an approver says so", s.ready(), restored)
		})
	}
}

// The end of the time box asks, too; when it comes the scheduler trades again by itself, and somebody is asked.
func TestTheEndOfTheTimeBoxAsksWhetherTheCauseIsGone(t *testing.T) {
	for loss, ready := range map[float64]string{-1: "Restored", -5: "RestoreGateFailed"} {
		t.Run(fmt.Sprint(loss), func(t *testing.T) {
			s := causedBy(t, "signals.loss < -4.0")
			s.At(55 * time.Minute)
			s.reads(map[string]float64{"loss": loss})
			s.quiet()
			expect(t, "Ready", s.ready(), ready)
			expect(t, "it waits for", string(s.rollback.Status.WaitsFor), map[string]string{"Restored": "Nobody", "RestoreGateFailed": "Approver"}[ready])
		})
	}
}

// A signal that is not known yet, since nobody sampled it lately, is waited for: two samples.
func TestTheCauseWaitsForItsSignals(t *testing.T) {
	s := causedBy(t, "signals.loss < -4.0")
	s.reads(nil)
	s.decide(strategyv1.DecisionRestore, "carol")
	decision := s.quiet()
	expect(t, "Ready", s.ready(), "CheckingRestore")
	if wait := decision.NextAt.Sub(s.Now); wait > 15*time.Second || wait <= 0 {
		t.Errorf("it looks again in %s", wait)
	}
	s.Now = s.Now.Add(15 * time.Second)
	s.reads(map[string]float64{"loss": 0})
	s.quiet()
	expect(t, "with the signal", s.ready(), "Restored")
}

// A budget that the rollback raised is not the one that counts when it is gone.
func TestTheCauseIsAskedOfTheConfigurationAsItWillBe(t *testing.T) {
	for cpu, ready := range map[float64]string{50: "Restored", 70: "RestoreGateFailed", 90: "RestoreGateFailed"} {
		t.Run(fmt.Sprint(cpu), func(t *testing.T) {
			s := newStory(t)
			s.Content = strings.Replace(testkit.Document, "runtime:\n", "runtime:\n  resource_limits: {cpu_percent: 60.0, memory_mb: 2048}\n", 1)
			s.Running = s.Content
			s.Spec.Signals = &strategyv1.SignalsSpec{IntervalSeconds: 15, Queries: []strategyv1.SignalQuery{{Name: "cpu", Query: "cpu"}}}
			s.remedy("automatic")
			s.incident.Status.Cause.Rule = "signals.cpu > limits.cpu_percent"
			s.byHand(strategyv1.RollbackAction{Type: strategyv1.ActionSetResourceLimits, Limits: &strategyv1.ResourceLimits{CPUPercent: "80.0"}})
			s.approved()
			s.reads(map[string]float64{"cpu": cpu})
			s.decide(strategyv1.DecisionRestore, "carol")
			s.quiet()
			expect(t, "Ready", s.ready(), ready)
		})
	}
}
