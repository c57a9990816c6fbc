package rollback_test

import (
	"fmt"
	"slices"
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
			switch rapid.SampledFrom([]string{"approve", "approve", "deny", "restore", "edit", "time", "crash", "crash", "turn", "quiet", "desired"}).Draw(t, "step") {
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

// scenarios are whole stories; each waits for quiet between its steps. Up to the mark a story is the same as "verified".
var scenarios = map[string]func(*story){
	"verified": func(s *story) { s.approved() },
	"verified and restored": func(s *story) {
		s.approved()
		s.At(time.Minute)
		s.decide(strategyv1.DecisionRestore, "carol")
		s.quiet()
	},
	"denied":                 func(s *story) { s.quiet(); s.decide(strategyv1.DecisionDeny, "bob"); s.quiet() },
	"approval expired":       func(s *story) { s.quiet(); s.At(time.Hour); s.quiet() },
	"failed after, reverted": func(s *story) { s.reports(reports{"load": testkit.OK(), "smoke": testkit.Fail()}); s.markedAtClaim() },
	"failed after, kept": func(s *story) {
		s.rollback.Spec.RemediationName = "keep"
		s.reports(reports{"smoke": testkit.Fail()})
		s.markedAtClaim()
	},
	"unmeasured, retried": func(s *story) { s.reports(reports{"load": testkit.Broken(), "smoke": testkit.OK()}); s.approved() },
	"stale mount":         func(s *story) { s.Stale = 1; s.markedAtClaim() },
	"stale twice":         func(s *story) { s.Stale = 2; s.markedAtClaim() },
	"expired":             func(s *story) { s.approved(); s.mark(); s.At(4 * time.Hour); s.quiet() },
	"gate fails": func(s *story) {
		s.reports(reports{"smoke": testkit.OK(), "load": testkit.OK(), "Restore/load": testkit.Fail()})
		s.approved()
		s.decide(strategyv1.DecisionRestore, "carol")
		s.quiet()
	},
	"withdrawn":   func(s *story) { s.quiet(); s.rollback.Spec.DesiredState = strategyv1.StateRestored; s.quiet() },
	"overwritten": func(s *story) { s.approved(); s.mark(); s.Edit(testkit.Document); s.quiet() },
	"by hand with conflict": func(s *story) {
		s.allocation()
		s.approved()
		s.mark()
		s.Edit(strings.Replace(s.Content, "cross: 0.0", "cross: 0.1", 1))
		s.decide(strategyv1.DecisionRestore, "carol")
		s.quiet()
	},
}

// markedAtClaim is an approved rollback that is the same as "verified" until it claims its edits.
func (s *story) markedAtClaim() {
	s.T.Helper()
	s.quiet()
	s.decide(strategyv1.DecisionApprove, "bob")
	s.goOnUntil(strategyv1.ReasonApplying)
	s.mark()
	s.quiet()
}

// Each story is cut after every action of every pass in turn: it must end as the uncut one does.
func TestACrashAtAnyActionEndsTheSame(t *testing.T) {
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := &cutter{story: newStory(t), at: -1}
			scenario(want.wired())
			for at := want.from; at < want.actions; at++ {
				got := &cutter{story: newStory(t), at: at}
				scenario(got.wired())
				got.sameAs(t, want)
			}
			t.Logf("%d cuts", want.actions-want.from)
		})
	}
}

// cutter counts actions over all passes and crashes before one of them.
type cutter struct {
	*story
	at, actions, from int
}

func (c *cutter) wired() *story {
	c.once, c.mark = true, func() { c.from = c.actions }
	c.beforeExecute = func(actions int) {
		if c.at >= c.actions && c.at < c.actions+actions {
			c.crashAfter = c.at - c.actions
		}
		c.actions += actions
	}
	return c.story
}

func (c *cutter) sameAs(t *testing.T, want *cutter) {
	t.Helper()
	expect(t, fmt.Sprintf("cut %d: conditions", c.at), testkit.Conditions(c.rollback.Status.Conditions), testkit.Conditions(want.rollback.Status.Conditions))
	expect(t, fmt.Sprintf("cut %d: configuration", c.at), c.Content, want.Content)
	expect(t, fmt.Sprintf("cut %d: log", c.at), sortedWords(c.events()), sortedWords(want.events()))
	expect(t, fmt.Sprintf("cut %d: Jobs left", c.at), fmt.Sprint(c.Jobs()), fmt.Sprint(want.Jobs()))
	expect(t, fmt.Sprintf("cut %d: Jobs created", c.at), fmt.Sprint(c.Created), fmt.Sprint(want.Created))
	if c.Restarts != want.Restarts || c.Writes != want.Writes {
		t.Errorf("cut %d: %d restarts, %d writes; want %d and %d", c.at, c.Restarts, c.Writes, want.Restarts, want.Writes)
	}
	for key := range want.Objects {
		if c.Objects[key] == nil {
			t.Errorf("cut %d: evidence %s is missing", c.at, key)
		}
	}
	c.invariants(true)
}

// sortedWords: checks that run side by side may be judged in another order after a crash.
func sortedWords(text string) string {
	words := strings.Fields(text)
	slices.Sort(words)
	return strings.Join(words, " ")
}
