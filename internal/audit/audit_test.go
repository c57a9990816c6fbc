package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tradeops.dev/strategy-operator/internal/audit/audittest"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
)

var trusted = Trust{Public: []ed25519.PublicKey{audittest.PublicOf(audittest.Signing)}}

func TestAWholeCopyIsVerified(t *testing.T) {
	c := audittest.Usual(t)
	for name, trust := range map[string]Trust{
		"with public keys":           trusted,
		"with secret keys, too":      {Public: trusted.Public, Secret: decisionlog.Keys{audittest.Secret}},
		"with each earlier one":      {Public: trusted.Public, Earlier: c.Signed},
		"with more keys than signed": {Public: []ed25519.PublicKey{audittest.PublicOf(audittest.Another), audittest.PublicOf(audittest.Signing)}},
	} {
		report, err := Namespace(c.Files, "", trust)
		if err != nil || len(report.Findings) > 0 || report.Logs != 3 || report.Entries != 10 || report.Leaves != 10 || report.Newest.Page != 4 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	if report, err := Namespace(c.Files, audittest.FolderOf("risk"), trusted); err != nil || len(report.Findings) > 0 || report.Logs != 1 || report.Entries != 4 {
		t.Errorf("one incident: %+v, %v", report, err)
	}
	c.Now = c.Now.Add(time.Minute)
	c.Log("pnl", 1)
	if report, err := Namespace(c.Files, "", trusted); err != nil || len(report.Findings) > 0 || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "1 entry is newer") {
		t.Errorf("an entry that is not signed yet: %+v, %v", report, err)
	}
}

