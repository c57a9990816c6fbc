package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"tradeops.dev/strategy-operator/internal/audit/audittest"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// paged serves a bucket as the manager does: in parts, by the name of the folder and of the last object.
type paged struct {
	folder
	asked []string // what was read
	grows func()   // after the first list
}

func (p *paged) list(ctx context.Context, from, after string) (page evidence.Page, err error) {
	whole, err := p.folder.list(ctx, from, "")
	for _, one := range whole.Items {
		if one.Key <= after {
			continue
		}
		if len(page.Items) == 3 {
			page.Next = page.Items[2].Key
			break
		}
		page.Items = append(page.Items, one)
	}
	if p.grows != nil {
		p.grows()
		p.grows = nil
	}
	return page, err
}

func (p *paged) get(ctx context.Context, key string) ([]byte, error) {
	p.asked = append(p.asked, key)
	return p.folder.get(ctx, key)
}

// servedBy is a world whose operator serves a namespace.
func servedBy(t *testing.T, of *audittest.Namespace) (*world, *paged) {
	t.Helper()
	bucket := fstest.MapFS{}
	for name, file := range of.Files {
		bucket["trading/"+name] = file
	}
	w, from := newWorld(t, ""), &paged{folder: folder{bucket}}
	w.evidence = from
	return w, from
}

// given are the files that whoever verifies has, and the folder of the namespace.
func given(t *testing.T, of *audittest.Namespace, public ed25519.PrivateKey) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "trading"), of.Files); err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKIXPublicKey(audittest.PublicOf(public))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"public.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: key}), "kept": []byte(audittest.Usual(t).Signed[3]),
		"secret": audittest.Secret.Secret, "other": bytes.Repeat([]byte("o"), 32),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each damage is told with its place, of a copy and of what is served alike; the exit code tells it from what could not be looked at.
func TestLogVerify(t *testing.T) {
	remove := func(c *audittest.Namespace, prefix string) {
		maps.DeleteFunc(c.Files, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, prefix) })
	}
	second, third := audittest.EntryOf("pnl", 2), audittest.EntryOf("pnl", 3)
	var told strings.Builder
	for _, one := range []struct {
		name   string
		damage func(c *audittest.Namespace)
		public ed25519.PrivateKey
		more   string
		code   int
	}{
		{"nothing", func(*audittest.Namespace) {}, audittest.Signing, "", exitDone},
		{"nothing, with the secret key", func(*audittest.Namespace) {}, audittest.Signing, "--key DIR/secret", exitDone},
		{"a deleted incident", func(c *audittest.Namespace) { remove(c, audittest.FolderOf("risk")) }, audittest.Signing, "", exitBroken},
		{"truncation", func(c *audittest.Namespace) { delete(c.Files, audittest.EntryOf("pnl", 5)) }, audittest.Signing, "", exitBroken},
		{"an entry removed", func(c *audittest.Namespace) { delete(c.Files, second) }, audittest.Signing, "", exitBroken},
		{"reordering", func(c *audittest.Namespace) { c.Files[second], c.Files[third] = c.Files[third], c.Files[second] }, audittest.Signing, "", exitBroken},
		{"rewriting", func(c *audittest.Namespace) {
			c.Files[second] = &fstest.MapFile{Data: bytes.Replace(c.Files[second].Data, []byte("entry 2"), []byte("entry 9"), 1)}
		}, audittest.Signing, "", exitBroken},
		{"an older copy", func(c *audittest.Namespace) {
			remove(c, "tree/000000004")
			remove(c, "tree/000000003")
			remove(c, audittest.FolderOf("late"))
		}, audittest.Signing, "", exitBroken},
		{"a false key of checkpoints", func(*audittest.Namespace) {}, audittest.Another, "", exitBroken},
		{"a false key of logs", func(*audittest.Namespace) {}, audittest.Signing, "--key k1=DIR/other", exitBroken},
		{"a key of logs that is not there", func(*audittest.Namespace) {}, audittest.Signing, "--key k2=DIR/secret", exitBroken},
		{"a false algorithm", func(c *audittest.Namespace) {
			entry := audittest.EntryOf("new", 1)
			c.Log("new", 1)
			c.Files[entry] = &fstest.MapFile{Data: bytes.ReplaceAll(c.Files[entry].Data, []byte("HMAC-SHA256"), []byte("none"))}
		}, audittest.Signing, "", exitBroken},
		{"there is no tree", func(c *audittest.Namespace) { remove(c, "tree/") }, audittest.Signing, "", exitNotVerified},
	} {
		c := audittest.Usual(t)
		one.damage(c)
		dir := given(t, c, one.public)
		more := strings.Fields(strings.ReplaceAll(one.more, "DIR", dir))
		args := append([]string{"--public", dir + "/public.pem", "--checkpoint", dir + "/kept"}, more...)
		copied, online := "", ""
		for at, said := range map[string]*string{filepath.Join(dir, "trading"): &copied, "": &online} {
			w, _ := servedBy(t, c)
			line := append([]string{"log", "verify"}, args...)
			if at != "" {
				line = append(line, at)
			}
			if code := w.run(t, line...); code != one.code {
				t.Errorf("%s, %q: code %d\n%s%s", one.name, at, code, w.out, w.err)
			}
			*said = strings.ReplaceAll(w.out.String()+w.err.String(), filepath.Join(dir, "trading"), "namespace trading")
		}
		if copied != online {
			t.Errorf("%s: of a copy it says\n%s, of what is served\n%s", one.name, copied, online)
		}
		fmt.Fprintf(&told, "# %s: exit code %d\n%s", one.name, one.code, copied)
	}
	golden(t, "log-verify.txt", told.String())
}

