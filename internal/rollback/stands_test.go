package rollback_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// effect is what is said of the change.
func (s *story) effect() string {
	for _, condition := range s.rollback.Status.Conditions {
		if condition.Type == strategyv1.ConditionInEffect {
			return string(condition.Status) + "/" + condition.Reason
		}
	}
	return "nothing"
}

// restarts is somebody's restart of the scheduler, or its crash.
func (s *story) restarts() {
	s.Pods = []corev1.Pod{{
		ObjectMeta: metav1.ObjectMeta{Name: "scheduler-x", UID: "x", CreationTimestamp: metav1.NewTime(s.Now)},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: running(s.Now)},
	}}
	s.Running = s.Content
}

// What stands of a change is a fact whatever else is wrong: nobody may read that it is in effect when the scheduler may trade.
func TestWhatWasOverwrittenIsNotInEffectAfterTheNextStart(t *testing.T) {
	invalid := &facts.Problem{Reason: strategyv1.ReasonConfigInvalid, Message: "line 3"}
	gone := &facts.Problem{Reason: strategyv1.ReasonConfigMapNotFound, Message: "it does not exist"}
	overwritten := func(s *story) { s.Edit(testkit.Document) }
	started := func(s *story) { s.restarts() }
	for name, c := range map[string]struct {
		given, then func(*story)
		effect      string
	}{
		"nothing happened": {func(*story) {}, func(*story) {}, "True/Proved"},
		"only restarted":   {func(*story) {}, started, "True/Proved"},
		"only overwritten": {overwritten, func(*story) {}, "True/Proved"},
		"and a check with the scheduler's labels runs": {overwritten, func(s *story) { s.Pods = append(s.Pods, checksPod()) }, "True/Proved"},
		"and restarted":                  {overwritten, started, "Unknown/Overwritten"},
		"and a container started again":  {overwritten, func(s *story) { s.Pods[0].Status.ContainerStatuses = running(s.Now) }, "Unknown/Overwritten"},
		"and a container waits to start": {overwritten, func(s *story) { s.Pods[0].Status.ContainerStatuses = make([]corev1.ContainerStatus, 1) }, "Unknown/Overwritten"},
		"and its containers are old":     {overwritten, func(s *story) { s.Pods[0].Labels = map[string]string{"seen": "again"} }, "True/Proved"},
		"and restarted, and the clock of the API server is hours behind": {overwritten, func(s *story) {
			s.restarts()
			s.Pods[0].CreationTimestamp = metav1.NewTime(testkit.T0.Add(-5 * time.Hour))
			s.Pods[0].Status.ContainerStatuses = running(testkit.T0.Add(-5 * time.Hour))
		}, "Unknown/Overwritten"},
		"and a container started again, and the clock of its node is hours behind": {overwritten, func(s *story) {
			s.Pods[0].Status.ContainerStatuses = running(testkit.T0.Add(-5 * time.Hour))
			s.Pods[0].Status.ContainerStatuses[0].RestartCount = 1
		}, "Unknown/Overwritten"},
		"and the clock of the API server was hours ahead all the time": {overwritten, func(s *story) {
			s.Pods[0].CreationTimestamp = metav1.NewTime(testkit.T0.Add(5 * time.Hour))
		}, "True/Proved"},
		"and no pod is left":          {overwritten, func(s *story) { s.Pods = nil }, "Unknown/Overwritten"},
		"and the pods cannot be read": {overwritten, func(s *story) { s.Pods, s.podsProblem = nil, &facts.Problem{Retry: time.Second} }, "True/Proved"},
		"restarted while on hold":     {overwritten, func(s *story) { s.suspended = true; s.restarts() }, "Unknown/Overwritten"},
		"restarted, and no log":       {overwritten, func(s *story) { s.logProblem = invalid; s.restarts() }, "Unknown/Overwritten"},
		"restarted while it is deleted": {overwritten, func(s *story) {
			s.rollback.Spec.DeletionPolicy = "Restore"
			s.suspended = true
			s.Delete("off")
			s.restarts()
		}, "Unknown/Overwritten"},
		"restarted on what cannot be read": {func(s *story) { s.configProblem = invalid }, started, "Unknown/Overwritten"},
		"restarted, and it is gone":        {func(s *story) { s.configProblem = gone }, started, "Unknown/Overwritten"},
		"replaced with its record":         {func(s *story) { s.Edit(testkit.Document); s.Edits = "" }, started, "Unknown/Overwritten"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.approved()
			contained := lifecycle.Contains(s.rollback.Status)
			s.Now = s.Now.Add(time.Minute)
			c.given(s)
			s.quiet()
			s.Now = s.Now.Add(time.Minute)
			c.then(s)
			s.quiet()
			expect(t, "InEffect", s.effect(), c.effect)
			if !contained || lifecycle.Contains(s.rollback.Status) != (c.effect == "True/Proved") {
				t.Errorf("contained before: %v, now: %v", contained, !contained)
			}
		})
	}
}

