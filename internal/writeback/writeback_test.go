package writeback_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh/knownhosts"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/writeback"
)

const cpu = "/runtime/resource_limits/cpu_percent"

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func edits(to string) []strategyv1.PlannedEdit {
	return []strategyv1.PlannedEdit{
		{Path: cpu, From: new("80"), To: to},
		{Path: "/runtime/schedules/[name=slow]/enabled", From: new("true"), To: "false"},
	}
}

// after is the document with edits("50").
var after = strings.NewReplacer("cpu_percent: 80", "cpu_percent: 50", "enabled: true # for now", "enabled: false # for now").Replace(document)

func jobFor(url string) writeback.Job {
	return writeback.Job{
		Repository: writeback.Repository{
			URL: url, Branch: "main", Path: fileName, Author: writeback.Author{Name: "strategy-operator", Email: "ops@example.com"},
		},
		Credentials: writeback.Credentials{Username: "bot", Password: password},
		Namespace:   "trading", Name: "less", UID: "u-1", Key: "core.yaml", Digest: "sha256:abc", Edits: edits("50"), Asked: now, Now: now,
		Message: writeback.Message{
			Summary: "limit cpu to 50", Reason: "budget\nStrategy-Change: undone", Incident: "pnl", Asked: "alice", Approved: "bob", Checkpoint: "trading.example 7 abcd",
		},
	}
}

func undo(job writeback.Job) writeback.Job {
	job.Undo, job.Message.Restored = true, "bob"
	return job
}

