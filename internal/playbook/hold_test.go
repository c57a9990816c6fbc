package playbook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// held is a playbook that people decide about, and what they hear.
type held struct {
	*testing.T
	o       playbook.Observed
	decided []facts.Decided
	answers map[string]strategyv1.DecisionAnswer
	did     []string
	deaf    bool // nobody can be told
}

func newHeld(t *testing.T) *held {
	h := &held{T: t, o: observed(t), answers: map[string]strategyv1.DecisionAnswer{}}
	h.o.Identity = facts.Identity{Enforced: true}
	return h
}

func (h *held) decide(by string, verdict strategyv1.DecisionVerdict) {
	name := by + "-" + string(verdict)
	at := metav1.NewTime(testkit.T0.Add(time.Duration(len(h.decided)) * time.Second))
	h.decided = append(h.decided, facts.Decided{Name: name, UID: name, Verdict: verdict, By: by, Reason: "why", Time: at})
}

// pass is one pass, in which everything is done.
func (h *held) pass() {
	h.Helper()
	h.o.Decided = nil
	for _, one := range h.decided {
		one.Outcome = h.answers[one.UID].Outcome
		h.o.Decided = append(h.o.Decided, one)
	}
	decision := plan(h.T, h.o)
	h.o.Playbook.Status = decision.Status
	h.did = testkit.Describe(decision.Actions)
	if log := decision.Status.Log; log != nil && h.o.Log.Problem == nil {
		h.o.Log.Entries = int64(len(decision.Status.Timeline))
		for _, answer := range decision.Status.Answers {
			if !h.deaf {
				h.answers[answer.UID] = answer.DecisionAnswer
			}
		}
	}
}

func (h *held) expect(hold, answers string) {
	h.Helper()
	h.pass()
	status := h.o.Playbook.Status
	if got := conditions.Reason(status.Conditions, strategyv1.ConditionOnHold); got != hold {
		h.Errorf("OnHold says %q, not %q: %s", got, hold, conditions.Message(status.Conditions, strategyv1.ConditionOnHold))
	}
	var heard []string
	for _, one := range h.decided {
		if answer, found := h.answers[one.UID]; found {
			heard = append(heard, one.Name+" "+string(answer.Outcome))
		}
	}
	if got := strings.Join(heard, ", "); got != answers {
		h.Errorf("people hear %q, not %q", got, answers)
	}
	if !conditions.True(status.Conditions, strategyv1.ConditionReady) {
		h.Errorf("a hold makes the playbook not ready: %s", testkit.Conditions(status.Conditions))
	}
}

func TestHoldAndRelease(t *testing.T) {
	h := newHeld(t)
	h.expect("", "")
	if h.o.Playbook.Status.Log != nil {
		t.Errorf("a playbook about which nothing was decided has a log")
	}
	h.decide("dave", strategyv1.DecisionHold)
	h.expect("PlaybookHeld", "dave-Hold Honoured")
	if got := strings.Join(h.did, "; "); got != "log 0+ on_hold; answer dave-Hold Honoured; warn OnHold" {
		t.Errorf("it did %s", got)
	}
	if hold := h.o.Playbook.Status.Hold; hold == nil || hold.By != "dave" || hold.Reason != "why" {
		t.Errorf("%+v", hold)
	}
	message := conditions.Message(h.o.Playbook.Status.Conditions, strategyv1.ConditionOnHold)
	for _, want := range []string{"by dave", "why", "the strategies go on trading", "kubectl strategy release playbook/multi-strategy -n "} {
		if !strings.Contains(message, want) {
			t.Errorf("it does not say %q: %s", want, message)
		}
	}
	h.decide("bob", strategyv1.DecisionRelease)
	h.expect("Released", "dave-Hold Honoured, bob-Release Honoured")
	h.decide("carol", strategyv1.DecisionRelease)
	h.expect("Released", "dave-Hold Honoured, bob-Release Honoured, carol-Release Refused")
}

// TestAReleaseMustBeKnownToBeByWhomItSays, and to be on record; a hold only makes things safer.
func TestAReleaseMustBeKnownToBeByWhomItSays(t *testing.T) {
	away := &facts.Problem{Reason: "Away", Message: "it is away", Retry: time.Second}
	for name, c := range map[string]struct {
		given   func(*held)
		hold    string
		answers string
	}{
		"identities are not enforced": {func(h *held) { h.o.Identity = facts.Identity{Message: "no policies"} }, "PlaybookHeld", "dave-Hold Honoured, bob-Release Voided"},
		"nobody can be asked":         {func(h *held) { h.o.Identity = facts.Identity{Problem: away} }, "PlaybookHeld", "dave-Hold Honoured"},
		"it cannot be logged":         {func(h *held) { h.o.Log.Problem = away }, "PlaybookHeld", "dave-Hold Honoured"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeld(t)
			h.decide("dave", strategyv1.DecisionHold)
			h.pass()
			c.given(h)
			h.decide("bob", strategyv1.DecisionRelease)
			h.expect(c.hold, c.answers)
		})
	}
}

