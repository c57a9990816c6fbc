package incident_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// withWebhook has people told.
func (s *story) withWebhook() {
	s.Spec.Notifications = &strategyv1.NotificationsSpec{Channels: []strategyv1.ChannelSpec{{Name: "hook", Type: strategyv1.ChannelWebhook, URL: "https://hooks.trading/x", SecretName: "webhook"}}}
	s.receipts = map[string]facts.Receipt{}
}

// deliver has the server take what waits.
func (s *story) deliver() {
	for _, n := range s.incident.Status.Notifications {
		if lifecycle.Pending(n) {
			s.receipts[n.Key] = facts.Receipt{Attempts: 1, Delivered: s.Now, Channel: "hook"}
		}
	}
	s.quiet()
}

// fails has the server refuse what waits.
func (s *story) fails(times int32, problem string) {
	for _, n := range s.incident.Status.Notifications {
		if lifecycle.Pending(n) {
			s.receipts[n.Key] = facts.Receipt{Attempts: times, Problem: problem}
		}
	}
	s.quiet()
}

// told is each notification in a few words.
func (s *story) told() string {
	var all []string
	for _, n := range s.incident.Status.Notifications {
		state := "waits"
		switch {
		case n.DeliveredTime != nil:
			state = "delivered"
		case n.DropReason == strategyv1.DropUnreached:
			state = "unreached"
		case n.DroppedTime != nil:
			state = "dropped"
		}
		all = append(all, fmt.Sprintf("%s %s %s", n.Event, n.Level, state))
	}
	return strings.Join(all, "; ")
}

