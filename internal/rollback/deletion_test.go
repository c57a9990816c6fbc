package rollback_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// stages are the places of the story where somebody may delete the rollback.
var stages = map[string]struct {
	given   func(*story)
	written bool // the configuration has the edits, or some of them
}{
	"planned":         {func(s *story) { s.quiet() }, false},
	"checking before": {func(s *story) { s.reports(nil); s.approved() }, false},
	"about to claim":  {func(s *story) { s.before(testkit.OK()) }, false},
	"claimed":         {func(s *story) { s.writerStopped = true; s.approved(); s.writerStopped = false }, false},
	"written":         {func(s *story) { s.writerStopped = true; s.approved(); s.writes(); s.writerStopped = false }, true},
	"rolling out":     {func(s *story) { s.rollingOut(); s.writerStopped = false }, true},
	"proving":         {func(s *story) { s.rollingOut(); s.Step(); s.pass(); s.writerStopped = false }, true},
	"checking after":  {func(s *story) { s.reports(reports{"load": testkit.OK()}); s.approved() }, true},
	"verified":        {func(s *story) { s.approved() }, true},
	"not in effect": {func(s *story) {
		s.rollback.Spec.RemediationName = "keep"
		s.Stale = 2
		s.approved()
	}, true},
	"unproved": {func(s *story) {
		s.reports(reports{"load": testkit.OK(), "running-plan": testkit.Broken()})
		s.approved()
		s.reports(reports{"load": testkit.OK()})
	}, true},
	"renewing":   {func(s *story) { s.approved(); s.decide(strategyv1.DecisionRenew, "carol"); s.pass() }, true},
	"renewed":    {func(s *story) { s.approved(); s.decide(strategyv1.DecisionRenew, "carol"); s.pass(); s.pass() }, true},
	"gate asked": {func(s *story) { s.approved(); s.reports(nil); s.decide(strategyv1.DecisionRestore, "carol"); s.quiet() }, true},
	"gate failed": {func(s *story) {
		s.approved()
		s.reports(reports{"load": testkit.Fail()})
		s.decide(strategyv1.DecisionRestore, "carol")
		s.quiet()
	}, true},
	"expired": {func(s *story) {
		s.approved()
		s.reports(reports{"load": testkit.Fail()})
		s.At(5 * time.Hour)
		s.quiet()
	}, true},
	"releasing": {func(s *story) {
		s.approved()
		s.writerStopped = true
		s.decide(strategyv1.DecisionRestore, "carol")
		for range 5 {
			s.pass()
			s.Step()
		}
		s.writerStopped = false
	}, true},
	"undone, not restarted": {func(s *story) {
		s.approved()
		s.writerStopped = true
		s.decide(strategyv1.DecisionRestore, "carol")
		for range 5 {
			s.pass()
			s.Step()
		}
		s.writes()
		s.writerStopped = false
	}, false},
	"restored, but not in effect": {func(s *story) { s.approved(); s.Stale = 2; s.decide(strategyv1.DecisionRestore, "carol"); s.quiet() }, false},
	"overwritten":                 {func(s *story) { s.approved(); s.Edit(testkit.Document); s.quiet() }, false},
	"denied":                      {func(s *story) { s.quiet(); s.decide(strategyv1.DecisionDeny, "bob"); s.quiet() }, false},
	"restored":                    {func(s *story) { s.approved(); s.decide(strategyv1.DecisionRestore, "carol"); s.quiet() }, false},
}

