package rollback_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// feedStory is a rollback by hand that switches the feed.
func feedStory(t testkit.T) *story {
	s := newStory(t).byHand(testkit.SwitchFeed("binance"))
	s.feeds()
	return s
}

// A feed must be shown to be usable before anyone is asked, and again right before the switch.
func TestProbe(t *testing.T) {
	switched := strings.Replace(testkit.FeedDocument, "exchange: kraken_spot,", "exchange: binance_spot,", 1)
	probe := func(first, second *testkit.Report) reports { // by the two rounds
		return reports{"Probe/feed-probe/1": first, "Probe/feed-probe/11": second}
	}
	for name, c := range map[string]struct {
		reports reports
		ready   string
		says    string
		created string // Jobs
	}{
		"passes twice: switched":                 {probe(testkit.OK(), testkit.OK()), "Verified", "switch to feed binance", "Probe 1, Probe 11, Proof 1"},
		"runs: nobody is asked yet":              {nil, "Probing", "probing the feed: 0 of 1 checks judged", "Probe 1"},
		"fails: nobody is asked":                 {probe(testkit.Fail(), nil), "ProbeFailed", "feed-probe failed", "Probe 1"},
		"warns: not good enough":                 {probe(testkit.Warn(), nil), "ProbeFailed", "Probe feed-probe: Warn", "Probe 1"},
		"could not be measured":                  {probe(testkit.Broken(), nil), "ProbeFailed", "Probe feed-probe: Error", "Probe 1"},
		"says nothing":                           {probe(testkit.Mute(), nil), "ProbeFailed", "Probe feed-probe: Inconclusive", "Probe 1"},
		"runs again after the approval":          {probe(testkit.OK(), nil), "Probing", "0 of 1", "Probe 1, Probe 11"},
		"fails after the approval":               {probe(testkit.OK(), testkit.Fail()), "ProbeFailed", "Nothing was changed", "Probe 1, Probe 11"},
		"warns after the approval":               {probe(testkit.OK(), testkit.Warn()), "ProbeFailed", "Nothing was changed", "Probe 1, Probe 11"},
		"could not be measured after":            {probe(testkit.OK(), testkit.Broken()), "ProbeFailed", "Nothing was changed", "Probe 1, Probe 11"},
		"says nothing after the approval, ended": {probe(testkit.OK(), testkit.Mute()), "ProbeFailed", "Nothing was changed", "Probe 1, Probe 11"},
	} {
		t.Run(name, func(t *testing.T) {
			s := feedStory(t)
			s.reports(c.reports)
			s.approved()
			expect(t, "Ready", s.ready(), c.ready)
			if got := s.message(strategyv1.ConditionReady); !strings.Contains(got, c.says) {
				t.Errorf("it says %q, not %q", got, c.says)
			}
			expect(t, "Jobs", s.attempts(), c.created)
			want := testkit.FeedDocument
			if c.ready == "Verified" {
				want = switched
			}
			expect(t, "the configuration", s.Content, want)
			if c.ready != "ProbeFailed" {
				return
			}
			if !strings.Contains(s.logText(), c.says) || s.message(strategyv1.ConditionApproved) == "" || !s.ended() {
				t.Errorf("not ended, or the log does not say why:\n%s", s.logText())
			}
			s.decide(strategyv1.DecisionApprove, "dave")
			s.At(time.Hour)
			s.quiet()
			expect(t, "an approval after the end", s.ready(), "ProbeFailed")
			expect(t, "Jobs that are left", strings.Join(s.Jobs(), " "), "")
		})
	}
}

// What the first probe showed is old when the plan had to be approved again.
func TestAnotherApprovalProbesAgain(t *testing.T) {
	s := feedStory(t)
	s.writerStopped = true
	s.approved()
	expect(t, "claimed", s.ready(), "Applying")
	s.Edit(strings.Replace(s.Content, "exchange: kraken_spot,", "exchange: okx_spot,", 1))
	s.quiet()
	expect(t, "a person was faster", s.ready(), "AwaitingApproval")
	s.At(10 * time.Minute)
	s.reports(reports{"feed-probe": testkit.Fail()})
	s.decide(strategyv1.DecisionApprove, "carol")
	s.quiet()
	expect(t, "approved again", s.ready(), "ProbeFailed")
}

