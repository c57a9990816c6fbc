package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"syscall"
	"testing"
	"time"
)

// object is one that the tests store, and what lies there before.
type object struct {
	key  string
	data string
	torn []byte // nil: nothing
}

func objects() []object {
	return []object{
		{key: "ns/2026/11/23/a-1/log/000001.json", data: `{"seq":1,"message":"one"}`},
		{key: "ns/2026/11/23/a-1/log/000002.json", data: `{"seq":2,"message":"two"}`},
		{key: "ns/2026/11/23/a-1/checks/triage-audit-1.log", data: "a line\nanother\n"},
		{key: "ns/2026/11/23/a-1/log/000001.json", data: `{"seq":1,"message":"one"}`}, // again, as after a crash
		{key: "ns/2026/11/23/a-1/log/000003.json", data: `{"seq":3,"message":"three"}`, torn: []byte(`{"seq":3,"mess`)},
		{key: "ns/2026/11/23/a-1/log/000004.json", data: `{"seq":4,"message":"four"}`, torn: []byte{}},
		{key: "ns/2026/11/23/a-1/config.before-0123456789ab.yaml", data: "a: 1\nb: 2\n", torn: []byte("a: 1\nb\x00\x00\x00")},
	}
}

// world is a volume with the torn objects of an unfinished copy.
func world() *memory {
	volume := newMemory()
	for _, one := range objects() {
		if one.torn != nil {
			volume.put(one.key, one.torn)
		}
	}
	return volume
}

var errCut = errors.New("the machine is off")

// run stores all objects until the machine goes off before operation n, and returns what was said to be stored.
func run(t *testing.T, volume *memory, n int) (stored map[string]string, ended bool) {
	t.Helper()
	stored = map[string]string{}
	volume.did, volume.before = nil, func(now int, _, _ string) error {
		if now == n {
			panic(errCut)
		}
		return nil
	}
	defer func() {
		volume.before = nil
		if cut := recover(); cut != nil && cut != any(errCut) {
			panic(cut)
		}
	}()
	store := newFiles(volume)
	for _, one := range objects() {
		if err := store.Create(t.Context(), one.key, []byte(one.data)); err != nil {
			t.Fatalf("%s: %v", one.key, err)
		}
		stored[one.key] = one.data
	}
	return stored, true
}

// check looks at a volume after a restart: what was said to be stored is there, and everything is whole or not there; then all is stored.
func check(t *testing.T, volume *memory, stored map[string]string) {
	t.Helper()
	store := newFiles(volume)
	for _, one := range objects() {
		data, err := store.Get(context.Background(), one.key)
		there := err == nil && string(data) == one.data
		if stored[one.key] != "" && !there {
			t.Errorf("%s was stored, and is %q, %v", one.key, data, err)
		}
		if !there && !errors.Is(err, ErrNotFound) && (err != nil || !bytes.Equal(data, one.torn)) {
			t.Errorf("%s is half there: %q, %v", one.key, data, err)
		}
	}
	for _, one := range objects() {
		if err := store.Create(context.Background(), one.key, []byte(one.data)); err != nil {
			t.Errorf("%s again: %v", one.key, err)
		}
	}
}

func TestAPowerCutBetweenAnyTwoOperations(t *testing.T) {
	for n := 1; ; n++ {
		volume := world()
		stored, ended := run(t, volume, n)
		for _, cut := range powerCuts() {
			left := volume.after(cut)
			check(t, left, stored)
			if t.Failed() {
				t.Fatalf("cut before operation %d of %v, with %s", n, volume.did, cut.name)
			}
		}
		if ended {
			if n < 50 {
				t.Errorf("%d operations; were there any?", n)
			}
			return
		}
	}
}

// The process ends, and the machine some time later: what the next process found in between is taken for stored by whoever read it.
func TestWhatIsFoundAfterACrashSurvivesAPowerCut(t *testing.T) {
	for n := 1; ; n++ {
		volume := world()
		stored, ended := run(t, volume, n)
		next := newFiles(volume)
		for _, one := range objects() {
			if data, err := next.Get(t.Context(), one.key); err == nil && string(data) == one.data {
				stored[one.key] = one.data
			}
		}
		for _, cut := range powerCuts() {
			check(t, volume.after(cut), stored)
			if t.Failed() {
				t.Fatalf("stopped before operation %d of %v, with %s", n, volume.did, cut.name)
			}
		}
		if ended {
			return
		}
	}
}

