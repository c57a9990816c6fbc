package playbook_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

func observed(t *testing.T) playbook.Observed {
	w := testkit.New(t)
	w.Content = strings.Replace(w.Content, "paper: {", "paper: {instrument_universe: core, ", 1) + `instrument_universes:
  core:
    instruments:
      BTC_USDT: {exchanges: {kraken_spot: XBTUSDT, binance_spot: BTCUSDT}}
      ETH_USDT: {exchanges: {kraken_spot: ETHUSDT}}
`
	return playbook.Observed{
		Playbook: &strategyv1.StrategyPlaybook{
			ObjectMeta: metav1.ObjectMeta{Namespace: testkit.Namespace, Name: "multi-strategy", Generation: 3}, Spec: testkit.Playbook(),
		},
		Config: w.Config(), Deployment: w.Deployment, Templates: testkit.Templates(), Frozen: true,
	}
}

// feeds is one feed with two edits. The configuration of observed covers kraken_spot.
func feeds() []strategyv1.FeedSpec {
	return []strategyv1.FeedSpec{{Name: "kraken", Probe: "smoke", RequiresExchange: "kraken_spot", Edits: []strategyv1.DocumentEdit{
		{Path: "/environments/paper/exchange", Value: raw(`"kraken_spot"`)},
		{Path: "/environments/paper/routes/[name=main]", Value: raw(`{"name": "main", "order": ["kraken_spot", "binance_spot"]}`)},
	}}}
}

func raw(json string) *apiextensionsv1.JSON { return &apiextensionsv1.JSON{Raw: []byte(json)} }

func withFeed(change func(*strategyv1.FeedSpec)) func(*playbook.Observed, *strategyv1.StrategyPlaybookSpec) {
	return func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
		s.Feeds = feeds()
		change(&s.Feeds[0])
	}
}

func plan(t *testing.T, o playbook.Observed) playbook.Decision {
	t.Helper()
	if o.Judged == nil && o.AwaitedSince.IsZero() {
		o.Judged = new(playbook.Judge(o.Playbook.Namespace, o.Playbook.Spec))
	}
	decision, err := playbook.Plan(o, testkit.T0)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := playbook.Plan(o, testkit.T0)
	if diff := cmp.Diff(decision, again); diff != "" {
		t.Fatalf("the plan is not deterministic:\n%s", diff)
	}
	return decision
}

func TestReady(t *testing.T) {
	o := observed(t)
	o.Frozen = false
	first := plan(t, o)
	if got := strings.Join(testkit.Describe(first.Actions), "; "); !strings.HasPrefix(got, "create revision multi-strategy-") || first.Status.Conditions != nil || !first.NextAt.Equal(testkit.T0) {
		t.Errorf("first the revision: %s, %+v", got, first.Status)
	}
	o.Refused = &facts.Refusal{Effect: "action.CreateRevision", Message: "no"}
	if decision, err := playbook.Plan(o, testkit.T0); err != nil || decision.NextAt.Equal(testkit.T0) {
		t.Errorf("a revision that is refused is tried again at once: %v %v", decision.NextAt, err)
	}
	o.Refused, o.Frozen = nil, true
	decision := plan(t, o)
	if got := testkit.Conditions(decision.Status.Conditions); got != "Ready=True/Valid" {
		t.Errorf("conditions %s", got)
	}
	revision, err := playbook.Revision(o.Playbook)
	if err != nil || decision.Status.Revision != revision.Name || decision.Status.ObservedGeneration != 3 || !decision.NextAt.IsZero() {
		t.Errorf("%+v, %v", decision, err)
	}
	if got := decision.Status.Config.Schedules; len(got) != 3 || got[0].Name != "fast" || got[0].Strategy != "arb" || got[0].RiskProfile != "bold" || got[0].SuspendedUntil != "" {
		t.Errorf("schedules %+v", got)
	}
	o.Playbook.Status = decision.Status
	if again := plan(t, o); len(again.Actions) > 0 || !cmp.Equal(again.Status, decision.Status) {
		t.Errorf("it is not quiet: %v", testkit.Describe(again.Actions))
	}
	o.Deployment.Spec.Strategy.Type = appsv1.RollingUpdateDeploymentStrategyType
	for _, condition := range plan(t, o).Status.Conditions {
		if !strings.Contains(condition.Message, "two traders side by side") {
			t.Errorf("%s does not warn: %s", condition.Type, condition.Message)
		}
	}
}

