package incident_test

import (
	"bytes"
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/report"
)

// closedNow is an incident that was just closed, with everything in the log and no report.
func closedNow(t *testing.T) *story {
	s := newStory(t)
	s.decide(strategyv1.DecisionFalseAlarm, "bob")
	s.quiet()
	if s.incident.Status.ClosedTime == nil {
		t.Fatal("it is not closed")
	}
	s.report, s.incident.Status.Report = facts.Report{}, nil
	return s
}

// TestTheReportOfAClosedIncident: first the snapshot, then the pages, then the status names them, each from what is seen.
func TestTheReportOfAClosedIncident(t *testing.T) {
	pages := storedReport().Pages
	for name, c := range map[string]struct {
		given   func(*story)
		stored  []string // the beginnings of keys
		sealed  bool
		pages   int
		problem string
		next    string
	}{
		"no snapshot":               {func(*story) {}, []string{prefix + "incident-"}, true, 0, "", "0s"},
		"no pages":                  {func(s *story) { s.report = facts.Report{Snapshot: true, Pages: pages} }, []string{prefix + "report-"}, false, 0, "", "0s"},
		"stored":                    {func(s *story) { s.report = storedReport() }, nil, false, 1, "", "never"},
		"the bucket cannot be read": {func(s *story) { s.report = facts.Report{Problem: &facts.Problem{Message: "it hangs"}} }, nil, false, 0, "it hangs", "30s"},
		"it can be read again": {func(s *story) {
			s.incident.Status.Report = &strategyv1.ReportStatus{Problem: "it hangs"}
			s.report = storedReport()
		}, nil, false, 1, "", "never"},
		"the log cannot be read": {func(s *story) { s.logProblem = &facts.Problem{Message: "no key"} }, nil, false, 0, "", "30s"},
		"nobody knows the playbook any more": {func(s *story) {
			s.playbookProblem = &facts.Problem{Message: "gone"}
			s.logProblem = s.playbookProblem
		}, nil, false, 0, "", "30s"},
	} {
		t.Run(name, func(t *testing.T) {
			s := closedNow(t)
			c.given(s)
			decision := s.plan()
			var keys []string
			sealed := false
			for _, step := range decision.Steps.Store {
				if store, is := step.(action.StoreEvidence); is {
					keys, sealed = append(keys, store.Key), store.Seal != nil
				}
			}
			if len(keys) != len(c.stored) || len(keys) > 0 && !strings.HasPrefix(keys[0], c.stored[0]) || sealed != c.sealed {
				t.Errorf("stored: %v, sealed: %t", keys, sealed)
			}
			got := strategyv1.ReportStatus{}
			if decision.Status.Report != nil {
				got = *decision.Status.Report
			}
			if len(got.Pages) != c.pages || got.Problem != c.problem {
				t.Errorf("the status says %+v", got)
			}
			next := "never"
			if !decision.NextAt.IsZero() {
				next = decision.NextAt.Sub(s.Now).String()
			}
			expect(t, "next", next, c.next)
		})
	}
}

// TestAReportThatCannotBeStoredIsToldOnce, and closing stands.
func TestAReportThatCannotBeStoredIsToldOnce(t *testing.T) {
	s := closedNow(t)
	s.report = facts.Report{Problem: &facts.Problem{Message: "it hangs"}}
	told := 0
	for range 3 {
		decision := s.plan()
		for _, step := range decision.Steps.Events {
			if event, is := step.(action.Event); is && event.Reason == strategyv1.ReasonReportNotStored {
				told++
			}
		}
		s.incident.Status = decision.Status
	}
	if told != 1 || s.incident.Status.ClosedTime == nil {
		t.Errorf("it was told %d times", told)
	}
}

// TestTheSnapshotIsWhatTheLogDoesNotSay: the objects as they were, with the head of the whole log.
func TestTheSnapshotIsWhatTheLogDoesNotSay(t *testing.T) {
	s := closedNow(t)
	one, again := s.plan().Steps.Store[0].(action.StoreEvidence), s.plan().Steps.Store[0].(action.StoreEvidence)
	if one.Key != again.Key || !bytes.Equal(one.Data, again.Data) {
		t.Error("two snapshots of the same moment differ")
	}
	snapshot, err := report.Decode(one.Data)
	if err != nil {
		t.Fatal(err)
	}
	status := snapshot.Incident.Status
	if status.ClosedTime == nil || status.Log == nil || status.Log.Head == "" || *status.Log.Entries != int64(len(s.incident.Status.Timeline)) || snapshot.Playbook == nil {
		t.Errorf("%+v", status)
	}
}

// TestAReopenedIncidentGetsAnotherReport when it is closed again: the status names none until then.
func TestAReopenedIncidentGetsAnotherReport(t *testing.T) {
	s := closedNow(t)
	s.report = storedReport()
	s.quiet()
	if s.incident.Status.Report == nil {
		t.Fatal("it has no report")
	}
	s.Now = s.Now.Add(60e9)
	s.decide(strategyv1.DecisionReopen, "bob")
	s.quiet()
	if s.incident.Status.ClosedTime != nil || s.incident.Status.Report != nil {
		t.Errorf("reopened, and the status names %+v", s.incident.Status.Report)
	}
}
