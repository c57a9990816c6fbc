package incident_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/testkit"
)

func (s *story) verified() {
	s.T.Helper()
	s.rollbackIs(strategyv1.ReasonVerified, metav1.ConditionTrue, metav1.ConditionFalse)
	s.quiet()
}

func (s *story) restored() {
	s.T.Helper()
	for _, rollback := range s.Rollbacks {
		conditions.Set(&rollback.Status.Conditions, s.Now, 1, strategyv1.ConditionRestored, metav1.ConditionTrue, strategyv1.ReasonRestored, "as it was")
	}
	s.rollbackIs(strategyv1.ReasonRestored, metav1.ConditionTrue, metav1.ConditionFalse)
	s.quiet()
}

// fired sets the state of the incident's only alert.
func (s *story) fired(state strategyv1.AlertState) { s.alerted("f1", "Critical", state) }

// Restored is not resolved: it must stay quiet for two minutes.
func TestRecovery(t *testing.T) {
	for name, c := range map[string]struct {
		after func(*story) // the restore, ten minutes after the start
		at    time.Duration
		ready string
	}{
		"right after the restore":                     {nil, 10 * time.Minute, "False/Recovering"},
		"a second before it was quiet long enough":    {nil, 719 * time.Second, "False/Recovering"},
		"quiet long enough":                           {nil, 720 * time.Second, "True/Resolved"},
		"after an outage of an hour":                  {nil, 2 * time.Hour, "True/Resolved"},
		"an alert fires after it was quiet":           {func(s *story) { s.fired(strategyv1.AlertFiring) }, 10 * time.Minute, "False/Mitigating"},
		"an alert is resolved":                        {func(s *story) { s.fired(strategyv1.AlertResolved) }, 12 * time.Minute, "True/Resolved"},
		"a signal is too high after it was quiet":     {func(s *story) { s.signals["drawdown"] = 5 }, 10 * time.Minute, "False/Mitigating"},
		"a signal is unknown":                         {func(s *story) { delete(s.signals, "drawdown"); s.unknown = map[string]string{"drawdown": "no"} }, 12 * time.Minute, "False/Recovering"},
		"unknown for so long that a person is asked":  {func(s *story) { delete(s.signals, "drawdown"); s.unknown = map[string]string{"drawdown": "no"} }, 17 * time.Minute, "False/NeedsPerson"},
		"a person closes it although it is not quiet": {func(s *story) { s.fired(strategyv1.AlertFiring); s.decide(strategyv1.DecisionResolve, "bob") }, 11 * time.Minute, "True/Resolved"},
		"a signal that was unknown in between":        {func(s *story) { s.unknownAt(11 * time.Minute) }, 779 * time.Second, "False/Recovering"},
		"and it closes after that":                    {func(s *story) { s.unknownAt(11 * time.Minute) }, 780 * time.Second, "True/Resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Recovery = &strategyv1.RecoverySpec{Quiet: "signals.drawdown < 4.0", QuietSeconds: 120}
			s.signals = map[string]float64{"drawdown": 1}
			s.mitigating()
			s.verified()
			s.At(10 * time.Minute)
			s.restored()
			if c.after != nil {
				c.after(s)
			}
			s.quiet()
			s.At(c.at)
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
		})
	}
}

// unknownAt makes the signal unknown at a time, and known right after that was seen.
func (s *story) unknownAt(at time.Duration) {
	s.At(at)
	s.unknown = map[string]string{"drawdown": "no"}
	delete(s.signals, "drawdown")
	s.quiet()
	s.signals, s.unknown = map[string]float64{"drawdown": 1}, nil
	s.quiet()
}

func TestWhileContainedTheStatusSaysSinceWhenItIsQuiet(t *testing.T) {
	s := newStory(t)
	s.fired(strategyv1.AlertFiring)
	s.mitigating()
	s.verified()
	expect(t, "while the alert fires", s.condition(strategyv1.ConditionQuiet), "False/AlertFiring")
	s.At(3 * time.Minute)
	s.fired(strategyv1.AlertResolved)
	s.quiet()
	expect(t, "when it is resolved", s.condition(strategyv1.ConditionQuiet), "True/Quiet")
	expect(t, "since", s.incident.Status.QuietTime.UTC().Format(time.TimeOnly), "10:03:00")
	expect(t, "contained is not resolved", s.condition(strategyv1.ConditionReady), "False/Contained")
}

// earlier is a closed incident about the same; strikes as it counted them when it was closed.
func earlier(name string, closed time.Duration, strikes int32, next time.Duration) strategyv1.StrategyIncident {
	other := strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(testkit.T0.Add(closed - time.Minute))},
		Status: strategyv1.StrategyIncidentStatus{
			ClosedTime: new(metav1.NewTime(testkit.T0.Add(closed))), NextAllowedTime: new(metav1.NewTime(testkit.T0.Add(next))), Strikes: strikes,
		},
	}
	conditions.Set(&other.Status.Conditions, testkit.T0, 1, strategyv1.ConditionReady, metav1.ConditionTrue, strategyv1.ReasonResolved, "closed")
	return other
}

