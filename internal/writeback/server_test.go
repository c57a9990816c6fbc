package writeback_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"tradeops.dev/strategy-operator/test/gitserver"
)

// repository is a Git repository with one file that matters.
type repository struct {
	*gitserver.Repository
	t *testing.T
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
	r := &repository{gitserver.New(t, map[string]string{fileName: content}), t}
	r.put("README.md", "hello\n", "more")
	return r
}

// put commits a file on the main branch, as carol.
func (r *repository) put(name, content, message string) { r.Put("main", name, content, message) }

// show is the file on a branch.
func (r *repository) show(branch string) string { return r.Show(branch, fileName) }

// count is how many commits a branch has.
func (r *repository) count(branch string) string { return r.Git("rev-list", "--count", branch) }

// serveHTTP is a Git server over HTTP as others run it; around is what stands before it.
func (r *repository) serveHTTP(around func(git http.Handler) http.Handler) (url string) {
	r.t.Helper()
	server := httptest.NewServer(r.handler(around))
	r.t.Cleanup(server.Close)
	return server.URL + "/" + gitserver.Name
}

// handler answers whoever has the password; around is what stands before it.
func (r *repository) handler(around func(git http.Handler) http.Handler) http.Handler {
	if around == nil {
		around = func(git http.Handler) http.Handler { return git }
	}
	return around(r.Handler(password))
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
	return "ssh://git@" + listener.Addr().String() + r.Dir
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
