package incident_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

const (
	proposalBranch = "alerts/pnl-12345678"
	proposalCommit = "3f6c0000000000000000000000000000000000ab"
)

// withPush has the patch of the rules pushed for people to merge.
func (s *story) withPush() {
	s.withFatigue()
	s.Spec.Remediations[0].Proposal.WriteBack = &strategyv1.WriteBackSpec{
		URL: "https://git.example.com/team/rules.git", Branch: "main", Path: "rules.yml", PushBranch: "alerts", SecretName: "git",
	}
}

// pushed is a story in which the push is asked for.
func (s *story) pushed() {
	s.withPush()
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.OK()})
}

// became is what the repository came to.
func (s *story) became(state strategyv1.WriteBackState, left ...string) {
	branch := proposalBranch
	if state == strategyv1.WriteBackCommitted {
		branch = "main"
	}
	s.committed = &facts.Committed{Change: strategyv1.WriteBackApplied, Revision: 1, State: state, Commit: proposalCommit, Branch: branch, Left: left}
	s.quiet()
}

// isAsked says whether the push is asked for, and what it came to.
func (s *story) isAsked() string {
	switch proposal := s.incident.Status.Proposal; {
	case proposal == nil, proposal.WriteBack == nil:
		return "not asked"
	case proposal.WriteBack.State == "":
		return "asked"
	default:
		return string(proposal.WriteBack.State)
	}
}

func TestAProposalIsPushedOnceAndMerged(t *testing.T) {
	s := newStory(t)
	s.pushed()
	expect(t, "the push", s.isAsked(), "asked")
	expect(t, "Committed", s.condition(strategyv1.ConditionCommitted), "Unknown/Committing")
	edit := s.incident.Status.Proposal.Edits[0]
	expect(t, "what is pushed", *edit.From+" -> "+edit.To, `2m -> "10m"`)
	expect(t, "the log", s.Logs[prefix][5].Message, "cause AlertFatigue, remedy tune-alerts: a patch of ConfigMap prometheus-rules, key rules.yml, for people to apply; "+
		"it is pushed to branch "+proposalBranch+" of https://git.example.com/team/rules.git, for people to merge into branch main")
	asked := messageOf(s, strategyv1.ConditionReady)
	expect(t, "what people are asked", asked, "cause AlertFatigue: merge branch "+proposalBranch+" of https://git.example.com/team/rules.git, as soon as the condition Committed says that it is there, "+
		"or apply the patch in status.proposal to ConfigMap prometheus-rules, key rules.yml, where it comes from; then kubectl strategy resolve pnl -n trading")
	s.became(strategyv1.WriteBackOpen)
	expect(t, "pushed", s.condition(strategyv1.ConditionCommitted), "False/PullRequestOpen")
	expect(t, "which nobody is asked anew for", messageOf(s, strategyv1.ConditionReady), asked)
	s.documents["tune-alerts"] = facts.Document{Document: testkit.Parsed(t, strings.Replace(prometheusRules, "2m", `"10m"`, 1))} // the tool is faster
	s.became(strategyv1.WriteBackCommitted)
	expect(t, "merged", s.condition(strategyv1.ConditionCommitted), "True/Committed")
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/Proposed")
	expect(t, "what people are asked then", messageOf(s, strategyv1.ConditionReady),
		"cause AlertFatigue: branch main holds the patch, with commit 3f6c00000000: see that it is applied; then kubectl strategy resolve pnl -n trading")
	expect(t, "the log", s.events(), "incident escalated check check diagnosed proposed committed committed")
	s.closed()
	expect(t, "the end", messageOf(s, strategyv1.ConditionResolved), "closed by bob (StrategyDecision d-bob)")
}

