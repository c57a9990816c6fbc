//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fluxControllers are Flux's source-controller and kustomize-controller as processes of this machine, which see one world only, with a Git repository
// as their source.
type fluxControllers struct {
	s          *story
	repository *gitRepository
	out        lockedBuffer // of kustomize-controller
}

const (
	appliedLine = `"msg":"server-side apply completed"`
	fluxSource  = "source.toolkit.fluxcd.io/v1"
)

// fluxControllers have the configuration of the story's start in their repository, and its Kustomization suspended.
func (s *story) fluxControllers() *fluxControllers {
	s.Helper()
	f := &fluxControllers{s: s, repository: s.gitServer()}
	s.must(apply(s.ctx, "", "-f", crdsOf(s, "hack/flux/kustomize", "kustomize-controller"), "-f", crdsOf(s, "hack/flux/source", "source-controller")))
	f.start("kustomize-controller", &f.out)
	storage := unusedAddress(s)
	f.start("source-controller", new(lockedBuffer), "--storage-path="+s.TempDir(), "--storage-addr="+storage, "--storage-adv-addr="+storage)
	s.must(s.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "flux-git"}, StringData: map[string]string{"username": "flux", "password": gitPassword},
	}))
	s.must(f.create(fluxSource, "GitRepository", fluxName, map[string]any{
		"url": f.repository.here, "interval": fluxEvery.String(), "ref": map[string]any{"branch": "main"}, "secretRef": map[string]any{"name": "flux-git"},
	}))
	s.must(f.create(fluxGroup+"/v1", "Kustomization", fluxName, map[string]any{
		"interval": fluxEvery.String(), "retryInterval": fluxEvery.String(), "timeout": "30s", "path": "./config", "prune": false, "suspend": true,
		"sourceRef": map[string]any{"kind": "GitRepository", "name": fluxName},
	}))
	s.Cleanup(func() {
		ctx := context.WithoutCancel(s.ctx)
		f.suspend()
		if err := s.disown(ctx); err != nil {
			s.Error(err)
		}
	})
	return f
}

// crdsOf is the folder with the kinds of a controller, in the module it is built from.
func crdsOf(s *story, pinned, controller string) string {
	s.Helper()
	command := exec.CommandContext(s.ctx, "go", "mod", "download", "-json", "github.com/fluxcd/"+controller)
	command.Dir = filepath.Join(mustAbs(repository), pinned)
	output, err := command.Output()
	if err != nil {
		s.Fatalf("%s: %v\n%s", controller, err, output)
	}
	var downloaded struct{ Dir string }
	s.must(json.Unmarshal(output, &downloaded))
	return filepath.Join(downloaded.Dir, "config/crd/bases")
}

// unusedAddress is one of this machine that nobody listens at.
func unusedAddress(s *story) string {
	s.Helper()
	listener, err := new(net.ListenConfig).Listen(s.ctx, "tcp", "127.0.0.1:0")
	s.must(err)
	s.must(listener.Close())
	return listener.Addr().String()
}

func (f *fluxControllers) start(controller string, out *lockedBuffer, flags ...string) {
	f.s.Helper()
	process := exec.Command(filepath.Join(mustAbs(repository), "bin/tools", controller),
		append(flags, "--watch-all-namespaces=false", "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0")...)
	process.Env = append(os.Environ(), "RUNTIME_NAMESPACE="+f.s.namespace)
	process.Stdout, process.Stderr = out, out
	f.s.must(process.Start())
	f.s.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
		f.s.Logf("%s took up to %d MB", controller, process.ProcessState.SysUsage().(*syscall.Rusage).Maxrss/1024)
		if f.s.Failed() {
			said := out.text()
			f.s.Logf("what %s said last:\n%s", controller, said[max(0, len(said)-6000):])
		}
	})
}

// create makes an object of Flux in the world, which goes at the end of the story, while the controllers, which have finalizers on it, still run.
func (f *fluxControllers) create(version, kind, name string, spec map[string]any) error {
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": version, "kind": kind, "spec": spec}}
	object.SetNamespace(f.s.namespace)
	object.SetName(name)
	f.s.Cleanup(func() {
		ctx := context.WithoutCancel(f.s.ctx)
		err := poll(ctx, time.Minute, func(ctx context.Context) error {
			if err := admin.Delete(ctx, object.DeepCopy()); err == nil {
				return fmt.Errorf("%s is still there", kind)
			} else if !apierrors.IsNotFound(err) {
				return err
			}
			return nil
		})
		if err != nil {
			f.s.Error(err)
		}
	})
	return poll(f.s.ctx, time.Minute, func(ctx context.Context) error { return admin.Create(ctx, object) }) // its kind may not be served yet
}

func (f *fluxControllers) commit(content string) {
	f.s.Helper()
	f.repository.Put("main", gitFile, f.s.manifest(content), "mine")
}

func (f *fluxControllers) resume()  { f.s.must(f.setSuspend(f.s.ctx, false)) }
func (f *fluxControllers) suspend() { f.s.must(f.setSuspend(context.WithoutCancel(f.s.ctx), true)) }

func (f *fluxControllers) setSuspend(ctx context.Context, suspend bool) error {
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": fluxGroup + "/v1", "kind": "Kustomization"}}
	object.SetNamespace(f.s.namespace)
	object.SetName(fluxName)
	return admin.Patch(ctx, object, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"suspend":%t}}`, suspend)))
}

func (f *fluxControllers) marks() marks { return f.s.fluxMarks() }

func (f *fluxControllers) applied() int { return strings.Count(f.out.text(), appliedLine) }
