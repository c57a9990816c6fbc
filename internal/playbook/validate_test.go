package playbook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// whole is a playbook that uses everything that is checked here.
func whole() strategyv1.StrategyPlaybookSpec {
	spec := testkit.Playbook()
	spec.Signals = &strategyv1.SignalsSpec{
		Prometheus: strategyv1.PrometheusSpec{URL: "http://prometheus.monitoring:9090"},
		Queries:    []strategyv1.SignalQuery{{Name: "cpu", Query: "max(cpu)"}, {Name: "feeds", Query: "sum(up)"}},
	}
	spec.Checks[0].Samples = []strategyv1.ReportSample{
		{Report: `{"status":"fail","n":1}`, Verdict: strategyv1.VerdictFail},
		{Report: `{"status":"what"}`, Verdict: strategyv1.VerdictInconclusive},
		{Report: `{}`, Verdict: strategyv1.VerdictInconclusive},
	}
	spec.Checks[1].Samples = []strategyv1.ReportSample{
		{Report: `{"ms":13,"status":"ok"}`, Before: `{"ms":10}`, Verdict: strategyv1.VerdictFail},
		{Report: `{"ms":12,"status":"ok"}`, Before: `{"ms":10}`, Verdict: strategyv1.VerdictPass},
	}
	spec.Triage.Escalate[0].When = "signals.cpu > limits.cpu_percent || has(signals.feeds)"
	spec.Escalation = &strategyv1.EscalationSpec{Levels: []strategyv1.LevelSpec{{
		Name: strategyv1.LevelLead, Rules: []strategyv1.LeadRule{{Name: "cpu", When: "signals['cpu'] > 1.2 * limits.cpu_percent"}},
	}}}
	spec.Recovery = &strategyv1.RecoverySpec{Quiet: "signals.cpu < 50.0 && risk.max_daily_loss_pct > 0.0 && incident.type != 'PnL'"}
	for i, then := range []string{"keep", "tune"} {
		spec.Remediations[i].OnFailedAfter, spec.Remediations[i].Then = strategyv1.FailedAfterNext, then
	}
	spec.Remediations = append(spec.Remediations, strategyv1.RemediationSpec{Name: "tune", Proposal: &strategyv1.ProposalSpec{
		Document: strategyv1.DocumentReference{ConfigMapName: "prometheus-rules", Key: "rules.yaml"},
		Edits:    []strategyv1.DocumentEdit{{Path: "/groups/[name=a]/rules/[alert=Slow]/for", Value: raw(`"5m"`)}, {Path: "/groups/[name=a]/rules/[alert=Slow]/expr", Value: raw(`"x > 1"`)}},
	}})
	return spec
}

func TestWhatIsSound(t *testing.T) {
	for name, change := range map[string]func(*strategyv1.StrategyPlaybookSpec){
		"all of it": func(*strategyv1.StrategyPlaybookSpec) {},
		"a check that no incident ever runs": func(s *strategyv1.StrategyPlaybookSpec) {
			s.Triage.Checks[0].Types = []strategyv1.IncidentType{"PnL"}
			s.Triage.Checks[0].Severities = []strategyv1.Severity{"Info"}
		},
		"a sample with an exit code": func(s *strategyv1.StrategyPlaybookSpec) {
			s.Checks[0].Verdicts[0].When = "exitCode == 3.0"
			s.Checks[0].Samples = []strategyv1.ReportSample{{Report: "{}", ExitCode: new(int32(3)), Verdict: strategyv1.VerdictFail}}
		},
		"two ladders that meet": func(s *strategyv1.StrategyPlaybookSpec) {
			s.Remediations[2].OnFailedAfter, s.Remediations[2].Then = strategyv1.FailedAfterNext, "keep"
		},
		"a gate over its rollback": func(s *strategyv1.StrategyPlaybookSpec) {
			s.Remediations[0].Restore.When = "size(checks) > 0 && size(rollback.schedules) > 0"
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := whole()
			change(&spec)
			if problem := playbook.References("", spec); problem != nil {
				t.Errorf("%s: %s", problem.Reason, problem.Message)
			}
		})
	}
}

