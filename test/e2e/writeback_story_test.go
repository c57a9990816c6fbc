//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// WriteBack: Flux applies what the repository has all along. Whatever it puts back before the commit arrives is written again; from then on it applies
// the change itself. Then the inverse, and nobody has to do anything.
func TestTheChangeIsCommittedToGitAndFluxKeepsIt(t *testing.T) {
	s := tell(t)
	r := s.gitServer()
	f := s.outOfGit(r)
	s.isWrittenBack(r, f, 20*time.Second)
}

func TestTheChangeIsCommittedToGitAndFluxsOwnControllersKeepItForMinutes(t *testing.T) {
	s := tell(t, long("three minutes, and Flux has to be built"))
	f := s.fluxControllers()
	s.isWrittenBack(f.repository, f, 3*time.Minute)
}

func (s *story) isWrittenBack(r *gitRepository, f gitOps, during time.Duration) {
	s.Helper()
	playbook := s.quick("in-git")
	playbook.Spec.Scheduler.GitOps = r.writesBack("")
	s.playbook(playbook)
	s.owned(f, playbook.Name)
	incident := s.report("alice", playbook.Name, nil)
	rollback := s.rollbackOf(incident, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 20*time.Second)
	s.says(rollback, strategyv1.ConditionPlanned, "commits the edits to "+gitFile, r.url)
	f.resume()
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.hasCommitted(rollback, "Committed")
	s.eventually("Flux applies the commit", 20*time.Second, func(context.Context) error {
		if r.Show("main", gitFile) != s.manifest(s.config()) {
			return errors.New("the configuration is another one than the repository's")
		}
		return nil
	})
	s.reaches(rollback, "Verified", 20*time.Second)
	s.nothingIsWritten(f, rollback, "Verified", during)
	s.onlyAddedLines(s.config())
	s.isSuspended("cross_exchange_watch")
	s.isOneCommitOf(r, rollback, 1, "applied", "bob")

	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(incident, "Resolved", time.Minute)
	s.isOneCommitOf(r, rollback, 2, "undone", "bob")
	if now := r.Show("main", gitFile); now != s.manifest(s.original) {
		s.Errorf("after the inverse the repository has another text: %s", firstDifference(s.manifest(s.original), now))
	}
	s.stays("it stays as before", 6*time.Second, func(context.Context) error {
		if now := s.config(); now != s.original {
			return errors.New(firstDifference(s.original, now))
		}
		return nil
	})
	s.isSuspended()
	s.logHolds(rollback)
	s.noSecret(incident, rollback)
}

// hasCommitted waits until the condition Committed has the reason.
func (s *story) hasCommitted(object client.Object, reason string) {
	s.Helper()
	s.eventually("Committed is "+reason, 30*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, object); err != nil {
			return err
		}
		if found := condition(object, strategyv1.ConditionCommitted); found.Reason != reason {
			return fmt.Errorf("it is %s: %s", found.Reason, found.Message)
		}
		return nil
	})
	s.trace("%s: %s", reason, condition(object, strategyv1.ConditionCommitted).Message)
}