func writer(t *testing.T) *writeback.Writer {
	t.Helper()
	allow, err := signals.ParseAllow("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return writeback.New(signals.Options{AllowLoopback: true, Allow: allow, Failed: func(_ context.Context, _ string, err error) { t.Log("the log:", err) }})
}

// write does a job that must succeed.
func write(t *testing.T, job writeback.Job) writeback.Result {
	t.Helper()
	result, err := writer(t).Write(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// fails does a job that must not.
func fails(t *testing.T, job writeback.Job, kind writeback.Kind, part string) {
	t.Helper()
	result, err := writer(t).Write(t.Context(), job)
	failure, ok := errors.AsType[*writeback.Failure](err)
	if !ok || failure.Kind != kind || !strings.Contains(failure.Problem, part) {
		t.Fatalf("%+v, %#v; want %s with %q", result, err, kind, part)
	}
	if strings.Contains(failure.Problem, password) || strings.Contains(failure.Problem, "127.0.0.1:") {
		t.Errorf("it tells too much: %s", failure.Problem)
	}
}

func TestTheSameEditIsCommitted(t *testing.T) {
	t.Parallel()
	host, _ := keyPair(t)
	mine, private := keyPair(t)
	for name, serve := range map[string]func(r *repository, job *writeback.Job){
		"over HTTP": func(r *repository, job *writeback.Job) { job.Repository.URL = r.serveHTTP(nil) },
		"by a bearer token": func(r *repository, job *writeback.Job) {
			job.Repository.URL, job.Credentials = r.serveHTTP(nil), writeback.Credentials{BearerToken: password}
		},
		"over SSH": func(r *repository, job *writeback.Job) {
			job.Repository.URL = r.serveSSH(host, mine.PublicKey())
			address, _, _ := strings.Cut(strings.TrimPrefix(job.Repository.URL, "ssh://git@"), "/")
			job.Credentials = writeback.Credentials{Identity: private, KnownHosts: knownhosts.Line([]string{address}, host.PublicKey())}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, document)
			job := jobFor("")
			serve(r, &job)
			before := r.Git("rev-parse", "main")
			result := write(t, job)
			if got := r.show("main"); got != after {
				t.Errorf("committed:\n%s", got)
			}
			if head := r.Git("rev-parse", "main"); result.State != writeback.Committed || result.Branch != "main" || result.Commit != head {
				t.Errorf("%+v, the branch is at %s", result, head)
			}
			if files := r.Git("diff", "--name-only", before, "main"); files != fileName {
				t.Errorf("changed: %s", files)
			}
			if parent := r.Git("rev-parse", "main^"); parent != before {
				t.Errorf("committed on %s", parent)
			}
			r.Git("fsck", "--strict")
			if got := r.Git("log", "-1", "--format=%an <%ae> %cn %cI%n%B", "main"); got != wantedMessage {
				t.Errorf("got:\n%s\nwant:\n%s", got, wantedMessage)
			}
			if again := write(t, job); again.Commit != result.Commit || r.count("main") != "3" {
				t.Errorf("again: %+v, %s commits", again, r.count("main"))
			}
			if back := write(t, undo(job)); back.State != writeback.Committed || r.show("main") != document || r.count("main") != "4" {
				t.Errorf("undone: %+v, %s commits:\n%s", back, r.count("main"), r.show("main"))
			}
			if again := write(t, undo(job)); again.State != writeback.Committed || again.Commit != r.Git("rev-parse", "main") || r.count("main") != "4" {
				t.Errorf("undone again: %+v, %s commits", again, r.count("main"))
			}
		})
	}
}

const wantedMessage = `strategy-operator <ops@example.com> strategy-operator 2026-11-23T10:00:00+00:00
rollback less: apply: limit cpu to 50

An emergency change of the scheduler's configuration, by strategy-operator.

Change: limit cpu to 50
Reason: budget Strategy-Change: undone
Incident: pnl
Asked for by: alice
Approved by: bob

Strategy-Rollback: trading/less u-1
Strategy-Digest: sha256:abc
Strategy-Change: applied 1
Strategy-Checkpoint: trading.example 7 abcd`

func TestWhatAServerRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		kind   writeback.Kind
		part   string
	}{
		"the credentials": {401, writeback.Refused, "does not accept the credentials"},
		"the account":     {403, writeback.Refused, "the right to read and to push"},
		"the URL":         {404, writeback.Refused, "no such repository"},
		"for another URL": {302, writeback.Invalid, "a redirect, which is not followed"},
		"for a while":     {500, writeback.Unreachable, "HTTP 500"},
		"too many":        {429, writeback.Unreachable, "HTTP 429"},
		"what is no Git":  {200, writeback.Invalid, "no Git server"},
	} {
		for when, hit := range map[string]func(*http.Request) bool{"at once": func(*http.Request) bool { return true }, "at the push": pushes} {
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				r := newRepository(t, document)
				url := r.serveHTTP(func(git http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
						if !hit(request) {
							git.ServeHTTP(w, request)
							return
						}
						w.Header().Set("Location", "http://127.0.0.1:1/")
						w.WriteHeader(c.status)
						_, _ = w.Write([]byte("a long answer with " + password))
					})
				})
				fails(t, jobFor(url), c.kind, c.part)
				if r.count("main") != "2" {
					t.Error("it was pushed")
				}
			})
		}
	}
}

// TestAPushWhoseAnswerIsLost took effect: it is found, at once or by the next call, and there is one commit.
func TestAPushWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]bool{"and the server answers again": false, "and there is no time to look": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, document)
			ctx, cancel := context.WithCancel(t.Context())
			lost := false
			url := r.serveHTTP(func(git http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
					if !pushes(request) || lost {
						git.ServeHTTP(w, request)
						return
					}
					lost = true
					git.ServeHTTP(httptest.NewRecorder(), request)
					if gone {
						cancel()
					}
					panic(http.ErrAbortHandler)
				})
			})
			defer cancel()
			result, err := writer(t).Write(ctx, jobFor(url))
			if failure, ok := errors.AsType[*writeback.Failure](err); gone != ok || ok && failure.Kind != writeback.Unreachable {
				t.Fatalf("%+v, %v", result, err)
			}
			if result = write(t, jobFor(url)); result.Commit != r.Git("rev-parse", "main") || r.count("main") != "3" || r.show("main") != after {
				t.Errorf("%+v, %s commits", result, r.count("main"))
			}
		})
	}
}

