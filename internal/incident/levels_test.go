package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/oncall"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// withLead gives the playbook the three rules that call the technical lead, and quiet signals.
func (s *story) withLead() {
	s.Spec.Escalation = &strategyv1.EscalationSpec{Levels: []strategyv1.LevelSpec{{Name: strategyv1.LevelLead, Rules: []strategyv1.LeadRule{
		{Name: "no-signals", When: "signals.signals_15m == 0.0 && signals.active_feeds > 0.0"},
		{Name: "cpu", When: "signals.cpu_percent_min_10m > 1.2 * limits.cpu_percent"},
		{Name: "pnl", When: "signals.pnl_divergence_pct > 3.0 * risk.max_daily_loss_pct * 100.0"},
	}}}}
	s.Content = strings.Replace(s.Content, "runtime:\n", "runtime:\n  resource_limits: {cpu_percent: 65.0}\n", 1)
	s.signals = map[string]float64{"signals_15m": 4, "active_feeds": 2, "cpu_percent_min_10m": 20, "pnl_divergence_pct": 1}
}

// The rules of the technical lead, at their limits. The schedule `fast` runs in the profile with 3 % a day.
func TestTheTechnicalLeadIsCalledBySignals(t *testing.T) {
	for name, c := range map[string]struct {
		signals map[string]float64
		unknown string
		level   strategyv1.Level
		log     string
		known   string
	}{
		"all is well": {nil, "", "L1", "incident", "True/Sampled"},
		"no signals for 15 minutes with live data":    {map[string]float64{"signals_15m": 0}, "", "TechLead", "incident escalated escalated", "True/Sampled"},
		"no signals, but no live data either":         {map[string]float64{"signals_15m": 0, "active_feeds": 0}, "", "L1", "incident", "True/Sampled"},
		"CPU at 120 % of the limit":                   {map[string]float64{"cpu_percent_min_10m": 78}, "", "L1", "incident", "True/Sampled"},
		"CPU above 120 % of the limit for 10 minutes": {map[string]float64{"cpu_percent_min_10m": 78.1}, "", "TechLead", "incident escalated escalated", "True/Sampled"},
		"PnL at three daily risk budgets":             {map[string]float64{"pnl_divergence_pct": 9}, "", "L1", "incident", "True/Sampled"},
		"PnL beyond three daily risk budgets":         {map[string]float64{"pnl_divergence_pct": 9.1}, "", "TechLead", "incident escalated escalated", "True/Sampled"},
		"an unknown signal calls nobody, and is told": {nil, "active_feeds", "L1", "incident", "False/SignalUnknown"},
		"a rule that needs an unknown one is named":   {map[string]float64{"signals_15m": 0}, "active_feeds", "L1", "incident", "False/LeadRuleErrored"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.withLead()
			for signal, value := range c.signals {
				s.signals[signal] = value
			}
			if c.unknown != "" {
				delete(s.signals, c.unknown)
				s.unknown = map[string]string{c.unknown: "not sampled since 10:00:00Z: connection refused"}
			}
			s.quiet()
			expect(t, "one sample that fails is no news", s.condition(strategyv1.ConditionSignalsKnown), strings.Replace(c.known, "False/", "Unknown/", 1))
			s.At(30 * time.Second)
			s.quiet()
			expect(t, "level", string(s.incident.Status.Level), string(c.level))
			expect(t, "the log", s.events(), c.log)
			expect(t, "SignalsKnown", s.condition(strategyv1.ConditionSignalsKnown), c.known)
		})
	}
}

func TestWhyTheLeadWasCalledStandsInTheSignedLog(t *testing.T) {
	s := newStory(t)
	s.withLead()
	s.Spec.Signals = &strategyv1.SignalsSpec{Queries: []strategyv1.SignalQuery{{Name: "cpu_percent_min_10m", Unit: "percent"}}}
	s.signals["cpu_percent_min_10m"] = 81.25
	s.quiet()
	line := s.Logs[prefix][2].Message
	if !strings.Contains(line, "L2 to TechLead: rule cpu") || !strings.Contains(line, "(cpu_percent_min_10m = 81.25 percent)") {
		t.Errorf("the entry does not say what was decided on: %s", line)
	}
	stored := 0
	for key := range s.Objects {
		if strings.HasPrefix(key, prefix+"signals/") {
			stored++
		}
	}
	if stored == 0 {
		t.Errorf("the snapshot is not in the evidence")
	}
}