// Each damage is found, and says what it is.
func TestEachDamageIsFound(t *testing.T) {
	remove := func(files fstest.MapFS, prefix string) {
		maps.DeleteFunc(files, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, prefix) })
	}
	rewritten := func(c *audittest.Namespace, name string, seq int64, change func(*decisionlog.Entry)) {
		identity, _ := decisionlog.Read(c.Files[audittest.EntryOf(name, seq)].Data)
		entry := decisionlog.Entry{Seq: identity.Seq, PrevHash: identity.PrevHash, Time: audittest.Beginning, ObjectUID: name, Stage: "triage", Status: "acknowledged", Event: "incident", Severity: "info"}
		change(&entry)
		line, _, err := decisionlog.Sign(entry, audittest.Secret) // by whoever has the secret key
		if err != nil {
			t.Fatal(err)
		}
		c.Put(evidence.LogKey(audittest.PrefixOf(name), seq), line)
	}
	for name, one := range map[string]struct {
		damage func(c *audittest.Namespace)
		trust  Trust
		where  string
		says   string
	}{
		"a whole incident is deleted": {damage: func(c *audittest.Namespace) { remove(c.Files, audittest.FolderOf("risk")) }, where: audittest.FolderOf("risk"), says: "the whole log is gone"},
		"the end of a log is cut off": {damage: func(c *audittest.Namespace) { delete(c.Files, audittest.EntryOf("pnl", 5)) }, where: audittest.FolderOf("pnl"), says: "its end was cut off: it has 4 entries, and the tree has 5"},
		"an entry is removed":         {damage: func(c *audittest.Namespace) { delete(c.Files, audittest.EntryOf("pnl", 2)) }, where: audittest.EntryOf("pnl", 2), says: "it is missing, and a later one is there"},
		"an entry is rewritten": {damage: func(c *audittest.Namespace) {
			rewritten(c, "pnl", 2, func(e *decisionlog.Entry) { e.Status = "approved" })
		}, where: audittest.EntryOf("pnl", 2), says: "it was rewritten"},
		"the last entry is rewritten": {damage: func(c *audittest.Namespace) {
			rewritten(c, "late", 1, func(e *decisionlog.Entry) { e.Status = "approved" })
		}, where: audittest.EntryOf("late", 1), says: "it was rewritten"},
		"spaces are put into an entry": {damage: func(c *audittest.Namespace) {
			c.Put("trading/"+audittest.EntryOf("pnl", 1), append(c.Files[audittest.EntryOf("pnl", 1)].Data, ' '))
		}, where: audittest.EntryOf("pnl", 1), says: "it was rewritten"},
		"another algorithm is named": {damage: func(c *audittest.Namespace) {
			c.Put("trading/"+audittest.EntryOf("pnl", 1), bytes.ReplaceAll(c.Files[audittest.EntryOf("pnl", 1)].Data, []byte("HMAC-SHA256"), []byte("none")))
		}, where: audittest.EntryOf("pnl", 1), says: "it was rewritten"},
		"two entries change places": {damage: func(c *audittest.Namespace) {
			c.Files[audittest.EntryOf("pnl", 2)], c.Files[audittest.EntryOf("pnl", 3)] = c.Files[audittest.EntryOf("pnl", 3)], c.Files[audittest.EntryOf("pnl", 2)]
		}, where: audittest.EntryOf("pnl", 2), says: "entries were reordered: it is entry 3"},
		"an old incident is put in": {damage: func(c *audittest.Namespace) { c.Now = audittest.Beginning; c.Log("forged", 2) }, where: audittest.EntryOf("forged", 1), says: "not in the tree"},
		"an old entry is put in":    {damage: func(c *audittest.Namespace) { c.Now = audittest.Beginning; c.Log("pnl", 1) }, where: audittest.EntryOf("pnl", 6), says: "not in the tree"},
		"the copy is an older one": {damage: func(c *audittest.Namespace) {
			delete(c.Files, pageName(4))
			delete(c.Files, pageName(3))
			remove(c.Files, audittest.FolderOf("late"))
		}, trust: Trust{Earlier: audittest.Usual(t).Signed[3:]}, where: "tree", says: "it is an older copy"},
		"the tree was made anew": {damage: func(c *audittest.Namespace) { *c = *anew(t) }, trust: Trust{Earlier: audittest.Usual(t).Signed[:1]}, where: pageName(1), says: "the tree was made anew"},
		"a page is removed":      {damage: func(c *audittest.Namespace) { delete(c.Files, pageName(2)) }, where: pageName(2), says: "it is missing, and 000000003.json is there"},
		"a page is changed": {damage: func(c *audittest.Namespace) {
			c.Files[pageName(2)] = &fstest.MapFile{Data: bytes.Replace(c.Files[pageName(2)].Data, []byte(`"size":9`), []byte(`"size":8`), 1)}
		}, where: pageName(2), says: "not the tree before"},
		"a page is another one's": {damage: func(c *audittest.Namespace) { c.Files[pageName(2)] = audittest.Usual(t).Files[pageName(3)] }, where: pageName(2), says: "page 3 comes after page 1"},
		"a page's time is changed": {damage: func(c *audittest.Namespace) {
			c.Files[pageName(2)] = &fstest.MapFile{Data: bytes.Replace(c.Files[pageName(2)].Data, []byte(`"time":"2026-11-23T10:17`), []byte(`"time":"2026-11-23T10:18`), 1)}
		}, where: pageName(2), says: "its checkpoint was signed for something else"},
		"a checkpoint has a false hash": {damage: func(c *audittest.Namespace) {
			c.Files[pageName(2)] = &fstest.MapFile{Data: bytes.Replace(c.Files[pageName(2)].Data, []byte(`\n9\n`), []byte(`\n8\n`), 1)}
		}, where: pageName(2), says: "invalid signature"},
		"a false key signed":             {damage: func(c *audittest.Namespace) { c.Signers = []ed25519.PrivateKey{audittest.Another}; c.Sign() }, where: pageName(5), says: "signed by none of the 1 keys"},
		"all was signed by a false key":  {damage: func(*audittest.Namespace) {}, trust: Trust{Public: []ed25519.PublicKey{audittest.PublicOf(audittest.Another)}}, where: pageName(1), says: "signed by none of the 1 keys"},
		"a kept one is of somebody else": {damage: func(*audittest.Namespace) {}, trust: Trust{Earlier: []string{"x\n0\n"}}, where: "the checkpoint that was kept", says: "malformed note"},
		"the secret key is another one":  {damage: func(*audittest.Namespace) {}, trust: Trust{Secret: decisionlog.Keys{{ID: "k1", Secret: audittest.Another}}}, where: audittest.EntryOf("late", 1), says: "the signature does not match"},
		"the secret key is not there":    {damage: func(*audittest.Namespace) {}, trust: Trust{Secret: decisionlog.Keys{{ID: "k2", Secret: audittest.Another}}}, where: audittest.EntryOf("late", 1), says: `key "k1", which is not there`},
		"the forgotten says more":        {damage: func(c *audittest.Namespace) { forgotten(t, c, "risk", 5) }, where: audittest.EntryOf("risk", 5), says: "says that the log has 5 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := audittest.Usual(t)
			one.damage(c)
			if one.trust.Public == nil {
				one.trust.Public = trusted.Public
			}
			report, err := Namespace(c.Files, "", one.trust)
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Findings) == 0 || report.Findings[0].Where != one.where || !strings.Contains(report.Findings[0].What, one.says) {
				t.Errorf("found %v, want %s: %s", report.Findings, one.where, one.says)
			}
		})
	}
}

// anew is the same namespace, whose tree somebody made again without an entry.
func anew(t testing.TB) *audittest.Namespace {
	c := audittest.Begin(t)
	c.Log("pnl", 2)
	c.Sign()
	c.Sign()
	return c
}

func forgotten(t *testing.T, c *audittest.Namespace, name string, entries int64) {
	data, err := json.Marshal(map[string]any{"kind": "StrategyIncident", "uid": name, "log": map[string]any{"prefix": audittest.PrefixOf(name), "entries": entries, "head": c.Heads[audittest.PrefixOf(name)].Hash}})
	if err != nil {
		t.Fatal(err)
	}
	c.Put("trading/forgotten/"+name+".json", data)
}

