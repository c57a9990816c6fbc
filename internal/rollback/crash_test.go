package rollback_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

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
	"the gate at the end of the time box fails, overridden": func(s *story) {
		s.approved()
		s.mark()
		s.reports(reports{"load": testkit.Fail()})
		s.At(4*time.Hour - 5*time.Minute)
		s.quiet()
		s.decide(strategyv1.DecisionOverride, "carol")
		s.quiet()
	},
	"restored at the end of the time box": func(s *story) { s.approved(); s.mark(); s.At(4*time.Hour - 5*time.Minute); s.quiet() },
	"renewed, and restored": func(s *story) {
		s.approved()
		s.mark()
		s.At(3 * time.Hour)
		s.decide(strategyv1.DecisionRenew, "carol")
		s.quiet()
		s.decide(strategyv1.DecisionRestore, "carol")
		s.quiet()
	},
	"renewed after the end": func(s *story) {
		s.approved()
		s.mark()
		gateFailed(s)
		s.decide(strategyv1.DecisionRenew, "carol")
		s.quiet()
	},
	"a renewal that fails": func(s *story) {
		s.approved()
		s.mark()
		s.At(3 * time.Hour)
		s.Stale = 2
		s.decide(strategyv1.DecisionRenew, "carol")
		s.quiet()
	},
	"the guard is lifted": func(s *story) {
		s.Spec.Guard = &strategyv1.GuardSpec{MaxActiveRollbacks: 1}
		other := s.beside("first", disable("slow"))
		other.approved()
		s.approved()
		s.decide(strategyv1.DecisionOverride, "carol")
		s.quiet()
	},
	"a feed": func(s *story) { s.feeds(); s.byHand(feed("binance")); s.approved() },
	"a feed that fails its second probe": func(s *story) {
		s.feeds()
		s.byHand(feed("binance"))
		s.reports(reports{"Probe/feed-probe/1": testkit.OK(), "Probe/feed-probe/11": testkit.Fail()})
		s.approved()
	},
	"a dry run":           func(s *story) { s.rollback.Spec.Mode = strategyv1.ModeDryRun; s.quiet() },
	"deleted with Retain": func(s *story) { s.approved(); s.mark(); s.Delete("off"); s.quiet() },
	"deleted with Restore": func(s *story) {
		s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRestore
		s.approved()
		s.mark()
		s.Delete("off")
		s.quiet()
	},
	"deleted with Restore, not in effect": func(s *story) {
		s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRestore
		s.approved()
		s.mark()
		s.Stale = 2
		s.Delete("off")
		s.quiet()
	},
	"deleted, and the configuration is gone": func(s *story) {
		s.approved()
		s.mark()
		s.configProblem = &facts.Problem{Reason: strategyv1.ReasonConfigMapNotFound}
		s.Delete("off")
		s.quiet()
	},
	"deleted after the claim": func(s *story) {
		s.writerStopped = true
		s.approved()
		s.mark()
		s.writerStopped = false
		s.Delete("off")
		s.quiet()
	},
	"deleted, and the writer is away": func(s *story) {
		s.approved()
		s.mark()
		s.writerStopped = true
		s.Delete("off")
		s.quiet()
		s.Now = s.Now.Add(5 * time.Minute)
		s.quiet()
	},
	"a person was faster than the writer": func(s *story) {
		s.writerStopped = true
		s.approved()
		s.mark()
		s.Edit(strings.Replace(testkit.Document, "      # the schedules\n", "      initial_suspensions: [{schedule: fast, reason: mine}]\n", 1))
		s.quiet()
		s.writerStopped = false
		s.decide(strategyv1.DecisionApprove, "carol")
		s.quiet()
	},
	"with Reloader": func(s *story) {
		s.Reloader, s.Deployment.Annotations = true, map[string]string{"reloader.stakater.com/auto": "true"}
		s.markedAtClaim()
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
	expect(t, fmt.Sprintf("cut %d: record", c.at), c.Edits, want.Edits)
	expect(t, fmt.Sprintf("cut %d: finalizers", c.at), fmt.Sprint(c.gone(), c.rollback.Finalizers), fmt.Sprint(want.gone(), want.rollback.Finalizers))
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
