package rollback_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// What becomes of commits, in the words of whoever commits.
const (
	oneCommit     = "1111111111111111111111111111111111111111"
	anotherCommit = "2222222222222222222222222222222222222222"
	committedTo   = "core.yaml in https://git.example.com/config.git, branch main"
)

// answers is a repository to which the same happens with each commit of a kind; a kind without an answer is still on its way.
type answers map[strategyv1.WriteBackChange]facts.Committed

func (a answers) of(asked strategyv1.WriteBackStatus) *facts.Committed {
	answer, known := a[asked.Change]
	if !known {
		return nil
	}
	answer.Change, answer.Revision = asked.Change, asked.Revision
	return &answer
}

func problem(reason string, person bool) facts.Committed {
	return facts.Committed{Problem: &facts.Problem{Reason: reason, Message: "it says no"}, Person: person}
}

var (
	inMain  = facts.Committed{State: strategyv1.WriteBackCommitted, Commit: oneCommit, Branch: "main"}
	outMain = facts.Committed{State: strategyv1.WriteBackCommitted, Commit: anotherCommit, Branch: "main"}
	opened  = facts.Committed{State: strategyv1.WriteBackOpen, Commit: oneCommit, Branch: "ops/off"}
	gone    = facts.Committed{State: strategyv1.WriteBackWithdrawn, Branch: "ops/off"}
	left    = facts.Committed{State: strategyv1.WriteBackLeft, Commit: oneCommit, Branch: "main"}
	away    = problem(strategyv1.ReasonRepositoryAway, false)
	refuses = problem(strategyv1.ReasonPushRefused, true)
	differs = problem(strategyv1.ReasonFileDiffers, true)
)

func (f answers) with(change strategyv1.WriteBackChange, answer facts.Committed) answers {
	f[change] = answer
	return f
}

// writingBack is a rollback of a playbook that commits its edits, before anybody approved it.
func writingBack(t *testing.T, git answers) *story {
	t.Helper()
	s := newStory(t)
	s.Spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: strategyv1.GitOpsWriteBack, WriteBack: &strategyv1.WriteBackSpec{
		URL: "https://git.example.com/config.git", Branch: "main", Path: "core.yaml", SecretName: "git", TimeoutSeconds: 120,
	}}
	s.git = git.of
	return s
}

// applied and undone are answers to one of the two.
func applied(answer facts.Committed) answers { return answers{strategyv1.WriteBackApplied: answer} }

func undone(answer facts.Committed) answers {
	return applied(inMain).with(strategyv1.WriteBackUndone, answer)
}

func (s *story) committed() string { return s.condition(strategyv1.ConditionCommitted) }

// askedOfGit is what the status asks for, and what it came to.
func (s *story) askedOfGit() string {
	asked := s.rollback.Status.WriteBack
	if asked == nil {
		return ""
	}
	return strings.TrimSpace(string(asked.Change) + " " + string(asked.State))
}

// in lets time go by.
func (s *story) in(d time.Duration) {
	s.T.Helper()
	s.Now = s.Now.Add(d)
	s.quiet()
}

// holds says whether the configuration has the edit.
func (s *story) holds() bool { return s.Content != testkit.Document }

// restores asks for it as carol, or as the playbook's time box.
func (s *story) restores(by string) {
	s.T.Helper()
	if by == "the time box" {
		s.At(5 * time.Hour)
	} else {
		s.decide(strategyv1.DecisionRestore, by)
	}
	s.quiet()
}

func TestEditsAreCommittedOnceTheyStand(t *testing.T) {
	s := writingBack(t, answers{})
	s.writerStopped = true
	s.approved()
	expect(t, "asked for before they are written", s.askedOfGit(), "")
	s.writerStopped = false
	for s.rollback.Status.WriteBack == nil {
		s.turn()
	}
	if log := s.logText(); !s.holds() || !strings.Contains(log, "config_change: committing the edits of revision 1 to "+committedTo) {
		t.Errorf("asked for before the log says so, or before they stand:\n%s", log)
	}
	asked := s.rollback.Status.WriteBack.AskedTime
	s.quiet()
	expect(t, "nothing is known of it", s.committed(), "Unknown/Committing")
	expect(t, "it is in effect all the same", s.ready(), strategyv1.ReasonVerified)
	s.git = applied(inMain).of
	s.quiet()
	expect(t, "Committed", s.committed(), "True/Committed")
	expect(t, "it says", s.message(strategyv1.ConditionCommitted), "the edits are commit 111111111111 of "+committedTo)
	expect(t, "the commit", s.rollback.Status.WriteBack.Commit, oneCommit)
	s.in(time.Hour)
	if again := s.rollback.Status.WriteBack.AskedTime; !again.Equal(&asked) || strings.Count(s.events(), "committed") != 1 {
		t.Errorf("asked for, or told, more than once: %s", s.events())
	}
}

