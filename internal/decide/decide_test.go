package decide_test

import (
	"iter"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func made(name string, verdict strategyv1.DecisionVerdict, after time.Duration) facts.Decided {
	return facts.Decided{Name: name, UID: name, Verdict: verdict, By: "bob", Digest: "d1", Time: metav1.NewTime(noon.Add(after))}
}

func TestTheOrderOfDecisions(t *testing.T) {
	all := []facts.Decided{made("a", "Approve", 0), made("b", "Deny", 1), made("c", "Approve", 2)}
	for name, c := range map[string]struct {
		of   iter.Seq[facts.Decided]
		want string
	}{
		"oldest first":     {decide.Oldest(all, "Approve"), "a c"},
		"newest first":     {decide.Newest(all, "Approve"), "c a"},
		"only one":         {decide.Newest(all, "Deny"), "b"},
		"none":             {decide.Oldest(all, "Renew"), ""},
		"of no decisions":  {decide.Newest(nil, "Approve"), ""},
		"of other verdict": {decide.Oldest(all[1:2], "Approve"), ""},
	} {
		var names []string
		for one := range c.of {
			names = append(names, one.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		first := decide.First(c.of)
		if (first == nil) != (c.want == "") || first != nil && !strings.HasPrefix(c.want, first.Name) {
			t.Errorf("%s: the first is %v", name, first)
		}
	}
}

// TestTheFirstObjectionIsTold, and a decision against which there is none counts.
func TestTheFirstObjectionIsTold(t *testing.T) {
	inTime, again := decide.InTime(noon, noon.Add(time.Hour)), decide.NamesPlan("d1", "approve again")
	for name, c := range map[string]struct {
		decided facts.Decided
		tests   []decide.Test
		want    string
	}{
		"it counts":                          {made("a", "Approve", 0), []decide.Test{again, inTime, decide.FourEyes("alice", strategyv1.RequesterDenied)}, ""},
		"without tests":                      {made("a", "Approve", 0), nil, ""},
		"in the last moment":                 {made("a", "Approve", 0), []decide.Test{inTime}, ""},
		"late":                               {made("a", "Approve", time.Second), []decide.Test{inTime}, "too late"},
		"late by a clock that is ahead":      {made("a", "Approve", 5*time.Hour), []decide.Test{decide.InTime(noon, noon.Add(-time.Minute))}, "set the clocks right"},
		"another plan":                       {made("a", "Approve", 0), []decide.Test{decide.NamesPlan("d2", "approve again")}, "approve again"},
		"another plan, and late":             {made("a", "Approve", time.Second), []decide.Test{decide.NamesPlan("d2", "approve again"), inTime}, "another plan"},
		"of the requester":                   {made("a", "Approve", 0), []decide.Test{decide.FourEyes("bob", strategyv1.RequesterDenied)}, "four eyes"},
		"of the requester, without a policy": {made("a", "Approve", 0), []decide.Test{decide.FourEyes("bob", "")}, "four eyes"},
		"of the requester, who may":          {made("a", "Approve", 0), []decide.Test{decide.FourEyes("bob", strategyv1.RequesterMayApprove)}, ""},
		"nobody knows who asked":             {made("a", "Approve", 0), []decide.Test{decide.FourEyes("", strategyv1.RequesterMayApprove)}, "was not stamped"},
	} {
		got := decide.Objection(c.decided, c.tests...)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWordsNameWhoAndWhy(t *testing.T) {
	decided := made("d", "Deny", 0)
	if got := decide.Because("denied", decided); got != "denied by bob (StrategyDecision d)" {
		t.Errorf("%q", got)
	}
	decided.Reason = "not now"
	if got := decide.Because("denied", decided); got != "denied by bob (StrategyDecision d): not now" {
		t.Errorf("%q", got)
	}
	if got := decide.NotHonoured(decided, "it came too late"); got != "StrategyDecision d by bob is not honoured: it came too late" {
		t.Errorf("%q", got)
	}
}

// TestWhoseDecisionItIs is known, never will be, or is asked again.
func TestWhoseDecisionItIs(t *testing.T) {
	for name, c := range map[string]struct {
		identity facts.Identity
		known    bool
		void     string
		pause    time.Duration
	}{
		"the policies are in force": {facts.Identity{Enforced: true}, true, "", 0},
		"they are not":              {facts.Identity{Message: "anybody may forge"}, false, "anybody may forge. When the policies are in force, decide again", 0},
		"they are, and were before": {facts.Identity{Enforced: true, Since: noon.Add(-time.Second)}, true, "", 0},
		"they are, and just came back": {facts.Identity{Enforced: true, Since: noon}, false,
			"it was made at 2026-11-23T12:00:00Z, and the admission policies have been in force as they are now since 2026-11-23T12:00:00Z: " +
				"they were installed or changed meanwhile. When the policies are in force, decide again", 0},
		"nobody could be asked":         {facts.Identity{Problem: &facts.Problem{Retry: time.Second}}, false, "", time.Second},
		"nobody, whatever else it says": {facts.Identity{Enforced: true, Problem: &facts.Problem{Retry: time.Second}}, false, "", time.Second},
	} {
		if known, void, pause := decide.Vouched(c.identity, made("d", strategyv1.DecisionApprove, 0), "decide again"); known != c.known || void != c.void || pause != c.pause {
			t.Errorf("%s: %t, %q, %s", name, known, void, pause)
		}
	}
}