func TestTheLeadIsCalledOnceWhateverTheSignalsDo(t *testing.T) {
	s := newStory(t)
	s.withLead()
	for minute := range 30 {
		s.At(time.Duration(minute) * time.Minute)
		s.signals["cpu_percent_min_10m"] = []float64{90, 10}[minute%2]
		s.quiet()
	}
	if calls := strings.Count(s.events(), "escalated"); calls != 2 {
		t.Errorf("%d calls, not one of L2 and one of the lead: %s", calls, s.events())
	}
}

// A sample alone is no news: the status changes only with a step of the incident.
func TestSamplesAloneDoNotChangeTheStatus(t *testing.T) {
	s := newStory(t)
	s.withLead()
	s.quiet()
	before := s.incident.Status.DeepCopy()
	for second := range 120 {
		s.At(time.Duration(second) * time.Second)
		s.signals["cpu_percent_min_10m"] = float64(second % 60)
		decision := s.plan()
		if testkit.Conditions(decision.Status.Conditions) != testkit.Conditions(before.Conditions) || len(decision.Steps.InOrder()) > 0 {
			t.Fatalf("after %d s: %s; %v", second, testkit.Conditions(decision.Status.Conditions), testkit.Describe(decision.Steps.InOrder()))
		}
		if decision.Status.Signals[1].Value != before.Signals[1].Value {
			t.Fatalf("a sample was written to the status")
		}
	}
}

func TestAnAcknowledgementHoldsTimeBackUntilItEnds(t *testing.T) {
	acknowledge := func(s *story, at, valid time.Duration) {
		s.decided = append(s.decided, facts.Decided{
			Name: "ack", UID: fmt.Sprint(len(s.decided)), Verdict: strategyv1.DecisionAcknowledge, By: "alice", Time: metav1.NewTime(testkit.T0.Add(at)), Valid: valid,
		})
	}
	for name, c := range map[string]struct {
		given func(*story)
		at    time.Duration
		level strategyv1.Level
		ack   string
		sla   string
	}{
		"without one, time calls L2":                {func(*story) {}, 240 * time.Second, "L2", "", "Unknown/WithinLimits"},
		"while it holds, time does not":             {func(s *story) { acknowledge(s, time.Minute, 0) }, 659 * time.Second, "L1", "True/Acknowledged", "Unknown/WithinLimits"},
		"when it ends, time does":                   {func(s *story) { acknowledge(s, time.Minute, 0) }, 660 * time.Second, "L2", "False/Ended", "Unknown/WithinLimits"},
		"it holds as long as it says":               {func(s *story) { acknowledge(s, time.Minute, 200*time.Second) }, 260 * time.Second, "L2", "False/Ended", "Unknown/WithinLimits"},
		"a rule calls L2 all the same":              {func(s *story) { acknowledge(s, time.Minute, 0); s.reports(reports{"audit": testkit.Fail()}) }, 2 * time.Minute, "L2", "True/Acknowledged", "Unknown/WithinLimits"},
		"a person calls L2 all the same":            {func(s *story) { acknowledge(s, time.Minute, 0); s.decide(strategyv1.DecisionEscalate, "bob") }, 2 * time.Minute, "L2", "True/Acknowledged", "Unknown/WithinLimits"},
		"it moves no deadline of L2":                {func(s *story) { acknowledge(s, time.Minute, time.Hour) }, 900 * time.Second, "L1", "True/Acknowledged", "False/DeadlinePassed"},
		"one in time counts though it is seen late": {func(s *story) { acknowledge(s, 299*time.Second, time.Hour) }, 800 * time.Second, "L1", "True/Acknowledged", "Unknown/WithinLimits"},
		"one after the deadline is late":            {func(s *story) { s.Spec.Triage.Escalate = nil; acknowledge(s, 301*time.Second, time.Hour) }, 800 * time.Second, "L1", "True/Acknowledged", "False/DeadlinePassed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.pass()
			c.given(s)
			s.At(c.at)
			s.quiet()
			expect(t, "level", string(s.incident.Status.Level), string(c.level))
			expect(t, "Acknowledged", s.condition(strategyv1.ConditionAcknowledged), c.ack)
			expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), c.sla)
		})
	}
}

