package rollback_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/rollback"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// fixed is the playbook as it is now: its checks have other commands, and the broken one works.
func (s *story) fixed(change func(*strategyv1.StrategyPlaybookSpec)) {
	spec := *s.Spec.DeepCopy()
	if change != nil {
		change(&spec)
	}
	s.newest = &facts.Playbook{Spec: spec, Revision: "multi-strategy-2"}
}

// Whatever a broken check left undecided is asked again with the newest revision's checks, when somebody takes them over.
func TestAdoptedChecksAreAskedAgain(t *testing.T) {
	with := func(key string, report *testkit.Report) reports {
		return reports{"load": testkit.OK(), "smoke": testkit.OK(), key: report}
	}
	for name, c := range map[string]struct {
		given         func(*story)
		before, after string
		attempts      string // a new one
	}{
		"the proof is broken": {func(s *story) { s.reports(with("Proof/running-plan", testkit.Broken())); s.approved() }, "Unproved", "Verified", "Proof 11"},
		"the proof judges wrongly": {func(s *story) {
			s.remedy("keep")
			s.reports(with("Proof/running-plan", &testkit.Report{JSON: `{"suspended":[]}`}))
			s.approved()
		}, "NotInEffect", "Verified", "Proof 11"},
		"a check after is broken": {func(s *story) { s.reports(with("After/smoke", testkit.Broken())); s.approved() }, "UnmeasuredAfter", "Verified", "After 11"},
		"a check after is wrong":  {func(s *story) { s.remedy("keep"); s.reports(with("After/smoke", testkit.Fail())); s.approved() }, "FailedAfter", "Verified", "After 11"},
		"the proof of the restore": {func(s *story) {
			s.approved()
			s.reports(with("RestoreProof/running-plan", testkit.Broken()))
			s.decide(strategyv1.DecisionRestore, "carol")
			s.quiet()
		}, "NotInEffect", "Restored", "RestoreProof"},
		"the proof of a renewal, after a gate that failed": {func(s *story) {
			s.approved()
			s.reports(with("Restore/load", testkit.Fail()))
			s.decide(strategyv1.DecisionRestore, "carol")
			s.quiet()
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK(), "running-plan": testkit.Broken()})
			s.decide(strategyv1.DecisionRenew, "carol")
			s.quiet()
		}, "Unproved", "Verified", "Proof"},
		"what is well stays as it is": {func(s *story) { s.approved() }, "Verified", "Verified", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			expect(t, "before", s.ready(), c.before)
			if message := s.message(strategyv1.ConditionReady); c.before != c.after && !strings.Contains(message, "kubectl strategy adopt-checks rollback/off -n trading") {
				t.Errorf("it does not say what helps: %s", message)
			}
			s.Now = s.Now.Add(time.Hour)
			s.quiet()
			s.fixed(nil)
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK()})
			s.decide(strategyv1.DecisionAdoptChecks, "carol")
			attempts := strings.Count(s.attempts(), ",")
			s.quiet()
			expect(t, "after", s.ready(), c.after)
			if !strings.Contains(s.attempts(), c.attempts) || c.attempts == "" && strings.Count(s.attempts(), ",") != attempts {
				t.Errorf("attempts %s", s.attempts())
			}
			adopted := s.rollback.Status.AdoptedChecks
			if adopted == nil || adopted.Revision != "multi-strategy-2" || adopted.Decision.By != "carol" || adopted.Count != 1 || s.rollback.Status.PlaybookRevision != "multi-strategy-1" {
				t.Errorf("%+v", adopted)
			}
			if !strings.Contains(s.events(), "checks_adopted") {
				t.Errorf("the log: %s", s.events())
			}
		})
	}
}

