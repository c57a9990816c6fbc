package rollback_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/rollback"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Not in effect before the last pod of the old configuration is gone.
func TestRolloutMustBeComplete(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		says  string
	}{
		"the Deployment's controller has not seen it": {func(s *story) { s.Deployment.Status.ObservedGeneration-- }, "Deployment bot-core-scheduler"},
		"no new pod yet":                {func(s *story) { s.Deployment.Status.UpdatedReplicas = 0 }, "0 of 1 new pods"},
		"an old pod beside the new one": {func(s *story) { s.Deployment.Status.Replicas = 2 }, "Deployment bot-core-scheduler"},
		"not available":                 {func(s *story) { s.Deployment.Status.AvailableReplicas = 0 }, "0 of 1 new pods"},
		"paused":                        {func(s *story) { s.Deployment.Spec.Paused = true }, "is paused"},
		"an ending pod": {func(s *story) {
			s.Pods = append(s.Pods, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "old", DeletionTimestamp: new(metav1.NewTime(s.Now))}})
		}, "pod old is still ending"},
		"a pod of the old configuration": {func(s *story) {
			s.Pods = append(s.Pods, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "old"}})
		}, "pod old still runs the old configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rollingOut()
			s.Step()
			c.given(s)
			decision := s.plan()
			expect(t, "Ready", conditions.Reason(decision.Status.Conditions, strategyv1.ConditionReady), "RollingOut")
			if got := conditions.Message(decision.Status.Conditions, strategyv1.ConditionReady); !strings.Contains(got, c.says) {
				t.Errorf("it says %q, not %q", got, c.says)
			}
			expect(t, "actions", strings.Join(testkit.Describe(decision.Steps.InOrder()), "; "), "")
			expect(t, "next", decision.NextAt.Sub(s.Now).String(), "2s")
			faster := s.observed()
			faster.Pauses.Rollout = 300 * time.Millisecond
			expect(t, "next, where that is set", rollback.Plan(faster, s.Now).NextAt.Sub(s.Now).String(), "300ms")
			s.sinceWrite(179 * time.Second)
			s.pass()
			expect(t, "before the time-out", s.ready(), "RollingOut")
			s.sinceWrite(180 * time.Second)
			s.pass()
			expect(t, "after the time-out", s.ready(), "Reverting")
			if got := s.message(strategyv1.ConditionInEffect); !strings.Contains(got, "not in effect after 180 s") || !strings.Contains(got, c.says) {
				t.Errorf("InEffect says %q", got)
			}
		})
	}
	t.Run("a pod that has ended does not trade", func(t *testing.T) {
		s := newStory(t)
		s.rollingOut()
		s.Step()
		s.Pods = append(s.Pods, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "old"}, Status: corev1.PodStatus{Phase: corev1.PodFailed}})
		expect(t, "actions", strings.Join(testkit.Describe(s.plan().Steps.InOrder()), "; "), "create Job Proof/running-plan/1; tell Proving")
	})
}

// Whoever writes a PodTemplate gives the pods of checks their labels: those of the scheduler hold up no rollback.
func TestAPodOfACheckIsNoneOfTheScheduler(t *testing.T) {
	s := newStory(t)
	s.rollingOut()
	s.Step()
	s.Pods = append(s.Pods, checksPod())
	s.pass()
	expect(t, "Ready", s.ready(), "Proving")
}

// checksPod has the labels of the scheduler's pods.
func checksPod() corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "check", UID: "check", OwnerReferences: []metav1.OwnerReference{{Kind: "Job", Controller: new(true)}}}}
}

// Whoever may edit the ConfigMap says in its record when it was written: not that nobody ever hears of a change that is not in effect.
func TestARecordOfTheFutureMovesNoTimeOut(t *testing.T) {
	s := newStory(t)
	s.rollingOut()
	s.Step()
	s.Deployment.Status.AvailableReplicas = 0
	s.sinceWrite(180 * time.Second)
	state := s.Config().State
	state.Written = state.Written.AddDate(73, 0, 0)
	edits, err := state.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.Edits = edits
	s.pass()
	expect(t, "Ready", s.ready(), "Reverting")
}

func TestADeploymentThatIsGoneIsAPersonsBusiness(t *testing.T) {
	s := newStory(t)
	s.rollingOut()
	s.Step()
	s.Deployment = nil
	s.pass()
	expect(t, "Ready", s.ready(), "DeploymentNotFound")
	s.sinceWrite(180 * time.Second)
	s.pass()
	expect(t, "after the time-out", s.ready(), "Unproved")
	if s.Content == testkit.Document {
		t.Error("the edits are gone: not knowing is no reason to trade again")
	}
}