// written goes on to right after the first write.
func (s *story) written() {
	s.T.Helper()
	s.writerStopped = true
	s.goOnUntil(strategyv1.ReasonApplying)
	for range 5 {
		s.pass()
	}
	s.writes()
	s.writerStopped = false
	if s.Content == testkit.Document {
		s.T.Fatalf("nothing was written")
	}
}

func TestWhatIsNotCommitted(t *testing.T) {
	for name, given := range map[string]func(*story){
		"a drill":              func(s *story) { s.rollback.Spec.Mode = strategyv1.ModeDrill },
		"a playbook on hold":   func(s *story) { s.written(); s.suspended = true },
		"what was put back":    func(s *story) { s.written(); s.Edit(testkit.Document) },
		"what lost its record": func(s *story) { s.written(); s.pass(); s.Edits = "" },
		"a playbook that is gone": func(s *story) {
			s.written()
			s.playbookProblem = &facts.Problem{Reason: strategyv1.ReasonPlaybookNotFound, Message: "x"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := writingBack(t, applied(inMain))
			s.quiet()
			s.decide(strategyv1.DecisionApprove, "bob")
			given(s)
			s.quiet()
			expect(t, "asked", s.askedOfGit(), "")
		})
	}
}

// An answer that is to another question is none.
func TestAnAnswerToSomethingElse(t *testing.T) {
	for name, other := range map[string]facts.Committed{
		"another revision": {Change: strategyv1.WriteBackApplied, Revision: 7, State: strategyv1.WriteBackCommitted, Commit: oneCommit},
		"the inverse":      {Change: strategyv1.WriteBackUndone, Revision: 1, State: strategyv1.WriteBackCommitted, Commit: oneCommit},
	} {
		t.Run(name, func(t *testing.T) {
			s := writingBack(t, nil)
			s.git = func(strategyv1.WriteBackStatus) *facts.Committed { return &other }
			s.approved()
			expect(t, "asked", s.askedOfGit(), "Applied")
			expect(t, "Committed", s.committed(), "Unknown/Committing")
		})
	}
}

func TestWhatBecomesOfACommit(t *testing.T) {
	for name, c := range map[string]struct {
		answer                   facts.Committed
		committed, ready, late   string // Ready at once, and when the time of a commit is over
		says                     string
		logged, told, notCounted bool
	}{
		"committed": {answer: inMain, committed: "True/Committed", ready: "Verified", late: "Verified", says: "the edits are commit 111111111111 of " + committedTo, logged: true},
		"pushed to a branch": {answer: opened, committed: "False/PullRequestOpen", ready: "Verified", late: "Verified",
			says: "pushed to branch ops/off as commit 111111111111; until somebody merges it a GitOps tool may put back what the repository holds", logged: true},
		"no answer": {answer: away, committed: "Unknown/RepositoryUnreachable", ready: "Verified", late: "RepositoryUnreachable",
			says: "not committed to " + committedTo + ": it says no; it is tried again", told: true},
		"others push": {answer: problem(strategyv1.ReasonBranchMoved, false), committed: "Unknown/BranchMoved", ready: "Verified", late: "BranchMoved",
			says: "not committed to " + committedTo + ": it says no; it is tried again", told: true},
		"refused": {answer: refuses, committed: "False/PushRefused", ready: "PushRefused", late: "PushRefused",
			says: "not committed to " + committedTo + ": it says no; it is tried again every few minutes; until then a GitOps tool may put back what the repository holds", told: true, logged: true},
		"another file": {answer: differs, committed: "False/FileDiffers", ready: "FileDiffers", late: "FileDiffers",
			says: "not committed to " + committedTo + ": it says no; it is tried again every few minutes; until then a GitOps tool may put back what the repository holds", told: true, logged: true},
		"a bad Secret": {answer: problem(strategyv1.ReasonRepositoryInvalid, true), committed: "False/RepositoryInvalid", ready: "RepositoryInvalid", late: "RepositoryInvalid",
			says: "not committed to " + committedTo + ": it says no; it is tried again every few minutes; until then a GitOps tool may put back what the repository holds", told: true, logged: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := writingBack(t, applied(c.answer))
			s.approved()
			expect(t, "Committed", s.committed(), c.committed)
			expect(t, "it says", s.message(strategyv1.ConditionCommitted), c.says)
			expect(t, "Ready", s.ready(), c.ready)
			s.in(2*time.Minute - time.Second)
			expect(t, "Ready in time", s.ready(), c.ready)
			s.in(time.Second)
			expect(t, "Ready when it is late", s.ready(), c.late)
			expect(t, "it stays in effect", s.effect(), "True/Proved")
			if logged := strings.Contains(s.logText(), c.says); logged != c.logged {
				t.Errorf("logged %v:\n%s", logged, s.logText())
			}
			s.git = applied(inMain).of
			s.quiet()
			expect(t, "in the end", s.committed()+" "+s.ready(), "True/Committed Verified")
		})
	}
}

