package incident_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// asksWith has the rollback of the incident need a person, who reads this.
func (s *story) asksWith(message string) {
	s.Now = s.Now.Add(time.Second)
	s.rollbackIs(strategyv1.ReasonGuardExceeded, metav1.ConditionFalse, metav1.ConditionTrue)
	for _, rollback := range s.Rollbacks {
		conditions.Set(&rollback.Status.Conditions, s.Now, 1, strategyv1.ConditionReady, metav1.ConditionFalse, strategyv1.ReasonGuardExceeded, message)
	}
	s.quiet()
}

// plansAnew has the rollback wait for somebody who may approve this revision of its plan.
func (s *story) plansAnew(revision int64) {
	for _, rollback := range s.Rollbacks {
		rollback.Status.Plan = &strategyv1.RollbackPlan{Revision: revision}
	}
	s.awaitsApproval()
}

func (s *story) loseLog() {
	s.logProblem = &facts.Problem{Reason: strategyv1.ReasonEvidenceUnavailable, Message: "the log cannot be read"}
	s.quiet()
}

func (s *story) findLog() { s.logProblem = nil; s.quiet() }

// TestWhatIsAskedIsToldAsLongAsItIsAsked: each question once, none after it is not asked any more, and none lost on the way.
func TestWhatIsAskedIsToldAsLongAsItIsAsked(t *testing.T) {
	const called = "LevelCalled L1 dropped; LevelCalled L2 delivered; "
	for name, c := range map[string]struct {
		given func(*story)
		want  string
	}{
		"two questions in one wait": {
			func(s *story) { s.asksWith("the guard"); s.deliver(); s.asksWith("a conflict") }, "PersonAsked L2 delivered; PersonAsked L2 waits",
		},
		"the first was not told yet, and is not asked any more": {
			func(s *story) { s.asksWith("the guard"); s.asksWith("a conflict") }, "PersonAsked L2 dropped; PersonAsked L2 waits",
		},
		"its numbers change": {
			func(s *story) { s.asksWith("drawdown_pct is -4.31"); s.deliver(); s.asksWith("drawdown_pct is 5") }, "PersonAsked L2 delivered",
		},
		"the first is asked again": {
			func(s *story) { s.asksWith("the guard"); s.asksWith("a conflict"); s.asksWith("the guard") }, "PersonAsked L2 waits; PersonAsked L2 dropped",
		},
		"the first was told, and is asked again": {
			func(s *story) {
				s.asksWith("the guard")
				s.deliver()
				s.asksWith("a conflict")
				s.asksWith("the guard")
			},
			"PersonAsked L2 delivered; PersonAsked L2 dropped",
		},
		"an acknowledgement ends, and it is still asked": {
			func(s *story) {
				s.asksWith("the guard")
				s.At(time.Minute)
				s.decide(strategyv1.DecisionAcknowledge, "bob")
				s.quiet()
				expect(t, "while bob is on it", s.told(), called+"PersonAsked L2 dropped")
				s.At(12 * time.Minute)
				s.quiet()
			}, "PersonAsked L2 waits",
		},
		"an approval is waited for, and the log cannot be read for a moment": {
			func(s *story) {
				s.awaitsApproval()
				s.loseLog()
				expect(t, "meanwhile", s.told(), called+"AwaitingApproval L2 dropped; PersonAsked L2 waits")
				s.findLog()
			}, "AwaitingApproval L2 waits; PersonAsked L2 dropped",
		},
		"another plan is another question": {
			func(s *story) { s.plansAnew(1); s.deliver(); s.plansAnew(2) }, "AwaitingApproval L2 delivered; AwaitingApproval L2 waits",
		},
		"the plan changed before anybody was told of it": {
			func(s *story) { s.plansAnew(1); s.plansAnew(2) }, "AwaitingApproval L2 dropped; AwaitingApproval L2 waits",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.withWebhook()
			s.mitigating()
			s.deliver()
			c.given(s)
			expect(t, "told", s.told(), called+c.want)
		})
	}
}