func TestFeedsThatAreFine(t *testing.T) {
	for name, change := range map[string]func(*playbook.Observed, *strategyv1.StrategyPlaybookSpec){
		"covered":            withFeed(func(*strategyv1.FeedSpec) {}),
		"for any exchange":   withFeed(func(f *strategyv1.FeedSpec) { f.RequiresExchange = "" }),
		"neighbouring paths": withFeed(func(f *strategyv1.FeedSpec) { f.Edits[0].Path, f.Edits[1].Path = "/a/b", "/a/bc" }),
		"used by a remediation": func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Feeds = feeds()
			s.Remediations[1].Actions = []strategyv1.RollbackAction{{Type: strategyv1.ActionSwitchFeed, Feed: "kraken"}}
		},
		"the same place by two feeds": func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Feeds = append(feeds(), feeds()...)
			s.Feeds[1].Name = "kraken-again"
		},
	} {
		o := observed(t)
		change(&o, &o.Playbook.Spec)
		if decision := plan(t, o); testkit.Conditions(decision.Status.Conditions) != "Ready=True/Valid" {
			t.Errorf("%s: %+v", name, decision.Status.Conditions)
		}
	}
}

// A feed that lacks instruments stops the switch to it, and no other remedy.
func TestAFeedThatLacksInstrumentsIsTold(t *testing.T) {
	o := observed(t)
	withFeed(func(f *strategyv1.FeedSpec) { f.RequiresExchange = "binance_spot" })(&o, &o.Playbook.Spec)
	decision := plan(t, o)
	want := `feed kraken cannot be switched to: instrument_universes.core has 1 of 2 instruments that "binance_spot" does not quote: ETH_USDT`
	if testkit.Conditions(decision.Status.Conditions) != "Ready=True/Valid" || !strings.Contains(decision.Status.Conditions[0].Message, want) {
		t.Errorf("%+v", decision.Status.Conditions)
	}
}

func TestSuspensionsAreShown(t *testing.T) {
	o := observed(t)
	for until, want := range map[string]string{"": "forever", ", until: \"2031-01-01T00:00:00+00:00\"": "2031-01-01T00:00:00+00:00"} {
		w := testkit.New(t)
		w.Content = strings.Replace(w.Content, "      # the schedules\n", "      initial_suspensions: [{schedule: fast"+until+"}, {tag: slow}]\n", 1)
		o.Config = w.Config()
		got := plan(t, o).Status.Config.Schedules
		if got[0].SuspendedUntil != want || got[1].SuspendedUntil != "" {
			t.Errorf("%+v", got)
		}
	}
}

func TestTheOwnerIsShownAsLongAsThereIsOne(t *testing.T) {
	o := observed(t)
	o.Config.Owner = &strategyv1.ConfigOwner{Kind: strategyv1.OwnerKubectl, RestsOn: strategyv1.OwnerByBoth, Outcome: "it stays"}
	got := plan(t, o).Status
	if diff := cmp.Diff(o.Config.Owner, got.Config.Owner); diff != "" {
		t.Error(diff)
	}
	o.Playbook.Status, o.Config.Owner = got, nil
	if got := plan(t, o).Status.Config.Owner; got != nil {
		t.Errorf("%+v", got)
	}
}

