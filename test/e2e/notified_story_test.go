//go:build e2e

package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/hack/demo/sinks"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// mailRotation has a mail address of everybody.
const mailRotation = `timeZone: Europe/Warsaw
people:
- {name: alice, contact: alice@example.com}
- {name: bob, contact: bob@example.com}
- {name: carol, contact: carol@example.com}
rotations:
- {level: L1, start: "2026-01-01 09:00", shift: 1w, members: [alice]}
- {level: L2, start: "2026-01-01 09:00", shift: 1w, members: [bob]}
- {level: TechLead, start: "2026-01-01 09:00", shift: 1w, members: [carol]}
`

// An incident goes from L1 over L2 to the technical lead. Each gets what is for them, over servers that are pods; each decision that is asked for is
// refused to whoever may not make it, and taken from whoever may.
func TestEachLevelIsToldAndAnswers(t *testing.T) {
	s := tell(t)
	playbook := s.quick("told")
	playbook.Spec.Triage.Escalate = nil
	playbook.Spec.Notifications = s.sinks()
	called := []strategyv1.NotificationEvent{strategyv1.NotifyLevelCalled}
	playbook.Spec.Notifications.Routes = []strategyv1.NotificationRoute{
		{Name: "on-call", Events: called, Channels: []string{"pager", "chat"}}, {Name: "by-mail", Events: called, Channels: []string{"mail"}},
		{Name: "approvers", Events: []strategyv1.NotificationEvent{strategyv1.NotifyAwaitingApproval}, Channels: []string{"chat"}},
		{Name: "owners", Channels: []string{"hook"}},
	}
	playbook.Spec.Escalation = &strategyv1.EscalationSpec{Rotation: s.rotation("oncall-by-mail", mailRotation)}
	incident := s.report("alice", s.playbook(playbook), nil)
	uid := string(incident.UID)

	s.gets(sinks.PagerDuty, `"trigger"`, uid+"/L1")
	s.gets(sinks.Mail, "alice@example.com", "L1 called", "kubectl strategy acknowledge "+incident.Name)
	s.gets(sinks.Webhook, `"LevelCalled"`, `"level":"L1"`)
	s.only("eve", "alice", strategyv1.DecisionAcknowledge, incident, "forbidden", `User "eve"`)
	s.only("eve", "alice", strategyv1.DecisionEscalate, incident, "forbidden", `User "eve"`)
	s.gets(sinks.PagerDuty, `"trigger"`, uid+"/L2")
	s.gets(sinks.Mail, "bob@example.com", "L2 called")

	rollback := s.rollbackOf(incident, time.Minute)
	s.gets(sinks.Slack, "approval needed", "kubectl strategy approve "+rollback.Name)
	s.decides("bob", strategyv1.DecisionEscalate, incident)
	s.gets(sinks.PagerDuty, `"trigger"`, uid+"/TechLead")
	s.gets(sinks.Mail, "carol@example.com", "TechLead called")
	s.only("alice", "bob", strategyv1.DecisionApprove, rollback, "alice may not Approve", "the verb approve on strategyrollbacks")
	s.reaches(rollback, "Verified", time.Minute)

	s.only("eve", "alice", strategyv1.DecisionResolve, incident, "forbidden", `User "eve"`)
	s.reaches(incident, "Resolved", 10*time.Second)
	for _, page := range []string{"/L1", "/L2", "/TechLead"} {
		s.gets(sinks.PagerDuty, `"resolve"`, uid+page)
	}
	for _, who := range []string{"alice", "bob", "carol"} { // each alone: the server refuses the stranger among them
		s.gets(sinks.Mail, who+"@example.com", "closed: ")
	}
	s.gets(sinks.Slack, "closed: ")
	s.gets(sinks.Webhook, `"Closed"`)
	s.everybodyKnows(incident)
}

// only lets one person try to decide, who is refused in these words, and then the one who may.
func (s *story) only(wrong, right string, verdict strategyv1.DecisionVerdict, about client.Object, words ...string) {
	s.Helper()
	_, err := s.decide(wrong, verdict, about)
	s.refused(err, words...)
	s.decides(right, verdict, about)
}

// rotation is a file of who is on call.
func (s *story) rotation(name, text string) *strategyv1.DocumentReference {
	s.Helper()
	file := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name, Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}}}
	file.Data = map[string]string{"oncall_rotation.yaml": text}
	s.must(admin.Create(s.ctx, file))
	s.Cleanup(func() {
		if err := admin.Delete(context.WithoutCancel(s.ctx), file); err != nil {
			s.Errorf("%v", err)
		}
	})
	return &strategyv1.DocumentReference{ConfigMapName: name, Key: "oncall_rotation.yaml"}
}

// everybodyKnows: nothing waits, nothing is lost, and that a mail server does not know somebody is said.
func (s *story) everybodyKnows(incident *strategyv1.StrategyIncident) {
	s.Helper()
	s.eventually("everything is delivered", 15*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		for _, n := range incident.Status.Notifications {
			if lifecycle.Pending(n) {
				return errors.New(n.Key + " waits: " + n.Problem)
			}
		}
		return nil
	})
	strangers := 0
	for _, n := range incident.Status.Notifications {
		if n.DropReason == strategyv1.DropUnreached {
			s.Errorf("nobody was told of %s: %s", n.Key, n.Problem)
		}
		if n.Problem == "channel mail: not told: stranger@example.com: the mail server answers 550" {
			strangers++
		}
	}
	if incident.Status.Unreached != nil || strangers < 4 {
		s.Errorf("unreached: %+v, and %d mails are said to have missed somebody", incident.Status.Unreached, strangers)
	}
}
