package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/report"
)

// copyOfEvidence is a directory with the folder of a closed incident, as a bucket has it, and of another object of its name.
func copyOfEvidence(t *testing.T) (directory, prefix string) {
	t.Helper()
	directory = t.TempDir()
	began := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	incident := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "pnl-1", UID: "5f0e8a11-0000", CreationTimestamp: metav1.NewTime(began)}}
	prefix = evidence.Prefix("trading", "pnl-1", "5f0e8a11-0000", began)
	put := func(key string, data []byte) {
		file := filepath.Join(directory, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line, head, err := decisionlog.Sign(decisionlog.Entry{
		Seq: 1, Time: began, ObjectUID: "5f0e8a11-0000", Stage: "incident", Event: "incident", Artefacts: map[string]string{"message": "PnL, Critical"},
	}, decisionlog.Key{Secret: []byte("a key of a test, 32 bytes or more")})
	if err != nil {
		t.Fatal(err)
	}
	put(evidence.LogKey(prefix, 1), line)
	put(evidence.LogKey(evidence.Prefix("trading", "pnl-1", "00000000-0000", began), 1), line) // of one that was made before
	put(evidence.LogKey(evidence.Prefix("trading", "stop", "11111111-0000", began), 1), []byte(strings.Replace(string(line), `"stage":"incident"`, `"stage":"rollback"`, 1)))
	incident.Spec = strategyv1.StrategyIncidentSpec{PlaybookName: "multi-strategy", Type: "PnL", Severity: strategyv1.SeverityCritical}
	incident.Status = strategyv1.StrategyIncidentStatus{
		PlaybookRevision: "multi-strategy-1", ClosedTime: new(metav1.NewTime(began.Add(time.Hour))), Log: &strategyv1.LogStatus{Prefix: prefix, Entries: new(int64(1)), Head: head},
	}
	data, hash, err := report.Take(incident, strategyv1.StrategyPlaybookSpec{}, nil, nil).Encode()
	if err != nil {
		t.Fatal(err)
	}
	put(evidence.SnapshotKey(prefix, hash), data)
	return directory, prefix
}

func TestPostmortem(t *testing.T) {
	directory, prefix := copyOfEvidence(t)
	for _, test := range []struct {
		name string
		args []string
		code int
		out  string // what stands there
		err  string
	}{
		{"by its folder's own name", []string{"pnl-1-5f0e8a11", "--from", directory}, exitDone, "# Incident pnl-1\n", ""},
		{"as a page", []string{"pnl-1-5f0e8a11", "--from", directory, "-n", "trading", "-o", "html"}, exitDone, "<h1>Incident pnl-1</h1>", ""},
		{"an open one", []string{"pnl-1-00000000", "--from", directory}, exitDone, "OPEN: this incident has no closing snapshot yet", ""},
		{"of two which one", []string{"pnl-1", "--from", directory}, exitNotUnderstood, "", " has 2 folders of pnl-1: trading/2026/11/23/pnl-1-00000000/, trading/2026/11/23/pnl-1-5f0e8a11/; name one"},
		{"none of this name", []string{"pnl-2", "--from", directory}, exitNotUnderstood, "", " has no folder NAMESPACE/YYYY/MM/DD/pnl-2-UID/"},
		{"none in this namespace", []string{"pnl-1", "--from", directory, "-n", "other"}, exitNotUnderstood, "", " has no folder NAMESPACE/YYYY/MM/DD/pnl-1-UID/"},
		{"a rollback", []string{"stop", "--from", directory}, exitNotUnderstood, "", "is not that of an incident; name the incident of this rollback"},
		{"none that is served", []string{"pnl-1"}, exitNotUnderstood, "", "and of one that was deleted: no folder of the evidence in trading"},
		{"a copy that is not there", []string{"pnl-1", "--from", "/nowhere"}, exitNotUnderstood, "", "cannot open --from: open /nowhere"},
		{"a form that there is not", []string{"pnl-1", "--from", directory, "-o", "pdf"}, exitNotUnderstood, "", "-o pdf is not known; use md or html"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "")
			if code := w.run(t, append([]string{"postmortem"}, test.args...)...); code != test.code {
				t.Errorf("exit code %d: %s", code, w.err.String())
			}
			if !strings.Contains(w.out.String(), test.out) || !strings.Contains(w.err.String(), test.err) || test.err == "" && w.err.Len() > 0 {
				t.Errorf("it says %q and %q", w.out.String(), w.err.String())
			}
		})
	}
	file := filepath.Join(directory, evidence.LogKey(prefix, 1))
	if err := os.WriteFile(file, []byte(`{"seq":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "")
	if code := w.run(t, "postmortem", "pnl-1-5f0e8a11", "--from", directory); code != exitRefused || !strings.Contains(w.out.String(), "NOT VERIFIED") ||
		w.err.String() != "error: the evidence of pnl-1-5f0e8a11 has 1 object with something not as written: it is marked on the page\n" {
		t.Errorf("a changed entry: exit code %d, %s", code, w.err.String())
	}
}
