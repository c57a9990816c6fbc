package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// created is when the objects of the tests were made, which is in their folders.
var created = metav1.NewTime(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))

// kept is a bucket: incident pnl-1 with its rollback stop-cross, one that was deleted with its own, and one of another namespace.
func kept() fstest.MapFS {
	entry := func(seq int, event, stage, artefacts string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(fmt.Sprintf(`{"artefacts":{%s,"message":"so\u001b[31m it was","by":"bob"},"event":%q,"seq":%d,"stage":%q,"timestamp":"2026-11-23T10:17:02+00:00"}`, artefacts, event, seq, stage))}
	}
	return fstest.MapFS{
		"trading/2026/11/23/pnl-1-9/log/000001.json":            entry(1, "incident", "incident", `"incident":"trading/pnl-1"`),
		"trading/2026/11/23/pnl-1-9/log/000002.json":            entry(2, "acknowledged", "incident", `"incident":"trading/pnl-1"`),
		"trading/2026/11/23/pnl-1-9/checks/triage-smoke-1.json": {Data: []byte(`{"status":"ok"}`)},
		"trading/2026/11/23/stop-cross-7/log/000001.json":       entry(1, "rollback_requested", "rollback", `"incident":"pnl-1","rollback":"trading/stop-cross"`),
		"trading/2026/11/22/old-12345678/log/000001.json":       entry(1, "incident", "incident", `"incident":"trading/old"`),
		"trading/2026/11/22/old-less-abcdefgh/log/000001.json":  entry(1, "rollback_requested", "rollback", `"incident":"old","rollback":"trading/old-less"`),
		"trading/2026/11/20/twice-11111111/log/000001.json":     entry(1, "incident", "incident", `"incident":"trading/twice"`),
		"trading/2026/11/21/twice-22222222/log/000001.json":     entry(1, "incident", "incident", `"incident":"trading/twice"`),
		"trading/forgotten/old-12345678-0123456789ab.json":      {Data: []byte(`{}`)},
		"other/2026/11/23/elsewhere-33333333/log/000001.json":   entry(1, "incident", "incident", `"incident":"other/elsewhere"`),
		".writing/object-1": {Data: []byte("half")},
	}
}

// withEvidence is a world whose operator serves what is kept.
func withEvidence(t *testing.T) *world {
	t.Helper()
	one, rollback := incident(), awaiting()
	one.CreationTimestamp, rollback.CreationTimestamp = created, created
	w := newWorld(t, "", one, rollback)
	w.evidence = folder{kept()}
	return w
}