// What is tried again and again is told when it becomes something else.
func TestFailuresAreToldOnce(t *testing.T) {
	s := writingBack(t, applied(refuses))
	s.approved()
	for range 10 {
		s.in(5 * time.Minute)
	}
	if n := strings.Count(s.events(), string(strategyv1.EventNotCommitted)); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// The time of a commit counts from when it was asked for, on whatever clock.
func TestAClockThatIsSetBackWhileACommitIsOnItsWay(t *testing.T) {
	s := writingBack(t, applied(away))
	s.approved()
	s.in(-time.Hour)
	expect(t, "Ready", s.ready(), strategyv1.ReasonVerified)
	s.in(time.Hour + 3*time.Minute)
	expect(t, "Ready later", s.ready(), strategyv1.ReasonRepositoryAway)
}

// A renewal is committed, too, under its own revision.
func TestARenewalIsCommitted(t *testing.T) {
	s := writingBack(t, applied(inMain))
	s.approved()
	s.in(time.Hour)
	s.decide(strategyv1.DecisionRenew, "carol")
	s.quiet()
	expect(t, "Ready", s.ready(), strategyv1.ReasonVerified)
	if asked := s.rollback.Status.WriteBack; asked.Revision != 2 || asked.State != strategyv1.WriteBackCommitted {
		t.Errorf("%+v", asked)
	}
	if log := s.logText(); !strings.Contains(log, "committing the edits of revision 2") || strings.Count(s.events(), "committed") != 2 {
		t.Errorf("the log says\n%s", log)
	}
}

// Before edits are undone their inverse is committed; how long that is waited for depends on who asked.
func TestTheInverseIsCommittedFirst(t *testing.T) {
	for name, c := range map[string]struct {
		answer    facts.Committed
		by        string
		waits     bool   // at first
		late      string // Ready when the time of the commit is over
		committed string // in the end
		restored  string // what it says in the end
	}{
		"committed":                   {answer: outMain, by: "carol", late: "Restored", committed: "False/CommitUndone"},
		"never merged":                {answer: gone, by: "carol", late: "Restored", committed: "False/CommitUndone"},
		"nothing was there":           {answer: left, by: "carol", late: "Restored", committed: "False/CommitUndone"},
		"somebody committed the same": {answer: facts.Committed{State: strategyv1.WriteBackLeft, Commit: oneCommit, Branch: "main", Left: []string{"/a"}}, by: "carol", late: "Restored", committed: "True/NotOurCommit", restored: "may still hold the edits"},
		"somebody changed it since":   {answer: facts.Committed{State: strategyv1.WriteBackCommitted, Commit: anotherCommit, Branch: "main", Left: []string{"/a"}}, by: "carol", late: "Restored", committed: "False/CommitUndone"},
		"no answer, to somebody":      {answer: away, by: "carol", waits: true, late: "Restored", committed: "True/RepositoryUnreachable", restored: "may still hold the edits"},
		"refused, to somebody":        {answer: refuses, by: "carol", waits: true, late: "Restored", committed: "True/PushRefused", restored: "may still hold the edits"},
		"nobody merges, for somebody": {answer: opened, by: "carol", waits: true, late: "Restored", committed: "True/PullRequestOpen", restored: "may still hold the edits"},
		"no answer, to the time box":  {answer: away, by: "the time box", waits: true, late: "RepositoryUnreachable", committed: "Unknown/RepositoryUnreachable"},
		"refused, to the time box":    {answer: refuses, by: "the time box", waits: true, late: "PushRefused", committed: "False/PushRefused"},
		"nobody merges, the time box": {answer: opened, by: "the time box", waits: true, late: "PullRequestOpen", committed: "True/PullRequestOpen"},
		"committed, for the time box": {answer: outMain, by: "the time box", late: "Restored", committed: "False/CommitUndone"},
	} {
		t.Run(name, func(t *testing.T) {
			s := writingBack(t, undone(c.answer))
			s.approved()
			s.restores(c.by)
			if s.holds() != c.waits {
				t.Errorf("waits %v: %s", s.holds(), s.message(strategyv1.ConditionReady))
			}
			s.in(2*time.Minute - time.Second)
			if s.holds() != c.waits {
				t.Errorf("waits %v in time: %s", s.holds(), s.message(strategyv1.ConditionReady))
			}
			s.in(time.Second)
			expect(t, "Ready", s.ready(), c.late)
			expect(t, "Committed", s.committed(), c.committed)
			if said := s.message(strategyv1.ConditionRestored); c.restored != "" && !strings.Contains(said, c.restored) || c.restored == "" && strings.Contains(said, "Mind that") {
				t.Errorf("it says %s", said)
			}
			if stays := c.late != "Restored"; s.holds() != stays {
				t.Errorf("the edits stay: %v", s.holds())
			}
		})
	}
}

// What the time box cannot undo somebody can, and what can be committed later is undone by itself.
func TestAfterTheTimeBoxIsStuck(t *testing.T) {
	for name, act := range map[string]func(*story){
		"somebody restores": func(s *story) { s.decide(strategyv1.DecisionRestore, "carol") },
		"the spec says so": func(s *story) {
			s.rollback.Spec.DesiredState, s.rollback.Generation = strategyv1.StateRestored, s.rollback.Generation+1
		},
		"Git takes it":     func(s *story) { s.git = undone(outMain).of },
		"somebody merges":  func(s *story) { s.git = undone(outMain).of },
		"it was withdrawn": func(s *story) { s.git = undone(gone).of },
	} {
		t.Run(name, func(t *testing.T) {
			s := writingBack(t, undone(refuses))
			s.approved()
			s.restores("the time box")
			s.in(10 * time.Minute)
			expect(t, "Ready", s.ready(), strategyv1.ReasonPushRefused)
			if said := s.message(strategyv1.ConditionReady); !s.holds() || !strings.Contains(said, "kubectl strategy restore off -n trading") {
				t.Errorf("it says %s", said)
			}
			act(s)
			s.quiet()
			expect(t, "in the end", s.ready(), strategyv1.ReasonRestored)
		})
	}
}

// Once nothing was committed there is nothing to undo in Git, and what was pushed in vain is not waited for.
func TestNothingToUndo(t *testing.T) {
	s := writingBack(t, answers{})
	s.git = nil
	s.Spec.Scheduler.GitOps = nil
	s.approved()
	s.restores("carol")
	expect(t, "asked", s.askedOfGit(), "")
	expect(t, "Ready", s.ready(), strategyv1.ReasonRestored)
}

// What did harm does not wait for Git for ever.
func TestARevertIsNotHeldUpByGit(t *testing.T) {
	s := writingBack(t, undone(away))
	s.reports(reports{"load": testkit.OK(), "After/load": testkit.Fail(), "smoke": testkit.OK()})
	s.approved()
	expect(t, "Ready", s.ready(), strategyv1.ReasonReverting)
	s.in(2 * time.Minute)
	expect(t, "Ready", s.ready(), strategyv1.ReasonReverted)
	expect(t, "Committed", s.committed(), "True/RepositoryUnreachable")
	if log := s.logText(); !strings.Contains(log, "not_committed: the edits are undone all the same") || s.holds() {
		t.Errorf("the log says\n%s", log)
	}
}

// What comes after "all the same" is still kept: the inverse may be committed until the rollback has ended.
func TestTheInverseIsCommittedAfterAll(t *testing.T) {
	s := writingBack(t, undone(away))
	s.approved()
	s.restores("carol")
	s.writerStopped = true
	s.in(2 * time.Minute)
	expect(t, "Committed", s.committed(), "True/RepositoryUnreachable")
	s.git = undone(refuses).of
	s.quiet()
	expect(t, "said once", s.committed(), "True/RepositoryUnreachable")
	s.git, s.writerStopped = undone(outMain).of, false
	s.quiet()
	expect(t, "Committed in the end", s.committed(), "False/CommitUndone")
	if said := s.message(strategyv1.ConditionRestored); strings.Contains(said, "Mind that") {
		t.Errorf("it says %s", said)
	}
}

// What could not be done while the playbook was on hold is not late when it is released.
func TestAHoldWhileACommitIsOnItsWay(t *testing.T) {
	t.Run("the edits", func(t *testing.T) {
		s := writingBack(t, answers{})
		s.approved()
		s.suspended = true
		s.in(10 * time.Minute)
		expect(t, "Ready", s.ready(), strategyv1.ReasonVerified)
		s.suspended = false
		s.quiet()
		expect(t, "Ready when it is released", s.ready(), strategyv1.ReasonVerified)
		s.in(2 * time.Minute)
		expect(t, "Ready when it is late", s.ready(), strategyv1.ReasonCommitting)
	})
	for _, by := range []string{"carol", "the time box"} {
		t.Run("the inverse, for "+by, func(t *testing.T) {
			s := writingBack(t, applied(inMain))
			s.approved()
			s.restores(by)
			expect(t, "asked", s.askedOfGit(), "Undone")
			s.suspended = true
			s.in(10 * time.Minute)
			s.suspended = false
			s.quiet()
			if !s.holds() || s.ready() != strategyv1.ReasonRestoring {
				t.Errorf("the inverse had no time: %s %s", s.ready(), s.message(strategyv1.ConditionReady))
			}
			s.git = undone(outMain).of
			s.quiet()
			expect(t, "in the end", s.ready(), strategyv1.ReasonRestored)
			expect(t, "Committed", s.committed(), "False/CommitUndone")
		})
	}
}

// A restore that comes to nothing after its inverse was asked for: the edits stay, and so they are committed again.
func TestARestoreThatComesToNothingIsCommittedBack(t *testing.T) {
	s := writingBack(t, undone(away))
	s.approved()
	s.restores("the time box")
	s.in(3 * time.Minute)
	expect(t, "Ready", s.ready(), strategyv1.ReasonRepositoryAway)
	s.reports(reports{"load": testkit.Fail()})
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "Restored", s.condition(strategyv1.ConditionRestored), "False/RestoreGateFailed")
	expect(t, "asked", s.askedOfGit(), "Applied Committed")
	expect(t, "Committed", s.committed(), "True/Committed")
}