func TestTwoFeedsWithOneProbe(t *testing.T) {
	s := feedStory(t)
	s.Spec.Feeds[1].RequiresExchange, s.Spec.Feeds[1].Edits[0].Path = "", "/environments/paper/risk_profile"
	s.byHand(testkit.SwitchFeed("binance"), testkit.SwitchFeed("okx"), testkit.Allocate("cross", "0.0"))
	s.approved()
	expect(t, "Ready", s.ready(), "Verified")
	expect(t, "Jobs", s.attempts(), "Probe 1, Probe 11, Proof 1")
}

func TestAProbeWithoutItsPodTemplateWaitsForIt(t *testing.T) {
	s := feedStory(t)
	s.Templates = nil
	s.quiet()
	expect(t, "Ready", s.ready(), "PodTemplateNotFound")
	s.Templates = testkit.Templates()
	s.quiet()
	expect(t, "Ready", s.ready(), "AwaitingApproval")
}

// A dry run goes as far as it can without changing anything.
func TestDryRun(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		ready string
		says  string
		jobs  string
	}{
		"ends with the plan and the baseline": {func(*story) {}, "DryRun", "It would disable schedule fast until 2026-11-23T14:00:00Z", "Before 1"},
		"without a remedy":                    {func(s *story) { s.byHand(testkit.Allocate("cross", "0.0")) }, "DryRun", "It would set allocation balanced/cross to 0.0", ""},
		"an automatic remedy changes nothing": {func(s *story) { s.remedy("automatic") }, "DryRun", "nothing was changed", ""},
		"waits for the baseline":              {func(s *story) { s.reports(nil) }, "CheckingBefore", "measuring the baseline", "Before 1"},
		"a feed is probed":                    {func(s *story) { s.feeds(); s.byHand(testkit.SwitchFeed("binance")) }, "DryRun", "It would switch to feed binance", "Probe 1"},
		"a feed that is not usable": {func(s *story) {
			s.feeds()
			s.byHand(testkit.SwitchFeed("binance"))
			s.reports(reports{"feed-probe": testkit.Fail()})
		}, "ProbeFailed", "feed-probe failed", "Probe 1"},
		"says what it would wait for": {func(s *story) {
			s.Spec.Guard = &strategyv1.GuardSpec{MaxActiveRollbacks: 1}
			s.beside("other", testkit.Disable("slow")).approved()
		}, "DryRun", "It would wait: the guard's maxActiveRollbacks is 1", "Before 1"},
		"cannot be planned": {func(s *story) { s.byHand(testkit.Disable("nope")) }, "EditRefused", "no schedule", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rollback.Spec.Mode = strategyv1.ModeDryRun
			c.given(s)
			before, restarts := s.Content, s.Restarts
			clear(s.Created)
			s.quiet()
			s.decide(strategyv1.DecisionApprove, "bob")
			s.quiet()
			s.At(5 * time.Hour)
			s.quiet()
			expect(t, "Ready", s.ready(), c.ready)
			if got := s.message(strategyv1.ConditionReady); !strings.Contains(got, c.says) {
				t.Errorf("it says %q, not %q", got, c.says)
			}
			expect(t, "Jobs", s.attempts(), c.jobs)
			if s.Content != before || s.Restarts != restarts || s.rollback.Status.Config != nil || len(s.rollback.Finalizers) > 0 {
				t.Errorf("something was changed")
			}
			if ended := c.ready == "DryRun"; ended && (!s.ended() || s.rollback.Status.Plan.Diff == "" || !strings.Contains(s.events(), "dry_run")) {
				t.Errorf("not ended, or without its plan: %s", s.events())
			}
			if strings.Count(s.events(), "dry_run") > 1 {
				t.Errorf("it ended twice: %s", s.events())
			}
		})
	}
}