// copied is what is kept, in a folder of this machine.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, kept()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEvidence(t *testing.T) {
	dir := copied(t)
	const own, of = "trading/2026/11/23/pnl-1-9/", "trading/2026/11/23/stop-cross-7/"
	both := own + "checks/triage-smoke-1.json\n" + own + "log/000001.json\n" + own + "log/000002.json\n" + of + "log/000001.json\n"
	for _, c := range []struct {
		name, args string
		code       int
		out, err   string
	}{
		{"of an incident with its rollbacks", "evidence ls pnl-1 -o name", exitDone, both, ""},
		{"of a rollback", "evidence ls rollback/stop-cross", exitDone, "      205  " + of + "log/000001.json\n", ""},
		{"of one that was deleted", "evidence ls old -o name", exitDone, "trading/2026/11/22/old-12345678/log/000001.json\ntrading/2026/11/22/old-less-abcdefgh/log/000001.json\n", ""},
		{"by a folder", "evidence ls trading/2026/11/21/twice-22222222 -o name", exitDone, "trading/2026/11/21/twice-22222222/log/000001.json\n", ""},
		{"of several of one name", "evidence ls twice", exitRefused, "", "2 folders are of \"twice\"; name one: trading/2026/11/20/twice-11111111, trading/2026/11/21/twice-22222222"},
		{"of nobody", "evidence ls nobody", exitRefused, "", `no folder of the evidence in trading is of "nobody"`},
		{"in a copy", "evidence ls pnl-1 -o name --from " + dir, exitDone, both, ""},
		{"in a copy, of another namespace", "evidence ls elsewhere -o name --from " + dir, exitDone, "other/2026/11/23/elsewhere-33333333/log/000001.json\n", ""},
		{"in a copy, of one namespace alone", "evidence ls elsewhere -n trading --from " + dir, exitRefused, "", "no folder of the evidence in trading"},
		{"in a copy, of a kind", "evidence ls incident/stop-cross --from " + dir, exitRefused, "", "no folder"},
		{"in no folder", "evidence ls pnl-1 --from " + dir + "/nowhere", exitNotUnderstood, "", "cannot open --from"},
		{"one object", "evidence get pnl-1 triage-smoke-1.json", exitDone, `{"status":"ok"}`, ""},
		{"one object by its key", "evidence get pnl-1 " + own + "checks/triage-smoke-1.json --from " + dir, exitDone, `{"status":"ok"}`, ""},
		{"an object of two", "evidence get pnl-1 log/000001.json", exitRefused, "", "2 objects of the evidence of pnl-1 are called"},
		{"an object that is not there", "evidence get pnl-1 triage-smoke-2.json", exitRefused, "", "did you mean triage-smoke-1.json"},
		{"no object", "evidence get pnl-1", exitNotUnderstood, "", "takes an incident or rollback and the name of an object"},
		{"to nowhere", "evidence export pnl-1", exitNotUnderstood, "", "add --to DIR"},
		{"the log", "log show pnl-1 --utc", exitDone, "   1  2026-11-23 10:17:02 UTC  incident            so�[31m it was (bob)\n   2  2026-11-23 10:17:02 UTC  acknowledged        so�[31m it was (bob)\n", ""},
		{"the log as it is", "log export rollback/stop-cross --from " + dir, exitDone, string(kept()[of+"log/000001.json"].Data) + "\n", ""},
		{"nothing", "evidence frobnicate", exitNotUnderstood, "", "unknown command"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withEvidence(t)
			if code := w.run(t, strings.Fields(c.args)...); code != c.code || w.out.String() != c.out || !strings.Contains(w.err.String(), c.err) {
				t.Errorf("code %d\n%s%s", code, w.out, w.err)
			}
		})
	}
}

// What was exported is the bucket, as far as it goes: written once, never over something else, and read again.
func TestExportedEvidenceIsReadAgain(t *testing.T) {
	w, to := withEvidence(t), filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		if code := w.run(t, "evidence", "export", "pnl-1", "--to", to); code != exitDone || !strings.Contains(w.out.String(), "4 objects of evidence of pnl-1") {
			t.Fatalf("%d %s%s", code, w.out, w.err)
		}
	}
	var served, read bytes.Buffer
	for into, args := range map[*bytes.Buffer][]string{&served: {"bundle", "pnl-1", "-f", "-"}, &read: {"bundle", "pnl-1", "-f", "-", "--from", to}} {
		w := withEvidence(t)
		if code := w.run(t, args...); code != exitDone {
			t.Fatalf("%d %s", code, w.err)
		}
		into.Write(w.out.Bytes())
	}
	if !bytes.Equal(served.Bytes(), read.Bytes()) {
		t.Error("the archives of the same evidence differ")
	}
	if !strings.Contains(served.String(), "  trading/2026/11/23/pnl-1-9/checks/triage-smoke-1.json\n") {
		t.Error("the archive has no hashes")
	}
	at := filepath.Join(to, "trading/2026/11/23/pnl-1-9/checks/triage-smoke-1.json")
	if err := os.WriteFile(at, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := w.run(t, "evidence", "export", "pnl-1", "--to", to); code != exitRefused || !strings.Contains(w.err.String(), "with other bytes") {
		t.Errorf("%d %s", code, w.err)
	}
	if data, err := os.ReadFile(at); err != nil || string(data) != "changed" {
		t.Errorf("%s, %v", data, err)
	}
}