// Deleted with Restore, edits do not stay because Git does not answer, and how long it takes is not the deletion's own time.
func TestADeletionWithRestoreWaitsForTheInverse(t *testing.T) {
	for name, c := range map[string]struct {
		answer  facts.Committed
		seconds int32
	}{"Git answers": {outMain, 120}, "it does not": {away, 120}, "it does not, for long": {away, 3600}, "nobody merges": {opened, 600}} {
		t.Run(name, func(t *testing.T) {
			s := writingBack(t, undone(c.answer))
			s.Spec.Scheduler.GitOps.WriteBack.TimeoutSeconds = c.seconds
			s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRestore
			s.approved()
			s.Delete("off")
			for range 2 * c.seconds / 30 {
				s.in(30 * time.Second)
			}
			if !s.gone() || s.holds() {
				t.Errorf("gone %v, the edits stay %v: %s\n%s", s.gone(), s.holds(), s.message(strategyv1.ConditionReady), s.logText())
			}
			says := "committed: the inverse is commit 222222222222"
			if c.answer.State != strategyv1.WriteBackCommitted {
				says = "not_committed: the edits are undone all the same"
			}
			if log := s.logText(); !strings.Contains(log, says) {
				t.Errorf("the log does not say %q:\n%s", says, log)
			}
		})
	}
}

