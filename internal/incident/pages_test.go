package incident_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
)

// withPager has a pager first, and a chat where it does not answer.
func (s *story) withPager() {
	s.routed(strategyv1.NotificationRoute{Name: "on-call", Events: []strategyv1.NotificationEvent{strategyv1.NotifyLevelCalled}, Channels: []string{"pager", "chat"}})
	s.Spec.Notifications.Channels = []strategyv1.ChannelSpec{
		{Name: "pager", Type: strategyv1.ChannelPagerDuty, URL: "https://events.pagerduty.com/v2/enqueue", SecretName: "pager"},
		{Name: "chat", Type: strategyv1.ChannelSlack, SecretName: "chat"},
		{Name: "other-pager", Type: strategyv1.ChannelPagerDuty, URL: "https://events.pagerduty.com/v2/enqueue", SecretName: "other"},
	}
}

// taken has a channel take what waits.
func (s *story) taken(channel, problem string) {
	for _, n := range s.incident.Status.Notifications {
		s.receipts[n.Key] = facts.Receipt{Attempts: 1, Delivered: s.Now, Channel: channel, Problem: problem}
	}
	s.quiet()
}

// ends are the ends that are told, each with its channel.
func (s *story) ends() string {
	var all []string
	for _, n := range s.incident.Status.Notifications {
		if n.Event == strategyv1.NotifyClosed || n.Event == strategyv1.NotifyPageEnded {
			all = append(all, string(n.Event)+" "+n.ChannelName)
		}
	}
	return strings.Join(all, "; ")
}

// TestAPageEndsThatNobodyKnowsOf: whatever became of the answer, a page that may be open is resolved when the incident is over. A pager that can
// have got nothing is left alone.
func TestAPageEndsThatNobodyKnowsOf(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		want  string
	}{
		"the pager took it":                         {func(s *story) { s.taken("pager", "") }, "Closed pager"},
		"its answer was lost, and the chat took it": {func(s *story) { s.taken("chat", "channel pager: the server gives no answer") }, "PageEnded pager; Closed chat"},
		"it is on its way":                          {func(*story) {}, "PageEnded pager"},
		"it was on its way when somebody answered": {
			func(s *story) {
				s.Now = s.Now.Add(time.Minute)
				s.decide(strategyv1.DecisionAcknowledge, "bob")
				s.quiet()
			}, "PageEnded pager",
		},
		"what it took is not kept any more": {
			func(s *story) {
				s.taken("pager", "")
				for i := range s.incident.Status.Notifications { // 64 others came after it
					s.incident.Status.Notifications[i].ChannelName, s.incident.Status.Notifications[i].RouteName = "chat", ""
				}
				one := s.incident.Status.Notifications[0]
				for len(s.incident.Status.Notifications) < 64 {
					one.Key += "x"
					s.incident.Status.Notifications = append(s.incident.Status.Notifications, one)
				}
			}, "PageEnded pager; PageEnded other-pager; Closed chat",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.withPager()
			s.quiet()
			c.given(s)
			s.closed()
			expect(t, "ends", s.ends(), c.want)
		})
	}
}

// TestADeadPagerAtTheEndIsNobodyUntold: nobody waits for the end of a page that may not even be there; but that it did not get through is said.
func TestADeadPagerAtTheEndIsNobodyUntold(t *testing.T) {
	s := newStory(t)
	s.withPager()
	s.quiet()
	s.taken("chat", "channel pager: the server gives no answer")
	s.closed()
	for _, n := range s.incident.Status.Notifications {
		s.receipts[n.Key] = facts.Receipt{Attempts: 5, Problem: "channel pager: the server gives no answer"}
		if n.Event != strategyv1.NotifyPageEnded {
			s.receipts[n.Key] = facts.Receipt{Attempts: 1, Delivered: s.Now, Channel: "chat"}
		}
	}
	s.quiet()
	expect(t, "while it is tried", s.condition(strategyv1.ConditionNotified), "True/Delivered")
	s.Now = s.Now.Add(5 * time.Hour)
	s.quiet()
	if s.incident.Status.Unreached != nil {
		t.Errorf("nobody was told: %+v", s.incident.Status.Unreached)
	}
	for _, n := range s.incident.Status.Notifications {
		if n.Event == strategyv1.NotifyPageEnded && (n.DropReason != strategyv1.DropNotNeeded || !strings.Contains(n.Problem, "look whether a page is still open")) {
			t.Errorf("%+v", n)
		}
	}
}

// TestAnIncidentThatIsOpenAgainKeepsItsPages.
func TestAnIncidentThatIsOpenAgainKeepsItsPages(t *testing.T) {
	s := newStory(t)
	s.withPager()
	s.quiet()
	s.taken("chat", "channel pager: the server gives no answer")
	s.closed()
	s.reopen()
	s.quiet()
	for _, n := range s.incident.Status.Notifications {
		if n.Event == strategyv1.NotifyPageEnded && n.DropReason != strategyv1.DropNotNeeded {
			t.Errorf("%+v", n)
		}
	}
}