// Each problem has one reason and one message that says what, where and what to do; the status says no revision.
func TestProblems(t *testing.T) {
	problem := &facts.Problem{Reason: "SecretNotFound", Message: "Secret decision-log-key does not exist"}
	for name, c := range map[string]struct {
		given  func(*playbook.Observed, *strategyv1.StrategyPlaybookSpec)
		reason string
		says   string
	}{
		"a namespace that is not served": {func(o *playbook.Observed, _ *strategyv1.StrategyPlaybookSpec) {
			o.NotServed = &facts.Problem{Reason: "NamespaceNotServed", Message: "not served"}
		}, "NamespaceNotServed", "not served"},
		"a signing key that is missing": {func(o *playbook.Observed, _ *strategyv1.StrategyPlaybookSpec) { o.SigningKey = problem }, "SecretNotFound", "Secret decision-log-key does not exist"},
		"a configuration that is missing": {func(o *playbook.Observed, _ *strategyv1.StrategyPlaybookSpec) {
			o.Config = facts.Config{Problem: &facts.Problem{Reason: "ConfigMapNotFound", Message: "gone"}}
		}, "ConfigMapNotFound", "gone"},
		"a Deployment that is missing":  {func(o *playbook.Observed, _ *strategyv1.StrategyPlaybookSpec) { o.Deployment = nil }, "DeploymentNotFound", "spec.scheduler.rollout: Deployment bot-core-scheduler does not exist in namespace trading"},
		"a PodTemplate that is missing": {func(o *playbook.Observed, _ *strategyv1.StrategyPlaybookSpec) { o.Templates = nil }, "PodTemplateNotFound", "check audit needs PodTemplate tools, which does not exist in namespace trading; check load needs"},
		"a PodTemplate without container": {func(o *playbook.Observed, _ *strategyv1.StrategyPlaybookSpec) {
			o.Templates = map[string]checks.Template{"tools": {}}
		}, "PodTemplateNotFound", "PodTemplate tools of check audit has no container"},
		"a PodTemplate of which no pod may run": {func(o *playbook.Observed, _ *strategyv1.StrategyPlaybookSpec) {
			template := testkit.Templates()["tools"]
			template.NotAllowed = "why"
			o.Templates = map[string]checks.Template{"tools": template}
		}, "PodTemplateNotAllowed", "PodTemplate tools of check audit: why"},
		"proof":     {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) { s.Scheduler.Proof.Check = "x" }, "ReferenceInvalid", `spec.scheduler.proof uses check "x", which is not in spec.checks`},
		"triage":    {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) { s.Triage.Checks[0].Name = "x" }, "ReferenceInvalid", `spec.triage uses check "x"`},
		"diagnosis": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) { s.Diagnosis.Checks[0].Name = "x" }, "ReferenceInvalid", `spec.diagnosis uses check "x"`},
		"before":    {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) { s.Remediations[0].Before[0].Name = "x" }, "ReferenceInvalid", `remediation disable (before) uses check "x"`},
		"after":     {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) { s.Remediations[0].After[0].Name = "x" }, "ReferenceInvalid", `remediation disable (after) uses check "x"`},
		"restore": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Remediations[0].Restore.Checks[0].Name = "x"
		}, "ReferenceInvalid", `remediation disable (restore) uses check "x"`},
		"remediation": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Diagnosis.Causes[0].Remediation = "x"
		}, "ReferenceInvalid", `cause SignalDegradation names remediation "x", which is not in spec.remediations`},
		"several at once": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Triage.Checks[0].Name, s.Diagnosis.Checks[0].Name = "x", "y"
		}, "ReferenceInvalid", `"x", which is not in spec.checks; spec.diagnosis uses check "y"`},
		"a remediation's feed": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Remediations[1].Actions = []strategyv1.RollbackAction{{Type: strategyv1.ActionSwitchFeed, Feed: "binance"}}
		}, "ReferenceInvalid", `remediation keep switches to feed "binance", which is not in spec.feeds`},
		"a feed's probe": {withFeed(func(f *strategyv1.FeedSpec) { f.Probe = "x" }), "ReferenceInvalid", `feed kraken (probe) uses check "x", which is not in spec.checks`},
		"a path that is none": {withFeed(func(f *strategyv1.FeedSpec) { f.Edits[0].Path = "/a~b" }), "EditRefused",
			`feed kraken: cannot edit /a~b: segment "a~b" is not valid: write ~ as ~0`},
		"a path without a start": {withFeed(func(f *strategyv1.FeedSpec) { f.Edits[0].Path = "environments" }), "EditRefused", "feed kraken: cannot edit environments: a path is a JSON pointer"},
		"a path twice": {withFeed(func(f *strategyv1.FeedSpec) { f.Edits[1].Path = f.Edits[0].Path }), "EditRefused",
			"feed kraken: the edits of /environments/paper/exchange and /environments/paper/exchange overlap; leave one out"},
		"a path inside another": {withFeed(func(f *strategyv1.FeedSpec) { f.Edits[1].Path = "/environments/paper" }), "EditRefused",
			"the edits of /environments/paper/exchange and /environments/paper overlap"},
		"an item by index and by name": {withFeed(func(f *strategyv1.FeedSpec) { f.Edits[0].Path, f.Edits[1].Path = "/feeds/0/name", "/feeds/[name=x]" }), "EditRefused",
			"the edits of /feeds/0/name and /feeds/[name=x] overlap"},
		"a number that nothing can hold": {withFeed(func(f *strategyv1.FeedSpec) { f.Edits[0].Value = raw("1e999") }), "EditRefused",
			"1e999 is beyond what a program can hold"},
		"a value that is too long": {withFeed(func(f *strategyv1.FeedSpec) { f.Edits[0].Value = raw(`"` + strings.Repeat("x", 5000) + `"`) }), "EditRefused", "more than 4096"},
		"every broken edit": {withFeed(func(f *strategyv1.FeedSpec) { f.Edits[0].Value, f.Edits[1].Path = raw("{"), "/~" }), "EditRefused",
			`the edit of /environments/paper/exchange: the value is JSON that ends too early; feed kraken: cannot edit /~`},
		"references are named before edits are": {withFeed(func(f *strategyv1.FeedSpec) { f.Probe, f.Edits[0].Value = "x", nil }), "ReferenceInvalid", `feed kraken (probe) uses check "x"`},
		"the configuration's problem comes before its exchanges": {func(o *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Feeds = feeds()
			s.Feeds[0].RequiresExchange = "binance_spot"
			o.Config.Problem = &facts.Problem{Reason: "ConfigInvalid", Message: "line 3"}
		}, "ConfigInvalid", "line 3"},
		"a verdict that does not compile": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Checks[0].Verdicts[1].When = "reprot.x == 1.0"
		}, "RuleInvalid", `check audit, verdict 2: rule "reprot.x == 1.0": 1:1: undeclared reference to 'reprot'`},
		"a false alarm that does not compile": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Triage.FalseAlarm.When = "size(checks)"
		}, "RuleInvalid", "triage.falseAlarm: "},
		"an escalate rule that does not parse": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Triage.Escalate[0].When = "checks =="
		}, "RuleInvalid", "escalate rule audit-failed: "},
		"a cause that does not compile":        {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) { s.Diagnosis.Causes[1].When = "x" }, "RuleInvalid", "cause Slow: "},
		"a restore gate that does not compile": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) { s.Remediations[0].Restore.When = "x" }, "RuleInvalid", "remediation disable (restore): "},
		"references are named before rules are": {func(_ *playbook.Observed, s *strategyv1.StrategyPlaybookSpec) {
			s.Triage.Checks[0].Name, s.Triage.FalseAlarm.When = "x", "y"
		}, "ReferenceInvalid", `"x"`},
	} {
		t.Run(name, func(t *testing.T) {
			o := observed(t)
			c.given(&o, &o.Playbook.Spec)
			decision := plan(t, o)
			if got := testkit.Conditions(decision.Status.Conditions); got != "Ready=False/"+c.reason+" Stalled=True/"+c.reason {
				t.Fatalf("conditions %s", got)
			}
			for _, condition := range decision.Status.Conditions {
				if !strings.Contains(condition.Message, c.says) {
					t.Errorf("%s says %q, not %q", condition.Type, condition.Message, c.says)
				}
			}
			if got := strings.Join(testkit.Describe(decision.Actions), "; "); got != "warn "+c.reason {
				t.Errorf("actions %s", got)
			}
			if decision.Status.Revision != "" || !decision.NextAt.Equal(testkit.T0.Add(30*time.Second)) {
				t.Errorf("%+v at %v", decision.Status, decision.NextAt)
			}
		})
	}
}

