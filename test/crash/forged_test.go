package crash

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// begun is the main story, until its incident has begun, and where its evidence is.
func begun(t *testing.T) (w *sim.World, operator *sim.Operator, prefix string) {
	t.Helper()
	story := scenarios.Named("main story")
	w = sim.New(t, story.Playbook)
	story.Set(w)
	operator = w.Start(sim.Seams{})
	until(t, w, operator, func() bool { return w.Incident().Status.PlaybookRevision != "" })
	incident := w.Incident()
	return w, operator, evidence.Prefix(w.Namespace, incident.Name, string(incident.UID), incident.CreationTimestamp.Time)
}

// judged is the record of the triage's audit.
func judged(w *sim.World) *strategyv1.CheckStatus {
	for _, one := range w.Incident().Status.Checks {
		if one.Name == "audit" && one.Stage == strategyv1.StageTriage {
			return &one
		}
	}
	return nil
}

// TestAForgedOutcomeIsNotJudged: whoever can write to the bucket, and has not the key, decides nothing.
func TestAForgedOutcomeIsNotJudged(t *testing.T) {
	forged, err := json.Marshal(checks.Outcome{
		Stage: strategyv1.StageTriage, Check: "audit", Attempt: 1, Reason: checks.ReasonExited, ExitCode: new(int32), Report: checks.NewReport([]byte(`{"status":"FORGED"}`)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, lies := range map[string]string{
		"unsigned":     string(forged),
		"wrong digest": strings.TrimSuffix(string(forged), "}") + `,"seal":{"algorithm":"HMAC-SHA256"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			w, operator, prefix := begun(t)
			key := evidence.ReportKey(prefix, "Triage", "audit", 1)
			if err := w.Bucket.Create(t.Context(), key, []byte(lies)); err != nil {
				t.Fatal(err)
			}
			until(t, w, operator, func() bool {
				return conditions.Reason(w.Incident().Status.Conditions, strategyv1.ConditionStalled) == strategyv1.ReasonEvidenceForged
			})
			message := conditions.Message(w.Incident().Status.Conditions, strategyv1.ConditionStalled)
			if !strings.Contains(message, key) || !strings.Contains(message, "move it away") {
				t.Errorf("it does not say what to do: %s", message)
			}
			for range 100 {
				operator.Step(t.Context())
				w.Pass(time.Second)
			}
			if record := judged(w); record != nil {
				t.Fatalf("it was judged: %+v", record)
			}
			w.Bucket.Lose(key)
			until(t, w, operator, func() bool { return judged(w) != nil })
			if stored, err := w.Bucket.Get(t.Context(), key); err != nil || strings.Contains(string(stored), "FORGED") {
				t.Errorf("stored then: %s, %v", stored, err)
			}
		})
	}
}

// TestAnOutcomeOfAnotherAttemptIsForged: one that was signed for something else proves nothing here.
func TestAnOutcomeOfAnotherAttemptIsForged(t *testing.T) {
	w, operator, prefix := begun(t)
	until(t, w, operator, func() bool {
		_, err := w.Bucket.Get(t.Context(), evidence.ReportKey(prefix, "Triage", "load", 1))
		return err == nil
	})
	other, err := w.Bucket.Get(t.Context(), evidence.ReportKey(prefix, "Triage", "load", 1))
	if err != nil {
		t.Fatal(err)
	}
	key := evidence.ReportKey(prefix, "Diagnosis", "audit", 1)
	var stage strategyv1.Stage
	for _, check := range []string{"audit", "load"} { // whichever of them the diagnosis asks
		if err := w.Bucket.Create(t.Context(), evidence.ReportKey(prefix, "Diagnosis", check, 1), other); err != nil {
			t.Fatal(err)
		}
	}
	until(t, w, operator, func() bool {
		return conditions.Reason(w.Incident().Status.Conditions, strategyv1.ConditionStalled) == strategyv1.ReasonEvidenceForged
	})
	for _, one := range w.Incident().Status.Checks {
		if stage = one.Stage; stage == strategyv1.StageDiagnosis && one.Report != nil && one.Report.Key == key {
			t.Errorf("it was judged: %+v", one)
		}
	}
}

// TestAForgedLogIsNotJudged: a log that lies where the check's own would is not the check's.
func TestAForgedLogIsNotJudged(t *testing.T) {
	w, operator, prefix := begun(t)
	for _, name := range []string{"checks/triage-audit-1.log", fmt.Sprintf("checks/triage-audit-1-%012d.log", 0)} {
		if err := w.Bucket.Create(t.Context(), prefix+name, []byte(`{"status":"FORGED"}`)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, w, operator, func() bool { return judged(w) != nil })
	stored, err := w.Bucket.Get(t.Context(), evidence.ReportKey(prefix, "Triage", "audit", 1))
	if err != nil || strings.Contains(string(stored), "FORGED") {
		t.Errorf("stored: %s, %v", stored, err)
	}
}
