package rollback_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// coexisting is a change in effect of a playbook that coexists with Flux.
func coexisting(t *testing.T) *story {
	t.Helper()
	s := newStory(t)
	s.Spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: strategyv1.GitOpsCoexist}
	s.approved()
	return s
}

// fluxPutsBack is Flux, which applies what it knows.
func (s *story) fluxPutsBack() {
	s.Edit(testkit.Document)
	s.Writer = &gitops.Writer{Manager: "kustomize-controller"}
}

func TestEditsThatWerePutBackAreWrittenAgainAFewTimes(t *testing.T) {
	s := coexisting(t)
	edited, writes := s.Content, s.Writes
	for i, wait := range []time.Duration{0, time.Minute, 5 * time.Minute} {
		s.fluxPutsBack()
		s.quiet()
		if wait > 0 {
			expect(t, "Ready", s.ready(), strategyv1.ReasonPutBack)
			if s.Content == edited {
				t.Fatalf("written again at once, for the %d. time", i+1)
			}
			s.Now = s.Now.Add(wait - time.Second)
			s.quiet()
			if s.Content == edited {
				t.Fatalf("written again too early, for the %d. time", i+1)
			}
			s.Now = s.Now.Add(time.Second)
			s.quiet()
		}
		if s.Content != edited {
			t.Fatalf("not written again, for the %d. time: %s", i+1, s.message(strategyv1.ConditionApplied))
		}
		expect(t, "Ready", s.ready(), strategyv1.ReasonVerified)
		expect(t, "InEffect", s.effect(), "True/Proved")
	}
	s.fluxPutsBack()
	for range 3 {
		s.Now = s.Now.Add(10 * time.Minute)
		s.quiet()
	}
	expect(t, "Ready", s.ready(), strategyv1.ReasonOverwritten)
	if s.Writes != writes+3 {
		t.Errorf("%d writes, want 3", s.Writes-writes)
	}
	if said := s.message(strategyv1.ConditionApplied); !strings.Contains(said, "(3 of at most 3 times)") {
		t.Errorf("it says: %s", said)
	}
}

// A tool that applies within seconds puts edits back sooner than their commit is asked for, and it is the commit that makes it keep them.
func TestEditsAreCommittedWhileTheyArePutBack(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		asked bool
	}{
		"by the tool": {(*story).fluxPutsBack, true},
		"by a person": {func(s *story) { s.Edit(testkit.Document); s.Writer = &gitops.Writer{Manager: "kubectl-edit"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: strategyv1.GitOpsWriteBack, WriteBack: &strategyv1.WriteBackSpec{URL: "https://git.world/config.git", Branch: "main", Path: "core.yaml"}}
			s.approved()
			s.fluxPutsBack()
			s.quiet() // it is written again at once
			s.rollback.Status.WriteBack = nil
			c.given(s)
			s.quiet()
			if asked := s.rollback.Status.WriteBack != nil; asked != c.asked {
				t.Errorf("asked for a commit: %t, want %t; it is %s", asked, c.asked, s.ready())
			}
		})
	}
}

// What the scheduler started on while the edits were put back is not in effect there, and is proved anew.
func TestASchedulerThatStartedMeanwhileIsAskedAnew(t *testing.T) {
	for name, c := range map[string]struct {
		proves strategyv1.ProofSubject
		effect string
	}{
		"the running one can be asked": {strategyv1.ProvesRunning, "True/Proved"},
		"only its loader can":          {strategyv1.ProvesLoaded, "Unknown/Overwritten"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: strategyv1.GitOpsCoexist}
			s.Spec.Scheduler.Proof.Proves = c.proves
			s.approved()
			s.fluxPutsBack()
			s.quiet() // at once
			s.fluxPutsBack()
			s.quiet()
			s.restarts()
			s.Pods[0].Annotations = s.Deployment.Spec.Template.Annotations // as of every pod of it
			s.quiet()
			expect(t, "InEffect", s.effect(), "Unknown/PutBack")
			s.Now = s.Now.Add(time.Minute)
			s.quiet()
			expect(t, "InEffect", s.effect(), c.effect)
			if c.proves == strategyv1.ProvesRunning && s.Running != s.Content {
				t.Errorf("the scheduler runs what was put back")
			}
		})
	}
}