// A probe that is broken hangs, or passes what it should not: with other checks it is asked anew, before and after the approval, and what
// the old one says later does not count.
func TestAdoptedProbesAreAskedAgain(t *testing.T) {
	const first, again = "Probe/feed-probe/1", "Probe/feed-probe/11"
	newer := func(report *testkit.Report) reports { // of the probe in any later round
		return reports{"Probe/feed-probe": report, first: testkit.Fail(), again: testkit.Fail()}
	}
	adopt := func(s *story, by string) {
		s.Now = s.Now.Add(time.Second)
		s.decide(strategyv1.DecisionAdoptChecks, by)
	}
	for name, c := range map[string]struct {
		story    func(*story)
		ready    string
		attempts string
	}{
		"it hangs": {func(s *story) {
			s.reports(nil)
			s.quiet()
			adopt(s, "carol")
			s.quiet()
			s.reports(newer(testkit.OK()))
		}, "AwaitingApproval", "Probe 1, Probe 21"},
		"it hangs, and the newer one fails": {func(s *story) {
			s.reports(nil)
			s.quiet()
			adopt(s, "carol")
			s.quiet()
			s.reports(newer(testkit.Fail()))
		}, "ProbeFailed", "Probe 1, Probe 21"},
		"it passed what it should not: nobody is asked any more": {func(s *story) {
			s.quiet()
			adopt(s, "carol")
			s.reports(newer(testkit.Fail()))
		}, "ProbeFailed", "Probe 1, Probe 21"},
		"it hangs right before the switch": {func(s *story) {
			s.reports(reports{first: testkit.OK()})
			s.approved()
			adopt(s, "carol")
			s.quiet()
			s.reports(newer(testkit.OK()))
		}, "Verified", "Probe 1, Probe 11, Probe 21, Probe 31, Proof 1"},
		"it passed right before the switch, which waits": {func(s *story) {
			s.reports(reports{first: testkit.OK(), again: testkit.OK()})
			s.remedy("disable") // whose baseline hangs
			s.rollback.Spec.Actions = []strategyv1.RollbackAction{testkit.SwitchFeed("binance")}
			s.approved()
			adopt(s, "carol")
			s.quiet()
			s.reports(newer(testkit.Fail()))
		}, "ProbeFailed", "Probe 1, Probe 11, Probe 21"},
		"both newer ones hang": {func(s *story) {
			s.reports(nil)
			s.quiet()
			adopt(s, "carol")
			s.quiet()
			s.newest.Revision = "multi-strategy-3"
			adopt(s, "dave")
			s.quiet()
			s.reports(reports{"Probe/feed-probe/21": testkit.Fail(), "Probe/feed-probe": testkit.OK(), first: testkit.Fail()})
		}, "AwaitingApproval", "Probe 1, Probe 21, Probe 41"},
	} {
		t.Run(name, func(t *testing.T) {
			s := feedStory(t)
			s.fixed(nil)
			c.story(s)
			s.quiet()
			expect(t, "Ready", s.ready(), c.ready)
			attempts := strings.Split(s.attempts(), ", ")
			slices.Sort(attempts)
			want := strings.Split(c.attempts, ", ")
			slices.Sort(want)
			expect(t, "attempts", strings.Join(attempts, ", "), strings.Join(want, ", "))
		})
	}
}

// One that ended because its probe could not measure says how another one gets a probe that can.
func TestAProbeThatMeasuresNothingSaysWhatHelps(t *testing.T) {
	for name, c := range map[string]struct {
		report   *testkit.Report
		incident bool
		says     string
	}{
		"the feed is bad":                     {testkit.Fail(), true, "Nothing was changed; create another rollback when it is"},
		"the probe is broken":                 {testkit.Broken(), false, "if the check is broken, fix the playbook, then create another rollback"},
		"the probe is broken, of an incident": {testkit.Mute(), true, "if the check is broken, fix the playbook, then: kubectl strategy adopt-checks incident/pnl -n trading, and create another rollback"},
	} {
		t.Run(name, func(t *testing.T) {
			s := feedStory(t)
			if c.incident {
				s.remedy("disable")
				s.rollback.Spec.Actions = []strategyv1.RollbackAction{testkit.SwitchFeed("binance")}
			}
			s.reports(reports{"Probe/feed-probe": c.report})
			s.quiet()
			expect(t, "Ready", s.ready(), "ProbeFailed")
			if message := s.message(strategyv1.ConditionReady); !strings.HasSuffix(message, c.says) {
				t.Errorf("it says %q", message)
			}
		})
	}
}

