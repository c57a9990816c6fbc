package main

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// line is an event as the API server writes it.
func line(stage, verb, uri, user, resource, subresource, code, received, answered string) string {
	reference := ""
	if resource != "" {
		reference = `,"objectRef":{"resource":"` + resource + `","namespace":"trading","subresource":"` + subresource + `"}`
	}
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"` + stage + `","requestURI":"` + uri +
		`","verb":"` + verb + `","user":{"username":"` + user + `","groups":["system:authenticated"]}` + reference +
		`,"responseStatus":{"metadata":{},"code":` + code + `},"requestReceivedTimestamp":"2026-11-28T10:00:` + received +
		`Z","stageTimestamp":"2026-11-28T10:00:` + answered + `Z","annotations":{"authorization.k8s.io/decision":"allow"}}` + "\n"
}

func at10(seconds float64) time.Time {
	return time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

func decoded(t *testing.T, lines ...string) []event {
	t.Helper()
	events, err := decodeAudit(strings.NewReader(strings.Join(lines, "")))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestEachRequestIsCountedOnceAndByItsUser(t *testing.T) {
	const complete = "ResponseComplete"
	events := decoded(t,
		line(complete, "get", "/readyz", "operator", "", "", "200", "00.900000", "01.100000"), // before
		line(complete, "create", "/apis/batch/v1/namespaces/trading/jobs", "operator", "jobs", "", "201", "01.000000", "01.010000"),
		line(complete, "create", "/apis/batch/v1/namespaces/trading/jobs", "floor", "jobs", "", "201", "01.000000", "01.010000"),
		line(complete, "create", "/apis/batch/v1/namespaces/trading/jobs", "operator", "jobs", "", "409", "01.100000", "01.110000"),
		line("ResponseStarted", "get", "/api/v1/namespaces/trading/pods/p/log", "operator", "pods", "log", "200", "02.000000", "02.001000"),
		line(complete, "get", "/api/v1/namespaces/trading/pods/p/log", "operator", "pods", "log", "200", "02.000000", "02.010000"),
		line(complete, "get", "/api/v1/namespaces/trading/pods/p", "operator", "pods", "", "200", "02.100000", "02.110000"),
		line(complete, "create", "/apis/g/v1/namespaces/trading/strategydecisions?dryRun=All&fieldManager=x", "operator", "strategydecisions", "", "403", "02.200000", "02.210000"),
		line(complete, "watch", "/apis/batch/v1/jobs?watch=true", "operator", "jobs", "", "200", "01.500000", "03.000000"),
		line("Panic", "update", "/apis/g/v1/namespaces/trading/strategyincidents/i/status", "operator", "strategyincidents", "status", "500", "03.000000", "03.010000"),
		line(complete, "get", "/livez", "operator", "", "", "200", "03.500000", "03.510000"),
		line(complete, "delete", "/apis/batch/v1/namespaces/trading/jobs/j", "operator", "jobs", "", "200", "09.000000", "09.010000"),
	)
	want := tally{
		{"operator", "create", "jobs", "", 201}:                    1,
		{"operator", "create", "jobs", "", 409}:                    1,
		{"operator", verbLog, "pods", "log", 200}:                  1,
		{"operator", "get", "pods", "", 200}:                       1,
		{"operator", verbDryRun, "strategydecisions", "", 403}:     1,
		{"operator", "update", "strategyincidents", "status", 500}: 1,
		{"operator", "get", "", "", 200}:                           1,
		{"floor", "create", "jobs", "", 201}:                       1,
	}
	counts := count(events, at10(1), at10(9))
	if !reflect.DeepEqual(counts, want) {
		t.Errorf("counted\n%v\nnot\n%v", counts, want)
	}
	if got := count(events, at10(9), at10(10)).sum(verb("delete")); got != 1 {
		t.Errorf("the time after has %d deletes, not 1", got)
	}
	for what, c := range map[string]struct{ got, want int }{
		"writes of the operator":    {counts.sum(by("operator"), writes), 3},
		"writes of Jobs by anybody": {counts.sum(writes, on("jobs", "")), 3},
		"conflicts":                 {counts.sum(answered(409), writes), 1},
		"reads but those of logs":   {counts.sum(by("operator"), verb("get")), 2},
		"all but those of Jobs":     {counts.sum(by("operator"), not(on("jobs", ""))), 5},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, not %d", what, c.got, c.want)
		}
	}
}

func TestRenewalsOfTheLeaseAreNoWrites(t *testing.T) {
	events := decoded(t, line("ResponseComplete", "update", "/apis/coordination.k8s.io/v1/namespaces/x/leases/l", "operator", "leases", "", "200", "01.0", "01.1"))
	if got := count(events, at10(0), at10(9)).sum(writes); got != 0 {
		t.Errorf("%d writes, not 0", got)
	}
}

func TestABrokenLogIsAnError(t *testing.T) {
	whole := line("ResponseComplete", "create", "/x", "operator", "jobs", "", "201", "01.0", "01.1")
	if events, err := decodeAudit(strings.NewReader(whole + whole[:60])); err == nil {
		t.Errorf("a log that is cut off gave %d events", len(events))
	}
}

func TestTheReactionIsTheTimeToTheFirstJobOfTheOperator(t *testing.T) {
	const incidents, jobs = "strategyincidents", "jobs"
	create := func(user, resource, code, received, answered string) string {
		return line("ResponseComplete", "create", "/x", user, resource, "", code, received, answered)
	}
	events := decoded(t, // in the order of the answers, as the API server writes them
		create("operator", jobs, "201", "00.100000", "00.200000"), // of something earlier
		create("harness", incidents, "201", "01.000000", "01.010000"),
		create("floor", jobs, "201", "01.011000", "01.012000"), // another's
		create("operator", jobs, "409", "01.012000", "01.013000"),
		create("operator", jobs, "201", "01.030000", "01.050000"),
		create("operator", jobs, "201", "01.050000", "01.060000"), // not the first
		create("harness", incidents, "403", "02.000000", "02.010000"),
		create("harness", incidents, "201", "03.000000", "03.010000"),
		create("operator", jobs, "201", "03.020000", "03.030000"),
	)
	want := []time.Duration{40 * time.Millisecond, 20 * time.Millisecond}
	if got := reactions(events, "harness", "operator"); !reflect.DeepEqual(got, want) {
		t.Errorf("reactions %v, not %v", got, want)
	}
}
