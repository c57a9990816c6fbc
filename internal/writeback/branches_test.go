package writeback_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/writeback"
)

// inBranches is a repository whose job is pushed to branches that people merge, with the edits pushed.
func inBranches(t *testing.T) (r *repository, job writeback.Job) {
	t.Helper()
	r = newRepository(t, document)
	job = jobFor(r.serveHTTP(nil))
	job.Repository.PushBranch = "ops"
	if result := write(t, job); result.State != writeback.Open {
		t.Fatalf("%+v", result)
	}
	return r, job
}

const (
	applyBranch = "ops/less"
	undoBranch  = "ops/less-undo"
)

// What people do with branches between a request and the next, and what is said of it.
func TestWhatPeopleDoWithBranches(t *testing.T) {
	t.Parallel()
	t.Run("merged with a message of their own: it stays, and is told", func(t *testing.T) {
		t.Parallel()
		r, job := inBranches(t)
		r.put(fileName, after, "less of it (#12)")
		result := write(t, undo(job))
		if result.State != writeback.Left || len(result.Conflicts) != 2 || r.Git("branch", "--list", applyBranch) == "" || r.show("main") != after {
			t.Errorf("%+v", result)
		}
	})
	t.Run("brought up to date: it waits for its merge, and is not deleted", func(t *testing.T) {
		t.Parallel()
		r, job := inBranches(t)
		r.put("other", "x", "meanwhile")
		r.Put(applyBranch, "other", "x", "Merge branch main into ops/less")
		if result := write(t, job); result.State != writeback.Open || result.Branch != applyBranch {
			t.Errorf("%+v", result)
		}
		fails(t, undo(job), writeback.Differs, "branch ops/less, which nobody merged, holds the opposite")
		if r.Git("branch", "--list", applyBranch) == "" {
			t.Error("somebody's commits are gone")
		}
	})
	t.Run("kept after both merges, and asked for again: it is pushed again, and can be undone again", func(t *testing.T) {
		t.Parallel()
		r, job := inBranches(t)
		for n := range 2 {
			r.Merge(applyBranch)
			if result := write(t, job); result.State != writeback.Committed {
				t.Fatalf("merged, %d: %+v", n, result)
			}
			if result := write(t, undo(job)); result.State != writeback.Open {
				t.Fatalf("to be undone, %d: %+v", n, result)
			}
			r.Merge(undoBranch)
			if result := write(t, undo(job)); result.State != writeback.Committed || r.show("main") != document {
				t.Fatalf("undone, %d: %+v", n, result)
			}
			job.Asked, job.Now = job.Now.Add(time.Hour), job.Now.Add(time.Hour)
			if result := write(t, job); result.State != writeback.Open || r.show(applyBranch) != after {
				t.Fatalf("asked for again, %d: %+v", n, result)
			}
		}
	})
	t.Run("the inverse waits, and the edits are wanted again: nobody merges it by mistake", func(t *testing.T) {
		t.Parallel()
		r, job := inBranches(t)
		r.Merge(applyBranch)
		write(t, undo(job))
		if result := write(t, job); result.State != writeback.Committed || r.Git("branch", "--list", undoBranch) != "" || r.show("main") != after {
			t.Errorf("%+v", result)
		}
		write(t, undo(job))
		r.Put(undoBranch, "other", "x", "mine")
		fails(t, job, writeback.Differs, "branch ops/less-undo, which nobody merged")
	})
	t.Run("a renewal waits, and the edits are not wanted any more", func(t *testing.T) {
		t.Parallel()
		r, job := inBranches(t)
		r.Merge(applyBranch)
		write(t, job)
		renewed := job
		renewed.Edits, renewed.Digest = edits("45"), "sha256:def"
		if result := write(t, renewed); result.State != writeback.Open || r.show(applyBranch) != strings.Replace(after, "50", "45", 1) {
			t.Fatalf("%+v", result)
		}
		if result := write(t, undo(renewed)); result.State != writeback.Open || r.Git("branch", "--list", applyBranch) != "" || r.show(undoBranch) != document {
			t.Errorf("%+v\n%s", result, r.show(undoBranch))
		}
	})
	t.Run("a branch is where a folder has to be", func(t *testing.T) {
		t.Parallel()
		r := newRepository(t, document)
		r.Git("branch", "ops", "main")
		job := jobFor(r.serveHTTP(nil))
		job.Repository.PushBranch = "ops"
		fails(t, job, writeback.Invalid, "there is a branch ops, so there can be none ops/less; set another")
	})
}

// What waits for people for days is fetched once, and not each minute: it is enough that nobody pushed.
func TestABranchThatWaitsIsFetchedOnce(t *testing.T) {
	t.Parallel()
	r := newRepository(t, document)
	fetches := 0
	job := jobFor(r.serveHTTP(func(git http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			if request.Method == http.MethodPost && strings.HasSuffix(request.URL.Path, "git-upload-pack") {
				fetches++
			}
			git.ServeHTTP(w, request)
		})
	}))
	job.Repository.PushBranch = "ops"
	job.Last = write(t, job)
	r.Git("branch", "-D", applyBranch) // as if nothing had been pushed
	if job.Last = write(t, job); job.Last.State != writeback.Open || fetches != 2 || r.show(applyBranch) != after {
		t.Fatalf("%+v after %d fetches", job.Last, fetches)
	}
	job.Last, fetches = writeback.Result{}, 1
	for n, want := range []int{2, 2, 2} {
		if job.Last = write(t, job); job.Last.State != writeback.Open || fetches != want {
			t.Fatalf("%d: %+v after %d fetches, want %d", n, job.Last, fetches, want)
		}
	}
	r.Merge(applyBranch)
	if result := write(t, job); result.State != writeback.Committed || fetches != 3 {
		t.Errorf("%+v after %d fetches", result, fetches)
	}
}
