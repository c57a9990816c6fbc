package audit

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"tradeops.dev/strategy-operator/internal/audit/audittest"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/logtree"
)

// Whatever bytes somebody writes into a copy, or in place of one of its files: nothing panics, what is told is bounded, and with the newest
// checkpoint at hand no changed entry, page or log is verified.
func FuzzNamespace(f *testing.F) {
	whole := audittest.Usual(f)
	names := slices.Sorted(maps.Keys(whole.Files))
	trust := Trust{Public: trusted.Public, Earlier: whole.Signed[3:]}
	entry := whole.Files[audittest.EntryOf("pnl", 2)].Data
	f.Add(uint8(0), 0, 0, []byte{})                        // the end is cut off
	f.Add(uint8(1), 5, 6, []byte("X"))                     // a byte of an entry
	f.Add(uint8(2), 0, 1<<30, entry)                       // another entry in its place
	f.Add(uint8(len(names)-1), 0, 1<<30, []byte("{}"))     // a page that says nothing
	f.Add(uint8(len(names)-2), 3, 3, []byte(`"page":{},`)) // a page with a field twice
	f.Add(uint8(len(names)-3), 0, 1<<30, []byte(`{"page":{"number":2,"runs":[{"log":"trading/../..","first":-9,"leaves":[""]}]}}`))
	f.Add(uint8(len(names)-4), 0, 1<<30, bytes.Repeat([]byte("["), 10_000)) // deep
	f.Fuzz(func(t *testing.T, which uint8, from, to int, with []byte) {
		name := names[int(which)%len(names)]
		was := whole.Files[name].Data
		from = min(max(from, 0), len(was))
		to = min(max(to, from), len(was))
		changed := slices.Concat(was[:from], with, was[to:])
		files := maps.Clone(whole.Files)
		files[name] = &fstest.MapFile{Data: changed}
		report, err := Namespace(files, "", trust)
		if len(report.Findings) > maxFindings || len(report.Notes) > maxFindings {
			t.Errorf("%d findings, %d notes", len(report.Findings), len(report.Notes))
		}
		if err == nil && len(report.Findings) == 0 && !bytes.Equal(was, changed) && !sameCheckpoint(was, changed) {
			t.Errorf("%s is verified, with %q in place of %q", name, with, was[from:to])
		}
	})
}

// sameCheckpoint: the page says the same, byte for byte where bytes count, and the same keys signed it. Of how the pair of both is written, and of the
// last bits of a letter in a signature, nothing depends.
func sameCheckpoint(was, changed []byte) bool {
	_, hash, signed, err := logtree.Decode(was)
	_, again, other, problem := logtree.Decode(changed)
	if err != nil || problem != nil || hash != again {
		return false
	}
	one, err := logtree.Open(signed, trusted.Public)
	two, problem := logtree.Open(other, trusted.Public)
	return err == nil && problem == nil && one == two
}

// A large namespace is verified file by file: what is open, or larger than an object, never grows with it, and no page is read twice.
func TestALargeNamespaceIsReadPieceByPiece(t *testing.T) {
	const logs, each = 20, 1000
	c := audittest.Begin(t)
	for n := range logs {
		c.Log("log-"+string(rune('a'+n)), each)
		c.Sign()
	}
	files := &counted{MapFS: c.Files, reads: map[string]int{}}
	report, err := Namespace(files, "", trusted)
	if err != nil || len(report.Findings) > 0 || report.Entries != logs*each || report.Leaves != logs*each {
		t.Fatalf("%d entries, %v, %v", report.Entries, report.Findings, err)
	}
	if files.most > 1 {
		t.Errorf("%d files were open at once", files.most)
	}
	for name, n := range files.reads {
		if n > 1 {
			t.Errorf("%s was read %d times", name, n)
		}
	}
	delete(c.Files, evidence.LogKey(audittest.FolderOf("log-t"), each))
	if report, err := Namespace(c.Files, "", trusted); err != nil || len(report.Findings) != 1 {
		t.Errorf("%v, %v", report.Findings, err)
	}
}

// counted counts what is open, and how often each file was read.
type counted struct {
	fstest.MapFS
	reads      map[string]int
	open, most int
}

// Open implements fs.FS.
func (c *counted) Open(name string) (fs.File, error) {
	file, err := c.MapFS.Open(name)
	if err != nil {
		return nil, err
	}
	c.reads[name]++
	c.open++
	c.most = max(c.most, c.open)
	return closing{file, c}, nil
}

type closing struct {
	fs.File
	of *counted
}

// Close implements fs.File.
func (c closing) Close() error {
	c.of.open--
	return c.File.Close()
}
