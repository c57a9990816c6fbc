package evidence

import (
	"context"
	"errors"
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