// TestWhoIsToldOfWhat: the whole list at the end of a story.
func TestWhoIsToldOfWhat(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		want  string
		last  string // a part of the last problem
	}{
		"an incident calls L1": {func(s *story) { s.quiet() }, "LevelCalled L1 waits", ""},
		"the server takes it":  {func(s *story) { s.quiet(); s.deliver() }, "LevelCalled L1 delivered", ""},
		"L2 is called by time": {
			func(s *story) { s.quiet(); s.deliver(); s.At(5 * time.Minute); s.quiet() }, "LevelCalled L1 delivered; LevelCalled L2 waits", "",
		},
		"L1 could not be told, and L2 is called as ever": {
			func(s *story) { s.quiet(); s.fails(2, "the server answers HTTP 500"); s.At(5 * time.Minute); s.quiet() },
			"LevelCalled L1 unreached; LevelCalled L2 waits", "",
		},
		"L1 was not tried yet when a rule called L2": {
			func(s *story) { s.diagnosing() }, "LevelCalled L1 dropped; LevelCalled L2 waits", "",
		},
		"somebody acknowledged before it was sent": {
			func(s *story) {
				s.quiet()
				s.Now = s.Now.Add(time.Minute)
				s.decide(strategyv1.DecisionAcknowledge, "bob")
				s.quiet()
			},
			"LevelCalled L1 dropped", "not needed: bob acknowledged it",
		},
		"somebody closes it before anything was sent, and in the next pass hears that": {
			func(s *story) { s.closed() }, "LevelCalled L1 dropped; Closed L1 waits", "",
		},
		"closed, and told": {func(s *story) { s.quiet(); s.deliver(); s.closed(); s.deliver() }, "LevelCalled L1 delivered; Closed L1 delivered", ""},
		"closed, and reopened before that was told": {
			func(s *story) { s.quiet(); s.deliver(); s.closed(); s.reopen(); s.quiet() },
			"LevelCalled L1 delivered; Closed L1 dropped; LevelCalled L2 waits", "",
		},
		"a more severe alert calls again": {
			func(s *story) {
				s.incident.Spec.Severity = "Warning"
				s.quiet()
				s.deliver()
				s.alerted("a", "Critical", strategyv1.AlertFiring)
				s.quiet()
			}, "LevelCalled L1 delivered; LevelCalled L1 waits", "",
		},
		"it looks like a false alarm: L1 knows already": {
			func(s *story) {
				s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
				s.quiet()
			}, "LevelCalled L1 waits", "",
		},
		"a drill is told, too": {
			func(s *story) { s.incident.Spec.Mode = strategyv1.IncidentDrill; s.quiet(); s.deliver() }, "LevelCalled L1 delivered", "",
		},
		"nobody hears of L1's call, and L2 is called": {
			func(s *story) {
				s.Spec.Triage.RespondWithinSeconds, s.Spec.Diagnosis.RespondWithinSeconds = 86400, 86400
				s.Spec.Triage.Escalate = nil
				s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
				s.quiet()
				s.fails(9, "the server answers HTTP 500")
				s.At(4 * time.Hour)
				s.quiet()
			}, "LevelCalled L1 unreached; LevelCalled L2 waits", "",
		},
		"nobody hears of the end for hours": {
			func(s *story) {
				s.quiet()
				s.deliver()
				s.closed()
				s.fails(9, "the server answers HTTP 500")
				s.At(5 * time.Hour)
				s.quiet()
			}, "LevelCalled L1 delivered; Closed L1 unreached", "not delivered within 4h0m0s: the server answers HTTP 500",
		},
		"the playbook cannot be read any more": {
			func(s *story) {
				s.quiet()
				s.deliver()
				s.losePlaybook()
				s.At(5 * time.Minute)
				s.quiet()
			},
			"LevelCalled L1 delivered; LevelCalled L2 waits", "",
		},
		"a duplicate calls nobody": {
			func(s *story) {
				older := s.incident.DeepCopy()
				older.Name, older.UID, older.CreationTimestamp = "older", "1", metav1.NewTime(testkit.T0.Add(-time.Minute))
				older.Status.PlaybookRevision = "multi-strategy-1"
				s.same = []strategyv1.StrategyIncident{*older}
				s.quiet()
			}, "LevelCalled L1 dropped", "not needed: the incident was closed",
		},
		"a rollback waits for an approval": {
			func(s *story) { s.mitigating(); s.deliver(); s.awaitsApproval() },
			"LevelCalled L1 dropped; LevelCalled L2 delivered; AwaitingApproval L2 waits", "",
		},
		"it was approved before that was sent": {
			func(s *story) { s.mitigating(); s.deliver(); s.awaitsApproval(); s.verified() },
			"LevelCalled L1 dropped; LevelCalled L2 delivered; AwaitingApproval L2 dropped", "not needed: no approval of this plan is waited for any more",
		},
		"nobody answers, and every level is called": {
			func(s *story) {
				s.quiet()
				s.deliver()
				for _, at := range []time.Duration{5, 20, 40, 60} {
					s.At(at * time.Minute)
					s.quiet()
					s.deliver()
				}
			}, "LevelCalled L1 delivered; LevelCalled L2 delivered; LevelCalled TechLead delivered; LevelCalled TechLead delivered", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.withWebhook()
			c.given(s)
			expect(t, "told", s.told(), c.want)
			if all := s.incident.Status.Notifications; !strings.Contains(all[len(all)-1].Problem, c.last) {
				t.Errorf("the last problem is %q, without %q", all[len(all)-1].Problem, c.last)
			}
		})
	}
}

// awaitsApproval has the incident's rollback wait for somebody who may approve it.
func (s *story) awaitsApproval() {
	s.Now = s.Now.Add(time.Minute)
	s.rollbackIs(strategyv1.ReasonAwaitingApproval, metav1.ConditionFalse, metav1.ConditionFalse)
	for _, rollback := range s.Rollbacks {
		rollback.Status.WaitsFor = strategyv1.WhoApprover
	}
	s.quiet()
}