// TestAHoldActsWhateverIsWrong: nobody who stops things waits for a bucket, a name or a valid playbook.
func TestAHoldActsWhateverIsWrong(t *testing.T) {
	for name, given := range map[string]func(*held){
		"nobody is named":                func(h *held) { h.decided[0].By = "" },
		"it cannot be logged":            func(h *held) { h.o.Log.Problem = &facts.Problem{Reason: "Away", Message: "it is away"} },
		"the playbook is not valid":      func(h *held) { h.o.Deployment = nil },
		"its revision is not frozen yet": func(h *held) { h.o.Frozen = false },
		"the configuration is not to read": func(h *held) {
			h.o.Config = facts.Config{Problem: &facts.Problem{Reason: "ConfigInvalid", Message: "no"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeld(t)
			h.decide("dave", strategyv1.DecisionHold)
			given(h)
			h.pass()
			if playbook.HoldOf(h.o.Playbook, testkit.Namespace, "multi-strategy") == nil {
				t.Errorf("it is not on hold: %+v", h.o.Playbook.Status)
			}
		})
	}
}

// TestAPlaybookThatIsMadeAgainIsOnHoldAsBefore: deleting it is no way round a release.
func TestAPlaybookThatIsMadeAgainIsOnHoldAsBefore(t *testing.T) {
	again := func(h *held) {
		h.o.Playbook.Status, h.o.Log = strategyv1.StrategyPlaybookStatus{}, facts.Log{}
	}
	h := newHeld(t)
	h.decide("dave", strategyv1.DecisionHold)
	h.pass()
	again(h)
	h.expect("PlaybookHeld", "dave-Hold Honoured")
	h.decide("bob", strategyv1.DecisionRelease)
	h.pass()
	again(h)
	h.expect("", "dave-Hold Honoured, bob-Release Honoured")
}

// TestNothingButAReleaseEndsTheHoldOfAPlaybookThatIsMadeAgain: neither what was decided about its version, nor what nobody has answered yet.
func TestNothingButAReleaseEndsTheHoldOfAPlaybookThatIsMadeAgain(t *testing.T) {
	for name, then := range map[string]func(h *held, again func()){
		"its version was approved": func(h *held, again func()) { h.reviews("bob", strategyv1.DecisionApprove); h.pass(); again() },
		"its version was denied":   func(h *held, again func()) { h.reviews("bob", strategyv1.DecisionDeny); h.pass(); again() },
		"an approval waits":        func(h *held, again func()) { again(); h.reviews("bob", strategyv1.DecisionApprove) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeld(t)
			h.decide("dave", strategyv1.DecisionHold)
			h.pass()
			then(h, func() { h.o.Playbook.Status, h.o.Log = strategyv1.StrategyPlaybookStatus{}, facts.Log{} })
			h.pass()
			if h.o.Playbook.Status.Hold == nil {
				t.Errorf("it is not on hold any more: %s", testkit.Conditions(h.o.Playbook.Status.Conditions))
			}
		})
	}
}

// TestAReleaseDoesNotEndALaterHold: one that could not be taken up at once was about the hold that was there then.
func TestAReleaseDoesNotEndALaterHold(t *testing.T) {
	h := newHeld(t)
	h.decide("dave", strategyv1.DecisionHold)
	h.pass()
	h.o.Log.Problem = &facts.Problem{Reason: "Away", Message: "it is away", Retry: time.Second}
	h.decide("bob", strategyv1.DecisionRelease)
	h.pass()
	h.decide("rita", strategyv1.DecisionHold)
	h.pass()
	h.o.Log.Problem = nil
	h.pass()
	h.expect("PlaybookHeld", "dave-Hold Honoured, bob-Release Refused, rita-Hold Honoured")
}

func TestWhatHoldsAPlaybook(t *testing.T) {
	made := func(suspend bool, hold *strategyv1.HoldStatus) *strategyv1.StrategyPlaybook {
		return &strategyv1.StrategyPlaybook{Spec: strategyv1.StrategyPlaybookSpec{Suspend: suspend}, Status: strategyv1.StrategyPlaybookStatus{Hold: hold}}
	}
	byDave := &strategyv1.HoldStatus{By: "dave"}
	for name, c := range map[string]struct {
		playbook *strategyv1.StrategyPlaybook
		reason   string
	}{
		"nothing":                    {made(false, nil), ""},
		"Git":                        {made(true, nil), "PlaybookSuspended"},
		"somebody":                   {made(false, byDave), "PlaybookHeld"},
		"both: people are named":     {made(true, byDave), "PlaybookHeld"},
		"it is gone, and nobody can": {nil, "PlaybookGone"},
	} {
		got := ""
		if hold := playbook.HoldOf(c.playbook, "trading", "multi-strategy"); hold != nil {
			got = hold.Reason
		}
		if got != c.reason {
			t.Errorf("%s: %q, not %q", name, got, c.reason)
		}
	}
}

// TestManyDecisionsThatHearNothing are taken up once each, and a hold acts whatever else there is.
func TestManyDecisionsThatHearNothing(t *testing.T) {
	h := newHeld(t)
	h.deaf = true
	for n := range 100 {
		h.decide(fmt.Sprintf("ann%d", n), strategyv1.DecisionDeny)
		h.decided[n].Digest = fmt.Sprint(n)
	}
	for range 5 {
		h.pass()
	}
	h.decide("bob", strategyv1.DecisionHold)
	h.pass()
	if h.o.Playbook.Status.Hold == nil || len(h.o.Playbook.Status.Answers) > 64 {
		t.Errorf("held: %v, %d answers", h.o.Playbook.Status.Hold, len(h.o.Playbook.Status.Answers))
	}
	h.deaf = false
	for range 5 {
		h.pass()
	}
	for _, one := range h.decided {
		if h.answers[one.UID].Outcome == "" {
			t.Errorf("%s hears nothing", one.Name)
		}
	}
}