func TestNothingIsWrittenAgain(t *testing.T) {
	for name, c := range map[string]struct {
		mode  strategyv1.GitOpsMode
		given func(*story)
		ready string
	}{
		"by default":             {"", (*story).fluxPutsBack, strategyv1.ReasonOverwritten},
		"with Report":            {strategyv1.GitOpsReport, (*story).fluxPutsBack, strategyv1.ReasonOverwritten},
		"with Pause":             {strategyv1.GitOpsPause, (*story).fluxPutsBack, strategyv1.ReasonOverwritten},
		"over a person":          {strategyv1.GitOpsCoexist, func(s *story) { s.Edit(testkit.Document); s.Writer = &gitops.Writer{Manager: "kubectl-edit"} }, strategyv1.ReasonOverwritten},
		"over nobody knows whom": {strategyv1.GitOpsCoexist, func(s *story) { s.Edit(testkit.Document) }, strategyv1.ReasonOverwritten},
		// Of a key the API server keeps the last writer alone. Between what Flux put back and another rollback's write somebody may have written the same
		// as Flux: that it was Flux is not known any more, and what is not known is not written over.
		"over another rollback's write": {strategyv1.GitOpsCoexist, func(s *story) {
			s.Edit(testkit.Document)
			s.Writer = &gitops.Writer{Manager: "strategy-operator"}
		}, strategyv1.ReasonOverwritten},
		"over a commit": {strategyv1.GitOpsCoexist, func(s *story) {
			s.Edit(strings.Replace(s.Content, "rollback off", "for good", 1))
			s.Writer = &gitops.Writer{Manager: "kustomize-controller"}
		}, strategyv1.ReasonOverwritten},
		"without its record":        {strategyv1.GitOpsCoexist, func(s *story) { s.fluxPutsBack(); s.Edits = "" }, strategyv1.ReasonOverwritten},
		"while it is on hold":       {strategyv1.GitOpsCoexist, func(s *story) { s.suspended = true; s.fluxPutsBack() }, strategyv1.ReasonOverwritten},
		"when its time box is over": {strategyv1.GitOpsCoexist, func(s *story) { s.Now = s.Now.Add(5 * time.Hour); s.fluxPutsBack() }, ""},
		"where nobody can read it": {strategyv1.GitOpsCoexist, func(s *story) {
			s.fluxPutsBack()
			s.configProblem = &facts.Problem{Reason: strategyv1.ReasonConfigInvalid, Message: "x"}
		}, ""},
		"when somebody wants it off": {strategyv1.GitOpsCoexist, func(s *story) { s.fluxPutsBack(); s.decide(strategyv1.DecisionRestore, "carol") }, strategyv1.ReasonRestored},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			if c.mode != "" {
				s.Spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: c.mode}
			}
			s.approved()
			c.given(s)
			content := s.Content
			for range 5 {
				s.quiet()
				s.Now = s.Now.Add(time.Minute)
			}
			if s.Content != content {
				t.Errorf("written again:\n%s", s.Content)
			}
			if c.ready != "" {
				expect(t, "Ready", s.ready(), c.ready)
			}
		})
	}
}

// What is done about a tool is agreed to: an approval of a plan without it is worth nothing.
func TestTheDigestCoversWhatIsDoneAboutATool(t *testing.T) {
	s := newStory(t)
	s.Spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: strategyv1.GitOpsPause}
	s.Owner = &strategyv1.ConfigOwner{Kind: strategyv1.OwnerKustomization, Name: "apps", Outcome: "x", RestsOn: strategyv1.OwnerByBoth}
	s.quiet()
	before := s.rollback.Status.Plan.Digest
	expect(t, "pause", s.rollback.Status.Plan.GitOps.Pause, "kustomize.toolkit.fluxcd.io/reconcile=disabled")
	s.Owner = &strategyv1.ConfigOwner{Kind: strategyv1.OwnerHelmRelease, Name: "apps", Outcome: "x", RestsOn: strategyv1.OwnerByBoth}
	s.quiet()
	ofHelm := s.rollback.Status.Plan.Digest
	expect(t, "pause", s.rollback.Status.Plan.GitOps.Pause, "helm.toolkit.fluxcd.io/driftDetection=disabled")
	if said := s.message(strategyv1.ConditionPlanned); !strings.Contains(said, "the next upgrade of the release writes it all the same") {
		t.Errorf("it says: %s", said)
	}
	s.Owner = &strategyv1.ConfigOwner{Kind: strategyv1.OwnerApplication, Name: "apps", Outcome: "x", RestsOn: strategyv1.OwnerByBoth}
	s.quiet()
	if now := s.rollback.Status.Plan; now.Digest == before || now.Digest == ofHelm || ofHelm == before || now.GitOps.Pause != "" {
		t.Errorf("the plan is the same though the tool cannot be paused: %+v", now.GitOps)
	}
	if said := s.message(strategyv1.ConditionPlanned); !strings.Contains(said, "the operator cannot pause Argo CD, Application apps") {
		t.Errorf("it says: %s", said)
	}
}