// TestNotifiedNamesAllThatFailed, and is True only if nothing did.
func TestNotifiedNamesAllThatFailed(t *testing.T) {
	s := newStory(t)
	s.withWebhook()
	s.mitigating()
	s.deliver()
	expect(t, "all delivered", s.condition(strategyv1.ConditionNotified), "True/Delivered")
	s.asksWith("the guard")
	expect(t, "one on the way", s.condition(strategyv1.ConditionNotified)+": "+s.message(strategyv1.ConditionNotified), "True/Delivered: what was tried was delivered; 1 more on the way")
	s.fails(3, "the server answers HTTP 500")
	s.At(time.Minute)
	s.rollbackIs(strategyv1.ReasonApplying, metav1.ConditionFalse, metav1.ConditionFalse)
	s.quiet() // nothing is asked any more
	s.awaitsApproval()
	s.fails(3, "the server answers HTTP 403")
	expect(t, "one fails", s.condition(strategyv1.ConditionNotified), "False/NotDelivered")
	s.At(20 * time.Minute) // the lead is called
	s.quiet()
	for key, receipt := range s.receipts {
		if strings.Contains(key, "TechLead") {
			t.Fatalf("receipt %s %v", key, receipt)
		}
	}
	s.fails(3, "no answer")
	message := s.message(strategyv1.ConditionNotified)
	for _, want := range []string{"LevelCalled TechLead: no answer", "given up so far: 1", "AwaitingApproval L2", "HTTP 403"} {
		if !strings.Contains(message, want) {
			t.Errorf("Notified does not say %q: %s\n%s", want, message, s.told())
		}
	}
	s.At(21 * time.Minute)
	s.deliver()
	expect(t, "the lead was reached, the approver was not", s.condition(strategyv1.ConditionNotified), "False/PartlyDelivered")
}

// TestWhatFindsNoRoomIsCounted: a notification that is dropped for want of room is one that nobody got.
func TestWhatFindsNoRoomIsCounted(t *testing.T) {
	s := newStory(t)
	s.withWebhook()
	s.Spec.Diagnosis.RespondWithinSeconds = 86400
	s.mitigating()
	for i := range 80 { // delivered or not, L2 is called once more each time
		s.At(time.Duration(i) * time.Second)
		s.asksWith("question " + string(rune('a'+i/26)) + string(rune('a'+i%26)))
		for at := range s.incident.Status.Notifications { // a plan that asks all of them at once
			n := &s.incident.Status.Notifications[at]
			n.DroppedTime, n.DropReason, n.Problem, n.Question = nil, "", "", ""
		}
	}
	unreached := s.incident.Status.Unreached
	if unreached == nil || unreached.Times < 8 || !strings.Contains(unreached.Problem, "too many wait") || s.condition(strategyv1.ConditionNotified) != "False/NotDelivered" {
		t.Errorf("%+v, %s", unreached, s.condition(strategyv1.ConditionNotified))
	}
}

// TestOvertakenWithoutATry: a level that should have been told long ago, and was not even tried, was not reached.
func TestOvertakenWithoutATry(t *testing.T) {
	s := newStory(t)
	s.withWebhook()
	s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
	s.Spec.Triage.Escalate = nil
	s.quiet()
	s.At(5 * time.Minute)
	s.quiet()
	expect(t, "told", s.told(), "LevelCalled L1 unreached; LevelCalled L2 waits")
	expect(t, "says so", s.condition(strategyv1.ConditionNotified), "False/NotDelivered")
}

// TestAMoreSevereAlertIsToldWhateverCannotBeRead: neither its playbook nor its log decides whether people hear of it.
func TestAMoreSevereAlertIsToldWhateverCannotBeRead(t *testing.T) {
	for name, lose := range map[string]func(*story){
		"all can be read": func(*story) {}, "no playbook": (*story).losePlaybook, "no log": (*story).loseLog,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.withWebhook()
			s.incident.Spec.Severity = "Warning"
			s.quiet()
			s.deliver()
			s.Now = s.Now.Add(time.Minute)
			lose(s)
			s.alerted("a", "Critical", strategyv1.AlertFiring)
			s.quiet()
			if !strings.Contains(s.told(), "LevelCalled L1 delivered; ") || !strings.Contains(s.told(), "LevelCalled L1 waits") || s.incident.Status.Severity != "Critical" {
				t.Errorf("severity %s, told %s", s.incident.Status.Severity, s.told())
			}
		})
	}
}

// routed has the playbook tell different people of different things.
func (s *story) routed(routes ...strategyv1.NotificationRoute) {
	s.withWebhook()
	s.Spec.Notifications.Routes = routes
}

// byRoute is each notification with its route.
func (s *story) byRoute() string {
	var all []string
	for _, n := range s.incident.Status.Notifications {
		to := cmp.Or(n.RouteName, "all")
		if n.Event == strategyv1.NotifyClosed {
			to = cmp.Or(n.RouteName, n.ChannelName, "all")
		}
		all = append(all, fmt.Sprintf("%s %s to %s", n.Event, n.Level, to))
	}
	return strings.Join(all, "; ")
}