// Alert fatigue: the patch of the rules is on a branch for people to merge; the rules that are applied are not touched by the operator.
func TestAProposalIsMergedByAPerson(t *testing.T) {
	s := tell(t)
	const file, main = "prometheus/rules.yml", "main"
	var rules corev1.ConfigMap
	s.must(admin.Get(s.ctx, client.ObjectKey{Namespace: s.namespace, Name: "prometheus-rules"}, &rules))
	before := rules.Data["rules.yml"]
	r := s.gitServerOf(map[string]string{file: before})
	playbook := s.quick("proposes")
	playbook.Spec.Diagnosis.Causes = []strategyv1.CauseRule{{Name: "AlertFatigue", When: "incident.type == 'PnL'", Remediation: "tune-alerts"}}
	to := r.writesBack("alerts").WriteBack
	to.Path = file
	remediation(&playbook.Spec, "tune-alerts").Proposal.WriteBack = to
	s.playbook(playbook)

	incident := s.report("alice", playbook.Name, nil)
	s.hasCommitted(incident, "PullRequestOpen")
	s.reaches(incident, "Proposed", 20*time.Second)
	branch := incident.Status.Proposal.WriteBack.Branch
	if proposed := r.Show(branch, file); !containsAll(proposed, `for: "10m"`) || r.Show(main, file) != before {
		s.Errorf("branch %s has\n%s", branch, proposed)
	}
	told := r.Git("show", "-s", "--format=%an <%ae>%n%B", branch)
	if !containsAll(told, gitAuthor, "Strategy-Incident: "+s.namespace+"/"+incident.Name+" "+string(incident.UID)) || strings.Contains(told, gitPassword) {
		s.Errorf("the commit is\n%s", told)
	}
	s.trace("branch %s:\n%s", branch, told)
	r.Merge(branch)
	s.hasCommitted(incident, "Committed")
	s.reaches(incident, "Proposed", 10*time.Second) // whether it helped is for people to say
	s.decides("alice", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 10*time.Second)
	s.configIsAsBefore()
	s.logVerifies(incident)
	s.noSecret(incident)
}

// isOneCommitOf: the n-th commit since the beginning is the last one, of the rollback, and its message tells who and what, and anchors the log.
func (s *story) isOneCommitOf(r *gitRepository, rollback *strategyv1.StrategyRollback, n int, change, by string) {
	s.Helper()
	commits := r.commits()
	if len(commits) != n {
		s.Fatalf("%d commits, not %d:\n%s", len(commits), n, r.Git("log", "main"))
	}
	told := r.Git("show", "-s", "--format=%an <%ae>%n%B", commits[n-1])
	want := []string{
		gitAuthor, "Asked for by: ", "Approved by: " + by, fmt.Sprintf("Strategy-Rollback: %s/%s %s", s.namespace, rollback.Name, rollback.UID),
		"Strategy-Digest: " + rollback.Status.Plan.Digest, fmt.Sprintf("Strategy-Change: %s %d", change, n), "Strategy-Checkpoint: ",
	}
	if !containsAll(told, want...) || strings.Contains(told, gitPassword) {
		s.Errorf("the commit is\n%s\nand should have %q", told, want)
	}
	s.trace("commit %.12s:\n%s", commits[n-1], told)
}

// A branch of its own for each rollback, which a person merges: Flux applies the change from then on, and until then it is as with Coexist.
func TestTheChangeIsMergedByAPerson(t *testing.T) {
	s := tell(t)
	r := s.gitServer()
	f := s.outOfGit(r)
	playbook := s.quick("in-a-branch")
	playbook.Spec.Scheduler.GitOps = r.writesBack("ops")
	s.playbook(playbook)
	s.owned(f, playbook.Name)
	rollback := s.asks("less-risk", playbook.Name, nil, allocate("aggressive", "cross_exchange", "0.1"))
	s.carolApproves(rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.hasCommitted(rollback, "PullRequestOpen")
	r.Merge("ops/less-risk")
	r.Git("branch", "-D", "ops/less-risk")
	f.resume()
	s.eventually("Flux applies the merge", 20*time.Second, func(context.Context) error {
		if f.applied() < 5 {
			return errors.New("it has not applied often enough since")
		}
		return nil
	})
	s.reaches(rollback, "Verified", 20*time.Second)
	s.restores(rollback)
	s.hasCommitted(rollback, "PullRequestOpen")
	if now := r.Show("ops/less-risk-undo", gitFile); now != s.manifest(s.original) {
		s.Errorf("the branch with the inverse has another text: %s", firstDifference(s.manifest(s.original), now))
	}
	r.Merge("ops/less-risk-undo")
	s.hasCommitted(rollback, "CommitUndone")
	s.reaches(rollback, "Restored", 2*time.Minute)
	s.configIsAsBefore()
	s.logHolds(rollback)
}
