//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/test/gitserver"
)

const (
	gitName     = "git"
	gitPassword = "what-the-git-server-of-the-stories-wants-to-know"
	gitFile     = "config/configmap.yaml"
	gitAuthor   = "strategy-operator <strategy-operator@localhost>"

	localNodeIP = "10.99.0.1" // that of hack/cluster, where pods reach this machine
)

// gitRepository is one that the world reaches as its Service git, and this machine by an address of its own.
type gitRepository struct {
	*gitserver.Repository
	url, here string
}

// gitServer has the world's configuration in a repository.
func (s *story) gitServer() *gitRepository {
	s.Helper()
	return s.gitServerOf(map[string]string{gitFile: s.manifest(s.original)})
}

// gitServerOf has files in a repository, the Secret for it, and the operator's right to read that.
func (s *story) gitServerOf(files map[string]string) *gitRepository {
	s.Helper()
	if !local {
		s.Skip("pods of this cluster do not reach this machine, which serves the repository")
	}
	r := &gitRepository{Repository: gitserver.New(s, files)}
	listener, err := new(net.ListenConfig).Listen(s.ctx, "tcp", localNodeIP+":0")
	s.must(err)
	server := &http.Server{Handler: r.Handler(gitPassword), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	s.Cleanup(func() { _ = server.Close() })
	port := int32(listener.Addr().(*net.TCPAddr).Port)
	s.must(s.service(gitName, port))
	r.url = "http://" + net.JoinHostPort(gitName+"."+s.namespace, strconv.Itoa(int(port))) + "/" + gitserver.Name
	r.here = "http://" + listener.Addr().String() + "/" + gitserver.Name
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: gitName, Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}},
		StringData: map[string]string{"url": r.url, "username": "bot", "password": gitPassword},
	}
	s.must(s.create(secret))
	s.readable(gitName, gitName)
	return r
}

// service is one of the world whose only end is this machine.
func (s *story) service(name string, port int32) error {
	at := metav1.ObjectMeta{Namespace: s.namespace, Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}}
	return errors.Join(
		s.create(&corev1.Service{ObjectMeta: at, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: port}}}}),
		s.create(&discoveryv1.EndpointSlice{
			ObjectMeta: at, AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: new(""), Port: &port}},
			Endpoints: []discoveryv1.Endpoint{{Addresses: []string{localNodeIP}}},
		}),
	)
}

// create makes an object that goes with the story.
func (s *story) create(object client.Object) error {
	s.Cleanup(func() {
		if err := admin.Delete(context.WithoutCancel(s.ctx), object); client.IgnoreNotFound(err) != nil {
			s.Errorf("%v", err)
		}
	})
	return admin.Create(s.ctx, object)
}

// writesBack has the playbook commit to the repository; push: to a branch of its own, for people to merge.
func (r *gitRepository) writesBack(push string) *strategyv1.GitOpsSpec {
	return &strategyv1.GitOpsSpec{Mode: strategyv1.GitOpsWriteBack, WriteBack: &strategyv1.WriteBackSpec{
		URL: r.url, Branch: "main", Path: gitFile, PushBranch: push, SecretName: gitName,
	}}
}

// commits are those since the beginning, the oldest first.
func (r *gitRepository) commits() []string {
	return strings.Fields(r.Git("rev-list", "--reverse", "--first-parent", "main"))[1:]
}

// outOfGit is Flux's apply engine with the repository as its source: the branch main is fetched each second, and what it has is applied.
func (s *story) outOfGit(r *gitRepository) *fluxEngine {
	s.Helper()
	f := s.fluxEngine()
	clone := filepath.Join(s.TempDir(), "clone")
	git := func(ctx context.Context, arguments ...string) ([]byte, error) {
		command := exec.CommandContext(ctx, "git", append([]string{"-C", clone}, arguments...)...)
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		return command.Output()
	}
	s.must(os.Mkdir(clone, 0o700))
	for _, arguments := range [][]string{{"init", "-q"}, {"remote", "add", "origin", strings.Replace(r.here, "http://", "http://flux:"+gitPassword+"@", 1)}} {
		_, err := git(s.ctx, arguments...)
		s.must(err)
	}
	ctx, stop := context.WithCancel(s.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for turns := time.NewTicker(time.Second); ctx.Err() == nil; {
			if _, err := git(ctx, "fetch", "-q", "origin", "main"); err == nil { // a source, too, tries again
				if content, err := git(ctx, "show", "FETCH_HEAD:"+gitFile); err == nil && f.put(string(content)) != nil {
					return
				}
			}
			select {
			case <-ctx.Done():
			case <-turns.C:
			}
		}
	}()
	s.Cleanup(func() { stop(); <-done })
	return f
}
