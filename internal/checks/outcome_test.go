package checks

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// The stored form is hashed, and the hash stands in statuses and logs: it is the same bytes for ever.
func TestAnOutcomeIsStoredInTheSameBytes(t *testing.T) {
	for name, c := range map[string]struct{ report, stored string }{
		"none":                      {"", `null`},
		"as it was printed":         {`{"b":1,"a":[1.50,1e2,12345678901234567890]}`, `{"b":1,"a":[1.50,1e2,12345678901234567890]}`},
		"with what a page would do": {`{"a":"<b>&"}`, `{"a":"\u003cb\u003e\u0026"}`},
		"with escapes":              {`{"a":"\u00e9\n é"}`, `{"a":"\u00e9\n é"}`},
		"with a separator of lines": {"{\"a\":\"\u2028\"}", `{"a":"\u2028"}`},
		"a key twice":               {`{"a":1,"a":2}`, `{"a":1,"a":2}`},
	} {
		t.Run(name, func(t *testing.T) {
			outcome := Outcome{Stage: strategyv1.StageTriage, Check: "audit", Attempt: 1, JobName: "job", Reason: ReasonExited, Report: NewReport([]byte(c.report))}
			data, err := json.Marshal(outcome)
			want := `{"stage":"Triage","check":"audit","attempt":1,"job":"job","reason":"Exited","report":` + c.stored + `}`
			if err != nil || string(data) != want {
				t.Fatalf("%v, got\n%s\nwant\n%s", err, data, want)
			}
			var read Outcome
			if err := json.Unmarshal(data, &read); err != nil {
				t.Fatal(err)
			}
			if again, err := json.Marshal(read); err != nil || string(again) != want {
				t.Errorf("%v, read and stored again:\n%s", err, again)
			}
		})
	}
}

// Valid JSON may still be no report that can be judged. It must be told, and must not hide the outcome around it: that would
// stop the whole procedure.
func TestAReportThatCannotBeDecodedIsInconclusive(t *testing.T) {
	for name, report := range map[string]string{
		"a number that is too large": `{"status":"ok","ms":1e999}`,
		"nested as deep as can be":   `{"status":"ok","a":` + strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			outcome := WithReport(Outcome{Reason: ReasonExited, ExitCode: new(int32)}, strategyv1.CheckSpec{}, rules.Vars{}, []byte(report), "")
			data, err := json.Marshal(outcome)
			if err != nil {
				t.Fatal(err)
			}
			var read Outcome
			if err := json.Unmarshal(data, &read); err != nil {
				t.Fatalf("the stored outcome cannot be read: %v", err)
			}
			spec := strategyv1.CheckSpec{Verdicts: []strategyv1.VerdictRule{{When: "report.status == 'ok'", Verdict: strategyv1.VerdictPass}}}
			if verdict, message := Judge(spec, read, rules.Vars{}); verdict != strategyv1.VerdictInconclusive {
				t.Errorf("%s: %s", verdict, message)
			}
		})
	}
}

// A report is decoded when it is read, and never again: handing it to rules costs nothing, however large it is.
func TestAReportIsDecodedOnce(t *testing.T) {
	outcomes := map[ID]Outcome{{strategyv1.StageTriage, "audit", 1}: {Report: NewReport([]byte(large()))}}
	record := strategyv1.CheckStatus{Stage: strategyv1.StageTriage, Name: "audit", Attempt: 1}
	if n := testing.AllocsPerRun(10, func() { _ = outcomes[IDOf(record)].Report.Value().Text("status") }); n > 0 {
		t.Errorf("%v allocations to look into a report", n)
	}
	if n := testing.AllocsPerRun(10, func() { Facts([]strategyv1.CheckStatus{record}, outcomes) }); n > 1 {
		t.Errorf("%v allocations to show a report to rules; one is for the list of checks", n)
	}
}

// large is a report near the bound.
func large() string {
	var list []string
	for i := range 8_000 {
		list = append(list, fmt.Sprintf(`{"name":"issue %d","status":"warn","value":%d}`, i, i))
	}
	return `{"status":"ok","issues":[` + strings.Join(list, ",") + `]}`
}