// What cannot be taken over is refused in words, and nothing is asked again.
func TestChecksThatCannotBeAdopted(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		says  string
	}{
		"there is no newer revision": {func(*story) {}, "it has the checks of the playbook's newest revision already"},
		"the playbook is not ready":  {func(s *story) { s.newest = &facts.Playbook{Problem: &facts.Problem{Message: "no such check"}} }, "cannot be run: no such check"},
		"a check of it is gone": {func(s *story) {
			s.fixed(func(spec *strategyv1.StrategyPlaybookSpec) { spec.Checks = spec.Checks[1:] })
		}, `uses check "audit", which the playbook's newest revision does not have`},
		"nobody can vouch for it": {func(s *story) { s.fixed(nil); s.identity = facts.Identity{Message: "no policies"} }, "no policies"},
		"the rollback has ended": {func(s *story) {
			s.fixed(nil)
			s.decide(strategyv1.DecisionRestore, "carol")
			s.reports(reports{"load": testkit.OK()})
			s.quiet()
		}, "the rollback has ended"},
		"they are taken over already": {func(s *story) { s.fixed(nil); s.decide(strategyv1.DecisionAdoptChecks, "dave"); s.quiet() }, "already"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.approved()
			c.given(s)
			s.Now = s.Now.Add(time.Second)
			s.decide(strategyv1.DecisionAdoptChecks, "carol")
			s.quiet()
			if log := s.logText(); !strings.Contains(log, c.says) && !slices.ContainsFunc(s.rollback.Status.Answers, func(a strategyv1.AnsweredDecision) bool { return strings.Contains(a.Message, c.says) }) {
				t.Errorf("it does not say %q: %s", c.says, log)
			}
			if adopted := s.rollback.Status.AdoptedChecks; adopted != nil && adopted.Decision.By == "carol" {
				t.Errorf("%+v", adopted)
			}
		})
	}
}

// While nobody can be asked who decides, the decision waits.
func TestAnAdoptionWaitsForAnAnswer(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.fixed(nil)
	s.identity = facts.Identity{Problem: &facts.Problem{Message: "no answer", Retry: time.Second}}
	s.decide(strategyv1.DecisionAdoptChecks, "carol")
	if decision := s.quiet(); decision.NextAt.Sub(s.Now) > time.Second || s.rollback.Status.AdoptedChecks != nil {
		t.Errorf("next at %v: %+v", decision.NextAt, s.rollback.Status.AdoptedChecks)
	}
	s.identity = facts.Identity{Enforced: true}
	s.quiet()
	if s.rollback.Status.AdoptedChecks == nil {
		t.Error("it does not count")
	}
	if needs := rollback.Plan(s.observed(), s.Now).Needs; needs&rollback.NeedNewest != 0 {
		t.Error("it goes on asking for the newest playbook")
	}
}

// A rollback of an incident runs on the incident's procedure, with the checks that were taken over for it.
func TestARollbackBeginsWithTheChecksOfItsIncident(t *testing.T) {
	s := newStory(t)
	s.remedy("disable")
	s.incident.Status.PlaybookRevision = "multi-strategy-1"
	s.incident.Status.AdoptedChecks = &strategyv1.AdoptedChecks{
		Revision: "multi-strategy-2", Count: 1, Time: metav1.NewTime(s.Now),
		Decision: strategyv1.DecisionReference{Name: "d", Verdict: strategyv1.DecisionAdoptChecks, By: "bob", Time: metav1.NewTime(s.Now)},
	}
	s.fixed(nil)
	s.quiet()
	if adopted := s.rollback.Status.AdoptedChecks; adopted == nil || adopted.Revision != "multi-strategy-2" {
		t.Errorf("%+v", adopted)
	}
}