// Whenever a rollback is deleted: the object goes, the record names it no more, nobody drops edits as an orphan's, and
// the edits stay (Retain) or are undone (Restore).
func TestDeletedAtAnyStage(t *testing.T) {
	for name, stage := range stages {
		for _, policy := range []strategyv1.DeletionPolicy{strategyv1.DeletionRetain, strategyv1.DeletionRestore} {
			t.Run(name+", "+string(policy), func(t *testing.T) {
				s := newStory(t)
				s.rollback.Spec.DeletionPolicy = policy
				stage.given(s)
				if got := s.Content != testkit.Document; got != stage.written {
					t.Fatalf("the stage is not what it says: written %v; %s", got, testkit.Conditions(s.rollback.Status.Conditions))
				}
				before := s.Content
				s.Delete("off")
				s.quiet()
				if gated := name == "gate failed" || name == "expired" || name == "gate asked"; gated && policy == strategyv1.DeletionRestore {
					s.gateLifted(t)
				}
				s.leftNothing(t)
				want := before
				if policy == strategyv1.DeletionRestore {
					want = testkit.Document
				}
				expect(t, "the configuration", s.Content, want)
				if undone := stage.written && policy == strategyv1.DeletionRestore; undone && s.Running != s.Content {
					t.Errorf("the scheduler runs another configuration than there is")
				}
				s.CheckTimeline(s.prefix, s.rollback.Status.Timeline, true)
				if log := s.logText(); stage.written && policy == strategyv1.DeletionRetain && !strings.Contains(log, "deletionPolicy Retain: the edits stay") {
					t.Errorf("the log does not say that the edits stay:\n%s", log)
				} else if !stage.written && strings.Contains(log, "the edits stay") && name != "overwritten" {
					t.Errorf("the log says that edits stay that are not there:\n%s", log)
				}
			})
		}
	}
}

// gateLifted: a deletion is no way around the gate that a restore has. It waits for somebody, however long that takes.
func (s *story) gateLifted(t *testing.T) {
	t.Helper()
	s.reports(reports{"load": testkit.Fail()})
	s.quiet()
	s.Now = s.Now.Add(24 * time.Hour)
	s.quiet()
	if s.gone() || s.ready() != strategyv1.ReasonRestoreGateFailed || !strings.Contains(s.message(strategyv1.ConditionReady), "deletionPolicy") {
		t.Fatalf("gone: %v; %s: %s", s.gone(), s.ready(), s.message(strategyv1.ConditionReady))
	}
	s.reports(reports{"load": testkit.OK()})
	s.decide(strategyv1.DecisionOverride, "bob")
	s.quiet()
}

func (s *story) leftNothing(t *testing.T) {
	t.Helper()
	if !s.gone() {
		t.Errorf("the object is still there: %v, %s", s.rollback.Finalizers, testkit.Conditions(s.rollback.Status.Conditions))
	}
	if holders := s.Config().State.Holders; len(holders) > 0 {
		t.Errorf("the record still names %s", holders[0].Name)
	}
	if len(s.Dropped) > 0 {
		t.Errorf("its edits became an orphan's")
	}
}

// The writer may be about to write while the object goes: nothing of it may stay behind.
func TestDeletedWhileTheWriterWrites(t *testing.T) {
	for _, policy := range []strategyv1.DeletionPolicy{strategyv1.DeletionRetain, strategyv1.DeletionRestore} {
		t.Run(string(policy), func(t *testing.T) {
			s := newStory(t)
			s.rollback.Spec.DeletionPolicy = policy
			s.writerStopped = true
			s.approved()
			s.Now = s.Now.Add(10 * time.Second)
			s.Delete("off")
			s.PrepareWrite()
			s.pass()
			if !s.CommitWrite() {
				t.Fatal("nothing was written")
			}
			s.writerStopped = false
			s.quiet()
			s.leftNothing(t)
			expect(t, "the configuration", s.Content, testkit.Document)
		})
	}
}

