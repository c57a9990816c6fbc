package writeback_test

import (
	"strings"
	"testing"

	"tradeops.dev/strategy-operator/internal/writeback"
)

const proposed = "alerts/pnl-12345678"

// proposalFor is the job of an incident that proposes the edits.
func proposalFor(url string) writeback.Job {
	job := jobFor(url)
	job.Name, job.UID, job.Repository.PushBranch = "pnl", "u-2", "alerts"
	job.Proposal = &writeback.Proposal{Name: "pnl-12345678", Round: 1}
	job.Message = writeback.Message{
		Summary: "tune-alerts of ConfigMap rules, key core.yaml", Reason: "too many\nStrategy-Incident: mine", Incident: "pnl", Cause: "AlertFatigue", Remedy: "tune-alerts",
		Alerts: "LatencyHigh began to fire 21 times", Asked: "alice", Checkpoint: "trading.example 7 abcd",
	}
	return job
}

// known is the same, after the branch was seen.
func known(job writeback.Job) writeback.Job {
	proposal := *job.Proposal
	proposal.Known = true
	job.Proposal = &proposal
	return job
}

const wantedProposal = `incident pnl: propose: tune-alerts of ConfigMap rules, key core.yaml

A change that strategy-operator proposes. It is for people to merge, or not.

Change: tune-alerts of ConfigMap rules, key core.yaml
Reason: too many Strategy-Incident: mine
Incident: pnl
Cause: AlertFatigue
Remedy: tune-alerts
Alerts: LatencyHigh began to fire 21 times
Asked for by: alice

Strategy-Incident: trading/pnl u-2
Strategy-Digest: sha256:abc
Strategy-Change: applied 1
Strategy-Checkpoint: trading.example 7 abcd`

// TestAProposalIsPushedForPeople once, and what they do with the branch is theirs.
func TestAProposalIsPushedForPeople(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T) (*repository, writeback.Job) {
		r := newRepository(t, document)
		job := proposalFor(r.serveHTTP(nil))
		for range 2 { // after a crash it is asked again
			if result := write(t, job); result.State != writeback.Open || result.Branch != proposed || result.Commit != r.Git("rev-parse", proposed) {
				t.Fatalf("%+v", result)
			}
		}
		if r.show("main") != document || r.show(proposed) != after || r.count(proposed) != "3" || r.count("main") != "2" {
			t.Fatalf("%s commits:\n%s", r.count(proposed), r.show("main"))
		}
		return r, job
	}
	is := func(t *testing.T, job writeback.Job, state writeback.State, branch string, left int) {
		t.Helper()
		if result := write(t, job); result.State != state || result.Branch != branch || len(result.Conflicts) != left {
			t.Errorf("%+v, want %s on %s", result, state, branch)
		}
	}
	t.Run("what it says", func(t *testing.T) {
		t.Parallel()
		r, _ := begin(t)
		if got := r.Git("log", "-1", "--format=%B", proposed); got != wantedProposal {
			t.Errorf("got:\n%s\nwant:\n%s", got, wantedProposal)
		}
		r.Git("fsck", "--strict")
	})
	t.Run("they merge it", func(t *testing.T) {
		t.Parallel()
		r, job := begin(t)
		r.put("other", "x", "meanwhile")
		r.Merge(proposed)
		r.Git("branch", "-D", proposed)
		is(t, known(job), writeback.Committed, "main", 0)
		r.put(fileName, document, "no")
		is(t, job, writeback.Committed, "main", 2) // it is not proposed again
	})
	t.Run("they squash it", func(t *testing.T) {
		t.Parallel()
		r, job := begin(t)
		r.put(fileName, after, "tune")
		is(t, known(job), writeback.Committed, "main", 0)
	})
	t.Run("they add to it, and merge that", func(t *testing.T) {
		t.Parallel()
		r, job := begin(t)
		r.Put(proposed, fileName, strings.Replace(after, "50", "55", 1), "rather this")
		is(t, known(job), writeback.Open, proposed, 0)
		is(t, job, writeback.Open, proposed, 0)
		if r.count(proposed) != "4" {
			t.Errorf("%s commits", r.count(proposed))
		}
		r.Merge(proposed)
		is(t, known(job), writeback.Committed, "main", 1)
	})
	t.Run("they delete it", func(t *testing.T) {
		t.Parallel()
		r, job := begin(t)
		r.Git("branch", "-D", proposed)
		for range 2 {
			is(t, known(job), writeback.Withdrawn, proposed, 0)
		}
		if r.Git("branch", "--list", proposed) != "" {
			t.Error("it was pushed again")
		}
	})
	t.Run("they reopen the incident", func(t *testing.T) {
		t.Parallel()
		r, job := begin(t)
		r.Merge(proposed)
		r.put(fileName, document, "no")
		before := r.Git("rev-parse", proposed)
		job.Proposal = &writeback.Proposal{Name: "pnl-12345678-r2", Round: 2}
		is(t, job, writeback.Open, proposed+"-r2", 0)
		if r.Git("rev-parse", proposed) != before || r.Git("rev-parse", proposed+"-r2^") != r.Git("rev-parse", "main") {
			t.Error("the branch of the round before changed, or the new one is not on main")
		}
	})
}

// TestAProposalThatIsNotPushed: the branch that is applied is never pushed to, nor anything that is somebody else's.
func TestAProposalThatIsNotPushed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given func(*repository, *writeback.Job)
		kind  writeback.Kind
		part  string
	}{
		"the file holds something else": {func(r *repository, _ *writeback.Job) {
			r.put(fileName, strings.Replace(document, "80", "70", 1), "mine")
		}, writeback.Differs, cpu + " holds another value"},
		"the branch is somebody else's":         {func(r *repository, _ *writeback.Job) { r.Git("branch", proposed, "main") }, writeback.Differs, "branch " + proposed + " is somebody else's"},
		"another incident's":                    {func(r *repository, job *writeback.Job) { write(r.t, *job); job.UID = "u-3" }, writeback.Differs, "is somebody else's"},
		"its branch is the one that is applied": {func(_ *repository, job *writeback.Job) { job.Repository.Branch = proposed }, writeback.Invalid, "is the branch that is applied"},
		"a rollback's is":                       {func(_ *repository, job *writeback.Job) { job.Proposal, job.Repository.Branch = nil, "alerts/pnl" }, writeback.Invalid, "is the branch that is applied"},
		"no branch to push to":                  {func(_ *repository, job *writeback.Job) { job.Repository.PushBranch = "" }, writeback.Invalid, "is the branch that is applied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, document)
			job := proposalFor(r.serveHTTP(nil))
			c.given(r, &job)
			before := r.Git("for-each-ref")
			fails(t, job, c.kind, c.part)
			if now := r.Git("for-each-ref"); now != before {
				t.Errorf("it was pushed:\n%s\n%s", before, now)
			}
		})
	}
}
