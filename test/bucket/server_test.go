package bucket_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"testing"

	"tradeops.dev/strategy-operator/internal/cloud"
)

// kind is a kind of bucket in a cloud, and how its server is made to fail.
type kind struct {
	name    string
	serves  func(t *testing.T) (endpoint string) // a server of the test's own, with an empty bucket
	url     func(endpoint, folder string) string
	writes  func(r *http.Request) bool // whether a request writes the evidence of key, and not the object that tells what the server can
	reads   func(r *http.Request) bool
	says    func(w http.ResponseWriter, code int, name string) // an error, in its words
	secrets []string                                           // that no error may tell
	onlyNew func(r *http.Request) bool                         // whether a request is to write only what is not there
	unknown string                                             // what a server calls that, which does not know it
	ignores func(t *testing.T, endpoint string) fault          // and one that replaces what is there
	remove  func(t *testing.T, endpoint string)                // the bucket
}

var kinds = []kind{s3Kind, googleKind, azureKind}

// opened is the operator's store on a server, behind a proxy with faults.
func (k kind) opened(t *testing.T, endpoint, folder string, faults ...fault) *cloud.Bucket {
	t.Helper()
	if len(faults) > 0 {
		endpoint = through(t, endpoint, faults...)
	}
	store, err := cloud.Open(t.Context(), k.url(endpoint, folder))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// refuses is a server that does not know how to create only what is new, and says so.
func (k kind) refuses(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
	if !k.onlyNew(r) {
		return false
	}
	k.says(w, http.StatusNotImplemented, k.unknown)
	return true
}

// runs starts a server, and ends it with the test.
func runs(t *testing.T, program string, arguments ...string) {
	t.Helper()
	var said bytes.Buffer
	server := exec.CommandContext(context.WithoutCancel(t.Context()), program, arguments...)
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, said.String())
		}
	})
}

// sayXML is how S3 and Azure tell an error.
func sayXML(w http.ResponseWriter, code int, name string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(`<?xml version="1.0"?><Error><Code>` + name + `</Code><Message>by the test</Message></Error>`))
}

// free is an address of loopback at which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// fault is what a proxy does instead of passing a request on; false: nothing.
type fault func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool

// through is a proxy before a server, with faults.
func through(t *testing.T, endpoint string, faults ...fault) string {
	t.Helper()
	at, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	path := at.Path // of whom requests are signed for
	at.Path = ""
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		r.Out.Host = r.In.Host // it is signed
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, one := range faults {
			if one(w, r, pass) {
				return
			}
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL + path
}
