package rollback_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/testkit"
)

var outcomes = map[string]func() *testkit.Report{
	"ok": testkit.OK, "warn": testkit.Warn, "fail": testkit.Fail, "mute": testkit.Mute, "broken": testkit.Broken,
	"oom": func() *testkit.Report { return &testkit.Report{Reason: checks.ReasonOutOfMemory} }, "runs": func() *testkit.Report { return nil },
}

// edits that people make elsewhere, or at the edited path.
var humanEdits = map[string]func(string) string{
	"elsewhere":  func(doc string) string { return strings.Replace(doc, "trend: 0.4", "trend: 0.3", 1) },
	"a comment":  func(doc string) string { return strings.Replace(doc, "# the schedules", "# all the schedules", 1) },
	"overwrites": func(doc string) string { return strings.Replace(doc, "until: \"2026", "until: \"2031", 1) },
	"git":        func(string) string { return testkit.Document },
}

// In any world, with any decisions, edits and crashes at any time: the story becomes quiet at every time (story.quiet
// fails on a hot loop, on an effect after the end, on a plan that depends on more than its input), no attempt has two
// Jobs, the log is the timeline, and the configuration is what people put there plus the edits in force.
func TestAnyStory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(t)
		s.rollback.Spec.RemediationName = rapid.SampledFrom([]string{"disable", "keep", "automatic", ""}).Draw(t, "remedy")
		s.Stale = rapid.IntRange(0, 3).Draw(t, "stale")
		kinds := []string{"ok", "ok", "ok", "warn", "fail", "mute", "broken", "oom", "runs"}
		drawn := map[checks.ID]*testkit.Report{}
		s.Report = func(id checks.ID) *testkit.Report {
			if id.Check == "running-plan" {
				return nil
			}
			if _, known := drawn[id]; !known {
				drawn[id] = outcomes[rapid.SampledFrom(kinds).Draw(t, fmt.Sprint(id))]()
			}
			return drawn[id]
		}
		edited := false
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"approve", "approve", "deny", "restore", "edit", "time", "crash", "crash", "turn", "quiet", "desired", "kill"}).Draw(t, "step") {
			case "approve":
				s.Now = s.Now.Add(time.Second)
				s.decide(strategyv1.DecisionApprove, rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "by"))
			case "deny":
				if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					s.decide(strategyv1.DecisionDeny, "bob")
				}
			case "restore":
				s.Now = s.Now.Add(time.Second)
				s.decide(strategyv1.DecisionRestore, "carol")
			case "kill":
				s.suspended = !s.suspended
			case "desired":
				s.rollback.Spec.DesiredState = strategyv1.StateRestored
			case "edit":
				how := rapid.SampledFrom([]string{"elsewhere", "a comment", "overwrites", "git"}).Draw(t, "how")
				before := s.Content
				s.Edit(humanEdits[how](s.Content))
				edited = edited || before != s.Content
			case "time":
				s.Now = s.Now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 15 * time.Minute, time.Hour, 5 * time.Hour}).Draw(t, "later"))
			case "crash":
				s.crashAfter = rapid.IntRange(0, 5).Draw(t, "after")
				s.turn()
			case "turn":
				s.turn()
			default:
				s.quiet()
			}
		}
		s.quiet()
		s.invariants(edited)
		s.suspended = false
		s.quiet()
		s.invariants(edited)
	})
}

func (s *story) invariants(edited bool) {
	s.T.Helper()
	s.CheckTimeline(s.prefix, s.rollback.Status.Timeline, true)
	for name, count := range s.Created {
		if count > 1 {
			s.T.Fatalf("%d Jobs %s for one attempt", count, name)
		}
	}
	seen := map[checks.ID]bool{}
	for _, record := range s.rollback.Status.Checks {
		if seen[checks.IDOf(record)] {
			s.T.Fatalf("the attempt %v was judged twice", checks.IDOf(record))
		}
		seen[checks.IDOf(record)] = true
	}
	if edited {
		return
	}
	want := testkit.Document
	if s.Config().State.Holder(string(s.rollback.UID)) != nil {
		edits := []config.Edit{}
		for _, planned := range s.rollback.Status.Plan.Edits {
			edits = append(edits, config.Edit{Path: planned.Path, Value: planned.To})
		}
		after, _, err := config.Apply([]byte(testkit.Document), edits)
		if err != nil {
			s.T.Fatalf("%v", err)
		}
		want = string(after)
	} else if s.ready() == "Verified" {
		s.T.Fatalf("Verified, but the configuration has no edits")
	}
	if s.ready() == "Restored" && s.Content != testkit.Document {
		s.T.Fatalf("Restored, but the configuration is not what it was")
	}
	if s.Content != want {
		s.T.Fatalf("the configuration is not the base plus the plan:\n%s", config.UnifiedDiff("core.yaml", []byte(want), []byte(s.Content)))
	}
}