// TestABranchThatMoves between the fetch and the push: the edit is made on what it is then.
func TestABranchThatMoves(t *testing.T) {
	t.Parallel()
	r := newRepository(t, document)
	left, total, content := 2, 0, document
	url := r.serveHTTP(func(git http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			if pushes(request) && left > 0 {
				left--
				total++
				r.put(fileName, strings.Replace(content, "# The scheduler.", fmt.Sprintf("# Carol's %d.", total), 1), "carol")
			}
			git.ServeHTTP(w, request)
		})
	})
	write(t, jobFor(url))
	if want := strings.Replace(after, "# The scheduler.", "# Carol's 2.", 1); r.show("main") != want || r.count("main") != "5" {
		t.Errorf("%s commits:\n%s", r.count("main"), r.show("main"))
	}
	left, content = 1000, after
	fails(t, undo(jobFor(url)), writeback.Moved, "moved")
}

func TestAFileThatHoldsSomethingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, part string }{
		"another value":         {strings.Replace(document, "80", "70", 1), cpu + " holds another value"},
		"a schedule is gone":    {strings.ReplaceAll(document, "slow", "late"), "holds another value"},
		"no YAML":               {"a: [", "cannot be read as YAML"},
		"a manifest, folded":    {"apiVersion: v1\nkind: ConfigMap\ndata:\n  core.yaml: >\n    a: 1\n", "no plain literal block"},
		"a manifest without it": {"apiVersion: v1\nkind: ConfigMap\ndata:\n  other.yaml: |\n    a: 1\n", "no plain literal block"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, c.content)
			fails(t, jobFor(r.serveHTTP(nil)), writeback.Differs, c.part)
			if r.count("main") != "2" {
				t.Error("it was pushed")
			}
		})
	}
}

// TestWhatSomebodyElseDid is neither done again nor undone.
func TestWhatSomebodyElseDid(t *testing.T) {
	t.Parallel()
	t.Run("committed the same", func(t *testing.T) {
		t.Parallel()
		r := newRepository(t, after)
		job := jobFor(r.serveHTTP(nil))
		if result := write(t, job); result.State != writeback.Committed || result.Commit != r.Git("rev-parse", "main") || r.count("main") != "2" {
			t.Errorf("%+v, %s commits", result, r.count("main"))
		}
		if result := write(t, undo(job)); result.State != writeback.Left || len(result.Conflicts) != 2 || r.show("main") != after {
			t.Errorf("%+v", result)
		}
	})
	t.Run("took it back", func(t *testing.T) {
		t.Parallel()
		r := newRepository(t, document)
		job := jobFor(r.serveHTTP(nil))
		write(t, job)
		r.put(fileName, document, "no")
		fails(t, job, writeback.Differs, "somebody changed it since")
		if result := write(t, undo(job)); result.State != writeback.Left || len(result.Conflicts) > 0 || r.count("main") != "4" {
			t.Errorf("%+v, %s commits", result, r.count("main"))
		}
	})
	t.Run("changed one of two", func(t *testing.T) {
		t.Parallel()
		r := newRepository(t, document)
		job := jobFor(r.serveHTTP(nil))
		write(t, job)
		r.put(fileName, strings.Replace(after, "cpu_percent: 50", "cpu_percent: 40", 1), "mine")
		result := write(t, undo(job))
		if want := strings.Replace(document, "cpu_percent: 80", "cpu_percent: 40", 1); r.show("main") != want || len(result.Conflicts) != 1 || result.Conflicts[0] != cpu {
			t.Errorf("%+v\n%s", result, r.show("main"))
		}
	})
}

// TestARenewal replaces what was committed, and is undone as a whole.
func TestARenewal(t *testing.T) {
	t.Parallel()
	r := newRepository(t, document)
	job := jobFor(r.serveHTTP(nil))
	write(t, job)
	r.put(fileName, strings.Replace(after, "name: fast", "name: faster", 1), "carol")
	job.Edits, job.Digest = edits("45"), "sha256:def"
	write(t, job)
	renewed := strings.Replace(strings.Replace(after, "50", "45", 1), "name: fast", "name: faster", 1)
	if r.show("main") != renewed || r.count("main") != "6" {
		t.Errorf("%s commits:\n%s", r.count("main"), r.show("main"))
	}
	write(t, job)
	write(t, undo(job))
	if want := strings.Replace(document, "name: fast", "name: faster", 1); r.show("main") != want || r.count("main") != "7" {
		t.Errorf("%s commits:\n%s", r.count("main"), r.show("main"))
	}
}

