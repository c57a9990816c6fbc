package rollback_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// crowd is several rollbacks in one world, with what must be true of them together.
type crowd struct {
	*rapid.T
	world   *testkit.World
	stories []*story
	base    string // what people put there
	exact   bool   // nobody left edits behind: what is not held any more is as people put it
	known   map[string]int64
	count   map[string]int
}

const guardLimit = 1

// However plans, decisions of several people, deletions, edits, crashes and the clock fall together: the rules that must
// hold of several rollbacks on one configuration hold after every step.
func TestAnyCrowd(t *testing.T) {
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		first := newStory(t)
		first.once = true
		first.feeds()
		first.Spec.Guard = &strategyv1.GuardSpec{MaxActiveRollbacks: guardLimit}
		delete(first.Rollbacks, first.rollback.Name)
		c := &crowd{T: t, world: first.World, base: first.Content, exact: true, known: map[string]int64{}, count: count}
		for range rapid.IntRange(8, 40).Draw(t, "steps") {
			c.step(first)
			c.invariants()
		}
		c.end()
		count["cases"]++
	})
	t.Log(count)
}

var crowdActions = [][]strategyv1.RollbackAction{
	{disable("fast")}, {disable("slow")}, {{Type: strategyv1.ActionDisableSchedule, Strategy: "arb"}},
	{allocate("trend", "0.1")}, {allocate("trend", "0.1")}, {allocate("trend", "0.2")}, {disable("trend_watch"), allocate("cross", "0.0")},
	{signals("trend", "balanced", 0)}, {feed("kraken")},
}

func (c *crowd) step(first *story) {
	if len(c.stories) == 0 || len(c.stories) < 5 && rapid.IntRange(0, 5).Draw(c.T, "another") == 0 {
		s := first.beside(fmt.Sprintf("r%d", len(c.stories)+1), evenly(c.T, "actions", crowdActions)...)
		s.rollback.Spec.MaxDurationSeconds = new(rapid.SampledFrom([]int32{0, 600, 14400}).Draw(c.T, "box"))
		s.rollback.Spec.DeletionPolicy = rapid.SampledFrom([]strategyv1.DeletionPolicy{strategyv1.DeletionRetain, strategyv1.DeletionRestore}).Draw(c.T, "policy")
		c.stories = append(c.stories, s)
		together(c.stories...)
	}
	s := evenly(c.T, "whose", c.stories)
	switch what := evenly(c.T, "step", []string{
		"Approve", "Approve", "Approve", "Approve", "Approve", "Deny", "Override", "Override", "Renew", "Renew", "Restore", "desired", "delete", "elsewhere", "time",
		"crash", "crash", "crash", "turn", "turn", "quiet", "quiet",
	}); what {
	case "Approve", "Override", "Renew", "Restore":
		s.Now = s.Now.Add(time.Second)
		s.decide(strategyv1.DecisionVerdict(what), evenly(c.T, "by", []string{"alice", "bob", "bob"}))
	case "Deny":
		if rapid.IntRange(0, 3).Draw(c.T, "really") == 0 {
			s.decide(strategyv1.DecisionDeny, "bob")
		}
	case "desired":
		if rapid.IntRange(0, 2).Draw(c.T, "really") == 0 {
			s.rollback.Spec.DesiredState = strategyv1.StateRestored
		}
	case "delete":
		if rapid.IntRange(0, 1).Draw(c.T, "really") == 0 {
			c.exact = c.exact && (s.rollback.Spec.DeletionPolicy == strategyv1.DeletionRestore || s.rollback.Status.Config == nil) // what is retained stays
			c.world.Delete(s.rollback.Name)
			c.count["deleted"]++
		}
	case "elsewhere":
		old, next := "# the schedules", "# all the schedules"
		if strings.Contains(c.base, next) {
			old, next = next, old
		}
		c.base = strings.Replace(c.base, old, next, 1)
		c.world.Edit(strings.Replace(c.world.Content, old, next, 1))
	case "time":
		s.Now = s.Now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 9 * time.Minute, time.Hour}).Draw(c.T, "later"))
	case "crash":
		s.crashAfter = rapid.IntRange(0, 5).Draw(c.T, "after")
		s.turn()
	case "turn":
		s.turn()
	case "quiet":
		together(c.stories...)
	}
}

// evenly draws without the preference for the first choices that rapid has.
func evenly[V any](t *rapid.T, what string, choices []V) V {
	at := 0
	for range 6 {
		at *= 2
		if rapid.Bool().Draw(t, what) {
			at++
		}
	}
	return choices[at%len(choices)]
}

