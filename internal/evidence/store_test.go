package evidence

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestAnObjectIsCreatedOnceAndNeverChanged(t *testing.T) {
	ctx := context.Background()
	store, err := Open("file://" + t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()

	if _, err := store.Get(ctx, "a/b.json"); !errors.Is(err, ErrNotFound) {
		t.Errorf("before it is written: got %v, want ErrNotFound", err)
	}
	if err := store.Create(ctx, "a/b.json", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := store.Create(ctx, "a/b.json", []byte("one")); err != nil {
		t.Errorf("the same bytes again: %v", err)
	}
	if err := store.Create(ctx, "a/b.json", []byte("two")); !errors.Is(err, ErrDifferent) {
		t.Errorf("other bytes: got %v, want ErrDifferent", err)
	}
	if data, err := store.Get(ctx, "a/b.json"); err != nil || string(data) != "one" {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestKeysKeepTheNamespaceFirst(t *testing.T) {
	prefix := Prefix("trading", "pnl-1", "0123456789abcdef", time.Date(2026, 11, 23, 23, 59, 0, 0, time.FixedZone("", 3600)))
	if want := "trading/2026/11/23/pnl-1-01234567/"; prefix != want {
		t.Errorf("got %s, want %s", prefix, want)
	}
	if got, want := LogKey(prefix, 7), prefix+"log/000007.json"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := ReportKey(prefix, "Triage", "load-test", 2), prefix+"checks/triage-load-test-2.json"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNamesAreThoseOfOneFolder(t *testing.T) {
	ctx := context.Background()
	store, err := Open("file://" + t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	for _, key := range []string{"a/2026/b.json", "a/2026/a.json", "a/2026/11/c.json", "b/d.json"} {
		if err := store.Create(ctx, key, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	for folder, want := range map[string]string{"a/2026/": "[a.json b.json]", "a/2026": "[a.json b.json]", "a/2027/": "[]", "a/": "[]"} {
		if got, err := store.Names(ctx, folder); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v, %v, want %s", folder, got, err, want)
		}
	}
	if _, err := store.Names(ctx, "../b"); err == nil {
		t.Error("a folder outside of the bucket was listed")
	}
}
