package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// contained is an incident whose change contains it, and that is quiet, ten minutes after the start.
func contained(t *testing.T) *story {
	s := newStory(t)
	s.Spec.Recovery = &strategyv1.RecoverySpec{Quiet: "signals.drawdown < 4.0", QuietSeconds: 120}
	s.signals = map[string]float64{"drawdown": 1}
	s.mitigating()
	s.decides(strategyv1.DecisionAcknowledge, "bob", time.Minute)
	s.At(time.Minute)
	s.verified()
	s.At(10 * time.Minute)
	return s
}

// TestARelapseCallsAgainAndAsksAgain: undone is not fixed. What is there again is told, whoever had it is called, and the remedy is asked
// for once more.
func TestARelapseCallsAgainAndAsksAgain(t *testing.T) {
	for name, c := range map[string]struct {
		noisy time.Duration // from when on
		at    time.Duration
		again bool
	}{
		"quiet after the restore, then not":              {11 * time.Minute, 11 * time.Minute, true},
		"not quiet since the restore":                    {10 * time.Minute, 10 * time.Minute, false},
		"and still not when the next sample came":        {10 * time.Minute, 10*time.Minute + 30*time.Second, true},
		"not quiet before the restore, and not after it": {9 * time.Minute, 10*time.Minute + 30*time.Second, true},
		"quiet throughout":                               {time.Hour, 11 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := contained(t)
			noise := func() {
				if !s.Now.Before(testkit.T0.Add(c.noisy)) {
					s.signals["drawdown"] = 5
				}
				s.quiet()
			}
			noise()
			s.restored()
			noise()
			s.At(c.at)
			noise()
			status := s.incident.Status
			if again := strings.Contains(s.events(), "relapsed"); again != c.again {
				t.Fatalf("a relapse: %t; %s", again, testkit.Conditions(status.Conditions))
			}
			if !c.again {
				return
			}
			expect(t, "rollbacks", strings.Join(sortedNames(s.Rollbacks), " "), "pnl-12345678 pnl-12345678-r2")
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/Mitigating")
			expect(t, "Contained", s.condition(strategyv1.ConditionContained), "False/Mitigating")
			expect(t, "the new deadline", s.incident.Status.Deadlines[1].Time.Sub(s.Now).String(), "15m0s")
			if status.Deadlines[1].AnsweredTime != nil || status.Relapses != 1 || status.Round != 2 {
				t.Errorf("%+v", status)
			}
			s.At(c.at + 15*time.Minute)
			s.quiet()
			expect(t, "nobody answers", string(s.incident.Status.Level), "TechLead")
		})
	}
}

// An answer of the round before is none of this one, though the API server's clock, by which decisions are dated, is ahead of the operator's.
func TestAnEarlierAnswerIsNoneToARelapse(t *testing.T) {
	s := contained(t)
	s.shifted(strategyv1.DecisionAcknowledge, "bob", 5*time.Minute)
	s.quiet()
	s.restored()
	s.quiet()
	s.At(11 * time.Minute)
	s.signals["drawdown"] = 5
	s.quiet()
	expect(t, "round", fmt.Sprint(s.incident.Status.Round), "2")
	for range 8 {
		s.At(s.Now.Sub(testkit.T0) + 3*time.Minute)
		s.quiet()
	}
	if answered := s.incident.Status.Deadlines[1].AnsweredTime; answered != nil {
		t.Errorf("it was answered at %s, before it began", answered)
	}
	expect(t, "nobody answers", string(s.incident.Status.Level), "TechLead")
}

// TestARelapseIsAStrike: a remedy that does not last is not repeated without end.
func TestARelapseIsAStrike(t *testing.T) {
	s := contained(t)
	for round := range 3 {
		s.At(time.Duration(10+10*round) * time.Minute)
		s.signals["drawdown"] = 1
		s.quiet()
		s.restored()
		s.At(time.Duration(11+10*round) * time.Minute)
		s.signals["drawdown"] = 5
		s.quiet()
		if len(s.Rollbacks) == round+2 {
			s.verified()
		}
	}
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/StrikesUsedUp")
	expect(t, "rollbacks", strings.Join(sortedNames(s.Rollbacks), " "), "pnl-12345678 pnl-12345678-r2 pnl-12345678-r3")
	s.decides(strategyv1.DecisionResolve, "bob", 32*time.Minute)
	s.At(32 * time.Minute)
	s.quiet()
	if got := s.incident.Status.Strikes; got != 4 {
		t.Errorf("%d strikes", got)
	}
}

// TestOnlyWhatWasContainedRecovers: a change that never did what it should, and is undone, fixed nothing.
func TestOnlyWhatWasContainedRecovers(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		ready string
	}{
		"contained, then restored":     {(*story).verified, "True/Resolved"},
		"verified while nobody looked": {func(s *story) { s.rollbackIs(strategyv1.ReasonVerified, metav1.ConditionTrue, metav1.ConditionFalse) }, "True/Resolved"},
		"kept though a check failed": {func(s *story) {
			s.rollbackIs(strategyv1.ReasonFailedAfter, metav1.ConditionFalse, metav1.ConditionTrue)
			s.quiet()
		}, "False/NeedsPerson"},
		"never proved": {func(s *story) {
			s.rollbackIs(strategyv1.ReasonUnproved, metav1.ConditionFalse, metav1.ConditionTrue)
			s.quiet()
		}, "False/NeedsPerson"},
		"restored at once": {func(*story) {}, "False/NeedsPerson"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.mitigating()
			c.given(s)
			s.restored()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
		})
	}
}