// end brings everything to its end: what is approved is applied, what is applied restored, the rest withdrawn.
func (c *crowd) end() {
	together(c.stories...)
	c.invariants()
	c.inEffect()
	for _, s := range c.stories {
		s.rollback.Spec.DesiredState, s.rollback.Generation = strategyv1.StateRestored, s.rollback.Generation+1
	}
	together(c.stories...)
	c.invariants()
	for _, s := range c.stories {
		if !s.gone() && !s.ended() {
			c.Fatalf("%s does not end: %s", s.rollback.Name, testkit.Conditions(s.rollback.Status.Conditions))
		}
		if len(s.rollback.Finalizers) > 0 {
			c.Fatalf("%s keeps its finalizer", s.rollback.Name)
		}
		if !s.gone() {
			s.CheckTimeline(s.prefix, s.rollback.Status.Timeline, true)
		}
		c.count[s.ready()]++
	}
	if holders := c.world.Config().State.Holders; len(holders) > 0 {
		c.Fatalf("%s is still held", holders[0].Name)
	}
	if c.exact && c.world.Content != c.base {
		c.Fatalf("not the same bytes:\n%s", config.UnifiedDiff("core.yaml", []byte(c.base), []byte(c.world.Content)))
	}
	if c.exact {
		c.count["byte-identical"]++
	}
}

// invariants hold after every step.
func (c *crowd) invariants() {
	state := c.world.Config().State
	model := testkit.ParseTree(c.T, c.base)
	for i, holder := range state.Holders {
		at := slices.IndexFunc(c.stories, func(s *story) bool { return string(s.rollback.UID) == holder.UID })
		s := c.stories[at]
		if s.gone() || !slices.Contains(s.rollback.Finalizers, strategyv1.Finalizer) {
			c.Fatalf("%s is in the record, without a finalizer", holder.Name)
		}
		for _, record := range holder.Records {
			model.Set(record.Path, record.To)
		}
		if revision, seen := c.known[holder.UID]; !seen || revision != holder.Revision {
			c.isNew(s, i, holder, !seen)
		}
		c.known[holder.UID] = holder.Revision
	}
	if got := testkit.ParseTree(c.T, c.world.Content).String(); c.exact && got != model.String() {
		c.Fatalf("the configuration is not what people put there plus what is held:\n%s\nheld: %+v", config.UnifiedDiff("core.yaml", []byte(c.base), []byte(c.world.Content)), state.Holders)
	}
}

// isNew: nothing is written without another person's agreement to exactly this, and not above the guard.
func (c *crowd) isNew(s *story, position int, holder schedulerconfig.Holder, first bool) {
	c.count["written"]++
	agreed := s.rollback.Status.Decision
	if agreed == nil || agreed.By != "bob" {
		c.Fatalf("%s is written, agreed to by %+v", holder.Name, agreed)
	}
	at := slices.IndexFunc(s.decided, func(d facts.Decided) bool { return d.Name == agreed.Name })
	if at < 0 || first && agreed.Verdict == strategyv1.DecisionApprove && s.decided[at].Digest != s.rollback.Status.Plan.Digest {
		c.Fatalf("%s is written, but what was approved is another plan", holder.Name)
	}
	if s.rollback.Status.Override != nil {
		c.count["overridden"]++
	} else if first && position+1 > guardLimit {
		c.Fatalf("%s is number %d, the guard allows %d", holder.Name, position+1, guardLimit)
	}
}

// inEffect: what is said to be in effect is what the scheduler runs, and its time is not over.
func (c *crowd) inEffect() {
	for _, s := range c.stories {
		if s.gone() || !conditions.True(s.rollback.Status.Conditions, strategyv1.ConditionInEffect) {
			continue
		}
		c.count["in effect"]++
		for _, edit := range s.rollback.Status.Plan.Edits {
			if held, err := config.Holds([]byte(c.world.Running), edit.Path, edit.To); c.exact && (err != nil || !held) {
				c.Fatalf("%s is said to be in effect, but the scheduler does not run %s: %v", s.rollback.Name, edit.Path, err)
			}
		}
		if until := s.rollback.Status.Plan.Until; until != nil && len(s.rollback.Status.Plan.Disables) > 0 && !s.Now.Before(until.Time) {
			c.Fatalf("%s is said to be in effect after %v", s.rollback.Name, until)
		}
	}
}