// Each message says the place, what is wrong there, and what to do.
func TestMessages(t *testing.T) {
	for name, test := range map[string]struct {
		given   func(*strategyv1.StrategyPlaybookSpec)
		reason  string
		message string
	}{
		"a sample that is judged otherwise": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].Samples[1].Report = `{"status":"warn"}` }, "SampleMisjudged",
			"check audit, sample 2: the rules give Warn (rule 2: report.status == 'warn'), the sample expects Inconclusive; correct the one that is wrong",
		},
		"a sample that no rule fits": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].Samples[1].Verdict = "Pass" }, "SampleMisjudged",
			"check audit, sample 2: the rules give Inconclusive (no rule of the check fits its report), the sample expects Pass; correct the one that is wrong",
		},
		"a rule with a typing error in a field": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].Verdicts[0].When = "report.staus == 'fail'" }, "SampleMisjudged",
			`check audit, sample 1: the rules give Inconclusive (rule 1: cannot be judged: rule "report.staus == 'fail'": no such key: staus), the sample expects Fail; correct the one that is wrong`,
		},
		"a number that is no double": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Checks[1].Verdicts[0].When = "report.ms * 2 > 25.0"
			}, "SampleMisjudged", "check load, sample 1: the rules give Inconclusive (rule 1: cannot be judged: rule \"report.ms * 2 > 25.0\": no such overload), the sample expects Fail; correct the one that is wrong; " +
				"check load, sample 2: the rules give Inconclusive (rule 1: cannot be judged: rule \"report.ms * 2 > 25.0\": no such overload), the sample expects Pass; correct the one that is wrong",
		},
		"a sample that reportMatch does not choose": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].ReportMatch = "has(report.kind)" }, "SampleMisjudged",
			"check audit, sample 1: the rules give Inconclusive (reportMatch (has(report.kind)) holds for no JSON object in the log (1)",
		},
		"a sample that says a thing twice": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Checks[0].Samples[0].Report = `{"status":"ok","status":"fail"}`
			}, "SampleMisjudged",
			`check audit, sample 1: the rules give Inconclusive (the JSON object in the log says a thing twice, and nobody can say which one counts: duplicate field "status"`,
		},
		"a reportMatch that does not compile": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].ReportMatch = "report.kind ==" }, "RuleInvalid",
			`check audit, reportMatch: rule "report.kind ==": 1:15: Syntax error`,
		},
		"a reportMatch over something else": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].ReportMatch = "report.ms > before.ms" }, "RuleInvalid",
			"check audit, reportMatch: it uses before, which is never there in such a rule; it may use report",
		},
		"a reportMatch without a log": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Checks[0].ReportFrom, s.Checks[0].ReportMatch = strategyv1.ReportFromExitCode, "true"
			}, "ReferenceInvalid",
			"check audit: reportMatch does nothing beside reportFrom: ExitCode, which is one object; leave it out",
		},
		"a sample that is a list": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].Samples[0].Report = `[1]` }, "SampleMisjudged",
			"check audit, sample 1: its report is no JSON object (it is a list, a text or a number); write one as the check prints it",
		},
		"a sample that is null": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].Samples[0].Report = `null` }, "SampleMisjudged",
			"check audit, sample 1: its report is no JSON object (it is null); write one as the check prints it",
		},
		"a sample with something behind it": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].Samples[0].Report = `{} x` }, "SampleMisjudged",
			"check audit, sample 1: its report is no JSON object (invalid character 'x' after top-level value); write one as the check prints it",
		},
		"a before that is no object": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[1].Samples[0].Before = `{"ms":` }, "SampleMisjudged",
			"check load, sample 1: its before is no JSON object (unexpected end of JSON input); write one as the check prints it",
		},
		"samples that burn CPU": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Checks[0].Verdicts[0].When = strings.Repeat("[1,2,3,4,5,6,7,8,9,10].all(a, ", 6) + "true" + strings.Repeat(")", 6)
				s.Checks[0].Samples = nil
				for range 16 {
					s.Checks[0].Samples = append(s.Checks[0].Samples, strategyv1.ReportSample{Report: "{}", Verdict: "Inconclusive"})
				}
			}, "SampleMisjudged",
			"check audit, sample 6: the samples before it were too expensive to go on; leave some out, or make the rules that judge them simpler",
		},
		"a ladder to nowhere": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Remediations[1].Then = "x" }, "ReferenceInvalid",
			`remediation keep (then) names remediation "x", which is not in spec.remediations`,
		},
		"a ladder without an end": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Remediations[1].Then = "disable" }, "ReferenceInvalid",
			"remediation disable (then): the ladder comes back to where it was: disable -> keep -> disable; let one of them end with onFailedAfter Revert or Keep",
		},
		"a ladder to itself, and one into it": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Remediations[1].Then = "keep" }, "ReferenceInvalid",
			"remediation keep (then): the ladder comes back to where it was: keep -> keep; let one of them end with onFailedAfter Revert or Keep",
		},
		"a proposal's path that is none": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Remediations[3].Proposal.Edits[0].Path = "groups" }, "EditRefused",
			"remediation tune (proposal): cannot edit groups: a path is a JSON pointer",
		},
		"a proposal's edits that overlap": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Remediations[3].Proposal.Edits[1].Path = "/groups/[name=a]/rules"
			}, "EditRefused",
			"remediation tune (proposal): the edits of /groups/[name=a]/rules/[alert=Slow]/for and /groups/[name=a]/rules overlap; leave one out",
		},
		"a query with a variable that is none": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Signals.Queries[0].Query = "max(cpu{a=~$x})" }, "ReferenceInvalid",
			"the query of signal cpu: it has no variable $x; there are $schedule and $strategy",
		},
		"a query with a variable in quotes": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Signals.Queries[1].Query = `sum(up{a=~"$schedule"})` }, "ReferenceInvalid",
			`the query of signal feeds: "$schedule" has a variable inside of a string`,
		},
		"a proposal's edit with half a value": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Remediations[3].Proposal.Edits[1].Value = raw("{")
			}, "EditRefused",
			"remediation tune (proposal): the edit of /groups/[name=a]/rules/[alert=Slow]/expr: the value is JSON that ends too early",
		},
		"a proposal with checks and a next step": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Remediations[3].Before = s.Remediations[0].Before
				s.Remediations[3].OnFailedAfter, s.Remediations[3].Then = strategyv1.FailedAfterNext, "automatic"
			}, "ReferenceInvalid", "remediation tune (proposal): before does nothing beside a proposal, which people carry out; leave it out; " +
				"remediation tune (proposal): then does nothing beside a proposal, which people carry out; leave it out",
		},
		"a lead rule that does not compile": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Escalation.Levels[0].Rules[0].When = "signals.cpu >" }, "RuleInvalid",
			`rule cpu of level TechLead: rule "signals.cpu >": 1:14: Syntax error`,
		},
		"a quiet that does not compile": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Recovery.Quiet = "quiet" }, "RuleInvalid",
			`recovery.quiet: rule "quiet": 1:1: undeclared reference to 'quiet'`,
		},
		"a signal that nobody samples": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Triage.Escalate[0].When = "signals.cpu_percent > 1.0" }, "RuleInvalid",
			"escalate rule audit-failed: it uses signals.cpu_percent, which is not in spec.signals.queries (it has: cpu, feeds)",
		},
		"a signal that is asked for first": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Diagnosis.Causes[0].When = "has(signals.cqu)" }, "RuleInvalid",
			"cause SignalDegradation: it uses signals.cqu, which is not in spec.signals.queries",
		},
		"a signal in a playbook without signals": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				*s = testkit.Playbook()
				s.Triage.FalseAlarm.When = "signals['cpu'] > 1.0"
			}, "RuleInvalid",
			"triage.falseAlarm: it uses signals.cpu, which is not in spec.signals.queries (it has none)",
		},
		"a verdict over a signal": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].Verdicts[1].When = "signals.cpu > 1.0" }, "RuleInvalid",
			"check audit, verdict 2: it uses signals, which is never there in such a rule; it may use report, exitCode, before, incident, rollback. " +
				"A verdict is judged from the stored report alone; compare with signals in a rule of the triage or the diagnosis",
		},
		"a verdict over limits and risk": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Checks[0].Verdicts[1].When = "report.cpu > limits.cpu_percent && report.x > risk.y"
			}, "RuleInvalid",
			"check audit, verdict 2: it uses limits, which is never there in such a rule; it may use report, exitCode, before, incident, rollback. " +
				"A verdict is judged from the stored report alone; compare with limits in a rule of the triage or the diagnosis; check audit, verdict 2: it uses risk, ",
		},
		"a lead rule over checks": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Escalation.Levels[0].Rules[0].When = "checks.exists(c, c.verdict == 'Fail')"
			}, "RuleInvalid", "rule cpu of level TechLead: it uses checks, which is never there in such a rule; it may use incident, signals, limits, risk",
		},
		"a cause over a report": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Diagnosis.Causes[0].When = "report.x == 1.0" }, "RuleInvalid",
			"cause SignalDegradation: it uses report, which is never there in such a rule; it may use incident, checks, signals, limits, risk",
		},
		"a gate over signals": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Remediations[0].Restore.When = "signals.cpu < 1.0" }, "RuleInvalid",
			"remediation disable (restore): it uses signals, which is never there in such a rule; it may use checks, rollback",
		},
		"a Prometheus that is never asked": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Signals.Prometheus.URL = "http://169.254.169.254/latest" }, "ReferenceInvalid",
			"spec.signals.prometheus.url: ",
		},
		"a channel that is never asked": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Notifications = &strategyv1.NotificationsSpec{Channels: []strategyv1.ChannelSpec{{Name: "mail", Type: strategyv1.ChannelEmail, URL: "smtp://mail.corp"}}}
			}, "ReferenceInvalid", "spec.notifications.channels, mail: the URL of the mail server cannot be read",
		},
		"a route to a channel that is not there": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Notifications = &strategyv1.NotificationsSpec{Routes: []strategyv1.NotificationRoute{{Name: "owners", Channels: []string{"chat"}}}}
			}, "ReferenceInvalid", `spec.notifications.routes, owners: there is no channel "chat"`,
		},
		"a URL with the path that the operator adds": {
			func(s *strategyv1.StrategyPlaybookSpec) { s.Signals.Prometheus.URL += "/api/v1" }, "ReferenceInvalid",
			"spec.signals.prometheus.url: the URL of Prometheus must end before /api/v1, which the operator adds",
		},
		"samples are not judged before their rules compile": {
			func(s *strategyv1.StrategyPlaybookSpec) {
				s.Checks[0].Verdicts[0].When, s.Checks[1].Samples[0].Verdict = "x", "Pass"
			}, "RuleInvalid", `check audit, verdict 1: rule "x": 1:1: undeclared reference to 'x'`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := whole()
			test.given(&spec)
			problem := playbook.References("", spec)
			if problem == nil {
				t.Fatal("nothing is wrong")
			}
			if problem.Reason != test.reason || !strings.HasPrefix(problem.Message, test.message) {
				t.Errorf("%s: %s\nwant %s: %s", problem.Reason, problem.Message, test.reason, test.message)
			}
		})
	}
}

