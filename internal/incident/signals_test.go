package incident_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// undoable is a rollback of the incident whose edits stand in the configuration.
func (s *story) undoable() {
	s.T.Helper()
	s.mitigating()
	for _, rollback := range s.Rollbacks {
		rollback.Status.Config = &strategyv1.ConfigClaim{Claim: strategyv1.ClaimHold, WrittenTime: new(metav1.NewTime(s.Now))}
	}
	s.verified()
}

// Whoever looks at a change before undoing it sees numbers of the last minutes, which cost a write of the status in many samples; and nobody is
// told of them.
func TestTheStatusHasNewNumbersWhileAChangeIsInForce(t *testing.T) {
	for name, c := range map[string]struct {
		interval int32 // seconds
		given    func(*story)
		writes   int // in 12 minutes and a half
		oldest   time.Duration
	}{
		"a change is in force":           {30, (*story).undoable, 6, 120 * time.Second},
		"samples come often":             {10, (*story).undoable, 6, 120 * time.Second},
		"samples come seldom":            {120, (*story).undoable, 1, 480 * time.Second},
		"nothing is changed yet":         {30, (*story).mitigating, 0, time.Hour},
		"the change is undone":           {30, func(s *story) { s.undoable(); s.restored() }, 0, time.Hour},
		"it is closed":                   {30, func(s *story) { s.undoable(); s.decide(strategyv1.DecisionResolve, "bob"); s.quiet() }, 0, time.Hour},
		"Prometheus gives no answer now": {30, func(s *story) { s.undoable(); s.sampled = s.Now }, 0, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Signals = &strategyv1.SignalsSpec{IntervalSeconds: c.interval, Queries: []strategyv1.SignalQuery{{Name: "loss", Query: "loss"}}}
			s.Spec.Recovery = &strategyv1.RecoverySpec{QuietSeconds: 36000}
			s.Spec.Triage.RespondWithinSeconds, s.Spec.Diagnosis.RespondWithinSeconds = 86400, 86400
			s.signals = map[string]float64{"loss": 0}
			s.At(10 * time.Minute)
			c.given(s)
			lines, objects, writes, oldest := len(s.Logs[prefix]), len(s.Objects), 0, time.Duration(0)
			began := s.Now
			for at := began; at.Before(began.Add(750 * time.Second)); at = at.Add(time.Duration(c.interval) * time.Second) {
				s.Now = at
				s.signals["loss"]--
				before := s.newestSample()
				s.quiet()
				if s.newestSample() != before {
					writes++
				}
				oldest = max(oldest, at.Sub(s.newestSample()))
			}
			if writes != c.writes || oldest > c.oldest {
				t.Errorf("%d writes, want %d; the numbers were %s old", writes, c.writes, oldest)
			}
			if c.writes > 0 && (len(s.Logs[prefix]) != lines || len(s.Objects) != objects) {
				t.Errorf("samples were told: %s", s.events())
			}
		})
	}
}

// newestSample in the status.
func (s *story) newestSample() (newest time.Time) {
	for _, signal := range s.incident.Status.Signals {
		if signal.Time != nil && signal.Time.After(newest) {
			newest = signal.Time.Time
		}
	}
	return newest
}

// What a step was decided on stays as it is until the log has it: after a crash the same bytes are stored again.
func TestNewNumbersWaitForTheLog(t *testing.T) {
	s := newStory(t)
	s.Spec.Signals = &strategyv1.SignalsSpec{IntervalSeconds: 30, Queries: []strategyv1.SignalQuery{{Name: "loss", Query: "loss"}}}
	s.Spec.Triage.RespondWithinSeconds, s.Spec.Diagnosis.RespondWithinSeconds = 86400, 86400
	s.signals = map[string]float64{"loss": 1}
	s.undoable()
	s.fired(strategyv1.AlertFiring)
	s.decide(strategyv1.DecisionAcknowledge, "bob")
	s.crashAfter = 0 // the step is in the status, and not in the log
	s.pass()
	s.Now = s.Now.Add(time.Hour)
	s.signals["loss"] = 2
	s.crashAfter = 0
	s.pass()
	if value := s.incident.Status.Signals[0].Value; value != "1" {
		t.Errorf("the log does not have the step, and its number is %s", value)
	}
	s.quiet()
	stored := 0
	for key, data := range s.Objects {
		if strings.HasPrefix(key, prefix+"signals/") && strings.Contains(string(data), `"value":"1"`) {
			stored++
		}
	}
	if stored == 0 {
		t.Error("what it was decided on is not in the evidence")
	}
	s.Now = s.Now.Add(time.Hour)
	s.quiet()
	expect(t, "then", s.incident.Status.Signals[0].Value, "2")
}
