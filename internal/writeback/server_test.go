package writeback_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// repository is a bare repository on this machine, with one file.
type repository struct {
	t   *testing.T
	dir string // of the bare repository
}

const (
	password = "hunter2-is-secret"
	fileName = "clusters/prod/core.yaml"
)

// document is what the file holds.
const document = `# The scheduler.
runtime:
  resource_limits:   {cpu_percent: 80, memory_mb: 3072}   # per process
  schedules:
  - name: fast
    enabled: true

  - name: slow
    enabled: true # for now
`

func newRepository(t *testing.T, content string) *repository {
	t.Helper()
	r := &repository{t: t, dir: filepath.Join(t.TempDir(), "config.git")}
	run(t, ".", nil, "git", "init", "-q", "--bare", "--initial-branch=main", r.dir)
	if err := os.WriteFile(filepath.Join(r.dir, "config"), []byte("[core]\nbare = true\n[http]\nreceivepack = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := func(text string) string { return fmt.Sprintf("data %d\n%s\n", len(text), text) }
	const carol = "committer carol <carol@example.com> 1700000000 +0000\n"
	load(t, r.dir, "commit refs/heads/main\n"+carol+name("begin")+"M 100644 inline "+fileName+"\n"+name(content)+
		"commit refs/heads/main\n"+carol+name("more")+"M 100644 inline README.md\n"+name("hello\n"))
	return r
}

// load makes commits of a stream of git fast-import.
func load(t *testing.T, dir, stream string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", "-C", dir, "fast-import", "--quiet")
	command.Stdin = strings.NewReader(stream)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// git runs in the bare repository.
func (r *repository) git(args ...string) string { return run(r.t, r.dir, nil, "git", args...) }

// put commits a file on the main branch, as carol.
func (r *repository) put(name, content, message string) { r.putOn("main", name, content, message) }

func (r *repository) putOn(branch, name, content, message string) {
	r.t.Helper()
	const carol = "committer carol <carol@example.com> 1700000001 +0000\n"
	load(r.t, r.dir, fmt.Sprintf("commit refs/heads/%s\n%sdata %d\n%s\nfrom refs/heads/%s^0\nM 100644 inline %s\ndata %d\n%s\n",
		branch, carol, len(message), message, branch, name, len(content), content))
}

// show is the file on a branch.
func (r *repository) show(branch string) string {
	r.t.Helper()
	return run(r.t, r.dir, nil, "git", "show", branch+":"+fileName) + "\n"
}

// count is how many commits a branch has.
func (r *repository) count(branch string) string { return r.git("rev-list", "--count", branch) }

func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), append(env, "GIT_AUTHOR_NAME=carol", "GIT_AUTHOR_EMAIL=carol@example.com", "GIT_COMMITTER_NAME=carol",
		"GIT_COMMITTER_EMAIL=carol@example.com", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")...)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// serveHTTP is a Git server over HTTP as others run it; around is what stands before it.
func (r *repository) serveHTTP(around func(git http.Handler) http.Handler) (url string) {
	r.t.Helper()
	server := httptest.NewServer(r.handler(around))
	r.t.Cleanup(server.Close)
	return server.URL + "/config.git"
}

// handler answers whoever has the password.
func (r *repository) handler(around func(git http.Handler) http.Handler) http.Handler {
	r.t.Helper()
	backend := filepath.Join(run(r.t, ".", nil, "git", "--exec-path"), "git-http-backend")
	var git http.Handler = &cgi.Handler{
		Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	if around != nil {
		git = around(git)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if _, given, _ := request.BasicAuth(); given != password && request.Header.Get("Authorization") != "Bearer "+password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		git.ServeHTTP(w, request)
	})
}

// pushes says whether a request is a push.
func pushes(request *http.Request) bool {
	return request.Method == http.MethodPost && strings.HasSuffix(request.URL.Path, "git-receive-pack")
}

// keyPair is a private key of SSH, as a file has it.
func keyPair(t *testing.T) (signer ssh.Signer, private string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err = ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

// serveSSH is a Git server over SSH for whoever has a key.
func (r *repository) serveSSH(host ssh.Signer, allowed ssh.PublicKey) (url string) {
	r.t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, os.ErrPermission
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(host)
	listener, err := new(net.ListenConfig).Listen(r.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go r.serveConnection(connection, config)
		}
	}()
	return "ssh://git@" + listener.Addr().String() + r.dir
}

func (r *repository) serveConnection(connection net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for one := range channels {
		channel, asked, err := one.Accept()
		if err != nil {
			return
		}
		go func() {
			for request := range asked {
				var command struct{ Line string }
				if request.Type != "exec" || ssh.Unmarshal(request.Payload, &command) != nil {
					_ = request.Reply(false, nil)
					continue
				}
				_ = request.Reply(true, nil)
				shell := exec.CommandContext(context.Background(), "sh", "-c", command.Line)
				shell.Stdin, shell.Stdout = channel, channel
				_ = shell.Run()
				_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{}))
				_ = channel.Close()
			}
		}()
	}
}