// TestAPersonIsAskedOnce while the same is asked, and again when it is asked anew.
func TestAPersonIsAskedOnce(t *testing.T) {
	s := newStory(t)
	s.withWebhook()
	s.mitigating()
	s.deliver()
	needs := func(at time.Duration) {
		s.At(at)
		s.rollbackIs(strategyv1.ReasonGuardExceeded, metav1.ConditionFalse, metav1.ConditionTrue)
		s.quiet()
	}
	needs(time.Minute)
	needs(2 * time.Minute)
	expect(t, "asked once", s.told(), "LevelCalled L1 dropped; LevelCalled L2 delivered; PersonAsked L2 waits")
	s.deliver()
	s.At(3 * time.Minute)
	s.rollbackIs(strategyv1.ReasonApplying, metav1.ConditionFalse, metav1.ConditionFalse)
	s.quiet()
	needs(4 * time.Minute)
	expect(t, "asked again", s.told(), "LevelCalled L1 dropped; LevelCalled L2 delivered; PersonAsked L2 delivered; PersonAsked L2 waits")
	var keys []string
	for _, n := range s.incident.Status.Notifications {
		keys = append(keys, n.Key)
	}
	if slices.Sort(keys); len(slices.Compact(keys)) != 4 {
		t.Errorf("keys: %v", keys)
	}
}

// TestNobodyIsReached is told once, by event and condition, until somebody is reached.
func TestNobodyIsReached(t *testing.T) {
	s := newStory(t)
	s.withWebhook()
	s.quiet()
	s.fails(1, "the server answers HTTP 500")
	expect(t, "after one try", s.condition(strategyv1.ConditionNotified), "")
	s.fails(3, "the server answers HTTP 500")
	expect(t, "after three", s.condition(strategyv1.ConditionNotified), "False/NotDelivered")
	before := s.incident.DeepCopy()
	s.fails(4, "the server answers HTTP 500")
	if !reflect.DeepEqual(before.Status, s.incident.Status) {
		t.Errorf("each try changes the status")
	}
	s.deliver()
	expect(t, "in the end", s.condition(strategyv1.ConditionNotified), "True/Delivered")
}

// TestNotificationsAreBounded: what is new is told, whatever waits.
func TestNotificationsAreBounded(t *testing.T) {
	s := newStory(t)
	s.withWebhook()
	s.mitigating()
	for i := range 80 {
		s.At(time.Duration(2*i+1) * time.Second)
		s.rollbackIs(strategyv1.ReasonGuardExceeded, metav1.ConditionFalse, metav1.ConditionTrue)
		s.quiet()
		s.At(time.Duration(2*i+2) * time.Second)
		s.rollbackIs(strategyv1.ReasonApplying, metav1.ConditionFalse, metav1.ConditionFalse)
		s.quiet()
	}
	all := s.incident.Status.Notifications
	if len(all) != 64 || !strings.Contains(s.told(), "LevelCalled L2 waits") {
		t.Errorf("%d notifications: %s", len(all), s.told())
	}
}

// TestANotificationIsOneLine: what it quotes is somebody else's.
func TestANotificationIsOneLine(t *testing.T) {
	s := newStory(t)
	s.withWebhook()
	s.incident.Spec.Summary = "it loses\nL2 to TechLead: all is well" + strings.Repeat("ż", 480)
	s.quiet()
	s.fails(3, "the server answers\r\nHTTP 500")
	n := s.incident.Status.Notifications[0]
	if strings.ContainsAny(n.Message+n.Problem+s.message(strategyv1.ConditionNotified), "\r\n") || len(n.Message) > 512 {
		t.Errorf("%q, %q", n.Message, n.Problem)
	}
}

// TestWithoutAWebhookNothingIsKept: an incident of such a playbook has nothing of this.
func TestWithoutAWebhookNothingIsKept(t *testing.T) {
	s := newStory(t)
	s.mitigating()
	s.closed()
	if s.incident.Status.Notifications != nil || s.condition(strategyv1.ConditionNotified) != "" {
		t.Errorf("%+v", s.incident.Status.Notifications)
	}
}