func TestProblemsAreToldOneByOne(t *testing.T) {
	spec := whole()
	spec.Scheduler.Proof.Check, spec.Recovery.Quiet, spec.Triage.FalseAlarm.When, spec.Checks[0].Samples[0].Verdict = "x", "y", "z", "Pass"
	var got []string
	for _, problem := range playbook.Problems("", spec) {
		place, _, _ := strings.Cut(problem.Message, ":")
		got = append(got, problem.Reason+": "+place)
	}
	if diff := cmp.Diff([]string{
		`ReferenceInvalid: spec.scheduler.proof uses check "x", which is not in spec.checks`,
		"RuleInvalid: triage.falseAlarm", "RuleInvalid: recovery.quiet", "SampleMisjudged: check audit, sample 1",
	}, got); diff != "" {
		t.Error(diff)
	}
}

// What the API server makes of null is no value at all, and of 0.0000001 a number with an exponent.
func TestAFeedMaySetNullAndAnyNumber(t *testing.T) {
	for _, value := range []*apiextensionsv1.JSON{nil, raw("null"), raw("1e-7"), raw("1e+21"), raw("100000000000000000000")} {
		spec := testkit.WithFeeds(testkit.Playbook())
		spec.Feeds[0].Edits[0].Value = value
		for _, problem := range playbook.Problems("", spec) {
			t.Errorf("%v: %s", value, problem.Message)
		}
	}
}