// Whatever is missing, the object goes in the end, and says what it leaves behind.
func TestDeletedAndSomethingIsMissing(t *testing.T) {
	problem := func(reason string) *facts.Problem {
		return &facts.Problem{Reason: reason, Message: reason + " is missing"}
	}
	const (
		still   = "deleted, but the edits are still in the configuration: "
		unknown = "deleted, and nobody knows whether the edits are still in the configuration: "
	)
	for name, c := range map[string]struct {
		policy strategyv1.DeletionPolicy
		given  func(*story)
		later  time.Duration // when it goes
		undone bool
		says   string // the summary
	}{
		"the playbook, Retain":  {strategyv1.DeletionRetain, func(s *story) { s.playbookProblem = problem("PlaybookNotFound") }, 0, false, "the edits stay in the configuration"},
		"the playbook, Restore": {strategyv1.DeletionRestore, func(s *story) { s.playbookProblem = problem("PlaybookNotFound"); s.overridesDeletion() }, 0, true, "the edits were undone, but the scheduler was not restarted: PlaybookNotFound is missing"},
		"the playbook and the writer": {strategyv1.DeletionRestore, func(s *story) {
			s.playbookProblem = problem("PlaybookNotFound")
			s.writerStopped = true
			s.overridesDeletion()
		}, 2 * time.Minute, false, still + "it took too long"},
		"the ConfigMap, Retain":                {strategyv1.DeletionRetain, func(s *story) { s.configProblem = problem("ConfigMapNotFound") }, 0, false, "the configuration is gone"},
		"the ConfigMap, Restore":               {strategyv1.DeletionRestore, func(s *story) { s.configProblem = problem("ConfigMapNotFound") }, 0, false, "the configuration is gone"},
		"the opt-in of the ConfigMap, Retain":  {strategyv1.DeletionRetain, func(s *story) { s.configProblem = problem("ConfigMapNotLabelled") }, 5 * time.Minute, false, unknown + "it took too long"},
		"the opt-in of the ConfigMap, Restore": {strategyv1.DeletionRestore, func(s *story) { s.configProblem = problem("ConfigMapNotLabelled") }, 5 * time.Minute, false, unknown + "it took too long: ConfigMapNotLabelled is missing"},
		"the Deployment, Retain":               {strategyv1.DeletionRetain, func(s *story) { s.Deployment = nil }, 0, false, "the edits stay in the configuration"},
		"the Deployment, Restore":              {strategyv1.DeletionRestore, func(s *story) { s.Deployment = nil }, 5 * time.Minute, true, "it took too long: the restore is not in effect in time: Deployment bot-core-scheduler does not exist"},
		"the service of the namespace":         {strategyv1.DeletionRestore, func(s *story) { s.notServed = problem("NamespaceNotServed") }, 0, false, unknown + "the operator no longer serves this namespace"},
		"the log, Retain":                      {strategyv1.DeletionRetain, func(s *story) { s.logProblem = problem("SecretNotFound") }, 0, false, "the edits stay in the configuration"},
		"the log, Restore":                     {strategyv1.DeletionRestore, func(s *story) { s.logProblem = problem("SecretNotFound") }, 5 * time.Minute, false, still + "it took too long: SecretNotFound is missing"},
		"the writer, Retain":                   {strategyv1.DeletionRetain, func(s *story) { s.writerStopped = true }, 5 * time.Minute, false, still + "it took too long"},
		"the writer, Restore":                  {strategyv1.DeletionRestore, func(s *story) { s.writerStopped = true }, 5 * time.Minute, false, still + "it took too long"},
		"the PodTemplate of the proof": {strategyv1.DeletionRestore, func(s *story) {
			s.overridesDeletion()
			lift := s.later
			s.later = func() { lift(); s.Templates = nil }
		}, 5 * time.Minute, true, "it took too long: the restore is not in effect in time: check running-plan needs PodTemplate tools"},
		"the PodTemplate of the gate":          {strategyv1.DeletionRestore, func(s *story) { s.Templates = nil }, 5 * time.Minute, false, still + "it took too long: check load needs PodTemplate tools"},
		"a scheduler that starts, Restore":     {strategyv1.DeletionRestore, func(s *story) { s.Deployment.Spec.Paused = true }, 5 * time.Minute, true, "it took too long"},
		"the proof: undone, but not shown":     {strategyv1.DeletionRestore, func(s *story) { s.reports(reports{"load": testkit.OK(), "running-plan": testkit.Broken()}) }, 0, true, "the edits were undone, but it could not be proved"},
		"a document that can be read, Retain":  {strategyv1.DeletionRetain, func(s *story) { s.Edit("a: [\n") }, 5 * time.Minute, false, unknown + "it took too long: deleted with deletionPolicy Retain"},
		"a document that can be read, Restore": {strategyv1.DeletionRestore, func(s *story) { s.Edit("a: [\n") }, 5 * time.Minute, false, unknown + "it took too long"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rollback.Spec.DeletionPolicy = c.policy
			s.approved()
			before := s.Content
			c.given(s)
			deleted := s.Now
			s.Delete("off")
			s.quiet()
			if s.later != nil {
				s.later()
				s.quiet()
			}
			if c.later > 0 {
				if s.gone() {
					t.Fatalf("it is gone at once: %s", s.message(strategyv1.ConditionReady))
				}
				s.Now = deleted.Add(c.later - time.Second)
				s.quiet()
				if s.gone() {
					t.Fatalf("it is gone before its time: %s", s.message(strategyv1.ConditionReady))
				}
				s.Now = deleted.Add(c.later)
				s.quiet()
			}
			if !s.gone() {
				t.Fatalf("it is still there: %s", testkit.Conditions(s.rollback.Status.Conditions))
			}
			if got := s.message(strategyv1.ConditionReady); !strings.Contains(got, c.says) {
				t.Errorf("it says %q, not %q", got, c.says)
			}
			if undone := s.Content == testkit.Document; undone != c.undone && s.Content != "a: [\n" {
				t.Errorf("undone: %v (before %v)", undone, before == s.Content)
			}
			s.writerStopped = false
			s.quiet() // the writer drops what nobody stands for any more
			s.writes()
			if holders := s.Config().State.Holders; len(holders) > 0 {
				t.Errorf("the record still names %s", holders[0].Name)
			}
			if s.logProblem == nil && s.playbookProblem == nil && s.notServed == nil {
				s.CheckTimeline(s.prefix, s.rollback.Status.Timeline, true)
			}
		})
	}
}