// Who wrote last is said as far as the ConfigMap tells, in the name that they chose.
func TestTheWriterIsNamedWhereAChangeWasOverwritten(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.Writer = &gitops.Writer{Manager: "kubectl-edit", Time: testkit.T0}
	s.quiet()
	if said := s.message(strategyv1.ConditionApplied); strings.Contains(said, "kubectl-edit") {
		t.Errorf("nothing was overwritten: %s", said)
	}
	s.Edit(testkit.Document)
	s.quiet()
	if said := s.message(strategyv1.ConditionApplied); !strings.Contains(said, `A writer that calls itself "kubectl-edit" wrote it last, at `+testkit.T0.Format(time.RFC3339)+". Who changed it: kubectl get") {
		t.Error(said)
	}
}

func running(since time.Time) []corev1.ContainerStatus {
	return []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(since)}}}}
}

// Somebody puts back what was overwritten: that the scheduler has it in force nobody knows, until it was renewed or undone.
func TestWhatIsPutBackAfterARestartIsNotTakenForInEffect(t *testing.T) {
	for name, c := range map[string]struct {
		verdict strategyv1.DecisionVerdict
		ready   string
		effect  string
	}{
		"it is asked for": {"", "Overwritten", "Unknown/Overwritten"},
		"renewed":         {strategyv1.DecisionRenew, "Verified", "True/Proved"},
		"restored":        {strategyv1.DecisionRestore, "Restored", "False/Restored"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.approved()
			ours := s.Content
			s.Now = s.Now.Add(time.Minute)
			s.Edit(testkit.Document)
			s.restarts()
			s.quiet()
			s.Edit(ours)
			s.quiet()
			expect(t, "Applied", s.message(strategyv1.ConditionApplied), "the configuration holds the edits")
			if message := s.message(strategyv1.ConditionReady); !strings.Contains(message, "kubectl strategy renew off") || !strings.Contains(message, "kubectl strategy restore off") {
				t.Errorf("it does not say what to do: %s", message)
			}
			if c.verdict != "" {
				s.decide(c.verdict, "bob")
				s.quiet()
			}
			expect(t, "Ready", s.ready(), c.ready)
			expect(t, "InEffect", s.effect(), c.effect)
		})
	}
}

// A ConfigMap that is replaced together with the record is somebody's will: it is shown, and not written again.
func TestWhatWasReplacedIsNotWrittenAgain(t *testing.T) {
	for name, at := range map[string]func(*story){
		"in force": func(s *story) { s.approved() },
		"before it was proved": func(s *story) {
			s.writerStopped = true
			s.approved()
			s.writes()
			s.pass()
			s.writerStopped = false
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			at(s)
			s.Edit(testkit.Document)
			s.Edits = ""
			s.quiet()
			s.quiet()
			if s.Writes != 1 || s.Content != testkit.Document {
				t.Errorf("%d writes:\n%s", s.Writes, s.Content)
			}
			expect(t, "Ready", s.ready(), "Overwritten")
			if message := s.message(strategyv1.ConditionReady); !strings.Contains(message, "was replaced together with the record") {
				t.Error(message)
			}
			s.decide(strategyv1.DecisionRestore, "carol")
			s.quiet()
			expect(t, "undone", s.ready(), "Restored")
			if s.Content != testkit.Document {
				t.Errorf("restored to\n%s", s.Content)
			}
		})
	}
}

