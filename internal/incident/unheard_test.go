package incident_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// slow has a playbook that waits for hours, so that no deadline calls anybody.
func (s *story) slow() {
	s.withWebhook()
	s.Spec.Triage.RespondWithinSeconds, s.Spec.Diagnosis.RespondWithinSeconds = 86400, 86400
	s.Spec.Triage.Escalate = nil
	s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
	s.quiet()
}

const refuses = "the server answers HTTP 500"

// TestTheNextLevelIsCalledWhereNobodyHears, and nowhere else: not before people had time, not where somebody heard or may yet, not over a person
// who is on it, and not in a playbook that has no channels.
func TestTheNextLevelIsCalledWhereNobodyHears(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		level strategyv1.Level
	}{
		"nobody heard of L1's call for two minutes": {
			func(s *story) { s.fails(3, refuses); s.At(2 * time.Minute); s.quiet() }, strategyv1.LevelL2,
		},
		"less than that": {
			func(s *story) { s.fails(9, refuses); s.At(2*time.Minute - time.Second); s.quiet() }, strategyv1.LevelL1,
		},
		"it was tried once": {
			func(s *story) { s.fails(1, refuses); s.At(time.Hour); s.quiet() }, strategyv1.LevelL1,
		},
		"it was never tried": {func(s *story) { s.At(time.Hour); s.quiet() }, strategyv1.LevelL1},
		"it was tried by an earlier life of the operator": {
			func(s *story) {
				s.fails(3, refuses)
				s.receipts = map[string]facts.Receipt{}
				s.At(time.Hour)
				s.quiet()
			}, strategyv1.LevelL1,
		},
		"and by this one": {
			func(s *story) {
				s.fails(3, refuses)
				s.receipts = map[string]facts.Receipt{}
				s.At(time.Hour)
				s.quiet()
				s.fails(1, refuses)
			}, strategyv1.LevelL2,
		},
		"somebody took it after all": {
			func(s *story) { s.fails(3, refuses); s.At(time.Minute); s.deliver(); s.At(time.Hour); s.quiet() }, strategyv1.LevelL1,
		},
		"bob is on it": {
			func(s *story) {
				s.fails(3, refuses)
				s.At(time.Minute)
				s.decide(strategyv1.DecisionAcknowledge, "bob")
				s.At(3 * time.Minute)
				s.quiet()
			}, strategyv1.LevelL1,
		},
		"it was given up": {
			func(s *story) { s.fails(2, refuses); s.At(4 * time.Hour); s.quiet(); s.quiet() }, strategyv1.LevelL2,
		},
		"nobody approved the channels": {
			func(s *story) {
				s.incident.Status.Review = strategyv1.ReviewAwaited
				s.awaitsReview = true
				s.fails(3, refuses)
				s.At(time.Hour)
				s.quiet()
			}, strategyv1.LevelL1,
		},
		"L2 hears no more than L1": {
			func(s *story) {
				s.fails(3, refuses)
				s.At(2 * time.Minute)
				s.quiet()
				s.fails(3, refuses)
				expect(t, "at first", string(s.incident.Status.Level), "L2")
				s.At(4 * time.Minute)
				s.quiet()
			}, strategyv1.LevelLead,
		},
		"an hour of the operator's absence calls one level, since nobody tried the next": {
			func(s *story) { s.fails(3, refuses); s.At(time.Hour); s.quiet() }, strategyv1.LevelL2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.slow()
			c.given(s)
			expect(t, "level", string(s.incident.Status.Level), string(c.level))
		})
	}
}

// TestWhoIsCalledBecauseNobodyHeardIsSaid in status, log and event, of a drill with its mark.
func TestWhoIsCalledBecauseNobodyHeardIsSaid(t *testing.T) {
	for _, mode := range []strategyv1.IncidentMode{strategyv1.IncidentLive, strategyv1.IncidentDrill} {
		s := newStory(t)
		s.incident.Spec.Mode = mode
		s.slow()
		s.fails(3, refuses)
		s.At(2 * time.Minute)
		s.quiet()
		expect(t, "Escalated", s.condition(strategyv1.ConditionEscalated), "True/NobodyReached")
		if says := s.message(strategyv1.ConditionEscalated); !strings.Contains(says, "nobody heard of LevelCalled L1 within 2m0s") {
			t.Errorf("%s: Escalated says %q", mode, says)
		}
		event := "Warning NobodyReached: nobody heard of LevelCalled L1"
		if mode == strategyv1.IncidentDrill {
			event = "Warning NobodyReached: DRILL: nobody heard of LevelCalled L1"
		}
		if !strings.Contains(strings.Join(s.Events, "\n"), event) {
			t.Errorf("%s: no event %q: %q", mode, event, s.Events)
		}
		noted := false
		for _, entry := range s.incident.Status.Timeline {
			noted = noted || entry.Event == strategyv1.EventEscalated && strings.Contains(entry.Message, "nobody heard of LevelCalled L1")
		}
		if !noted {
			t.Errorf("%s: the log does not say it: %+v", mode, s.incident.Status.Timeline)
		}
		if reason := conditions.Reason(s.incident.Status.Conditions, strategyv1.ConditionSLAMet); reason == strategyv1.ReasonDeadlinePast {
			t.Error("a deadline was missed, minutes after the report")
		}
	}
}

// TestAnotherRouteMayBeHeard: the next level is called only when none of them took it.
func TestAnotherRouteMayBeHeard(t *testing.T) {
	called := []strategyv1.NotificationEvent{strategyv1.NotifyLevelCalled}
	for name, c := range map[string]struct {
		other facts.Receipt
		want  strategyv1.Level
	}{
		"it was taken":         {facts.Receipt{Attempts: 1, Delivered: testkit.T0.Add(time.Second), Channel: "hook"}, strategyv1.LevelL1},
		"it was tried twice":   {facts.Receipt{Attempts: 2, Problem: refuses}, strategyv1.LevelL1},
		"nobody takes it, too": {facts.Receipt{Attempts: 3, Problem: refuses}, strategyv1.LevelL2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.routed(strategyv1.NotificationRoute{Name: "pager", Events: called, Channels: []string{"hook"}}, strategyv1.NotificationRoute{Name: "chat", Events: called, Channels: []string{"hook"}})
			s.Spec.Triage.RespondWithinSeconds, s.Spec.Triage.Escalate = 86400, nil
			s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
			s.quiet()
			s.fails(3, refuses)
			for key := range s.receipts {
				if strings.HasSuffix(key, "/route/chat") {
					s.receipts[key] = c.other
				}
			}
			s.incident.Status.Notifications[1].Attempts, s.incident.Status.Notifications[1].Problem = 0, ""
			s.At(2 * time.Minute)
			s.quiet()
			expect(t, "level", string(s.incident.Status.Level), string(c.want))
		})
	}
}

// TestAnApprovalThatNobodyHearsOf calls the technical lead, though L2 heard that it was called.
func TestAnApprovalThatNobodyHearsOf(t *testing.T) {
	for name, hear := range map[string]bool{"nobody": false, "somebody": true} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.withWebhook()
			s.Spec.Diagnosis.RespondWithinSeconds = 86400
			s.mitigating()
			s.deliver()
			s.awaitsApproval()
			s.fails(3, refuses)
			s.Now = s.Now.Add(time.Minute)
			if hear {
				s.deliver()
			}
			s.Now = s.Now.Add(2 * time.Minute)
			s.quiet()
			expect(t, "level", string(s.incident.Status.Level), map[bool]string{true: "L2", false: "TechLead"}[hear])
		})
	}
}
