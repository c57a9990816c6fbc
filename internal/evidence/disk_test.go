package evidence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func opened(t *testing.T) (*Files, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "evidence")
	store, err := OpenFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store, folder
}

func TestNoKeyLeadsOutOfTheBucket(t *testing.T) {
	store, folder := opened(t)
	outside := filepath.Join(filepath.Dir(folder), "outside")
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), "ns/log/000001.json", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"", "/", "/etc/a.json", "../outside/a.json", "ns/../../outside/a.json", "ns/./a.json", "ns//a.json", "ns/", ".writing/object-1", "ns/.a",
		`ns\a`, "ns/a\x00b", "ns/" + strings.Repeat("x", 256), strings.Repeat("x/", 600) + "x",
	} {
		_, err := store.Get(t.Context(), key)
		if err == nil || errors.Is(err, ErrNotFound) || len(err.Error()) > 500 {
			t.Errorf("Get of %.60q: %v", key, err)
		}
		if err := store.Create(t.Context(), key, []byte("{}")); err == nil || errors.Is(err, ErrDifferent) {
			t.Errorf("Create of %.60q: %v", key, err)
		}
	}
	for link, to := range map[string]string{
		"out": outside, "in": filepath.Join(folder, "ns"), "beside": "ns/log", "ns/file.json": "log/000001.json",
	} {
		if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"out/a.json", "in/log/000001.json", "beside/000001.json", "ns/file.json"} {
		_, err := store.Get(t.Context(), key)
		if err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("Get of %s: %v", key, err)
		}
		if err := store.Create(t.Context(), key, []byte("{}")); err == nil || errors.Is(err, ErrDifferent) {
			t.Errorf("Create of %s: %v", key, err)
		}
	}
	if files, err := os.ReadDir(outside); err != nil || len(files) > 0 {
		t.Errorf("outside: %v, %v", files, err)
	}
	if files, err := os.ReadDir(filepath.Join(folder, writing)); err != nil || len(files) > 0 {
		t.Errorf("left: %v, %v", files, err)
	}
}

// What an unfinished write left is no object, and nobody is accused of changing it; a whole one is never replaced.
func TestOnlyTheBeginningOfAnObjectIsReplaced(t *testing.T) {
	data := `{"a":{"b":[1,2]},"c":"}"}`
	for name, c := range map[string]struct {
		key, stored, data string
		replaced          bool
	}{
		"nothing of a log entry":         {"ns/log/000002.json", "", data, true},
		"one character":                  {"ns/log/000002.json", "{", data, true},
		"cut off after a brace":          {"ns/log/000002.json", `{"a":{"b":[1,2]}`, data, true},
		"cut off in a text":              {"ns/log/000002.json", `{"a":{"b":[1,2]},"c":"}`, data, true},
		"zeros":                          {"ns/log/000002.json", strings.Repeat("\x00", len(data)), data, true},
		"zeros at the end":               {"ns/log/000002.json", data[:5] + strings.Repeat("\x00", len(data)-5), data, true},
		"of another text":                {"ns/log/000002.json", `{"x":`, data, true},
		"another entry":                  {"ns/log/000002.json", `{"x":1}`, data, false},
		"another entry, and half of one": {"ns/log/000002.json", `{"x":1}{`, data, false},
		"what is no JSON":                {"ns/log/000002.json", "hello", data, false},
		"broken JSON":                    {"ns/log/000002.json", `{"a":]`, data, false},
		"the beginning of a document":    {"ns/config.before-1.yaml", "a: 1\n", "a: 1\nb: 2\n", true},
		"another document":               {"ns/config.before-1.yaml", "a: 2\n", "a: 1\nb: 2\n", false},
		"a longer document":              {"ns/config.before-1.yaml", "a: 1\nb: 2\nc: 3\n", "a: 1\nb: 2\n", false},
		"nothing of an output":           {"ns/checks/triage-a-1.log", "", "a line\n", true},
		"half of an output":              {"ns/checks/triage-a-1.log", "a line\n", "a line\nand one more\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			store, folder := opened(t)
			file := filepath.Join(folder, c.key)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(c.stored), 0o600)); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Get(t.Context(), c.key); strings.HasSuffix(c.key, ".json") && errors.Is(err, ErrNotFound) != c.replaced {
				t.Errorf("Get: %v", err)
			}
			err := store.Create(t.Context(), c.key, []byte(c.data))
			now, _ := os.ReadFile(file)
			if c.replaced && (err != nil || string(now) != c.data) {
				t.Errorf("it is %q, %v", now, err)
			}
			if !c.replaced && (!errors.Is(err, ErrDifferent) || string(now) != c.stored) {
				t.Errorf("it is %q, %v", now, err)
			}
		})
	}
}

func TestOfManyWritersOneWins(t *testing.T) {
	store, folder := opened(t)
	for round := range 20 {
		key := fmt.Sprintf("ns/%d/log/000001.json", round)
		var all sync.WaitGroup
		won := make(chan string, 8)
		for n := range 8 {
			all.Go(func() {
				data := fmt.Sprintf(`{"n":%d}`, n)
				switch err := store.Create(t.Context(), key, []byte(data)); {
				case err == nil:
					won <- data
				case !errors.Is(err, ErrDifferent):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if data, err := store.Get(t.Context(), key); err != nil || len(won) != 1 || string(data) != <-won {
			t.Errorf("%s: %q, %v", key, data, err)
		}
		if info, err := os.Stat(filepath.Join(folder, key)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
}

func TestWhatIsNoBucket(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"", "evidence", "file:evidence", "file://evidence", "file://host/evidence", "s3://evidence", "file:///tmp/x?create_dir=1", "file://" + file, ":"} {
		store, err := Open(url)
		if err == nil || !strings.Contains(err.Error(), "evidence bucket") {
			t.Errorf("%q: %v, %v", url, store, err)
		}
	}
}