// TestNothingIsPushedBeforeTheLogSaysSo, nor twice, nor of what must not be.
func TestNothingIsPushedBeforeTheLogSaysSo(t *testing.T) {
	t.Run("it is asked for after the log, whatever crashes", func(t *testing.T) {
		for after := range 4 {
			s := newStory(t)
			s.withPush()
			s.diagnosing()
			s.reports(reports{"Diagnosis/load": testkit.OK(), "Diagnosis/smoke": testkit.OK()})
			for range 40 {
				if s.incident.Status.Proposal == nil {
					s.crashAfter = after
				}
				s.pass()
				s.Step()
				if s.isAsked() != "not asked" && !strings.HasSuffix(s.events(), "proposed") {
					t.Fatalf("after %d actions: asked for, and the log has %s", after, s.events())
				}
			}
			expect(t, "in the end", s.isAsked(), "asked")
		}
	})
	t.Run("the log is away", func(t *testing.T) {
		s := newStory(t)
		s.withPush()
		s.diagnosing()
		s.reports(reports{"Diagnosis/load": testkit.OK(), "Diagnosis/smoke": testkit.OK()})
		for range 40 {
			if s.incident.Status.Cause != nil {
				s.logProblem = wrong
			}
			s.pass()
			s.Step()
		}
		expect(t, "the push", s.isAsked(), "not asked")
		s.logProblem = nil
		s.quiet()
		expect(t, "and then", s.isAsked(), "asked")
	})
	t.Run("on hold", func(t *testing.T) {
		s := newStory(t)
		s.heldBeforeItIsAsked()
		expect(t, "the push", s.isAsked(), "not asked")
		s.suspended = false
		s.quiet()
		expect(t, "and then", s.isAsked(), "asked")
	})
	t.Run("a drill", func(t *testing.T) {
		s := newStory(t)
		s.incident.Spec.Mode = strategyv1.IncidentDrill
		s.pushed()
		expect(t, "the push", s.isAsked(), "not asked")
		if message := s.Logs[prefix][5].Message; !strings.HasSuffix(message, "; this is a drill, so it is not pushed") {
			t.Error(message)
		}
	})
	t.Run("what is too long for a status", func(t *testing.T) {
		s := newStory(t)
		s.withPush()
		s.documents["tune-alerts"] = facts.Document{Document: testkit.Parsed(t, strings.Replace(prometheusRules, "2m", strings.Repeat("2", 5000)+"m", 1))}
		s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.OK()})
		expect(t, "the push", s.isAsked(), "not asked")
		expect(t, "Committed", s.condition(strategyv1.ConditionCommitted), "False/EditRefused")
		expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/Proposed")
	})
	t.Run("one that was shown by a version that pushed nothing", func(t *testing.T) {
		s := newStory(t)
		s.pushed()
		s.incident.Status.Proposal.WriteBack, s.incident.Status.Proposal.Edits = nil, nil
		s.quiet()
		expect(t, "the push", s.isAsked(), "not asked")
	})
}

// TestNoRepositoryStopsAnIncident: people are told, and the patch is there as ever.
func TestNoRepositoryStopsAnIncident(t *testing.T) {
	for reason, c := range map[string]struct {
		person    bool
		condition string
		log       string
	}{
		strategyv1.ReasonRepositoryAway:    {false, "Unknown/RepositoryUnreachable", ""},
		strategyv1.ReasonBranchMoved:       {false, "Unknown/BranchMoved", ""},
		strategyv1.ReasonRepositoryInvalid: {true, "False/RepositoryInvalid", " not_committed"},
		strategyv1.ReasonPushRefused:       {true, "False/PushRefused", " not_committed"},
		strategyv1.ReasonFileDiffers:       {true, "False/FileDiffers", " not_committed"},
	} {
		t.Run(reason, func(t *testing.T) {
			s := newStory(t)
			s.pushed()
			asked := messageOf(s, strategyv1.ConditionReady)
			failed := &facts.Committed{Change: strategyv1.WriteBackApplied, Revision: 1, Person: c.person, Problem: &facts.Problem{Reason: reason, Message: "it says no"}}
			for range 3 { // told once
				s.committed = failed
				s.quiet()
				s.Now = s.Now.Add(time.Minute)
			}
			expect(t, "Committed", s.condition(strategyv1.ConditionCommitted), c.condition)
			expect(t, "what it says", messageOf(s, strategyv1.ConditionCommitted), "the patch is not pushed: it says no; it is tried again")
			expect(t, "what people are asked", messageOf(s, strategyv1.ConditionReady), asked)
			expect(t, "the log", s.events(), "incident escalated check check diagnosed proposed"+c.log)
			s.became(strategyv1.WriteBackOpen)
			expect(t, "later", s.condition(strategyv1.ConditionCommitted), "False/PullRequestOpen")
			s.committed = failed
			s.quiet()
			expect(t, "and where it was pushed", messageOf(s, strategyv1.ConditionCommitted), "the patch was pushed to branch "+proposalBranch+"; whether somebody merged it cannot be seen: it says no")
			expect(t, "it stays", s.isAsked(), "Open")
			s.closed()
			expect(t, "it can be closed", s.condition(strategyv1.ConditionReady), "True/Resolved")
		})
	}
}

