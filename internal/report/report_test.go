package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a golden file that is documentation, too.
const sample = "../../docs/report-sample.md"

var stories = []struct {
	name       string
	bucket     func(testing.TB) *bucket
	unverified int
}{
	{"a false alarm", falseAlarm, 0},
	{"people only", peopleOnly, 0},
	{"relapsed and reopened", func(t testing.TB) *bucket { return relapsed(t, strategyv1.IncidentLive) }, 0},
	{"a drill", func(t testing.TB) *bucket { return relapsed(t, strategyv1.IncidentDrill) }, 0},
	{"something was changed", broken, 4},
	{"open", open, 0},
}

func TestReports(t *testing.T) {
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			made, folder := story.bucket(t).made()
			if got := folder.Unverified(); got != story.unverified {
				t.Errorf("%d objects are not as written, not %d", got, story.unverified)
			}
			stem := filepath.Join("testdata", strings.ReplaceAll(story.name, " ", "-"))
			golden(t, stem+".md", made.Markdown())
			golden(t, stem+".html", page(t, made))
			if story.name == "relapsed and reopened" {
				golden(t, sample, made.Markdown())
			}
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; go test ./internal/report -update writes it):\n%s", path, diff)
	}
}

func page(t testing.TB, made report.Report) []byte {
	t.Helper()
	data, err := made.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// shuffled is a bucket that lists its folders from the end.
type shuffled struct{ report.Source }

func (s shuffled) Names(folder string) ([]string, error) {
	names, err := s.Source.Names(folder)
	slices.Reverse(names)
	return names, err
}

// TestTheSameFolderMakesTheSameBytes, in whatever order it is listed, and as often as it is made.
func TestTheSameFolderMakesTheSameBytes(t *testing.T) {
	for _, story := range stories {
		b := story.bucket(t)
		once, _ := b.made()
		folder, err := report.Read(shuffled{report.Copy(b.files)}, prefixOf(incident), incident.Name)
		if err != nil {
			t.Fatal(err)
		}
		again := report.Make(folder)
		if !bytes.Equal(once.Markdown(), again.Markdown()) || !bytes.Equal(page(t, once), page(t, again)) {
			t.Errorf("%s: two reports of the same folder differ", story.name)
		}
	}
}

// TestWhatComesAfterTheClosingChangesNothing: a rollback that is restored later, a check that ended late, and the pages themselves.
func TestWhatComesAfterTheClosingChangesNothing(t *testing.T) {
	b := relapsed(t, strategyv1.IncidentLive)
	before, _ := b.made()
	prefix := prefixOf(incident)
	b.put(prefix+"log/000014.json", []byte(`{"seq":14,"event":"check"}`))
	b.put(prefix+"report-0123456789ab.md", []byte("# A page"))
	b.put(prefixOf(second)+"log/000007.json", []byte(`{"seq":7,"event":"restored"}`))
	b.signals(incident, 9500, map[string]float64{"cpu": 12})
	after, folder := b.made()
	if folder.Unverified() > 0 || !bytes.Equal(numbersGone(before.Markdown()), numbersGone(after.Markdown())) {
		t.Error("the report is another one")
	}
}

// numbersGone leaves out the table of files: one more lies there.
func numbersGone(page []byte) []byte {
	before, _, _ := bytes.Cut(page, []byte("## What this is made of"))
	return before
}

// TestEachByteCounts: whatever byte of the evidence is changed, the report says that something is not as it was written.
func TestEachByteCounts(t *testing.T) {
	b := falseAlarm(t)
	names, err := fs.Glob(b.files, "trading/2026/11/23/*/*/*")
	if err != nil || len(names) < 6 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		whole := b.files[name].Data
		for i := 0; i < len(whole); i += 7 {
			b.files[name].Data = bytes.Clone(whole)
			b.files[name].Data[i] ^= 1
			made, folder := b.made()
			if folder.Unverified() == 0 || !strings.Contains(string(made.Markdown()), "NOT VERIFIED") {
				t.Fatalf("byte %d of %s was changed, and nobody says so", i, name)
			}
		}
		b.files[name].Data = whole
	}
}

func TestAReportIsBounded(t *testing.T) {
	made, _ := long(t).made()
	text, html := made.Markdown(), page(t, made)
	const most = 3 << 20
	if len(text) > most || len(html) > most {
		t.Errorf("%d bytes of Markdown, %d of HTML", len(text), len(html))
	}
	for _, wanted := range []string{"9600 more are left out here", "only the first 10000 entries were", "reports of checks were left out"} {
		if !strings.Contains(string(html), wanted) {
			t.Errorf("it does not say %q", wanted)
		}
	}
}

func TestASnapshotThatIsTooLargeGoesWithoutItsLargestParts(t *testing.T) {
	playbook := playbook()
	for range 2000 {
		playbook.Checks = append(playbook.Checks, strategyv1.CheckSpec{Name: strings.Repeat("x", 2000)})
	}
	data, _, err := report.Snapshot{Incident: report.Incident{Object: incident}, Playbook: playbook}.Encode()
	if err != nil || len(data) > 3<<20 {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	snapshot, err := report.Decode(data)
	if err != nil || snapshot.Playbook != nil || snapshot.Incident.Name != incident.Name {
		t.Errorf("%+v, %v", snapshot, err)
	}
}

func TestFind(t *testing.T) {
	b := relapsed(t, strategyv1.IncidentLive)
	b.put("trading/forgotten/pnl-cross-5f0e8a11-0123456789ab.json", nil)
	b.put("trading/README.md", nil)
	source := report.Copy(b.files)
	for name, want := range map[string][]string{
		"pnl-cross": {prefixOf(incident)}, "pnl-cross-r1": {prefixOf(first)}, "pnl-cross-5f0e8a11": {prefixOf(incident)}, "pnl": nil, "": nil,
	} {
		got, err := report.Find(source, "trading", name)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	if got, err := report.Find(source, "elsewhere", "pnl-cross"); err != nil || len(got) > 0 {
		t.Errorf("a namespace that is not there: %v, %v", got, err)
	}
}

// TestTheSnapshotHasNothingOfTheOperatorsOwn: no receipts, and no entry of a log, which has its own place.
func TestTheSnapshotHasNothingOfTheOperatorsOwn(t *testing.T) {
	object := &strategyv1.StrategyIncident{}
	object.Status.Timeline = []strategyv1.TimelineEntry{{Seq: 1, Message: "x"}}
	rollback := strategyv1.StrategyRollback{Status: strategyv1.StrategyRollbackStatus{
		Timeline: []strategyv1.TimelineEntry{{Seq: 1}}, Config: &strategyv1.ConfigClaim{Receipts: []string{"r"}},
	}}
	data, err := json.Marshal(report.Take(object, *playbook(), []strategyv1.StrategyRollback{rollback}, nil))
	if err != nil || strings.Contains(string(data), "timeline") || strings.Contains(string(data), "receipts") {
		t.Errorf("%s, %v", data, err)
	}
	if len(object.Status.Timeline) != 1 || len(rollback.Status.Config.Receipts) != 1 {
		t.Error("it changed what it was taken of")
	}
}
