package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// source is where evidence is read from.
type source interface {
	// list is a part of what lies in a folder, whose first part is the namespace.
	list(ctx context.Context, folder, after string) (evidence.Page, error)
	get(ctx context.Context, key string) ([]byte, error)
}

// evidenceService is where the manager serves evidence, as the API server's proxy calls it.
const evidenceService = "https:strategy-operator-evidence:evidence"

// What the plugin asks for in a second, and at once: no more than the manager answers.
const evidenceQPS, evidenceBurst = 20, 100

// remote is the manager, reached through the API server's proxy for Services: that needs a right to one Service by its name, no way into the
// cluster's network, and no change of it.
type remote struct {
	client      rest.Interface
	impersonate bool
}

func newRemote(config *rest.Config) (source, error) {
	own := rest.CopyConfig(config)
	own.QPS, own.Burst = evidenceQPS, evidenceBurst
	own.Wrap(func(next http.RoundTripper) http.RoundTripper { return passOn{next} })
	plain, err := kubernetes.NewForConfig(own)
	if err != nil {
		return nil, err
	}
	return remote{plain.CoreV1().RESTClient(), config.Impersonate.UserName != ""}, nil
}

// passOn puts the user's token where the API server leaves it: it takes Authorization away before it passes a request on. So the manager can ask
// the API server whose it is. A client certificate cannot be passed on at all.
type passOn struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p passOn) RoundTrip(request *http.Request) (*http.Response, error) {
	token := request.Header.Get("Authorization")
	if !strings.HasPrefix(token, "Bearer ") {
		return nil, errNoToken
	}
	request = request.Clone(request.Context())
	request.Header.Set(evidence.HeaderAuthorization, token)
	return p.next.RoundTrip(request)
}

var errNoToken = errors.New("your kubeconfig has no token, and a client certificate says nothing to the operator, which the API server only passes requests on to; " +
	"give one with --token, e.g. --token=$(kubectl create token auditor -n NAMESPACE) of a service account that may read evidence")

func (r remote) list(ctx context.Context, folder, after string) (page evidence.Page, err error) {
	namespace, below, _ := strings.Cut(folder, "/")
	request, err := r.request(evidence.PathOf(namespace))
	if err != nil {
		return page, err
	}
	result := request.Param(evidence.ParamFolder, below).Param(evidence.ParamAfter, after).Do(ctx)
	if err := result.Error(); err != nil { // in the manager's words, which Raw does not read
		return page, unreached(err)
	}
	raw, err := result.Raw()
	if err != nil {
		return page, unreached(err)
	}
	if err := decodePage(raw, &page); err != nil {
		return page, fmt.Errorf("the list of evidence cannot be read: %w", err)
	}
	return page, nil
}

func (r remote) get(ctx context.Context, key string) ([]byte, error) {
	namespace, _, _ := strings.Cut(key, "/")
	request, err := r.request(evidence.PathOfKey(namespace, key))
	if err != nil {
		return nil, err
	}
	stream, err := request.Stream(ctx)
	if err != nil {
		return nil, unreached(err)
	}
	defer stream.Close()
	return whole(stream, key)
}

func (r remote) request(path string) (*rest.Request, error) {
	if r.impersonate {
		return nil, refuse("evidence is read in your own name; leave out --as")
	}
	return r.client.Get().Namespace(operatorNamespace).Resource("services").SubResource("proxy").Name(evidenceService).Suffix(path), nil
}

// unreached adds what to do where the manager was not reached.
func unreached(err error) error {
	switch {
	case errors.Is(err, errNoToken):
		return errNoToken
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "services/proxy"):
		return fmt.Errorf("%w; ask for Role strategy-operator-evidence-reach in namespace %s", err, operatorNamespace)
	case apierrors.IsServiceUnavailable(err) && strings.Contains(err.Error(), "no endpoints"):
		return fmt.Errorf("%w: the operator does not run, or does not serve evidence (--evidence-bind-address); with a copy of the bucket use --from DIR", err)
	case apierrors.IsNotFound(err) && strings.Contains(err.Error(), "services"):
		return fmt.Errorf("%w: this operator does not serve evidence; apply config/manager again, or use --from DIR with a copy of the bucket", err)
	}
	return err
}

// whole reads an object, and refuses one that is larger than any.
func whole(from io.Reader, key string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, evidence.MaxObjectBytes+1))
	if err == nil && len(data) > evidence.MaxObjectBytes {
		err = fmt.Errorf("it has more than %d bytes", evidence.MaxObjectBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read evidence %s: %w", key, err)
	}
	return data, nil
}

// folder is a copy of the bucket, or what export wrote.
type folder struct{ fs.FS }

func openFolder(name string) (folder, error) {
	root, err := os.OpenRoot(name) // whatever lies in it leads out of it
	if err != nil {
		return folder{}, fmt.Errorf("cannot open --from: %w", err)
	}
	return folder{root.FS()}, nil
}

// list is all of it at once: it is of this machine.
func (f folder) list(_ context.Context, from, _ string) (page evidence.Page, err error) {
	page.Bucket = "a folder of this machine"
	err = fs.WalkDir(f, from, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && name != "." && strings.HasPrefix(path.Base(name), ".") && entry.IsDir() {
			return fs.SkipDir // the store's own
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			page.Items = append(page.Items, evidence.Object{Key: name, Bytes: info.Size()})
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return page, nil
	}
	return page, err
}

func (f folder) get(_ context.Context, key string) ([]byte, error) {
	opened, err := f.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", evidence.ErrNotFound, key)
	}
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return whole(opened, key)
}
