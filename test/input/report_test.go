package input

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const mib = 1 << 20

// TestAReportThatCannotBeReadNeverPasses: it closes no incident and changes nothing; time hands the incident to L2.
func TestAReportThatCannotBeReadNeverPasses(t *testing.T) {
	for _, c := range []struct {
		name, output string
		verdict      strategyv1.Verdict
		says         string
	}{
		{"text", "all is well", "Inconclusive", "the log has no JSON object; its 11 bytes are kept"},
		{"nothing, and a bad exit code", "", "Error", "exit code 1 without a report: the log is empty"},
		{"blanks", " \n\n", "Inconclusive", "the log is empty"},
		{"a list", `["ok"]`, "Inconclusive", "the log has no JSON object"},
		{"a word that would pass as a field", `"ok"`, "Inconclusive", "the log has no JSON object"},
		{"half an object", `{"status":"ok"`, "Inconclusive", "a JSON object in the log is broken"},
		{"a broken object behind a good one", "{\"status\":\"ok\"}\n{\"status\":", "Inconclusive", "a JSON object in the log is broken"},
		{"a line of another program inside a report that fails", "{\n\"status\":\"fail\",\nWARN body {\"status\":\"ok\"}\n\"loss\":4}\n", "Inconclusive", "a JSON object in the log is broken"},
		{"an object without the field", `{"state":"ok"}`, "Inconclusive", "cannot be judged: "},
		{"another word in the field", `{"status":"OK"}`, "Inconclusive", "no rule of the check fits its report"},
		{"another type in the field", `{"status":true}`, "Inconclusive", ""},
		{"bytes that are no text", "{\"status\":\"ok\",\"x\":\"\xff\"}", "Inconclusive", "not valid UTF-8"},
		{"50 MB of text", strings.Repeat("all is well\n", 50*mib/12), "Inconclusive", "bytes are kept beside the report"},
		{"50 MB of braces", strings.Repeat("{", 50*mib), "Inconclusive", "the log"},
		{"50 MB of text behind the report", sim.OK.Log + "\n" + strings.Repeat("debug\n", 50*mib/6), "Inconclusive", "the log has no JSON object"},
		{"10 000 lines behind the report", sim.OK.Log + "\n" + strings.Repeat("debug\n", checks.MaxOutputLines), "Inconclusive", "the log is longer than what is read of it"},
		{"a report with lines behind it, of many", strings.Repeat("debug\n", checks.MaxOutputLines) + sim.OK.Log + "\nbye", "Inconclusive", "print the report last"},
		{
			"a report that is longer than what is read, and says fail at its end",
			`{"results": [` + "\n" + strings.Repeat(sim.OK.Log+",\n", 2*mib/25) + sim.OK.Log + "\n" + `], "status":"fail"}`, "Inconclusive", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, nil)
			s.Report = func(_ *sim.World, id checks.ID) (sim.Ended, bool) { return printed(c.output), id.Check == "audit" }
			s.ReportIncident(nil)
			s.settle()
			record := s.audit()
			if record.Verdict != c.verdict || !strings.Contains(record.Message, c.says) {
				t.Errorf("the audit is %s: %q", record.Verdict, record.Message)
			}
			s.is(anIncident(), "pnl", "Triaging")
			s.later(5 * time.Minute)
			s.is(anIncident(), "pnl", "NeedsPerson")
			if s.Content() != testkit.Document || s.Rollback() != nil {
				t.Errorf("something was changed: %+v", s.outcome())
			}
		})
	}
}

// TestACheckThatWasKilledIsNotJudged by what it had printed until then: neither Pass nor Fail follows, and it is tried again.
func TestACheckThatWasKilledIsNotJudged(t *testing.T) {
	for _, exit := range []int32{130, 134, 137, 139, 143} {
		for _, log := range []string{sim.OK.Log, sim.Fail.Log} {
			s := tell(t, func(p *strategyv1.StrategyPlaybookSpec) {
				for i := range p.Checks {
					p.Checks[i].Retries = new(int32(1))
				}
			})
			s.Reports["Triage/audit/1"] = sim.Ended{Exit: exit, Log: log}
			s.Reports["Triage/audit/2"] = sim.Ended{Exit: exit, Log: log}
			s.ReportIncident(nil)
			s.settle()
			record := s.audit()
			if record.Verdict != strategyv1.VerdictError || !strings.Contains(record.Message, "Interrupted: exit code ") {
				t.Errorf("exit code %d, %s: %s, %q", exit, log, record.Verdict, record.Message)
			}
			if _, again := s.Made[checks.JobName(string(s.Incident().UID), "Triage", "audit", 2)]; !again {
				t.Errorf("exit code %d: it is not tried again", exit)
			}
			s.is(anIncident(), "pnl", "Triaging")
		}
	}
}

// TestAMeshIsNotJudgedInstead: its proxy stands first in every pod, says "ok" and never ends, so that no Job ends, either.
func TestAMeshIsNotJudgedInstead(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.Mesh = true
	s.Report = func(_ *sim.World, id checks.ID) (sim.Ended, bool) { return sim.Fail, id.Check == "audit" }
	s.ReportIncident(nil)
	s.settle()
	if record := s.audit(); record.Verdict != strategyv1.VerdictFail || record.ImageID != "sha256:1" {
		t.Errorf("the audit is %+v", record)
	}
}

// TestTheReportAtTheEndOf50MBIsRead, and no more than the last MiB is kept.
func TestTheReportAtTheEndOf50MBIsRead(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.Report = func(_ *sim.World, id checks.ID) (sim.Ended, bool) {
		return printed(strings.Repeat(strings.Repeat("debug ", 100)+"\n", 50*mib/601) + sim.OK.Log), id.Check == "audit"
	}
	s.ReportIncident(nil)
	s.settle()
	s.is(anIncident(), "pnl", "LooksLikeFalseAlarm")
	record := s.audit()
	if record.Verdict != strategyv1.VerdictPass {
		t.Errorf("the audit is %s: %s", record.Verdict, record.Message)
	}
	incident := s.Incident()
	prefix := evidence.Prefix(s.Namespace, incident.Name, string(incident.UID), incident.CreationTimestamp.Time)
	stored, err := s.Bucket.Get(context.Background(), evidence.ReportKey(prefix, "Triage", "audit", 1))
	if err != nil {
		t.Fatal(err)
	}
	var outcome checks.Outcome
	if err := json.Unmarshal(stored, &outcome); err != nil {
		t.Fatal(err)
	}
	kept, err := s.Bucket.Get(context.Background(), evidence.OutputKey(prefix, "Triage", "audit", 1, outcome.OutputSHA256[:12]))
	if err != nil || len(kept) != checks.MaxOutputBytes {
		t.Errorf("%d bytes are kept: %v", len(kept), err)
	}
}

// printed is the end of a container that printed something, and of one that printed nothing.
func printed(output string) sim.Ended {
	if output == "" {
		return sim.Mute
	}
	return sim.Ended{Log: output}
}

// audit is the record of the triage's audit.
func (s *story) audit() strategyv1.CheckStatus {
	s.t.Helper()
	for _, record := range s.Incident().Status.Checks {
		if record.Name == "audit" && record.Stage == strategyv1.StageTriage {
			return record
		}
	}
	s.t.Fatalf("the audit was not judged: %v", s.lastError())
	return strategyv1.CheckStatus{}
}
