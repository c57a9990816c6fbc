package incident_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// shifted decides as the API server's clock says, which is wrong by so much.
func (s *story) shifted(verdict strategyv1.DecisionVerdict, by string, shift time.Duration) {
	s.decide(verdict, by)
	s.foresees = true
	s.decided[len(s.decided)-1].Time = metav1.NewTime(s.Now.Add(shift))
}

// Clocks of others are wrong by six hours: the reporter's, or the API server's, which stamps what is created. No deadline is switched off by it,
// and none is met: after two hours in which nobody does anything every level was called.
func TestAClockThatIsWrongSwitchesNothingOff(t *testing.T) {
	for _, shift := range []time.Duration{-6 * time.Hour, 6 * time.Hour} {
		for name, wrong := range map[string]func(s *story){
			"of the reporter": func(s *story) { s.incident.Spec.DetectedTime = new(metav1.NewTime(testkit.T0.Add(shift))) },
			"of the API server, which creates it": func(s *story) {
				s.incident.CreationTimestamp = metav1.NewTime(testkit.T0.Add(shift))
			},
			"of both": func(s *story) {
				s.incident.CreationTimestamp = metav1.NewTime(testkit.T0.Add(shift))
				s.incident.Spec.DetectedTime = new(metav1.NewTime(testkit.T0.Add(2 * shift)))
			},
			"of whoever acknowledges it": func(s *story) { s.quiet(); s.shifted(strategyv1.DecisionAcknowledge, "bob", shift) },
			"of whoever calls L2":        func(s *story) { s.quiet(); s.shifted(strategyv1.DecisionEscalate, "bob", shift) },
			"of whoever reopens it": func(s *story) {
				s.quiet()
				s.shifted(strategyv1.DecisionResolve, "bob", shift)
				s.quiet()
				s.Now = s.Now.Add(time.Second)
				s.shifted(strategyv1.DecisionReopen, "carol", shift)
			},
		} {
			for rule, spec := range map[string]func(*strategyv1.StrategyPlaybookSpec){
				"by rules of time": func(*strategyv1.StrategyPlaybookSpec) {},
				"by deadlines":     func(spec *strategyv1.StrategyPlaybookSpec) { spec.Triage.Escalate = nil },
			} {
				t.Run(shift.String()+" "+name+", "+rule, func(t *testing.T) {
					s := newStory(t)
					spec(&s.Spec)
					wrong(s)
					for range 12 {
						s.quiet()
						s.Now = s.Now.Add(10 * time.Minute)
					}
					s.quiet()
					if s.incident.Status.ClosedTime != nil {
						return // its decision is not newer than its end, by the clocks; it was refused, and told
					}
					expect(t, "level", string(s.incident.Status.Level), "TechLead")
					expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), "False/DeadlinePassed")
					before := int64(0)
					for _, entry := range s.incident.Status.Timeline {
						if entry.Seq != before+1 {
							t.Errorf("entry %d follows %d", entry.Seq, before)
						}
						before = entry.Seq
					}
				})
			}
		}
	}
}