// TestWhatPeopleDoWithTheBranch is theirs.
func TestWhatPeopleDoWithTheBranch(t *testing.T) {
	t.Run("delete it", func(t *testing.T) {
		s := newStory(t)
		s.pushed()
		s.became(strategyv1.WriteBackOpen)
		s.became(strategyv1.WriteBackWithdrawn)
		expect(t, "Committed", s.condition(strategyv1.ConditionCommitted), "False/Withdrawn")
		if asked := messageOf(s, strategyv1.ConditionReady); !strings.Contains(asked, "It is not pushed again; apply the patch in status.proposal by hand, or leave it; then kubectl strategy resolve") {
			t.Error(asked)
		}
	})
	t.Run("merge something else", func(t *testing.T) {
		s := newStory(t)
		s.pushed()
		s.became(strategyv1.WriteBackCommitted, "/groups/0/rules/0/for")
		expect(t, "Committed", s.condition(strategyv1.ConditionCommitted), "False/FileDiffers")
		expect(t, "the push", s.isAsked(), "Committed")
	})
	for verdict, reason := range map[strategyv1.DecisionVerdict]string{strategyv1.DecisionResolve: "Resolved", strategyv1.DecisionFalseAlarm: "FalseAlarm"} {
		t.Run("leave it, "+reason, func(t *testing.T) {
			s := newStory(t)
			s.pushed()
			s.became(strategyv1.WriteBackOpen)
			s.Now = s.Now.Add(time.Minute)
			s.decide(verdict, "bob")
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), "True/"+reason)
			const says = "; branch " + proposalBranch + " with the proposed patch is left as it is, and not looked at any more: merge it, or delete it"
			entries := s.Logs[prefix]
			for what, message := range map[string]string{"the log": entries[len(entries)-1].Message, "Ready": messageOf(s, strategyv1.ConditionReady)} {
				if !strings.HasSuffix(message, says) {
					t.Errorf("%s: %s", what, message)
				}
			}
			s.became(strategyv1.WriteBackCommitted)
			expect(t, "nobody looks any more", s.isAsked(), "Open")
		})
	}
	t.Run("close it before it was pushed", func(t *testing.T) {
		s := newStory(t)
		s.pushed()
		s.closed()
		if message := messageOf(s, strategyv1.ConditionReady); !strings.Contains(message, "the proposed patch was not seen to be pushed, and that is not tried any more; should there be a branch "+proposalBranch+" all the same") {
			t.Error(message)
		}
	})
	t.Run("close it on hold, before it was asked for", func(t *testing.T) {
		s := newStory(t)
		s.heldBeforeItIsAsked()
		s.closed()
		if message := messageOf(s, strategyv1.ConditionReady); !strings.Contains(message, "the proposed patch was not pushed, and will not be") {
			t.Error(message)
		}
	})
}

// heldBeforeItIsAsked: the proposal is logged, and its push is not asked for.
func (s *story) heldBeforeItIsAsked() {
	s.withPush()
	s.diagnosing()
	s.reports(reports{"Diagnosis/load": testkit.OK(), "Diagnosis/smoke": testkit.OK()})
	for s.incident.Status.Proposal == nil {
		s.pass()
		s.Step()
	}
	s.suspended = true
	s.quiet()
}

// TestAReopenedIncidentHasABranchOfItsOwn: the one of the round before may be under review.
func TestAReopenedIncidentHasABranchOfItsOwn(t *testing.T) {
	s := newStory(t)
	s.pushed()
	s.became(strategyv1.WriteBackOpen)
	s.closed()
	s.reopen()
	s.quiet()
	expect(t, "the push", s.isAsked(), "asked")
	if asked := s.incident.Status.Proposal.WriteBack; asked.Revision != 2 || asked.Branch != "" {
		t.Errorf("%+v", asked)
	}
	if asked := messageOf(s, strategyv1.ConditionReady); !strings.Contains(asked, "merge branch "+proposalBranch+"-r2 of ") {
		t.Error(asked)
	}
}