// Each operation fails once, or from then on. What is not stored is said, nothing is left of it, and the next try is none of words: it
// survives a power cut.
func TestAnyOperationMayFail(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		of     string // operations, all if empty
		always bool   // from then on
	}{
		"full once":             {syscall.ENOSPC, "create write mkdir link sync rename", false},
		"full from now on":      {syscall.ENOSPC, "create write mkdir link", true},
		"a broken disk, once":   {syscall.EIO, "", false},
		"a sync fails":          {syscall.EIO, "sync", false},
		"syncs fail":            {syscall.EIO, "sync", true},
		"read-only from now on": {syscall.EROFS, "create write mkdir link rename remove", true},
		"no right":              {syscall.EACCES, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			for n, hit := 1, true; hit; n++ {
				volume := world()
				hit = false
				volume.before = func(now int, operation, _ string) error {
					if now < n || now > n && !c.always || c.of != "" && !strings.Contains(c.of, strings.Fields(operation)[0]) {
						hit = hit || now >= n
						return nil
					}
					hit = true
					return c.err
				}
				store := newFiles(volume)
				stored := map[string]string{}
				for _, one := range objects() {
					err := store.Create(t.Context(), one.key, []byte(one.data))
					if err == nil {
						stored[one.key] = one.data
					}
					if errors.Is(err, ErrDifferent) {
						t.Errorf("%s: somebody is accused: %v", one.key, err)
					}
				}
				for _, cut := range powerCuts() {
					check(t, volume.after(cut), stored)
				}
				volume.before = nil
				check(t, volume, stored)
				all := map[string]string{}
				for _, one := range objects() {
					all[one.key] = one.data
				}
				for _, cut := range powerCuts() {
					check(t, volume.after(cut), all)
				}
				if t.Failed() {
					t.Fatalf("operation %d of %v", n, volume.did)
				}
			}
		})
	}
}

// Whoever finds an object takes it for stored; so one whose folder cannot be synced is not found.
func TestWhatIsNotStoredIsNotFound(t *testing.T) {
	one := objects()[0]
	for _, operation := range []string{"create", "write", "sync", "close", "link", "sync folder ns/2026", "sync folder " + path.Dir(one.key), "mkdir"} {
		volume := newMemory()
		store := newFiles(volume)
		if err := store.Create(t.Context(), "ns/other.json", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		failed := false
		volume.before = func(_ int, now, about string) error {
			if (now == operation || now+" "+about == operation) && !failed {
				failed = true
				return syscall.EIO
			}
			return nil
		}
		if err := store.Create(t.Context(), one.key, []byte(one.data)); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s failed: %v", operation, err)
		}
		volume.before = nil
		if data, err := store.Get(t.Context(), one.key); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s failed, and it is there: %q, %v", operation, data, err)
		}
		if left, err := volume.List(writing, 10); err != nil || len(left) > 0 {
			t.Errorf("%s failed, and %v is left (%v)", operation, left, err)
		}
	}
}

func TestWhatACrashLeftIsRemovedLater(t *testing.T) {
	volume := newMemory()
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for name, ago := range map[string]time.Duration{"object-old": 2 * time.Hour, "object-young": time.Minute, "somebody-elses": 2 * time.Hour} {
		volume.put(writing+"/"+name, []byte("x"))
		volume.root.names[writing].names[name].changed = start.Add(-ago)
	}
	volume.before = func(_ int, operation, _ string) error {
		if operation == "list" { // the new one was made now
			for name, one := range volume.root.names[writing].names {
				if strings.HasSuffix(name, "-1") {
					one.changed = start
				}
			}
		}
		return nil
	}
	if _, err := newFiles(volume).Get(t.Context(), "ns/a.json"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	left, err := volume.List(writing, 10)
	if names := fmt.Sprint(left); err != nil || len(left) != 2 || strings.Contains(names, "old") {
		t.Errorf("left: %v, %v", names, err)
	}
}
