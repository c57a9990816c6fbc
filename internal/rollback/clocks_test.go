package rollback_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// The API server's clock, which stamps decisions, Jobs and pods, is wrong by six hours: no time box gets longer than it is, it ends all the same,
// and what was decided is done or answered.
func TestAClockThatIsWrongMakesNoTimeBoxLonger(t *testing.T) {
	for _, shift := range []time.Duration{-6 * time.Hour, 6 * time.Hour} {
		for name, wrong := range map[string]func(*story){
			"of whoever renews it": func(s *story) { s.approved(); s.Now = s.Now.Add(time.Hour); s.shifted(strategyv1.DecisionRenew, shift) },
			"of whoever approves":  func(s *story) { s.quiet(); s.shifted(strategyv1.DecisionApprove, shift) },
			"of whoever asks for it": func(s *story) {
				s.rollback.CreationTimestamp = metav1.NewTime(s.Now.Add(shift))
				s.approved()
			},
			"of the pods": func(s *story) {
				s.approved()
				s.Pods[0].CreationTimestamp = metav1.NewTime(s.Pods[0].CreationTimestamp.Add(shift))
			},
		} {
			t.Run(shift.String()+" "+name, func(t *testing.T) {
				s := newStory(t)
				wrong(s)
				decided := s.Now
				s.quiet()
				if until := s.rollback.Status.Plan.Until; until.After(decided.Add(4 * time.Hour)) {
					t.Errorf("the time box ends at %s, %s after the decision", until, until.Sub(decided))
				}
				for _, one := range s.decided {
					if s.Answers[one.UID].Outcome == "" {
						t.Errorf("%s hears nothing: %s", one.Name, s.message(strategyv1.ConditionReady))
					}
				}
				s.Now = s.rollback.Status.Plan.Until.Add(time.Second)
				s.quiet()
				if conditions.True(s.rollback.Status.Conditions, strategyv1.ConditionInEffect) {
					t.Errorf("the time box is over, and InEffect is %s", s.effect())
				}
			})
		}
	}
}

// shifted decides as the API server's clock says, which is wrong by so much.
func (s *story) shifted(verdict strategyv1.DecisionVerdict, shift time.Duration) {
	s.decide(verdict, "bob")
	s.decided[len(s.decided)-1].Time = metav1.NewTime(s.Now.Add(shift))
}
