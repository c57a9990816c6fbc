package evidence

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// traced names the folder in which TestStoreForTheTrace stores one object.
const traced = "EVIDENCE_TRACED_FOLDER"

func TestStoreForTheTrace(t *testing.T) {
	folder := os.Getenv(traced)
	if folder == "" {
		t.Skip("it runs below TestTheOrderOfTheSystemCalls")
	}
	store, err := OpenFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), "ns/log/000001.json", []byte(`{"seq":1}`)); err != nil {
		t.Fatal(err)
	}
}

// What counts for a power cut is what the kernel is asked, and in which order.
func TestTheOrderOfTheSystemCalls(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace on this machine (apt-get install strace): the order of the system calls is not looked at")
	}
	folder, out := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	if said, err := exec.Command(strace, "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("strace may trace nothing here: %s", said)
	}
	command := exec.Command(strace, "-f", "-y", "-s", "0", "-e", "trace=openat,write,fsync,syncfs,linkat,unlinkat,mkdirat", "-e", "status=successful", "-o", out,
		os.Args[0], "-test.run=^TestStoreForTheTrace$")
	command.Env = append(os.Environ(), traced+"="+folder)
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	trace, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	for line := range strings.Lines(string(trace)) {
		if call := callIn(line, folder); call != "" {
			calls = append(calls, call)
		}
	}
	wanted := []string{
		"syncfs .",
		"mkdirat .writing", "fsync .", "create", "write object", "fsync object", "unlinkat object", // what time is it there?
		"create", "write object", "fsync object",
		"mkdirat ns", "fsync .", "mkdirat log", "fsync ns",
		"linkat 000001.json", "unlinkat object", "fsync ns/log",
	}
	if !slices.Equal(calls, wanted) {
		t.Errorf("got  %q\nwant %q", calls, wanted)
	}
}

var (
	callName = regexp.MustCompile(`^\d+ +(\w+)\(`)
	quoted   = regexp.MustCompile(`"([^"]+)"`)
	openFile = regexp.MustCompile(`\(\d+<([^>]+)>`)
)

// callIn is a system call in a line of the trace, with what it is about, empty if that is not in the folder.
func callIn(line, folder string) string {
	found := callName.FindStringSubmatch(line)
	if found == nil || !strings.Contains(line, folder) {
		return ""
	}
	about := ""
	switch found[1] {
	case "openat":
		if strings.Contains(line, "O_EXCL") {
			return "create"
		}
		return ""
	case "mkdirat", "linkat", "unlinkat":
		names := quoted.FindAllStringSubmatch(line, -1)
		about = names[len(names)-1][1]
		if !strings.Contains(line, "object-") && found[1] == "unlinkat" {
			return ""
		}
	default: // of an open file
		if of := openFile.FindStringSubmatch(line); of != nil {
			about, _ = filepath.Rel(folder, of[1])
		}
	}
	about = filepath.ToSlash(about)
	if strings.Contains(about, "object-") {
		about = "object"
	}
	return found[1] + " " + about
}