func TestABrokenChangeKeepsTheLastGoodRevision(t *testing.T) {
	o := observed(t)
	o.Playbook.Status = plan(t, o).Status
	good := o.Playbook.Status.Revision
	o.Playbook.Spec.Triage.FalseAlarm.When = "x"
	if got := plan(t, o).Status.Revision; got != good {
		t.Errorf("revision %q, was %q", got, good)
	}
}

func TestRevisionAndThaw(t *testing.T) {
	o := observed(t)
	revision, err := playbook.Revision(o.Playbook)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := playbook.Thaw(revision)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o.Playbook.Spec, spec); diff != "" {
		t.Errorf("the frozen playbook is not the playbook:\n%s", diff)
	}
	again, _ := playbook.Revision(o.Playbook)
	o.Playbook.Generation = 9
	later, _ := playbook.Revision(o.Playbook)
	o.Playbook.Spec.Triage.RespondWithinSeconds++
	changed, _ := playbook.Revision(o.Playbook)
	if again.Name != revision.Name || later.Name != revision.Name || changed.Name == revision.Name {
		t.Errorf("%s, %s, %s, %s", revision.Name, again.Name, later.Name, changed.Name)
	}
	if revision.OwnerReferences != nil {
		t.Errorf("deleting the playbook would stop its incidents")
	}
	right := revision.Data.Raw
	revision.Data.Raw = bytes.ReplaceAll(right, []byte(`":`), []byte(`" : `))
	if _, err := playbook.Thaw(revision); err != nil {
		t.Errorf("the same, written otherwise: %v", err)
	}
	revision.Data.Raw = changed.Data.Raw
	if _, err := playbook.Thaw(revision); err == nil || !strings.Contains(err.Error(), "another content. Delete it") {
		t.Errorf("another playbook under its name: %v", err)
	}
	revision.Data.Raw = []byte("{")
	if _, err := playbook.Thaw(revision); err == nil || !strings.Contains(err.Error(), "holds no playbook") {
		t.Errorf("%v", err)
	}
}

