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

	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/logtree"
)

var (
	beginning = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	hmacKey   = decisionlog.Key{ID: "k1", Secret: bytes.Repeat([]byte("k"), 32)}
	signing   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte("s"), 32))
	another   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte("t"), 32))
	trusted   = Trust{Public: []ed25519.PublicKey{publicOf(signing)}}
)

const origin = "strategy-operator/trading"

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey {
	public, _ := key.Public().(ed25519.PublicKey)
	return public
}

// copied is the folder of a namespace, and what an operator knows of it.
type copied struct {
	t       testing.TB
	files   fstest.MapFS
	state   logtree.State
	heads   map[string]logtree.Head
	now     time.Time
	signers []ed25519.PrivateKey
	signed  []string // checkpoints
}

func begin(t testing.TB) *copied {
	return &copied{t: t, files: fstest.MapFS{}, heads: map[string]logtree.Head{}, now: beginning, signers: []ed25519.PrivateKey{signing}}
}

func prefixOf(name string) string { return evidence.Prefix("trading", name, name+"0000000", beginning) }

// folderOf is the folder of an object in that of the namespace.
func folderOf(name string) string { return strings.TrimPrefix(prefixOf(name), "trading/") }

func entryOf(name string, seq int64) string { return evidence.LogKey(folderOf(name), seq) }

func (c *copied) put(key string, data []byte) {
	c.files[strings.TrimPrefix(key, "trading/")] = &fstest.MapFile{Data: data}
}

// log appends entries to the log of an object.
func (c *copied) log(name string, n int) {
	c.t.Helper()
	for range n {
		head := c.heads[prefixOf(name)]
		line, hash, err := decisionlog.Sign(decisionlog.Entry{
			Seq: head.Entries + 1, PrevHash: head.Hash, Time: c.now, ObjectUID: name, Stage: "triage", Status: "acknowledged", Event: "incident", Severity: "info",
			Artefacts: map[string]string{"message": fmt.Sprintf("entry %d", head.Entries+1)},
		}, hmacKey)
		if err != nil {
			c.t.Fatal(err)
		}
		c.put(evidence.LogKey(prefixOf(name), head.Entries+1), line)
		c.heads[prefixOf(name)] = logtree.Head{Entries: head.Entries + 1, Hash: hash}
	}
}

// sign makes a page of what is new.
func (c *copied) sign() {
	c.t.Helper()
	wanted, conflicts := logtree.Missing(c.state.Logs, c.heads)
	if len(conflicts) > 0 {
		c.t.Fatal(conflicts)
	}
	var runs []logtree.Run
	for _, one := range wanted {
		var lines [][]byte
		for seq := one.Known.Entries + 1; seq <= one.Last; seq++ {
			lines = append(lines, c.files[strings.TrimPrefix(evidence.LogKey(one.Log, seq), "trading/")].Data)
		}
		run, err := logtree.RunOf(one, lines)
		if err != nil {
			c.t.Fatal(err)
		}
		runs = append(runs, run)
	}
	kept := map[string]bool{}
	for log := range c.heads {
		kept[log] = true
	}
	page, err := c.state.Next(c.now, runs, kept)
	if err != nil {
		c.t.Fatal(err)
	}
	c.store(page)
}