func TestTheTimeOutOfTheProof(t *testing.T) {
	for at, want := range map[time.Duration]string{179 * time.Second: "Proving", 180 * time.Second: "Unproved", 181 * time.Second: "Unproved"} {
		t.Run(at.String(), func(t *testing.T) {
			s := newStory(t)
			s.rollingOut()
			s.Step()
			s.pass()
			s.sinceWrite(at)
			s.pass()
			expect(t, "Ready", s.ready(), want)
		})
	}
}

func TestAStaleMountIsCuredByExactlyOneMoreRestart(t *testing.T) {
	for name, c := range map[string]struct {
		stale    int
		ready    string
		restarts int
	}{
		"no stale copy":                        {0, "Verified", 1},
		"one stale copy":                       {1, "Verified", 2},
		"stale again: not in effect, reverted": {2, "Reverted", 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Stale = c.stale
			s.approved()
			expect(t, "Ready", s.ready(), c.ready)
			if s.Restarts != c.restarts {
				t.Errorf("%d restarts, want %d", s.Restarts, c.restarts)
			}
		})
	}
}

func TestTwoRollbacksShareTheOneMoreRestart(t *testing.T) {
	a := newStory(t)
	b := a.beside("off2", testkit.Disable("slow"))
	for _, s := range []*story{a, b} {
		s.remedy("automatic")
		s.writerStopped = true
	}
	together(a, b) // both ask for their edits
	a.Stale = 1
	a.writes()
	together(a, b)
	expect(t, "the first", a.ready(), "Verified")
	expect(t, "the second", b.ready(), "Verified")
	if a.Writes != 1 || a.Restarts != 2 {
		t.Errorf("%d writes, %d restarts: want 1 and 2", a.Writes, a.Restarts)
	}
}

func TestAProofThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		remedy  string
		ready   string
		content bool // the edits are still there
	}{
		"reverts":                           {"disable", "Reverted", false},
		"is kept where the playbook says":   {"keep", "NotInEffect", true},
		"is kept without a remedy":          {"", "NotInEffect", true},
		"automatic remedies revert as well": {"automatic", "Reverted", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.remedy(c.remedy)
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK(), "Proof/running-plan": {JSON: `{"suspended":[]}`}})
			s.approved()
			expect(t, "Ready", s.ready(), c.ready)
			if got := s.Content != testkit.Document; got != c.content {
				t.Errorf("the edits are there: %v", got)
			}
			if !strings.Contains(s.message(strategyv1.ConditionReady), "a schedule still trades") {
				t.Errorf("it does not say why: %s", s.message(strategyv1.ConditionReady))
			}
		})
	}
}

func TestAProofThatCouldNotBeMeasuredKeepsTheChange(t *testing.T) {
	for name, report := range map[string]*testkit.Report{"the tool does not start": testkit.Broken(), "the tool says nothing": testkit.Mute()} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK(), "running-plan": report})
			s.approved()
			expect(t, "Ready", s.ready(), "Unproved")
			if s.Content == testkit.Document {
				t.Error("the edits are gone: not knowing is no reason to trade again")
			}
			for _, condition := range s.rollback.Status.Conditions {
				if condition.Type == strategyv1.ConditionInEffect && condition.Status != "Unknown" {
					t.Errorf("InEffect is %s", condition.Status)
				}
			}
			if !strings.Contains(s.message(strategyv1.ConditionReady), "kubectl strategy restore") {
				t.Errorf("no next step: %s", s.message(strategyv1.ConditionReady))
			}
		})
	}
}

func TestTheProofShowsThreeHashes(t *testing.T) {
	s := newStory(t)
	s.approved()
	proof := s.rollback.Status.Proof
	if proof == nil || proof.Edited != s.Config().SHA256 || proof.Stored != proof.Edited || proof.Running != proof.Edited {
		t.Errorf("%+v", proof)
	}
}

func TestWhatIsLoggedInAGoodStory(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "the log", s.events(), "rollback_requested approved check config_change check disabled check check verified restore_requested check config_change check restored")
	s.CheckTimeline(prefix, s.rollback.Status.Timeline, true)
	expect(t, "the configuration", s.Content, testkit.Document)
	if s.Writes != 2 || s.Restarts != 2 {
		t.Errorf("%d writes, %d restarts", s.Writes, s.Restarts)
	}
	if jobs := s.Jobs(); len(jobs) > 0 {
		t.Errorf("Jobs are left: %v", jobs)
	}
}