// TestRoutes: each that matches is told; what somebody must act on finds somebody, and news goes to whoever wants it.
func TestRoutes(t *testing.T) {
	only := func(name string, events ...strategyv1.NotificationEvent) strategyv1.NotificationRoute {
		return strategyv1.NotificationRoute{Name: name, Events: events, Channels: []string{"hook"}}
	}
	lead := strategyv1.NotificationRoute{Name: "lead", Levels: []strategyv1.Level{strategyv1.LevelLead}, Channels: []string{"hook"}}
	for name, c := range map[string]struct {
		routes []strategyv1.NotificationRoute
		want   string
	}{
		"none":                                {nil, "LevelCalled L1 to all; LevelCalled L2 to all; LevelCalled TechLead to all; Closed TechLead to hook"},
		"news for one":                        {[]strategyv1.NotificationRoute{{Name: "owners", Events: []strategyv1.NotificationEvent{strategyv1.NotifyClosed}, Channels: []string{"mail"}}}, "LevelCalled L1 to all; LevelCalled L2 to all; LevelCalled TechLead to all; Closed TechLead to hook; Closed TechLead to owners"},
		"calls for one, who hears of the end": {[]strategyv1.NotificationRoute{only("calls", strategyv1.NotifyLevelCalled)}, "LevelCalled L1 to calls; LevelCalled L2 to calls; LevelCalled TechLead to calls; Closed TechLead to hook"},
		"one level":                           {[]strategyv1.NotificationRoute{lead}, "LevelCalled L1 to all; LevelCalled L2 to all; LevelCalled TechLead to lead; Closed TechLead to hook"},
		"several":                             {[]strategyv1.NotificationRoute{only("everything"), lead}, "LevelCalled L1 to everything; LevelCalled L2 to everything; LevelCalled TechLead to everything; LevelCalled TechLead to lead; Closed TechLead to hook"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.routed(c.routes...)
			s.quiet()
			s.deliver()
			for _, at := range []time.Duration{5, 20} {
				s.At(at * time.Minute)
				s.quiet()
				s.deliver()
			}
			s.closed()
			expect(t, "told", s.byRoute(), c.want)
		})
	}
}

// TestTheEndGoesWhereACallWasTakenJustNow: what is heard in the pass that closes it counts.
func TestTheEndGoesWhereACallWasTakenJustNow(t *testing.T) {
	s := newStory(t)
	s.routed(strategyv1.NotificationRoute{Name: "calls", Events: []strategyv1.NotificationEvent{strategyv1.NotifyLevelCalled}, Channels: []string{"hook"}})
	s.quiet()
	s.receipts[s.incident.Status.Notifications[0].Key] = facts.Receipt{Attempts: 1, Delivered: s.Now, Channel: "hook"}
	s.closed()
	expect(t, "told", s.byRoute(), "LevelCalled L1 to calls; Closed L1 to hook")
}

// TestAChannelThatDoesNotTakeItIsTold, though another one did.
func TestAChannelThatDoesNotTakeItIsTold(t *testing.T) {
	s := newStory(t)
	s.withWebhook()
	s.quiet()
	s.receipts[s.incident.Status.Notifications[0].Key] = facts.Receipt{Attempts: 1, Delivered: s.Now, Channel: "mail", Problem: "channel hook: the server answers HTTP 500"}
	s.quiet()
	n := s.incident.Status.Notifications[0]
	if n.ChannelName != "mail" || n.DeliveredTime == nil || n.Problem != "channel hook: the server answers HTTP 500" || s.condition(strategyv1.ConditionNotified) != "True/ChannelFailed" {
		t.Errorf("%+v, %s", n, s.condition(strategyv1.ConditionNotified))
	}
}

// TestWhoLooksAfterDataHearsOfAFeed that was switched, once.
func TestWhoLooksAfterDataHearsOfAFeed(t *testing.T) {
	s := newStory(t)
	s.routed(strategyv1.NotificationRoute{Name: "data-team", Events: []strategyv1.NotificationEvent{strategyv1.NotifyFeedSwitched}, Channels: []string{"hook"}})
	s.mitigating()
	for _, rollback := range s.Rollbacks {
		rollback.Spec.Actions = []strategyv1.RollbackAction{{Type: strategyv1.ActionSwitchFeed, Feed: "spot"}}
	}
	s.verified()
	s.quiet()
	expect(t, "told", s.byRoute(), "LevelCalled L1 to all; LevelCalled L2 to all; FeedSwitched L2 to data-team")
}