// TestABranchForAPerson is pushed once, waits for the merge, and is taken back when nobody merged it.
func TestABranchForAPerson(t *testing.T) {
	t.Parallel()
	const branch = "operator/less"
	begin := func(t *testing.T) (*repository, writeback.Job) {
		r := newRepository(t, document)
		job := jobFor(r.serveHTTP(nil))
		job.Repository.PushBranch = "operator"
		for range 2 {
			if result := write(t, job); result.State != writeback.Open || result.Branch != branch || result.Commit != r.Git("rev-parse", branch) {
				t.Fatalf("%+v", result)
			}
		}
		if r.show("main") != document || r.show(branch) != after || r.count(branch) != "3" {
			t.Fatalf("%s commits:\n%s", r.count(branch), r.show("main"))
		}
		return r, job
	}
	t.Run("nobody merges it", func(t *testing.T) {
		t.Parallel()
		r, job := begin(t)
		if result := write(t, undo(job)); result.State != writeback.Withdrawn || r.Git("branch", "--list", branch) != "" {
			t.Errorf("%+v", result)
		}
		if result := write(t, undo(job)); result.State != writeback.Left || len(result.Conflicts) > 0 {
			t.Errorf("again: %+v", result)
		}
	})
	t.Run("it is merged, and its inverse is", func(t *testing.T) {
		t.Parallel()
		r, job := begin(t)
		r.put("other", "x", "meanwhile")
		r.Merge(branch)
		if result := write(t, job); result.State != writeback.Committed || result.Commit != r.Git("rev-parse", branch) || result.Branch != "main" {
			t.Errorf("%+v", result)
		}
		for range 2 { // the branch that was merged is left in place
			if result := write(t, undo(job)); result.State != writeback.Open || result.Branch != branch+"-undo" || r.show("main") != after {
				t.Errorf("%+v", result)
			}
		}
		r.Merge(branch + "-undo")
		if result := write(t, undo(job)); result.State != writeback.Committed || r.show("main") != document {
			t.Errorf("%+v\n%s", result, r.show("main"))
		}
	})
	t.Run("it is renewed before anybody merges it", func(t *testing.T) {
		t.Parallel()
		r, job := begin(t)
		job.Edits, job.Digest = edits("45"), "sha256:def"
		if result := write(t, job); result.State != writeback.Open || r.show(branch) != strings.Replace(after, "50", "45", 1) || r.count(branch) != "3" {
			t.Errorf("%+v, %s commits", result, r.count(branch))
		}
	})
	t.Run("somebody else has such a branch", func(t *testing.T) {
		t.Parallel()
		r, job := begin(t)
		r.Put(branch, "mine", "x", "carol")
		job.Digest = "sha256:def"
		fails(t, job, writeback.Differs, "commits of somebody else")
	})
}

// A status that came back from a backup asks for what is over: what was undone since is not committed again. What is asked for after it was undone is.
func TestAnOldStatusBringsNothingBack(t *testing.T) {
	t.Parallel()
	r := newRepository(t, document)
	job := jobFor(r.serveHTTP(nil))
	write(t, job)
	restore := undo(job)
	restore.Asked, restore.Now = now.Add(time.Hour), now.Add(time.Hour)
	write(t, restore)
	job.Now = now.Add(2 * time.Hour)
	failure, ok := errors.AsType[*writeback.Failure](func() error { _, err := writer(t).Write(t.Context(), job); return err }())
	if !ok || failure.Kind != writeback.Differs || !strings.Contains(failure.Problem, "undid the edits after") || r.show("main") != document {
		t.Errorf("%#v\n%s", failure, r.show("main"))
	}
	job.Asked = job.Now
	if write(t, job); r.show("main") != after {
		t.Errorf("it is not committed again:\n%s", r.show("main"))
	}
}
