package logtree

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

var (
	testKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte("s"), ed25519.SeedSize))
	noon    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func public(key ed25519.PrivateKey) ed25519.PublicKey {
	half, _ := key.Public().(ed25519.PublicKey)
	return half
}

// However a tree is cut into pages and whatever is forgotten between them, its root is that of a tree that was made at once.
func TestPagesAreOneTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var whole Tree
		var state State
		entries := map[string]int64{}
		kept := map[string]bool{"a/": true, "b/": true, "c/": true}
		for range rapid.IntRange(1, 80).Draw(t, "pages") {
			var runs []Run
			for _, log := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a/", "b/", "c/"}), 0, 3, rapid.ID[string]).Draw(t, "logs") {
				run := Run{Log: log, First: entries[log] + 1, Head: "head"}
				for range rapid.IntRange(1, 5).Draw(t, "entries") {
					leaf := tlog.RecordHash([]byte(rapid.StringN(0, 8, 8).Draw(t, "entry")))
					run.Leaves = append(run.Leaves, leaf)
					if err := whole.Add(leaf); err != nil {
						t.Fatal(err)
					}
				}
				entries[log] = run.Last()
				runs = append(runs, run)
			}
			page, err := state.Next(noon, runs, kept)
			if err != nil {
				t.Fatal(err)
			}
			data, signed, err := Seal("o/n", page, []ed25519.PrivateKey{testKey})
			if err != nil {
				t.Fatal(err)
			}
			read, hash, _, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if state, err = state.Apply(read, hash); err == nil {
				state, err = state.Trimmed(read)
			}
			if err != nil {
				t.Fatal(err)
			}
			if page.Lists() { // nothing is needed but this page
				if state, err = At(read, hash); err != nil {
					t.Fatal(err)
				}
			}
			checkpoint, err := Open(signed, []ed25519.PublicKey{public(testKey)})
			root, _ := whole.Root()
			if err != nil || checkpoint.Root != root || checkpoint.Size != whole.Size || checkpoint.Hash != hash {
				t.Fatalf("%+v, %v, want %s", checkpoint, err, root)
			}
		}
		for log, n := range entries {
			if state.Logs[log].Entries != n {
				t.Fatalf("%s has %d entries, want %d", log, state.Logs[log].Entries, n)
			}
		}
	})
}

func TestMissingIsBoundedAndInOrder(t *testing.T) {
	known := map[string]Head{"a/": {2, "x"}, "same/": {3, "y"}, "other/": {3, "y"}, "behind/": {3, "y"}}
	heads := map[string]Head{"a/": {5, "z"}, "b/": {300, "w"}, "c/": {1, "v"}, "same/": {3, "y"}, "other/": {3, "n"}, "behind/": {1, "y"}}
	wanted, conflicts := Missing(known, heads)
	if len(conflicts) != 2 || len(wanted) != 1 || wanted[0] != (Wanted{"a/", Head{2, "x"}, 5, "z"}) {
		t.Errorf("%+v, %v", wanted, conflicts)
	}
	known["a/"] = Head{5, "z"}
	if wanted, _ = Missing(known, heads); len(wanted) != 1 || wanted[0].Log != "b/" || wanted[0].Last != 300 {
		t.Errorf("a log that is longer than a page does not come alone: %+v", wanted)
	}
	heads["b/"] = Head{maxRun + 1, "w"}
	if wanted, _ = Missing(known, heads); wanted[0].Last != maxRun || wanted[0].Hash != "" {
		t.Errorf("the longest log comes at once: %+v", wanted)
	}
}

func FuzzDecode(f *testing.F) {
	page, err := State{}.Next(noon, []Run{{Log: "n/a/", First: 1, Head: "x", Leaves: []tlog.Hash{{1}}}}, map[string]bool{"n/a/": true})
	if err != nil {
		f.Fatal(err)
	}
	data, _, err := Seal("o/n", page, []ed25519.PrivateKey{testKey})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"checkpoint":"","page":{"number":1,"time":"","size":-1}}`))
	f.Add([]byte(`{"page":{},"page":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		page, hash, checkpoint, err := Decode(data)
		if err != nil {
			return
		}
		_, _ = State{}.Apply(page, hash) // whatever it says, it ends
		_, _ = At(page, hash)
		body, _ := json.Marshal(page)
		if again, _ := json.Marshal(file{checkpoint, body}); !bytes.Equal(again, data) {
			t.Errorf("%q is not the form of what it says", data)
		}
	})
}

func FuzzOpen(f *testing.F) {
	page, _ := State{}.Next(noon, nil, nil)
	_, signed, err := Seal("o/n", page, []ed25519.PrivateKey{testKey})
	if err != nil {
		f.Fatal(err)
	}
	genuine, err := Open(signed, []ed25519.PublicKey{public(testKey)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add("o/n\n0\n\n\n— o/n AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := Open(text, []ed25519.PublicKey{public(testKey)}); err == nil && got != genuine {
			t.Errorf("%q is taken for %+v", text, got)
		}
		if read, err := parse(text); err == nil && read.Text() != text {
			t.Errorf("%q is read as %q", text, read.Text())
		}
	})
}

func FuzzParseProof(f *testing.F) {
	f.Add("c2sp.org/tlog-proof@v1\nextra eA==\nindex 0\n\no/n\n1\n")
	f.Add("c2sp.org/tlog-proof@v1\nindex 0\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		proof, err := ParseProof(text)
		if err != nil {
			return
		}
		if proof.Text() != text {
			t.Errorf("%q is read as %q", text, proof.Text())
		}
		if _, err := proof.Check([]ed25519.PublicKey{public(testKey)}); err == nil {
			t.Errorf("%q proves something", text)
		}
	})
}