// A branch that was merged and changed since is nothing that waits for its merge.
func TestAMergeThatWasTakenBack(t *testing.T) {
	s := writingBack(t, applied(opened))
	s.approved()
	expect(t, "asked", s.askedOfGit(), "Applied Open")
	s.git = applied(away).of
	s.quiet()
	expect(t, "it says, without an answer", s.message(strategyv1.ConditionCommitted), "pushed to branch ops/off; whether somebody merged it cannot be seen: it says no")
	s.in(10 * time.Minute)
	expect(t, "Ready", s.ready(), strategyv1.ReasonVerified)
	s.git = applied(differs).of
	s.quiet()
	expect(t, "Ready", s.ready(), strategyv1.ReasonFileDiffers)
	if said := s.message(strategyv1.ConditionCommitted); !strings.HasPrefix(said, "not committed to ") {
		t.Errorf("it says %s", said)
	}
	s.git = applied(opened).of
	s.quiet()
	expect(t, "asked again", s.askedOfGit(), "Applied Open")
}

// Whoever deletes a rollback with its edits left in place is told what Git has of them.
func TestADeletionWithRetainSaysWhatGitHas(t *testing.T) {
	for name, c := range map[string]struct {
		git   answers
		given func(*story)
		says  string
	}{
		"committed":          {applied(inMain), nil, "Git keeps the edits: commit 111111111111 of " + committedTo},
		"not merged":         {applied(opened), nil, "Branch ops/off keeps the edits as commit 111111111111, and somebody may still merge it into " + committedTo},
		"refused":            {applied(refuses), nil, "It is not known that Git has the edits, and a GitOps tool may put back what it holds: " + committedTo},
		"on its way":         {answers{}, nil, "It is not known that Git has the edits, and a GitOps tool may put back what it holds: " + committedTo},
		"its inverse is not": {undone(away), func(s *story) { s.restores("carol") }, "It is not known that Git has their inverse, and a GitOps tool may bring the edits back: " + committedTo},
		"its inverse is": {undone(outMain), func(s *story) {
			s.writerStopped = true
			s.restores("carol")
			s.writerStopped = false
		}, "Git does not hold the edits any more, and a GitOps tool may put back what it holds: " + committedTo},
		"the playbook is gone": {applied(inMain), func(s *story) {
			s.playbookProblem = &facts.Problem{Reason: strategyv1.ReasonPlaybookNotFound, Message: "x"}
			s.quiet()
		}, "Git keeps the edits: commit 111111111111 of " + committedTo},
	} {
		t.Run(name, func(t *testing.T) {
			s := writingBack(t, c.git)
			s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRetain
			s.approved()
			if c.given != nil {
				c.given(s)
			}
			s.Delete("off")
			said := ""
			for range 40 {
				decision, _ := s.turn()
				for _, step := range decision.Steps.InOrder() {
					if event, is := step.(action.Event); is && event.Reason == strategyv1.ReasonRetained {
						said += event.Message
					}
				}
			}
			if !s.gone() || !strings.Contains(said, c.says) {
				t.Errorf("gone %v; the event says %s", s.gone(), said)
			}
			if log := s.logText(); s.playbookProblem == nil && !strings.Contains(log, c.says) { // else nobody could write it
				t.Errorf("the log does not say %q:\n%s", c.says, log)
			}
		})
	}
}