// One entry is proved, of a copy and of what is served, and one log is verified by the name of its object.
func TestLogProve(t *testing.T) {
	c := audittest.Usual(t)
	dir := given(t, c, audittest.Signing)
	public := []string{"--public", dir + "/public.pem"}
	entry := audittest.EntryOf("pnl", 5)
	proof := filepath.Join(dir, "one.tlog-proof")
	var proofs []string
	for _, args := range [][]string{{dir + "/trading", entry}, {"trading/" + entry}, {entry}} {
		w, _ := servedBy(t, c)
		if code := w.run(t, append(append([]string{"log", "prove"}, args...), public...)...); code != exitDone {
			t.Fatalf("%v: code %d %s", args, code, w.err)
		}
		proofs = append(proofs, w.out.String())
	}
	if proofs[0] != proofs[1] || proofs[0] != proofs[2] {
		t.Error("they differ")
	}
	golden(t, "log-prove.txt", proofs[0])
	write := func(text string) {
		if err := os.WriteFile(proof, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := strings.TrimSuffix(audittest.FolderOf("risk"), "/")
	for _, one := range []struct {
		name, args, proof string
		code              int
		out, err          string
	}{
		{"the proof", "verify " + proof, proofs[0], exitDone, "verified: it is in the tree of strategy-operator/trading", ""},
		{"a changed proof", "verify " + proof, strings.Replace(proofs[0], "index 4", "index 3", 1), exitBroken, "", "error: "},
		{"no proof", "verify " + proof + "x", "", exitNotVerified, "", "no such file"},
		{"one log in a copy", "verify " + dir + "/trading/" + folder, "", exitDone, "verified: 1 log, 4 entries", ""},
		{"one log as served", "verify risk", "", exitDone, "verified: 1 log, 4 entries", ""},
		{"one log as served, by its folder", "verify trading/" + folder, "", exitDone, "verified: 1 log, 4 entries", ""},
		{"of nobody", "verify nobody", "", exitNotVerified, "", "nor is there a folder or a file of this name"},
		{"of a folder that is not there", "verify ./nowhere", "", exitNotVerified, "", "no such file"},
		{"an entry that is not there", "prove " + audittest.EntryOf("pnl", 6), "", exitNotVerified, "", "does not exist"},
		{"of too many", "verify a b", "", exitNotVerified, "", "not 2 arguments"},
	} {
		write(one.proof)
		w, _ := servedBy(t, c)
		if code := w.run(t, append(append([]string{"log"}, strings.Fields(one.args)...), public...)...); code != one.code ||
			!strings.Contains(w.out.String(), one.out) || !strings.Contains(w.err.String(), one.err) {
			t.Errorf("%s: code %d\n%s%s", one.name, code, w.out, w.err)
		}
	}
	w, from := servedBy(t, c)
	if code := w.run(t, "log", "verify"); code != exitNotVerified || !strings.Contains(w.err.String(), "--public") || len(from.asked) > 0 {
		t.Errorf("without keys: code %d %s%v", code, w.err, from.asked)
	}
	w.evidence = half{from}
	if code := w.run(t, append([]string{"log", "verify"}, public...)...); code != exitNotVerified || !strings.Contains(w.err.String(), "no answer") {
		t.Errorf("a bucket that does not answer is no broken log: code %d %s", code, w.err)
	}
}

// A namespace goes on while it is read: what came meanwhile is newer than what was listed first, and looks like nothing that was cut off.
func TestANamespaceGrowsWhileItIsVerified(t *testing.T) {
	c := audittest.Usual(t)
	dir := given(t, c, audittest.Signing)
	w, from := servedBy(t, c)
	from.grows = func() {
		c.Log("pnl", 1)
		c.Log("new", 2)
		c.Sign()
		for name, file := range c.Files {
			from.FS.(fstest.MapFS)["trading/"+name] = file
		}
	}
	if code := w.run(t, "log", "verify", "--public", dir+"/public.pem"); code != exitDone || !strings.Contains(w.out.String(), "verified: 4 logs, 13 entries") {
		t.Errorf("code %d %s%s", code, w.out, w.err)
	}
}

// The report of an incident is the same page, of a copy and of what is served.
func TestPostmortemOfWhatIsServed(t *testing.T) {
	directory, prefix := copyOfEvidence(t)
	var pages []string
	for _, args := range [][]string{{"pnl-1-5f0e8a11", "--from", directory}, {strings.TrimSuffix(prefix, "/")}} {
		w := newWorld(t, "")
		w.evidence = &paged{folder: folder{os.DirFS(directory)}}
		if code := w.run(t, append([]string{"postmortem"}, args...)...); code != exitDone {
			t.Fatalf("%v: code %d %s", args, code, w.err)
		}
		pages = append(pages, w.out.String())
	}
	if pages[0] != pages[1] || pages[0] == "" {
		t.Errorf("they differ:\n%s\n%s", pages[0], pages[1])
	}
	for _, args := range []string{"pnl-1", "nobody", "stop"} { // two folders, none, a rollback's
		w := newWorld(t, "")
		w.evidence = &paged{folder: folder{os.DirFS(directory)}}
		if code := w.run(t, "postmortem", args); code != exitNotUnderstood || w.out.Len() > 0 {
			t.Errorf("%s: code %d %s%s", args, code, w.out, w.err)
		}
	}
}

// Seals and hashes are checked of a copy and of what is served alike, and what could not be checked is told from what is broken.
func TestEvidenceVerify(t *testing.T) {
	const uid = "5f0e8a11-0000"
	prefix := evidence.Prefix("trading", "pnl-1", uid, audittest.Beginning)
	line, _, err := decisionlog.Sign(decisionlog.Entry{Seq: 1, Time: audittest.Beginning, ObjectUID: uid, Stage: "incident", Event: "incident"}, audittest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := decisionlog.Seal([]byte(`{"stage":"Triage","check":"smoke","attempt":1}`),
		decisionlog.Sealed{Kind: "outcome", ObjectUID: uid, Stage: "Triage", Check: "smoke", Attempt: 1}, audittest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	bucket := fstest.MapFS{
		evidence.LogKey(prefix, 1):                       {Data: line},
		evidence.ReportKey(prefix, "Triage", "smoke", 1): {Data: outcome},
		evidence.SignalsKey(prefix, "2d711642b726"):      {Data: []byte("x")},
	}
	whole := map[string]*fstest.MapFile{}
	maps.Copy(whole, bucket)
	for _, one := range []struct {
		name, args string
		change     string // of the outcome
		code       int
		says       string
	}{
		{"a namespace", "--key DIR/secret", "", exitDone, "verified: 1 seal, hashes of 1 object\n"},
		{"an incident", "trading/2026/11/23/pnl-1-5f0e8a11 --key k1=DIR/secret", "", exitDone, "verified: 1 seal, hashes of 1 object\n"},
		{"without a key", "", "", exitDone, "verified: hashes of 1 object; no seal, since no key was given (--key)\n"},
		{"a false key", "--key k1=DIR/other", "", exitBroken, "broken: " + prefix + "checks/triage-smoke-1.json: decision log was changed: the signature does not match\n"},
		{"another key", "--key k2=DIR/secret", "", exitNotVerified, "error: 1 seal could not be checked with the keys that were given\n"},
		{"a changed outcome", "--key DIR/secret", `"attempt":1 `, exitBroken, "error: 1 object of evidence with something not as sealed or written\n"},
		{"nobody", "nobody --key DIR/secret", "", exitNotVerified, "nobody"},
		{"no key of this name", "--key DIR/nothing", "", exitNotVerified, "no such file"},
		{"too much", "a b", "", exitNotVerified, "not 2 arguments"},
	} {
		maps.Copy(bucket, whole)
		if one.change != "" {
			key := evidence.ReportKey(prefix, "Triage", "smoke", 1)
			bucket[key] = &fstest.MapFile{Data: bytes.Replace(outcome, []byte(`"attempt":1`), []byte(one.change), 1)}
		}
		dir := given(t, audittest.Usual(t), audittest.Signing)
		if err := os.CopyFS(filepath.Join(dir, "copy"), bucket); err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{"", " --from DIR/copy"} {
			w := newWorld(t, "")
			w.evidence = &paged{folder: folder{bucket}}
			code := w.run(t, append([]string{"evidence", "verify"}, strings.Fields(strings.ReplaceAll(one.args+from, "DIR", dir))...)...)
			if said := w.out.String() + w.err.String(); code != one.code || !strings.Contains(said, one.says) {
				t.Errorf("%s%s: code %d\n%s", one.name, from, code, said)
			}
		}
	}
}