func TestRevisionsOfLongNamesAreValid(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	label := regexp.MustCompile(`^[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$`)
	for _, long := range []string{strings.Repeat("a", 253), strings.Repeat("a", 62) + "-b", strings.Repeat("a", 62) + ".b", strings.Repeat("a", 199) + ".b", strings.Repeat("a", 199) + "-b"} {
		o := observed(t)
		o.Playbook.Name = long
		revision, err := playbook.Revision(o.Playbook)
		if err != nil || len(revision.Name) > 253 || !name.MatchString(revision.Name) || !label.MatchString(revision.Labels[strategyv1.LabelPlaybook]) {
			t.Errorf("%s, label %s: %v", revision.Name, revision.Labels[strategyv1.LabelPlaybook], err)
		}
	}
}

// Two playbooks on two keys of one ConfigMap would block each other: the younger one is refused, in words.
func TestASecondPlaybookOnAnotherKeyIsRefused(t *testing.T) {
	o := observed(t)
	o.Rival = "other"
	decision := plan(t, o)
	ready := decision.Status.Conditions[0]
	if got := testkit.Conditions(decision.Status.Conditions); got != "Ready=False/ReferenceInvalid Stalled=True/ReferenceInvalid" ||
		!strings.Contains(ready.Message, "StrategyPlaybook other looks after another key of ConfigMap bot-core-config already, and this one would after key core.yaml") {
		t.Errorf("%s: %s", got, ready.Message)
	}
}
