package evidence

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// One namespace that fills its share does not fill the volume of all, and its reports leave room for its logs.
func TestANamespaceHasItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files, err := OpenFiles(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		report := make([]byte, 100)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		full := func(what string, err error) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), "namespace greedy has used its share of the evidence bucket, 1000 bytes (--evidence-share)") {
				t.Fatalf("%s: %v", what, err)
			}
		}
		must(files.Create(t.Context(), "greedy/2026/a/checks/before.log", report)) // by an earlier process
		store := Share(files, 1000)
		write := func(key string) error { return store.Create(t.Context(), key, report) }
		for _, n := range "1234567" {
			must(write("greedy/2026/a/checks/" + string(n) + ".log"))
		}
		full("an eighth is kept for logs", write("greedy/2026/a/checks/8.log"))
		must(write("greedy/2026/a/log/000001.json"))
		must(write("greedy/2026/a/log/000002.json"))
		full("a log has a bound, too", write("greedy/2026/a/log/000003.json"))
		must(write("greedy/2026/a/checks/1.log")) // what is there takes no more room
		if err := store.Create(t.Context(), "greedy/2026/a/checks/1.log", []byte("other")); !errors.Is(err, ErrDifferent) {
			t.Errorf("what is there with other bytes: %v", err)
		}
		must(write("modest/2026/b/checks/1.log"))

		for _, n := range "1234" {
			must(files.fs.Remove("greedy/2026/a/checks/" + string(n) + ".log"))
		}
		full("what was moved away is seen after a while", write("greedy/2026/a/checks/9.log"))
		<-time.After(measuredFor + time.Second)
		must(write("greedy/2026/a/checks/9.log"))
	})
}

// What is stored again each time that something behind it fails takes no more room.
func TestTheSameObjectTakesItsRoomOnce(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store := Share(files, 1000)
	for _, key := range []string{"a/1.log", "a/1.log", "a/1.log", "a/1.log", "a/2.log"} {
		if err := store.Create(t.Context(), key, make([]byte, 300)); err != nil {
			t.Error(err)
		}
	}
}

// A namespace whose name ends like the folder of a log has reports, too, and they leave room for its logs.
func TestANamespaceCalledLikeALog(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store := Share(files, 1000)
	for _, n := range "12345678" {
		_ = store.Create(t.Context(), "backlog/2026/a/checks/"+string(n)+".log", make([]byte, 125))
	}
	if err := store.Create(t.Context(), LogKey("backlog/2026/a/", 1), make([]byte, 100)); err != nil {
		t.Error(err)
	}
}

// What was not written takes no room.
func TestAFailedWriteTakesNoRoom(t *testing.T) {
	store := Share(failing{}, 1000)
	for range 100 {
		if err := store.Create(t.Context(), "one/log/000001.json", make([]byte, 500)); !errors.Is(err, errNoRoom) {
			t.Fatal(err)
		}
	}
}

var errNoRoom = errors.New("no space left on device")

// failing is a store without room.
type failing struct{ Sized }

func (failing) Size(context.Context, string) (int64, error) { return 0, nil }

func (failing) Create(context.Context, string, []byte) error { return errNoRoom }
