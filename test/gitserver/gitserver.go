// Package gitserver is a real Git repository for tests: made by Git, and served over HTTP by Git's own program for that.
package gitserver

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Name is how a repository is called in URLs.
const Name = "config.git"

// Repository is a bare repository on this machine.
type Repository struct {
	t testing.TB
	// Dir is where it is.
	Dir string
}

// New is a repository whose branch main has these files, by path.
func New(t testing.TB, files map[string]string) *Repository {
	t.Helper()
	r := &Repository{t: t, Dir: filepath.Join(t.TempDir(), Name)}
	r.run(".", "", "init", "-q", "--bare", "--initial-branch=main", r.Dir)
	if err := os.WriteFile(filepath.Join(r.Dir, "config"), []byte("[core]\nbare = true\n[http]\nreceivepack = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stream strings.Builder
	fmt.Fprintf(&stream, "commit refs/heads/main\n%s%s", carol, data("begin"))
	for path, content := range files {
		fmt.Fprintf(&stream, "M 100644 inline %s\n%s", path, data(content))
	}
	r.run(r.Dir, stream.String(), "fast-import", "--quiet")
	return r
}

// carol is who commits, beside the operator.
const carol = "committer carol <carol@example.com> 1700000000 +0000\n"

func data(text string) string { return fmt.Sprintf("data %d\n%s\n", len(text), text) }

// Put is carol, who commits a file to a branch.
func (r *Repository) Put(branch, path, content, message string) {
	r.t.Helper()
	r.run(r.Dir, fmt.Sprintf("commit refs/heads/%s\n%s%sfrom refs/heads/%s^0\nM 100644 inline %s\n%s", branch, carol, data(message), branch, path, data(content)), "fast-import", "--quiet")
}

// Remove is carol, who takes a file off a branch.
func (r *Repository) Remove(branch, path, message string) {
	r.t.Helper()
	r.run(r.Dir, fmt.Sprintf("commit refs/heads/%s\n%s%sfrom refs/heads/%s^0\nD %s\n", branch, carol, data(message), branch, path), "fast-import", "--quiet")
}

// Merge is carol, who merges a branch into main. The branch stays.
func (r *Repository) Merge(branch string) {
	r.t.Helper()
	r.run(r.Dir, fmt.Sprintf("commit refs/heads/main\n%s%sfrom refs/heads/main^0\nmerge refs/heads/%s\nM 040000 %s \n", carol, data("Merge branch "+branch), branch,
		r.Git("merge-tree", "--write-tree", "main", branch)), "fast-import", "--quiet")
}

// Show is a file on a branch.
func (r *Repository) Show(branch, path string) string {
	r.t.Helper()
	return r.run(r.Dir, "", "show", branch+":"+path)
}

// Git runs Git in the repository, and gives what it prints, without the end of the last line.
func (r *Repository) Git(args ...string) string {
	r.t.Helper()
	return strings.TrimRight(r.run(r.Dir, "", args...), "\n")
}

func (r *Repository) run(dir, input string, args ...string) string {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), "git", args...)
	command.Dir, command.Stdin = dir, strings.NewReader(input)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	var failed strings.Builder
	command.Stderr = &failed
	out, err := command.Output()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, failed.String())
	}
	return string(out)
}

// Handler serves the repository, under its name, to whoever has the password.
func (r *Repository) Handler(password string) http.Handler {
	r.t.Helper()
	git := &cgi.Handler{
		Path: filepath.Join(r.Git("--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(r.Dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if _, given, _ := request.BasicAuth(); given != password && request.Header.Get("Authorization") != "Bearer "+password {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`) // Git's own client asks without a password first
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		git.ServeHTTP(w, request)
	})
}
