//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fluxController is Flux's kustomize-controller as a process of this machine, which sees one world only. Its source is an artifact that the story
// serves, as source-controller would: a packed folder with its digest.
type fluxController struct {
	s     *story
	files map[string]string
	url   string
	pack  []byte
	out   lockedBuffer
}

const appliedLine = `"msg":"server-side apply completed"`

// fluxController has the configuration of the story's start committed, and its Kustomization suspended.
func (s *story) fluxController() *fluxController {
	s.Helper()
	f := &fluxController{s: s, files: map[string]string{}}
	s.must(apply(s.ctx, "", "-f", crdsOf(s, "github.com/fluxcd/kustomize-controller"), "-f", crdsOf(s, "github.com/fluxcd/source-controller@v1.8.0")))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(f.pack) }))
	s.Cleanup(server.Close)
	f.url = server.URL
	s.must(f.create("source.toolkit.fluxcd.io/v1", "GitRepository", fluxName, map[string]any{"url": f.url + "/trading.git", "interval": "1h"}))
	f.commit(s.original)
	f.start()
	s.must(f.create(fluxGroup+"/v1", "Kustomization", fluxName, map[string]any{
		"interval": fluxEvery.String(), "timeout": "30s", "path": "./config", "prune": false, "suspend": true,
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
func crdsOf(s *story, module string) string {
	s.Helper()
	command := exec.CommandContext(s.ctx, "go", "mod", "download", "-json", module)
	command.Dir = filepath.Join(mustAbs(repository), "hack/flux/kustomize")
	output, err := command.Output()
	if err != nil {
		s.Fatalf("%s: %v\n%s", module, err, output)
	}
	var downloaded struct{ Dir string }
	s.must(json.Unmarshal(output, &downloaded))
	return filepath.Join(downloaded.Dir, "config/crd/bases")
}

func (f *fluxController) start() {
	f.s.Helper()
	process := exec.Command(filepath.Join(mustAbs(repository), "bin/tools/kustomize-controller"),
		"--watch-all-namespaces=false", "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0")
	process.Env = append(os.Environ(), "RUNTIME_NAMESPACE="+f.s.namespace)
	process.Stdout, process.Stderr = &f.out, &f.out
	f.s.must(process.Start())
	f.s.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
		f.s.Logf("kustomize-controller took up to %d MB", process.ProcessState.SysUsage().(*syscall.Rusage).Maxrss/1024)
		if f.s.Failed() {
			said := f.out.text()
			f.s.Logf("what kustomize-controller said last:\n%s", said[max(0, len(said)-6000):])
		}
	})
}

// create makes an object of Flux in the world, which goes at the end of the story, while the controller, which has finalizers on it, still runs.
func (f *fluxController) create(version, kind, name string, spec map[string]any) error {
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

func (f *fluxController) commit(content string) {
	f.s.Helper()
	f.commitFile("config/configmap.yaml", f.s.manifest(content))
}

// commitFile changes one file of the source, and publishes all of it. No content: the file goes.
func (f *fluxController) commitFile(path, content string) {
	f.s.Helper()
	f.files[path] = content
	if content == "" {
		delete(f.files, path)
	}
	f.pack = f.packed()
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(f.pack))
	repository := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository"}}
	repository.SetNamespace(f.s.namespace)
	repository.SetName(fluxName)
	status, err := json.Marshal(map[string]any{"status": map[string]any{"artifact": map[string]any{
		"url": f.url + "/" + strings.TrimPrefix(digest, "sha256:") + ".tar.gz", "path": "trading.tar.gz", "revision": "main@" + digest, "digest": digest,
		"size": len(f.pack), "lastUpdateTime": metav1.Now().UTC().Format(time.RFC3339),
	}}})
	f.s.must(err)
	f.s.must(admin.Status().Patch(f.s.ctx, repository, client.RawPatch("application/merge-patch+json", status)))
}

func (f *fluxController) packed() []byte {
	var pack bytes.Buffer
	zipped := gzip.NewWriter(&pack)
	folder := tar.NewWriter(zipped)
	for path, content := range f.files {
		f.s.must(folder.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(content))}))
		_, err := folder.Write([]byte(content))
		f.s.must(err)
	}
	f.s.must(folder.Close())
	f.s.must(zipped.Close())
	return pack.Bytes()
}

func (f *fluxController) resume()  { f.s.must(f.setSuspend(f.s.ctx, false)) }
func (f *fluxController) suspend() { f.s.must(f.setSuspend(context.WithoutCancel(f.s.ctx), true)) }

func (f *fluxController) setSuspend(ctx context.Context, suspend bool) error {
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": fluxGroup + "/v1", "kind": "Kustomization"}}
	object.SetNamespace(f.s.namespace)
	object.SetName(fluxName)
	return admin.Patch(ctx, object, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"suspend":%t}}`, suspend)))
}

func (f *fluxController) applied() int { return strings.Count(f.out.text(), appliedLine) }