func TestAnAcknowledgementIsLoggedOnceAndANewerOneCounts(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.At(time.Minute)
	s.decide(strategyv1.DecisionAcknowledge, "alice")
	s.quiet()
	s.At(2 * time.Minute)
	s.decide(strategyv1.DecisionAcknowledge, "bob")
	s.quiet()
	expect(t, "the log", s.events(), "incident acknowledged acknowledged")
	expect(t, "by", s.incident.Status.Acknowledgement.By, "bob")
}

func TestWhoIsOnCallIsRecordedWhenALevelIsCalled(t *testing.T) {
	roster, err := oncall.Parse([]byte(`
timeZone: Europe/Warsaw
people: [{name: alice, contact: "1"}, {name: bob, contact: "2"}]
rotations:
- {level: L1, start: "2026-11-02 09:00", shift: 1w, members: [alice]}
- {level: L2, start: "2026-11-02 09:00", shift: 1d, members: [bob, alice]}
overrides: [{level: L2, from: "2026-11-23 00:00", to: "2026-11-24 00:00", member: nobody}]
`))
	if err != nil {
		t.Fatal(err)
	}
	s := newStory(t)
	s.onCall = facts.OnCall{Roster: roster, Known: true}
	s.diagnosing()
	expect(t, "L1", s.incident.Status.OnCall[0].Name+" "+s.incident.Status.OnCall[0].Contact, "alice 1")
	expect(t, "L2: a gap", s.incident.Status.OnCall[1].Name, "")
	if line := s.Logs[prefix][1].Message; !strings.Contains(line, "nobody is on call for L2") {
		t.Errorf("the gap is silent: %s", line)
	}
}

// TestWhoEscalatesCallsTheNextLevel, and at the top hears that there is none.
func TestWhoEscalatesCallsTheNextLevel(t *testing.T) {
	for name, c := range map[string]struct {
		at      []time.Duration // decisions
		seen    time.Duration   // when the operator sees them; zero: at once
		level   string
		outcome string // of the last one
		why     string
		l2      string // who answered for L2
	}{
		"at L1":                             {[]time.Duration{time.Minute}, 0, "L2", "Honoured", "", ""},
		"at L2":                             {[]time.Duration{time.Minute, 2 * time.Minute}, 0, "TechLead", "Honoured", "", "bob after 2m0s"},
		"at the top":                        {[]time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute}, 0, "TechLead", "Refused", "nobody is above the technical lead", "bob after 2m0s"},
		"two at once who both mean L2":      {[]time.Duration{time.Minute, time.Minute}, 0, "L2", "Refused", "it was made before L2 was called", ""},
		"two that are seen after an outage": {[]time.Duration{time.Minute, 2 * time.Minute}, 3 * time.Minute, "L2", "Refused", "escalate again", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Triage.Escalate = nil
			s.quiet()
			for _, at := range c.at {
				s.decides(strategyv1.DecisionEscalate, "bob", at)
			}
			for _, at := range append(c.at, c.seen) {
				if at >= c.seen && at > 0 {
					s.At(at)
					s.quiet()
				}
			}
			expect(t, "level", string(s.incident.Status.Level), c.level)
			answers := s.incident.Status.Answers
			last := answers[len(answers)-1]
			expect(t, "the last one", string(last.Outcome), c.outcome)
			if !strings.Contains(last.Message, c.why) {
				t.Errorf("it does not say %q: %s", c.why, last.Message)
			}
			expect(t, "L2", s.answer(strategyv1.LevelL2), c.l2)
		})
	}
}