func (c *copied) store(page logtree.Page) {
	c.t.Helper()
	data, signed, err := logtree.Seal(origin, page, c.signers)
	if err != nil {
		c.t.Fatal(err)
	}
	_, hash, _, err := logtree.Decode(data)
	if err == nil {
		c.state, err = c.state.Apply(page, hash)
	}
	if err == nil {
		c.state, err = c.state.Trimmed(page)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.put(evidence.TreeKey("trading", page.Number), data)
	c.signed = append(c.signed, signed)
}

// usual is a namespace with three logs and four pages, the last of which says that nothing happened.
func usual(t testing.TB) *copied {
	c := begin(t)
	c.log("pnl", 3)
	c.sign()
	c.now = c.now.Add(2 * time.Minute)
	c.log("pnl", 2)
	c.log("risk", 4)
	c.sign()
	c.now = c.now.Add(2 * time.Minute)
	c.log("late", 1)
	c.sign()
	c.now = c.now.Add(3 * time.Hour)
	c.sign()
	return c
}

func TestAWholeCopyIsVerified(t *testing.T) {
	c := usual(t)
	for name, trust := range map[string]Trust{
		"with public keys":           trusted,
		"with secret keys, too":      {Public: trusted.Public, Secret: decisionlog.Keys{hmacKey}},
		"with each earlier one":      {Public: trusted.Public, Earlier: c.signed},
		"with more keys than signed": {Public: []ed25519.PublicKey{publicOf(another), publicOf(signing)}},
	} {
		report, err := Namespace(c.files, "", trust)
		if err != nil || len(report.Findings) > 0 || report.Logs != 3 || report.Entries != 10 || report.Leaves != 10 || report.Newest.Page != 4 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	if report, err := Namespace(c.files, folderOf("risk"), trusted); err != nil || len(report.Findings) > 0 || report.Logs != 1 || report.Entries != 4 {
		t.Errorf("one incident: %+v, %v", report, err)
	}
	c.now = c.now.Add(time.Minute)
	c.log("pnl", 1)
	if report, err := Namespace(c.files, "", trusted); err != nil || len(report.Findings) > 0 || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "1 entry is newer") {
		t.Errorf("an entry that is not signed yet: %+v, %v", report, err)
	}
}

// Each damage is found, and says what it is.
func TestEachDamageIsFound(t *testing.T) {
	remove := func(files fstest.MapFS, prefix string) {
		maps.DeleteFunc(files, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, prefix) })
	}
	rewritten := func(c *copied, name string, seq int64, change func(*decisionlog.Entry)) {
		identity, _ := decisionlog.Read(c.files[entryOf(name, seq)].Data)
		entry := decisionlog.Entry{Seq: identity.Seq, PrevHash: identity.PrevHash, Time: beginning, ObjectUID: name, Stage: "triage", Status: "acknowledged", Event: "incident", Severity: "info"}
		change(&entry)
		line, _, err := decisionlog.Sign(entry, hmacKey) // by whoever has the secret key
		if err != nil {
			t.Fatal(err)
		}
		c.put(evidence.LogKey(prefixOf(name), seq), line)
	}
	for name, one := range map[string]struct {
		damage func(c *copied)
		trust  Trust
		where  string
		says   string
	}{
		"a whole incident is deleted":  {damage: func(c *copied) { remove(c.files, folderOf("risk")) }, where: folderOf("risk"), says: "the whole log is gone"},
		"the end of a log is cut off":  {damage: func(c *copied) { delete(c.files, entryOf("pnl", 5)) }, where: folderOf("pnl"), says: "its end was cut off: it has 4 entries, and the tree has 5"},
		"an entry is removed":          {damage: func(c *copied) { delete(c.files, entryOf("pnl", 2)) }, where: entryOf("pnl", 2), says: "it is missing, and a later one is there"},
		"an entry is rewritten":        {damage: func(c *copied) { rewritten(c, "pnl", 2, func(e *decisionlog.Entry) { e.Status = "approved" }) }, where: entryOf("pnl", 2), says: "it was rewritten"},
		"the last entry is rewritten":  {damage: func(c *copied) { rewritten(c, "late", 1, func(e *decisionlog.Entry) { e.Status = "approved" }) }, where: entryOf("late", 1), says: "it was rewritten"},
		"spaces are put into an entry": {damage: func(c *copied) { c.put("trading/"+entryOf("pnl", 1), append(c.files[entryOf("pnl", 1)].Data, ' ')) }, where: entryOf("pnl", 1), says: "it was rewritten"},
		"another algorithm is named": {damage: func(c *copied) {
			c.put("trading/"+entryOf("pnl", 1), bytes.ReplaceAll(c.files[entryOf("pnl", 1)].Data, []byte("HMAC-SHA256"), []byte("none")))
		}, where: entryOf("pnl", 1), says: "it was rewritten"},
		"two entries change places": {damage: func(c *copied) {
			c.files[entryOf("pnl", 2)], c.files[entryOf("pnl", 3)] = c.files[entryOf("pnl", 3)], c.files[entryOf("pnl", 2)]
		}, where: entryOf("pnl", 2), says: "entries were reordered: it is entry 3"},
		"an old incident is put in": {damage: func(c *copied) { c.now = beginning; c.log("forged", 2) }, where: entryOf("forged", 1), says: "not in the tree"},
		"an old entry is put in":    {damage: func(c *copied) { c.now = beginning; c.log("pnl", 1) }, where: entryOf("pnl", 6), says: "not in the tree"},
		"the copy is an older one": {damage: func(c *copied) {
			delete(c.files, pageName(4))
			delete(c.files, pageName(3))
			remove(c.files, folderOf("late"))
		}, trust: Trust{Earlier: usual(t).signed[3:]}, where: "tree", says: "it is an older copy"},
		"the tree was made anew": {damage: func(c *copied) { *c = *anew(t) }, trust: Trust{Earlier: usual(t).signed[:1]}, where: pageName(1), says: "the tree was made anew"},
		"a page is removed":      {damage: func(c *copied) { delete(c.files, pageName(2)) }, where: pageName(2), says: "it is missing, and 000000003.json is there"},
		"a page is changed": {damage: func(c *copied) {
			c.files[pageName(2)] = &fstest.MapFile{Data: bytes.Replace(c.files[pageName(2)].Data, []byte(`"size":9`), []byte(`"size":8`), 1)}
		}, where: pageName(2), says: "not the tree before"},
		"a page is another one's": {damage: func(c *copied) { c.files[pageName(2)] = usual(t).files[pageName(3)] }, where: pageName(2), says: "page 3 comes after page 1"},
		"a page's time is changed": {damage: func(c *copied) {
			c.files[pageName(2)] = &fstest.MapFile{Data: bytes.Replace(c.files[pageName(2)].Data, []byte(`"time":"2026-11-23T10:17`), []byte(`"time":"2026-11-23T10:18`), 1)}
		}, where: pageName(2), says: "its checkpoint was signed for something else"},
		"a checkpoint has a false hash": {damage: func(c *copied) {
			c.files[pageName(2)] = &fstest.MapFile{Data: bytes.Replace(c.files[pageName(2)].Data, []byte(`\n9\n`), []byte(`\n8\n`), 1)}
		}, where: pageName(2), says: "invalid signature"},
		"a false key signed":             {damage: func(c *copied) { c.signers = []ed25519.PrivateKey{another}; c.sign() }, where: pageName(5), says: "signed by none of the 1 keys"},
		"all was signed by a false key":  {damage: func(*copied) {}, trust: Trust{Public: []ed25519.PublicKey{publicOf(another)}}, where: pageName(1), says: "signed by none of the 1 keys"},
		"a kept one is of somebody else": {damage: func(*copied) {}, trust: Trust{Earlier: []string{"x\n0\n"}}, where: "the checkpoint that was kept", says: "malformed note"},
		"the secret key is another one":  {damage: func(*copied) {}, trust: Trust{Secret: decisionlog.Keys{{ID: "k1", Secret: another}}}, where: entryOf("late", 1), says: "the signature does not match"},
		"the secret key is not there":    {damage: func(*copied) {}, trust: Trust{Secret: decisionlog.Keys{{ID: "k2", Secret: another}}}, where: entryOf("late", 1), says: `key "k1", which is not there`},
		"the forgotten says more":        {damage: func(c *copied) { c.forgotten("risk", 5) }, where: entryOf("risk", 5), says: "says that the log has 5 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := usual(t)
			one.damage(c)
			if one.trust.Public == nil {
				one.trust.Public = trusted.Public
			}
			report, err := Namespace(c.files, "", one.trust)
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
func anew(t testing.TB) *copied {
	c := begin(t)
	c.log("pnl", 2)
	c.sign()
	c.sign()
	return c
}

func (c *copied) forgotten(name string, entries int64) {
	data, err := json.Marshal(map[string]any{"kind": "StrategyIncident", "uid": name, "log": map[string]any{"prefix": prefixOf(name), "entries": entries, "head": c.heads[prefixOf(name)].Hash}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.put("trading/forgotten/"+name+".json", data)
}

// What the history forgot is compared with what was written down of it.
func TestWhatIsForgottenIsCompared(t *testing.T) {
	c := usual(t)
	c.forgotten("risk", 4)
	if report, err := Namespace(c.files, "", trusted); err != nil || len(report.Findings) > 0 {
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
		"there is no public key":  {usual(t).files, Trust{}},
		"a page is far too large": {fstest.MapFS{pageName(1): {Data: make([]byte, evidence.MaxObjectBytes+1)}}, trusted},
	} {
		if report, err := Namespace(one.files, "", one.trust); err == nil {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

// One file proves one entry, whenever it was made.
func TestAnEntryIsProved(t *testing.T) {
	c := usual(t)
	for _, entry := range []string{entryOf("pnl", 1), entryOf("pnl", 5), entryOf("risk", 3), entryOf("late", 1)} {
		text, err := Prove(c.files, entry, trusted)
		if err != nil {
			t.Fatal(err)
		}
		line, newest, err := Proof(text, trusted)
		if err != nil || !bytes.Equal(line, c.files[entry].Data) || newest.Page != 4 {
			t.Errorf("%s: %s, %+v, %v", entry, line, newest, err)
		}
		for i := range len(text) - len("A=\n") { // each byte counts; of the last letter of a signature two bits do not
			changed := []byte(text)
			changed[i] ^= 1
			if again, _, err := Proof(string(changed), trusted); err == nil {
				t.Fatalf("byte %d of the proof is changed, and it proves %s", i, again)
			}
		}
		if _, _, err := Proof(text, Trust{Public: []ed25519.PublicKey{publicOf(another)}}); err == nil {
			t.Errorf("%s is proved by another key", entry)
		}
	}
	c.log("pnl", 1)
	for _, entry := range []string{entryOf("pnl", 6), entryOf("pnl", 7), "../x", pageName(1)} {
		if text, err := Prove(c.files, entry, trusted); err == nil {
			t.Errorf("%s is proved: %s", entry, text)
		}
	}
	delete(c.files, pageName(2))
	if text, err := Prove(c.files, entryOf("pnl", 1), trusted); err == nil {
		t.Errorf("a broken tree proves: %s", text)
	}
}

// The folder of one incident alone is verified by the proof of its last entry.
func TestAnIncidentAlone(t *testing.T) {
	c := usual(t)
	proof, err := Prove(c.files, entryOf("pnl", 4), trusted)
	if err != nil {
		t.Fatal(err)
	}
	alone := func() fstest.MapFS {
		files := fstest.MapFS{"log/000004.tlog-proof": {Data: []byte(proof)}}
		for seq := int64(1); seq <= 5; seq++ {
			files[evidence.LogKey("", seq)] = c.files[entryOf("pnl", seq)]
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
		"one is rewritten":   {func(f fstest.MapFS) { f[evidence.LogKey("", 2)] = c.files[entryOf("risk", 2)] }, "does not follow"},
		"the proved one is":  {func(f fstest.MapFS) { f[evidence.LogKey("", 4)] = c.files[entryOf("risk", 4)] }, "it was rewritten"},
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
	if report, err := Object(files, Trust{Secret: decisionlog.Keys{hmacKey}}); err != nil || len(report.Findings) > 0 || len(report.Notes) != 1 {
		t.Errorf("with the secret key: %+v, %v", report, err)
	}
}