// What the history forgot is compared with what was written down of it.
func TestWhatIsForgottenIsCompared(t *testing.T) {
	c := audittest.Usual(t)
	forgotten(t, c, "risk", 4)
	if report, err := Namespace(c.Files, "", trusted); err != nil || len(report.Findings) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestWhatCannotBeVerifiedIsNoVerdict(t *testing.T) {
	for name, one := range map[string]struct {
		files fstest.MapFS
		trust Trust
	}{
		"nothing is there":        {fstest.MapFS{}, trusted},
		"there is no page":        {fstest.MapFS{"tree/readme": {}}, trusted},
		"there is no public key":  {audittest.Usual(t).Files, Trust{}},
		"a page is far too large": {fstest.MapFS{pageName(1): {Data: make([]byte, evidence.MaxObjectBytes+1)}}, trusted},
	} {
		if report, err := Namespace(one.files, "", one.trust); err == nil {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

// One file proves one entry, whenever it was made.
func TestAnEntryIsProved(t *testing.T) {
	c := audittest.Usual(t)
	for _, entry := range []string{audittest.EntryOf("pnl", 1), audittest.EntryOf("pnl", 5), audittest.EntryOf("risk", 3), audittest.EntryOf("late", 1)} {
		text, err := Prove(c.Files, entry, trusted)
		if err != nil {
			t.Fatal(err)
		}
		line, newest, err := Proof(text, trusted)
		if err != nil || !bytes.Equal(line, c.Files[entry].Data) || newest.Page != 4 {
			t.Errorf("%s: %s, %+v, %v", entry, line, newest, err)
		}
		for i := range len(text) - len("A=\n") { // each byte counts; of the last letter of a signature two bits do not
			changed := []byte(text)
			changed[i] ^= 1
			if again, _, err := Proof(string(changed), trusted); err == nil {
				t.Fatalf("byte %d of the proof is changed, and it proves %s", i, again)
			}
		}
		if _, _, err := Proof(text, Trust{Public: []ed25519.PublicKey{audittest.PublicOf(audittest.Another)}}); err == nil {
			t.Errorf("%s is proved by another key", entry)
		}
	}
	c.Log("pnl", 1)
	for _, entry := range []string{audittest.EntryOf("pnl", 6), audittest.EntryOf("pnl", 7), "../x", pageName(1)} {
		if text, err := Prove(c.Files, entry, trusted); err == nil {
			t.Errorf("%s is proved: %s", entry, text)
		}
	}
	delete(c.Files, pageName(2))
	if text, err := Prove(c.Files, audittest.EntryOf("pnl", 1), trusted); err == nil {
		t.Errorf("a broken tree proves: %s", text)
	}
}

// The folder of one incident alone is verified by the proof of its last entry.
func TestAnIncidentAlone(t *testing.T) {
	c := audittest.Usual(t)
	proof, err := Prove(c.Files, audittest.EntryOf("pnl", 4), trusted)
	if err != nil {
		t.Fatal(err)
	}
	alone := func() fstest.MapFS {
		files := fstest.MapFS{"log/000004.tlog-proof": {Data: []byte(proof)}}
		for seq := int64(1); seq <= 5; seq++ {
			files[evidence.LogKey("", seq)] = c.Files[audittest.EntryOf("pnl", seq)]
		}
		return files
	}
	report, err := Object(alone(), trusted)
	if err != nil || len(report.Findings) > 0 || report.Leaves != 4 || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "1 entry is not proved") {
		t.Errorf("%+v, %v", report, err)
	}
	for name, one := range map[string]struct {
		damage func(fstest.MapFS)
		says   string
	}{
		"the end is cut off": {func(f fstest.MapFS) { delete(f, evidence.LogKey("", 4)); delete(f, evidence.LogKey("", 5)) }, "it proves entry 4, and the log has 3"},
		"one is rewritten":   {func(f fstest.MapFS) { f[evidence.LogKey("", 2)] = c.Files[audittest.EntryOf("risk", 2)] }, "does not follow"},
		"the proved one is":  {func(f fstest.MapFS) { f[evidence.LogKey("", 4)] = c.Files[audittest.EntryOf("risk", 4)] }, "it was rewritten"},
		"one is removed":     {func(f fstest.MapFS) { delete(f, evidence.LogKey("", 2)) }, "it is missing"},
		"the proof is another's": {func(f fstest.MapFS) {
			f["log/000004.tlog-proof"] = &fstest.MapFile{Data: []byte(strings.Replace(proof, "index 3", "index 2", 1))}
		}, "not the leaf"},
		"the proof is not a proof": {func(f fstest.MapFS) { f["log/000004.tlog-proof"] = &fstest.MapFile{Data: []byte("x")} }, "it is no proof"},
	} {
		files := alone()
		one.damage(files)
		report, err := Object(files, trusted)
		if err != nil || len(report.Findings) == 0 || !strings.Contains(fmt.Sprint(report.Findings), one.says) {
			t.Errorf("%s: %+v, %v, want %s", name, report, err, one.says)
		}
	}
	files := alone()
	delete(files, "log/000004.tlog-proof")
	if report, err := Object(files, trusted); err == nil {
		t.Errorf("without a proof: %+v", report)
	}
	if report, err := Object(files, Trust{Secret: decisionlog.Keys{audittest.Secret}}); err != nil || len(report.Findings) > 0 || len(report.Notes) != 1 {
		t.Errorf("with the secret key: %+v, %v", report, err)
	}
}