// overridesDeletion: the gate does not hold, or cannot be asked, and bob lifts it once the deletion waits for that.
func (s *story) overridesDeletion() {
	reported := s.Report
	s.reports(reports{"load": testkit.Fail()})
	s.later = func() {
		s.Report = reported
		if s.gone() || s.Content == testkit.Document || s.ready() != strategyv1.ReasonRestoreGateFailed {
			s.T.Fatalf("it does not wait: %s", testkit.Conditions(s.rollback.Status.Conditions))
		}
		s.decide(strategyv1.DecisionOverride, "bob")
	}
}

// Whoever takes the finalizer away by force leaves an orphan: the writer drops its record, and says so.
func TestAnOrphanIsDropped(t *testing.T) {
	s := newStory(t)
	s.approved()
	before := s.Content
	s.rollback.Finalizers = nil
	s.Delete("off")
	if !s.gone() {
		t.Fatal("it is still there")
	}
	s.writes()
	if len(s.Dropped) != 1 || s.Dropped[0].Name != "off" || len(s.Config().State.Holders) > 0 {
		t.Errorf("dropped: %+v", s.Dropped)
	}
	expect(t, "the configuration", s.Content, before)
	other := s.beside("second", testkit.Disable("slow"))
	other.approved()
	expect(t, "another one", other.ready(), "Verified")
	other.decide(strategyv1.DecisionRestore, "carol")
	other.quiet()
	expect(t, "the configuration in the end", s.Content, before)
}

// A right that was lost may come back, and nobody said that the operator shall let go: the edits may be in the configuration.
func TestALostRightDoesNotLetADeletedRollbackGo(t *testing.T) {
	for _, policy := range []strategyv1.DeletionPolicy{strategyv1.DeletionRetain, strategyv1.DeletionRestore} {
		for _, lostFirst := range []bool{true, false} {
			t.Run(fmt.Sprint(policy, " ", lostFirst), func(t *testing.T) {
				s := newStory(t)
				s.rollback.Spec.DeletionPolicy = policy
				s.approved()
				lost := &facts.Problem{Reason: strategyv1.ReasonNamespaceNotServed, Message: "bind the role", Lost: true}
				if lostFirst {
					s.notServed = lost
				}
				s.writerStopped = true
				s.Delete("off")
				s.quiet()
				s.notServed = lost
				for range 50 {
					s.Now = s.Now.Add(time.Hour)
					s.quiet()
				}
				if s.gone() || !strings.Contains(s.message(strategyv1.ConditionReady), "bind the role") {
					t.Fatalf("gone: %v; %s", s.gone(), s.message(strategyv1.ConditionReady))
				}
				s.notServed, s.writerStopped = nil, false
				s.quiet()
				s.leftNothing(t)
				if undone := s.Content == testkit.Document; undone != (policy == strategyv1.DeletionRestore) {
					t.Errorf("undone: %v; %s", undone, s.message(strategyv1.ConditionReady))
				}
			})
		}
	}
}
