package report_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"testing"
	"testing/fstest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/report"
)

var (
	key   = decisionlog.Key{ID: "ops-1", Secret: []byte("a key of a test, 32 bytes or more")}
	start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func stamp(seconds int) *metav1.Time { return new(metav1.NewTime(at(seconds))) }

// bucket is a bucket as the operator fills it.
type bucket struct {
	t     testing.TB
	files fstest.MapFS
}

func newBucket(t testing.TB) *bucket { return &bucket{t, fstest.MapFS{}} }

func (b *bucket) put(key string, data []byte) { b.files[key] = &fstest.MapFile{Data: data} }

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// said is an entry: seconds after the start, the event, its message, and who.
type said struct {
	seconds int
	event   strategyv1.Event
	message string
	by      string
}

// log writes a log, and is its head.
func (b *bucket) log(object report.Object, kind string, drill bool, entries ...said) *strategyv1.LogStatus {
	b.t.Helper()
	prefix := prefixOf(object)
	head := ""
	for i, one := range entries {
		artefacts := map[string]string{"message": one.message, "by": one.by, kind: object.Namespace + "/" + object.Name}
		if kind == "rollback" {
			artefacts["incident"] = "pnl-cross"
		}
		tags := []string{kind}
		if drill {
			tags = append(tags, "drill")
		}
		line, hash, err := decisionlog.Sign(decisionlog.Entry{
			Seq: int64(i + 1), Time: at(one.seconds), ObjectUID: object.UID, Stage: kind, Status: string(one.event), Event: string(one.event),
			Severity: "critical", Artefacts: artefacts, Tags: tags, PrevHash: head,
		}, key)
		if err != nil {
			b.t.Fatal(err)
		}
		b.put(evidence.LogKey(prefix, int64(i+1)), line)
		head = hash
	}
	return &strategyv1.LogStatus{Prefix: prefix, Entries: new(int64(len(entries))), Head: head}
}

func prefixOf(object report.Object) string {
	return evidence.Prefix(object.Namespace, object.Name, object.UID, object.Created.Time)
}

// check stores an outcome, and is its record.
func (b *bucket) check(of report.Object, stage strategyv1.Stage, name string, verdict strategyv1.Verdict, message, text string) strategyv1.CheckStatus {
	b.t.Helper()
	stored := checks.Ended(checks.Outcome{Stage: stage, Check: name, Attempt: 1, JobName: name + "-job", Report: checks.NewReport([]byte(text)), OutputSHA256: hashOf([]byte(name))}, 0)
	data, err := json.Marshal(stored)
	if err != nil {
		b.t.Fatal(err)
	}
	sealed, err := decisionlog.Seal(data, decisionlog.Sealed{Kind: "outcome", ObjectUID: of.UID, Stage: string(stage), Check: name, Attempt: 1}, key)
	if err != nil {
		b.t.Fatal(err)
	}
	at := evidence.ReportKey(prefixOf(of), string(stage), name, 1)
	b.put(at, sealed)
	return strategyv1.CheckStatus{
		Stage: stage, Name: name, Attempt: 1, Verdict: verdict, Message: message,
		Report: &strategyv1.EvidenceReference{Key: at, SHA256: hashOf(sealed), Bytes: new(int64(len(sealed)))},
	}
}

// signals stores samples, one of each signal.
func (b *bucket) signals(of report.Object, seconds int, values map[string]float64) {
	b.t.Helper()
	var all []strategyv1.SignalStatus
	for _, name := range []string{"cpu", "pnl_divergence", "latency"} {
		if value, known := values[name]; known {
			all = append(all, strategyv1.SignalStatus{Name: name, Value: fmt.Sprint(value), Unit: map[string]string{"cpu": "percent", "latency": "ms"}[name], Time: stamp(seconds)})
		}
	}
	data, err := json.Marshal(all)
	if err != nil {
		b.t.Fatal(err)
	}
	b.put(evidence.SignalsKey(prefixOf(of), hashOf(data)[:12]), data)
}

// close stores the snapshot.
func (b *bucket) close(snapshot report.Snapshot) {
	b.t.Helper()
	signals, err := report.Copy(b.files).Names(prefixOf(snapshot.Incident.Object) + "signals/")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	snapshot.Signals = signals
	data, hash, err := snapshot.Encode()
	if err != nil {
		b.t.Fatal(err)
	}
	sealed, err := decisionlog.Seal(data, decisionlog.Sealed{Kind: report.SnapshotKind, ObjectUID: snapshot.Incident.UID}, key)
	if err != nil {
		b.t.Fatal(err)
	}
	b.put(evidence.SnapshotKey(prefixOf(snapshot.Incident.Object), hash), sealed)
}

// made is the report of the incident of a bucket.
func (b *bucket) made() (report.Report, *report.Folder) {
	b.t.Helper()
	folder, err := report.Read(report.Copy(b.files), prefixOf(incident), incident.Name)
	if err != nil {
		b.t.Fatal(err)
	}
	return report.Make(folder), folder
}

var (
	incident = report.Object{Namespace: "trading", Name: "pnl-cross", UID: "5f0e8a11-0000-4000-8000-000000000001", Created: *stamp(20)}
	first    = report.Object{Namespace: "trading", Name: "pnl-cross-r1", UID: "7b1c9d22-0000-4000-8000-000000000002", Created: *stamp(95)}
	second   = report.Object{Namespace: "trading", Name: "pnl-cross-r2", UID: "8c2d0e33-0000-4000-8000-000000000003", Created: *stamp(5000)}
)

func condition(kind string, holds bool, reason, message string) metav1.Condition {
	status := metav1.ConditionFalse
	if holds {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: *stamp(0)}
}

func playbook() *strategyv1.StrategyPlaybookSpec {
	return &strategyv1.StrategyPlaybookSpec{
		Triage: strategyv1.TriageSpec{RespondWithinSeconds: 300, Checks: []strategyv1.StageCheck{{Name: "stage4-audit"}, {Name: "load-test"}, {Name: "latency-probe", Types: []strategyv1.IncidentType{"Latency"}}}},
		Diagnosis: strategyv1.DiagnosisSpec{RespondWithinSeconds: 900, Checks: []strategyv1.StageCheck{{Name: "smoke"}, {Name: "decision-log"}}, Causes: []strategyv1.CauseRule{
			{Name: "AdapterFailure", When: "signals.exchange_health == 0.0", Remediation: "fallback-feed"},
			{Name: "SignalDegradation", When: "signals.pnl_divergence > 3.0 * risk.max_daily_loss_pct * 100.0", Remediation: "disable"},
			{Name: "Resources", When: "signals.cpu > limits.cpu_percent", Remediation: "limits"},
		}},
		Remediations: []strategyv1.RemediationSpec{{Name: "disable", Before: []strategyv1.CheckUse{{Name: "load-test"}}, After: []strategyv1.CheckUse{{Name: "load-test"}, {Name: "smoke"}}}},
	}
}

func load(latency, jitter, signals float64) string {
	return fmt.Sprintf(`{"schedules":3,"iterations":60,"avg_latency_ms":%g,"max_latency_ms":%g,"jitter_ms":%g,"signals_emitted":%g,"resource_status":"ok","settings":{"cpu_budget":70}}`,
		latency, latency*2.4, jitter, signals)
}

// course is what the signals were while the long story went on.
func (b *bucket) course() {
	for seconds := 0; seconds <= 9000; seconds += 150 {
		bad := seconds < 400 || seconds > 4500 && seconds < 5400
		cpu, pnl := 52+6*math.Sin(float64(seconds)/400), 0.4+0.2*math.Cos(float64(seconds)/300)
		if bad {
			cpu, pnl = 91+3*math.Sin(float64(seconds)/90), 6.1+math.Sin(float64(seconds)/120)
		}
		b.signals(incident, seconds, map[string]float64{"cpu": math.Round(cpu*100) / 100, "pnl_divergence": math.Round(pnl*1000) / 1000})
	}
}