// What a commit comes to that nobody wants any more does not stand in the way of the one that is wanted.
func TestWhatIsWantedNextIsAskedForOnce(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(*story)
		says string
	}{
		"the inverse of what was refused": {func(s *story) { s.decide(strategyv1.DecisionRestore, "carol") }, "committing the inverse of the edits of revision 1"},
		"a renewal of what was refused":   {func(s *story) { s.decide(strategyv1.DecisionRenew, "carol") }, "committing the edits of revision 2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := writingBack(t, applied(refuses).with(strategyv1.WriteBackUndone, left))
			s.approved()
			expect(t, "Ready", s.ready(), strategyv1.ReasonPushRefused)
			c.act(s)
			s.quiet()
			if log := s.logText(); strings.Count(log, c.says) != 1 {
				t.Errorf("the log says\n%s", log)
			}
		})
	}
}

// Argo CD may be set up to leave alone what the operator edited: so it does what stays, and whoever commits wonders.
func TestADeletionWithRetainSaysWhatArgoLeavesAlone(t *testing.T) {
	for kind, told := range map[strategyv1.OwnerKind]bool{strategyv1.OwnerApplication: true, strategyv1.OwnerKustomization: false} {
		s := newStory(t)
		s.Owner = &strategyv1.ConfigOwner{Kind: kind, Name: "apps", Outcome: "x", RestsOn: strategyv1.OwnerByBoth}
		s.approved()
		s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRetain
		s.Delete("off")
		s.quiet()
		if log := s.logText(); strings.Contains(log, "no commit of the document arrives. To have it apply what Git says again: kubectl patch configmap ") != told {
			t.Errorf("%s: %s", kind, log)
		}
	}
}
