package rollback_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// The order of a claim: finalizer, log, claim, write. Each is there before the next one is asked for.
func TestTheOrderOfAClaim(t *testing.T) {
	s := newStory(t)
	s.writerStopped = true
	s.approved()
	if len(s.rollback.Finalizers) != 1 || s.rollback.Finalizers[0] != strategyv1.Finalizer {
		t.Errorf("finalizers %v", s.rollback.Finalizers)
	}
	expect(t, "the log", s.events(), "rollback_requested approved check config_change")
	claim := s.rollback.Status.Config
	if claim == nil || claim.Claim != strategyv1.ClaimHold || claim.Revision != 1 || claim.ConfigMapName != testkit.ConfigMap || claim.Key != testkit.DataKey {
		t.Errorf("the claim is %+v", claim)
	}
	if s.WriteConfig() {
		t.Errorf("written at once: other claims are not waited for")
	}
	s.Now = s.Now.Add(2 * time.Second)
	if !s.WriteConfig() {
		t.Errorf("not written after two seconds")
	}
}

func TestOtherFinalizersAreKept(t *testing.T) {
	s := newStory(t)
	s.rollback.Finalizers = []string{"example.com/other"}
	s.approved()
	expect(t, "while it holds", strings.Join(s.rollback.Finalizers, " "), "example.com/other "+strategyv1.Finalizer)
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "after the end", strings.Join(s.rollback.Finalizers, " "), "example.com/other")
}

// A rollback that ended keeps its finalizer until its last entry is in the log.
func TestTheFinalizerWaitsForTheLog(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.decide(strategyv1.DecisionRestore, "carol")
	for range 40 {
		s.turn()
		if s.ended() {
			break
		}
	}
	expect(t, "ended", s.ready(), "Restored")
	if len(s.rollback.Finalizers) != 1 {
		t.Fatal("it let go in the pass in which it ended")
	}
	s.Logs[s.prefix] = s.Logs[s.prefix][:len(s.Logs[s.prefix])-1] // as after a crash
	s.pass()
	if len(s.rollback.Finalizers) != 1 {
		t.Fatal("it let go before the log had its last entry")
	}
	s.quiet()
	if len(s.rollback.Finalizers) != 0 || !strings.HasSuffix(s.events(), "restored") {
		t.Errorf("finalizers %v, log %s", s.rollback.Finalizers, s.events())
	}
}

// strayed is a rollback whose claim was given up because of a person's edit, in the moment in which the writer, who saw
// that the person took it back, wrote it.
func strayed(t *testing.T) *story {
	t.Helper()
	s := newStory(t)
	s.writerStopped = true
	s.approved()
	expect(t, "claimed", s.ready(), "Applying")
	s.Now = s.Now.Add(10 * time.Second)
	s.Edit(strings.Replace(testkit.Document, "      # the schedules\n", "      initial_suspensions: [{schedule: fast, reason: mine}]\n", 1))
	slow := s.plan()
	s.Edit(testkit.Document)
	s.PrepareWrite()
	s.rollback.Status = *slow.Status.DeepCopy()
	s.Execute(slow.Steps.InOrder())
	expect(t, "given up", s.ready(), "PlanChanged")
	if !s.CommitWrite() {
		t.Fatal("the writer did not write")
	}
	s.writerStopped = false
	return s
}

// What was written without a claim is taken back before anything else, and needs another approval.
func TestStray(t *testing.T) {
	for name, c := range map[string]struct {
		then  func(*story)
		ready string
	}{
		"planned again":       {func(*story) {}, "AwaitingApproval"},
		"approved again":      {func(s *story) { s.quiet(); s.decide(strategyv1.DecisionApprove, "carol") }, "Verified"},
		"restored":            {func(s *story) { s.decide(strategyv1.DecisionRestore, "carol") }, "Withdrawn"},
		"restored by Git":     {func(s *story) { s.rollback.Spec.DesiredState = strategyv1.StateRestored }, "Withdrawn"},
		"denied":              {func(s *story) { s.decide(strategyv1.DecisionDeny, "carol") }, "Denied"},
		"deleted with Retain": {func(s *story) { s.Delete("off") }, ""},
		"deleted with Restore": {func(s *story) {
			s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRestore
			s.Delete("off")
		}, ""},
		"after the approval's time":  {func(s *story) { s.At(time.Hour) }, "ApprovalExpired"},
		"after the time box":         {func(s *story) { s.At(5 * time.Hour) }, "ApprovalExpired"},
		"the operator is down first": {func(s *story) { s.Now = s.Now.Add(time.Minute) }, "AwaitingApproval"},
	} {
		t.Run(name, func(t *testing.T) {
			s := strayed(t)
			c.then(s)
			s.quiet()
			if c.ready == "" {
				s.leftNothing(t)
			} else {
				expect(t, "Ready", s.ready(), c.ready)
			}
			want := testkit.Document
			if c.ready == "Verified" {
				want = s.Running
			}
			expect(t, "the configuration", s.Content, want)
			if held := s.Config().State.Holder(string(s.rollback.UID)) != nil; held != (c.ready == "Verified") {
				t.Errorf("holds: %v", held)
			}
			s.CheckTimeline(s.prefix, s.rollback.Status.Timeline, true)
		})
	}
}

// A write that comes when the rollback has ended already is undone as well: its last claim is to hold nothing.
func TestStrayAfterTheEnd(t *testing.T) {
	s := newStory(t)
	s.writerStopped = true
	s.approved()
	s.Now = s.Now.Add(10 * time.Second)
	s.Edit(strings.Replace(testkit.Document, "      # the schedules\n", "      initial_suspensions: [{schedule: fast, reason: mine}]\n", 1))
	slow := s.plan()
	s.Edit(testkit.Document)
	s.PrepareWrite()
	s.rollback.Status = *slow.Status.DeepCopy()
	s.Execute(slow.Steps.InOrder())
	s.decide(strategyv1.DecisionDeny, "carol")
	s.quiet()
	expect(t, "ended", s.ready(), "Denied")
	if !s.CommitWrite() {
		t.Fatal("the writer did not write")
	}
	s.writerStopped = false
	s.quiet()
	if s.Config().State.Holder(string(s.rollback.UID)) != nil || s.Content != testkit.Document {
		t.Errorf("a rollback that has ended holds its edits")
	}
	expect(t, "Ready", s.ready(), "Denied")
}