// A bundle is written once, and not at all if it cannot be written as a whole.
func TestABundleIsWholeOrNotThere(t *testing.T) {
	w, file := withEvidence(t), filepath.Join(t.TempDir(), "pnl.tar")
	if code := w.run(t, "bundle", "pnl-1", "-f", file); code != exitDone {
		t.Fatalf("%d %s", code, w.err)
	}
	if code := w.run(t, "bundle", "pnl-1", "-f", file); code != exitRefused || !strings.Contains(w.err.String(), "is there already") {
		t.Errorf("%d %s", code, w.err)
	}
	w.evidence = half{w.evidence}
	other := filepath.Join(t.TempDir(), "other.tar")
	if code := w.run(t, "bundle", "pnl-1", "-f", other); code == exitDone {
		t.Error("it is not whole")
	}
	if _, err := os.Stat(other); !os.IsNotExist(err) {
		t.Errorf("half of it is left: %v", err)
	}
}

// half lists everything, and has no log.
type half struct{ source }

func (h half) get(ctx context.Context, key string) ([]byte, error) {
	if strings.Contains(key, "/log/") {
		return nil, fmt.Errorf("read %s: no answer", key)
	}
	return h.source.get(ctx, key)
}

// The API server takes Authorization away and passes everything else on: so the token comes in a header of its own, and a client certificate, which
// it cannot pass on, is told about before anybody is asked.
func TestTheManagerIsAskedThroughTheAPIServer(t *testing.T) {
	const proxy = "/api/v1/namespaces/strategy-operator-system/services/https:strategy-operator-evidence:evidence/proxy"
	answer := func(w http.ResponseWriter, code int, value any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(value)
	}
	var asked []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		if r.Header.Get(evidence.HeaderAuthorization) != "Bearer of-alma" || r.Header.Get("Authorization") != "Bearer of-alma" {
			answer(w, http.StatusForbidden, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: 403, Reason: "Forbidden", Message: "bert may not get strategyincidents/evidence"})
			return
		}
		switch r.URL.Path {
		case proxy + "/v1/namespaces/trading/evidence":
			page := evidence.Page{Items: []evidence.Object{{Key: "trading/a/1.json", Bytes: 2}}, Next: "trading/a/1.json"}
			if r.URL.Query().Get("after") != "" {
				page = evidence.Page{Items: []evidence.Object{{Key: "trading/a/2.json", Bytes: 2}}, Bucket: "a folder"}
			}
			answer(w, http.StatusOK, page)
		case proxy + "/v1/namespaces/trading/evidence/a/1.json":
			_, _ = w.Write([]byte(`{}`))
		default:
			answer(w, http.StatusNotFound, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: 404, Reason: "NotFound", Message: "no such object"})
		}
	}))
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL, BearerToken: "of-alma", TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	from, err := newRemote(config)
	if err != nil {
		t.Fatal(err)
	}
	objects, about, err := all(t.Context(), from, "trading/a")
	if err != nil || len(objects) != 2 || about != "a folder" {
		t.Errorf("%v, %s, %v", objects, about, err)
	}
	if data, err := from.get(t.Context(), "trading/a/1.json"); err != nil || string(data) != "{}" {
		t.Errorf("%s, %v", data, err)
	}
	if _, err := from.get(t.Context(), "trading/a/3.json"); err == nil || !strings.Contains(err.Error(), "no such object") || codeOf(err) != exitNotUnderstood {
		t.Errorf("%v", err)
	}
	before := len(asked)
	for what, change := range map[string]func(*rest.Config){
		"no token": func(c *rest.Config) { c.BearerToken = "" }, "leave out --as": func(c *rest.Config) { c.Impersonate.UserName = "root" },
	} {
		other := rest.CopyConfig(config)
		change(other)
		from, err := newRemote(other)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := from.list(t.Context(), "trading/a", ""); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(asked) != before {
		t.Errorf("it was asked all the same: %q", asked[before:])
	}
	config.BearerToken = "of-bert"
	if from, err = newRemote(config); err != nil {
		t.Fatal(err)
	}
	if _, err := from.list(t.Context(), "trading/a", ""); codeOf(err) != exitRefused || !strings.Contains(err.Error(), "bert may not get") {
		t.Errorf("%v", err)
	}
}
