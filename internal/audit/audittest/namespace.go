// Package audittest makes the folder of a namespace as the operator leaves it, with logs and the tree over them, for tests of what verifies one. It
// is imported by tests only.
package audittest

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/logtree"
)

// What everything is signed with, and from when on; Another is a false key.
var (
	Beginning = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	Secret    = decisionlog.Key{ID: "k1", Secret: bytes.Repeat([]byte("k"), 32)}
	Signing   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte("s"), 32))
	Another   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte("t"), 32))
)

const origin = "strategy-operator/trading"

// PublicOf is the public part of a key.
func PublicOf(key ed25519.PrivateKey) ed25519.PublicKey {
	public, _ := key.Public().(ed25519.PublicKey)
	return public
}

// Namespace is the folder of a namespace, and what an operator knows of it.
type Namespace struct {
	t       testing.TB
	Files   fstest.MapFS
	State   logtree.State
	Heads   map[string]logtree.Head
	Now     time.Time
	Signers []ed25519.PrivateKey
	Signed  []string // checkpoints
}

// Begin is a namespace in which nothing happened.
func Begin(t testing.TB) *Namespace {
	return &Namespace{t: t, Files: fstest.MapFS{}, Heads: map[string]logtree.Head{}, Now: Beginning, Signers: []ed25519.PrivateKey{Signing}}
}

// PrefixOf is the folder of an object in the bucket.
func PrefixOf(name string) string { return evidence.Prefix("trading", name, name+"0000000", Beginning) }

// FolderOf is the folder of an object in that of the namespace.
func FolderOf(name string) string { return strings.TrimPrefix(PrefixOf(name), "trading/") }

// EntryOf is an entry of its log in the folder of the namespace.
func EntryOf(name string, seq int64) string { return evidence.LogKey(FolderOf(name), seq) }

// Put puts a file there, by its key.
func (c *Namespace) Put(key string, data []byte) {
	c.Files[strings.TrimPrefix(key, "trading/")] = &fstest.MapFile{Data: data}
}

// Log appends entries to the log of an object.
func (c *Namespace) Log(name string, n int) {
	c.t.Helper()
	for range n {
		head := c.Heads[PrefixOf(name)]
		line, hash, err := decisionlog.Sign(decisionlog.Entry{
			Seq: head.Entries + 1, PrevHash: head.Hash, Time: c.Now, ObjectUID: name, Stage: "triage", Status: "acknowledged", Event: "incident", Severity: "info",
			Artefacts: map[string]string{"message": fmt.Sprintf("entry %d", head.Entries+1)},
		}, Secret)
		if err != nil {
			c.t.Fatal(err)
		}
		c.Put(evidence.LogKey(PrefixOf(name), head.Entries+1), line)
		c.Heads[PrefixOf(name)] = logtree.Head{Entries: head.Entries + 1, Hash: hash}
	}
}

// Sign makes a page of what is new.
func (c *Namespace) Sign() {
	c.t.Helper()
	wanted, conflicts := logtree.Missing(c.State.Logs, c.Heads)
	if len(conflicts) > 0 {
		c.t.Fatal(conflicts)
	}
	var runs []logtree.Run
	for _, one := range wanted {
		var lines [][]byte
		for seq := one.Known.Entries + 1; seq <= one.Last; seq++ {
			lines = append(lines, c.Files[strings.TrimPrefix(evidence.LogKey(one.Log, seq), "trading/")].Data)
		}
		run, err := logtree.RunOf(one, lines)
		if err != nil {
			c.t.Fatal(err)
		}
		runs = append(runs, run)
	}
	kept := map[string]bool{}
	for log := range c.Heads {
		kept[log] = true
	}
	page, err := c.State.Next(c.Now, runs, kept)
	if err != nil {
		c.t.Fatal(err)
	}
	c.store(page)
}

func (c *Namespace) store(page logtree.Page) {
	c.t.Helper()
	data, signed, err := logtree.Seal(origin, page, c.Signers)
	if err != nil {
		c.t.Fatal(err)
	}
	_, hash, _, err := logtree.Decode(data)
	if err == nil {
		c.State, err = c.State.Apply(page, hash)
	}
	if err == nil {
		c.State, err = c.State.Trimmed(page)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.Put(evidence.TreeKey("trading", page.Number), data)
	c.Signed = append(c.Signed, signed)
}

// Usual is a namespace with three logs and four pages, the last of which says that nothing happened.
func Usual(t testing.TB) *Namespace {
	c := Begin(t)
	c.Log("pnl", 3)
	c.Sign()
	c.Now = c.Now.Add(2 * time.Minute)
	c.Log("pnl", 2)
	c.Log("risk", 4)
	c.Sign()
	c.Now = c.Now.Add(2 * time.Minute)
	c.Log("late", 1)
	c.Sign()
	c.Now = c.Now.Add(3 * time.Hour)
	c.Sign()
	return c
}