func TestBackOffAndStrikes(t *testing.T) {
	for name, c := range map[string]struct {
		same  []strategyv1.StrategyIncident
		at    time.Duration
		ready string
	}{
		"the first incident asks at once":             {nil, 0, "False/Mitigating"},
		"too fresh: it waits":                         {[]strategyv1.StrategyIncident{earlier("a", -time.Minute, 1, 4*time.Minute)}, 0, "False/BackingOff"},
		"and asks when the time has come":             {[]strategyv1.StrategyIncident{earlier("a", -time.Minute, 1, 4*time.Minute)}, 4 * time.Minute, "False/Mitigating"},
		"two strikes: it still asks":                  {[]strategyv1.StrategyIncident{earlier("a", -3*time.Hour, 1, -2*time.Hour), earlier("b", -2*time.Hour, 2, -time.Hour)}, 0, "False/Mitigating"},
		"three strikes: only people":                  {[]strategyv1.StrategyIncident{earlier("a", -3*time.Hour, 1, -2*time.Hour), earlier("b", -2*time.Hour, 2, -time.Hour), earlier("c", -time.Hour, 3, 0)}, 0, "False/StrikesUsedUp"},
		"three, of which one is older than a day":     {[]strategyv1.StrategyIncident{earlier("a", -25*time.Hour, 1, -24*time.Hour), earlier("b", -2*time.Hour, 2, -time.Hour), earlier("c", -time.Hour, 3, 0)}, 0, "False/Mitigating"},
		"incidents without a remedy are no strikes":   {[]strategyv1.StrategyIncident{earlier("a", -3*time.Hour, 0, -3*time.Hour), earlier("b", -2*time.Hour, 0, -2*time.Hour), earlier("c", -time.Hour, 0, -time.Hour)}, 0, "False/Mitigating"},
		"a false alarm does not shorten the back-off": {[]strategyv1.StrategyIncident{earlier("a", -2*time.Minute, 1, 4*time.Minute), earlier("b", -time.Minute, 0, 4*time.Minute)}, 0, "False/BackingOff"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.same = c.same
			s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
			s.At(c.at)
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
			if wants := c.ready == "False/Mitigating"; wants != (len(s.Rollbacks) == 1) {
				t.Errorf("rollbacks: %v", sortedNames(s.Rollbacks))
			}
		})
	}
}

func TestAPersonMayApplyARollbackWhateverTheStrikes(t *testing.T) {
	s := newStory(t)
	s.same = []strategyv1.StrategyIncident{earlier("a", -3*time.Hour, 1, 0), earlier("b", -2*time.Hour, 2, 0), earlier("c", -time.Hour, 3, time.Hour)}
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
	s.Rollbacks["by-hand"] = &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Name: "by-hand", UID: "uid-2", CreationTimestamp: metav1.NewTime(s.Now)}}
	s.verified()
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/Contained")
}

// Every end sets a time before which the operator asks for no other remedy.
func TestEveryEndSetsANextAllowedTime(t *testing.T) {
	for name, c := range map[string]struct {
		given   func(*story)
		same    []strategyv1.StrategyIncident
		strikes int32
		next    string
	}{
		"resolved after a remedy: five minutes": {func(s *story) { s.mitigating(); s.verified(); s.restored() }, nil, 1, "5m0s"},
		"the second one: ten minutes":           {func(s *story) { s.mitigating(); s.verified(); s.restored() }, []strategyv1.StrategyIncident{earlier("a", -time.Hour, 1, -time.Minute)}, 2, "10m0s"},
		"a false alarm: at once": {func(s *story) {
			s.incident.Spec.RequestedBy = intake
			s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
		}, nil, 0, "0s"},
		"a false alarm in a back-off: as it was": {func(s *story) {
			s.incident.Spec.RequestedBy = intake
			s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
		}, []strategyv1.StrategyIncident{earlier("a", -time.Minute, 1, 4*time.Minute)}, 0, "4m0s"},
		"closed by a person, nothing changed": {func(s *story) { s.quiet(); s.decide(strategyv1.DecisionResolve, "bob") }, nil, 0, "0s"},
		"closed by a person after a denial": {func(s *story) {
			s.mitigating()
			s.rollbackIs(strategyv1.ReasonDenied, metav1.ConditionFalse, metav1.ConditionTrue)
			s.quiet()
			s.decide(strategyv1.DecisionResolve, "bob")
		}, nil, 0, "0s"},
		"closed by a person while its rollback only waited": {func(s *story) {
			s.mitigating()
			s.rollbackIs(strategyv1.ReasonGuardExceeded, metav1.ConditionFalse, metav1.ConditionTrue)
			s.quiet()
			s.decide(strategyv1.DecisionResolve, "bob")
		}, nil, 0, "0s"},
		"closed by a person before the incident saw the write": {func(s *story) {
			s.mitigating()
			s.Rollbacks[sortedNames(s.Rollbacks)[0]].Status.Config = &strategyv1.ConfigClaim{Claim: strategyv1.ClaimHold, WrittenTime: new(metav1.NewTime(s.Now))}
			s.decide(strategyv1.DecisionResolve, "bob")
		}, nil, 1, "5m0s"},
		"closed by a person when only the record knew of the write": {func(s *story) {
			s.mitigating()
			s.writes(sortedNames(s.Rollbacks)[0], strategyv1.PlannedEdit{Path: trend, From: new("1.0"), To: "0.5"})
			s.decide(strategyv1.DecisionResolve, "bob")
		}, nil, 1, "5m0s"},
		"closed by a person while the change stands": {func(s *story) { s.mitigating(); s.verified(); s.decide(strategyv1.DecisionResolve, "bob") }, nil, 1, "5m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.same = c.same
			c.given(s)
			s.quiet()
			status := s.incident.Status
			if !strings.HasPrefix(s.condition(strategyv1.ConditionReady), "True/") || status.NextAllowedTime == nil || status.ClosedTime == nil {
				t.Fatalf("not closed: %s", testkit.Conditions(status.Conditions))
			}
			expect(t, "next", status.NextAllowedTime.Sub(testkit.T0).String(), c.next)
			if status.Strikes != c.strikes {
				t.Errorf("%d strikes, not %d", status.Strikes, c.strikes)
			}
		})
	}
}