// An older record that comes back, from a backup, is not what was approved last.
func TestAnOlderRecordIsNotWrittenAgain(t *testing.T) {
	s := newStory(t)
	s.approved()
	content, edits := s.Content, s.Edits
	s.Now = s.Now.Add(time.Hour)
	s.decide(strategyv1.DecisionRenew, "bob")
	s.quiet()
	expect(t, "renewed", s.ready(), "Verified")
	writes := s.Writes
	s.Edit(content)
	s.Edits = edits
	s.quiet()
	if s.Writes != writes {
		t.Errorf("%d writes more", s.Writes-writes)
	}
	expect(t, "Ready", s.ready(), "Overwritten")
}

// The end of the time box is a fact, too: the scheduler trades again by itself.
func TestTheTimeBoxEndsWhateverIsWrong(t *testing.T) {
	bad := &facts.Problem{Reason: strategyv1.ReasonConfigInvalid, Message: "line 3"}
	gone := &facts.Problem{Reason: strategyv1.ReasonConfigMapNotFound, Message: "it does not exist"}
	for name, c := range map[string]func(*story){
		"the namespace is not served":     func(s *story) { s.notServed = bad },
		"the playbook cannot be read":     func(s *story) { s.playbookProblem = bad },
		"the log cannot be read":          func(s *story) { s.logProblem = bad },
		"the configuration is bad":        func(s *story) { s.configProblem = bad },
		"the configuration is gone":       func(s *story) { s.configProblem = gone },
		"it was replaced with its record": func(s *story) { s.Edit(testkit.Document); s.Edits = "" },
		"it is on hold":                   func(s *story) { s.suspended = true },
		"it is deleted, and on hold":      func(s *story) { s.rollback.Spec.DeletionPolicy = "Restore"; s.suspended = true; s.Delete("off") },
		"it is being undone, and nobody can read the configuration": func(s *story) {
			s.writerStopped = true
			s.rollback.Spec.DesiredState = strategyv1.StateRestored
			s.quiet()
			s.configProblem = bad
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.approved()
			c(s)
			s.pass()
			s.At(4*time.Hour + time.Second)
			s.pass()
			if effect := s.effect(); strings.HasPrefix(effect, "True") {
				t.Errorf("InEffect is %s; %s", effect, s.message(strategyv1.ConditionReady))
			}
		})
	}
}

// The scheduler is asked for what was approved, not for what somebody made of it before it was asked.
func TestTheProofAsksForWhatWasPlanned(t *testing.T) {
	for name, c := range map[string]struct {
		given    func(*story)
		old, new string
	}{
		"an allocation": {func(s *story) { s.allocation() }, "cross: 0.0", "cross: 0.6"},
		"a schedule":    {func(*story) {}, "fast", "slow"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			for i := range s.Spec.Checks { // a proof that looks at nothing
				if s.Spec.Checks[i].Name == s.Spec.Scheduler.Proof.Check {
					s.Spec.Checks[i].Verdicts = []strategyv1.VerdictRule{{When: "true", Verdict: strategyv1.VerdictPass}}
				}
			}
			s.writerStopped = true
			s.approved()
			s.writes()
			s.Edit(strings.ReplaceAll(s.Content, c.old, c.new))
			s.quiet()
			expect(t, "Ready", s.ready(), "Overwritten")
			if effect := s.effect(); effect != "nothing" {
				t.Errorf("InEffect is %s", effect)
			}
			s.Now = s.Now.Add(time.Hour)
			s.pass()
			expect(t, "never in effect", s.effect(), "False/NotInEffect")
		})
	}
}

// Rules of the checks after it, too, see what was planned.
func TestChecksAfterAChangeSeeWhatWasPlanned(t *testing.T) {
	s := newStory(t)
	s.allocation()
	s.rollback.Spec.RemediationName = "disable"
	for i := range s.Spec.Checks {
		if s.Spec.Checks[i].Name == "smoke" {
			s.Spec.Checks[i].Verdicts = []strategyv1.VerdictRule{
				{When: "rollback.allocations[0].allocation == '0.0' && rollback.allocations[0].bucket == 'cross'", Verdict: strategyv1.VerdictPass},
				{When: "true", Verdict: strategyv1.VerdictFail},
			}
		}
	}
	s.reports(reports{"load": testkit.OK()})
	s.approved()
	s.Edit(strings.Replace(s.Content, "cross: 0.0", "cross: 0.6", 1))
	s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK()})
	s.quiet()
	verified := conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionVerified)
	expect(t, "Verified", verified, strategyv1.ReasonVerified)
}
