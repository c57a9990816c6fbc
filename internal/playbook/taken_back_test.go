package playbook_test

import (
	"slices"
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/oncall"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

var wrong = &facts.Problem{Reason: strategyv1.ReasonSecretNotFound, Message: "not there"}

// wrongs are what may be wrong with a playbook, each alone.
var wrongs = map[string]func(*playbook.Observed){
	"not served":        func(o *playbook.Observed) { o.NotServed, o.Log.Problem, o.OnCall = wrong, wrong, facts.OnCall{} },
	"bad configuration": func(o *playbook.Observed) { o.Config = facts.Config{Problem: wrong} },
	"no Deployment":     func(o *playbook.Observed) { o.Deployment = nil },
	"no PodTemplate":    func(o *playbook.Observed) { o.Templates = nil },
	"no signing key":    func(o *playbook.Observed) { o.SigningKey, o.Log.Problem = wrong, wrong },
	"older than its log": func(o *playbook.Observed) {
		o.Log.Problem = &facts.Problem{Reason: strategyv1.ReasonLogConflict, Message: "restored from a backup"}
	},
	"a rival":              func(o *playbook.Observed) { o.Rival = "other" },
	"a reference is wrong": func(o *playbook.Observed) { o.Playbook.Spec.Triage.Checks[0].Name = "nobody" },
}

// trueOf is one way in which a condition is True, and the fact that makes it wrong.
type trueOf struct {
	given, then func(*playbook.Observed)
	unseen      []string // what hides the fact
}

// rota is a rotation file that was read.
func rota(file string) func(*playbook.Observed) {
	return func(o *playbook.Observed) {
		roster, err := oncall.Parse([]byte(file))
		o.OnCall = facts.OnCall{Roster: roster, Known: err == nil}
	}
}

// entitled is a rotation whose people may do everything, or nothing.
func entitled(may bool) func(*playbook.Observed) {
	return func(o *playbook.Observed) {
		rota(rotation)(o)
		o.Entitled = everyRight(o.OnCall)
		for right := range o.Entitled.Rights {
			o.Entitled.Rights[right] = may
		}
	}
}

// approved is a playbook that a second person agreed to.
func approved(o *playbook.Observed) {
	digest, _ := playbook.Digest(o.Playbook.Spec)
	o.Review, o.Playbook.Status.Approved = true, &strategyv1.ApprovedRevision{Revision: "multi-strategy-1", Digest: digest}
}

func suspend(on bool) func(*playbook.Observed) {
	return func(o *playbook.Observed) { o.Playbook.Spec.Suspend = on }
}

// takenBack is, for each condition, what takes a True back. A condition without an entry fails the test.
var takenBack = map[string]map[string]trueOf{
	strategyv1.ConditionReady: {"there is something wrong with it": {given: func(*playbook.Observed) {}, then: func(*playbook.Observed) {}}}, // each of the wrongs
	strategyv1.ConditionStalled: {
		"the Deployment is there": {
			given: wrongs["no Deployment"], then: func(o *playbook.Observed) { o.Deployment = testkit.New(nil).Deployment }, unseen: []string{"no Deployment"},
		},
	},
	strategyv1.ConditionOnHold: {"suspend is taken off": {given: suspend(true), then: suspend(false)}},
	strategyv1.ConditionReviewed: {
		"the spec is changed":         {given: approved, then: func(o *playbook.Observed) { o.Playbook.Spec.Triage.RespondWithinSeconds++ }, unseen: []string{"not served"}},
		"the namespace does not care": {given: approved, then: func(o *playbook.Observed) { o.Review = false }, unseen: []string{"not served"}},
	},
	strategyv1.ConditionOnCallKnown: {
		"the file is wrong":    {given: rota(rotation), then: func(o *playbook.Observed) { o.OnCall = facts.OnCall{Problem: wrong} }},
		"there is none":        {given: rota(rotation), then: func(o *playbook.Observed) { o.OnCall = facts.OnCall{} }},
		"it begins only later": {given: rota(rotation), then: rota(strings.ReplaceAll(rotation, "2026-11-01", "2027-11-01"))},
	},
	strategyv1.ConditionOnCallMayDecide: {
		"a role is taken away": {given: entitled(true), then: entitled(false)},
		"nobody can say it":    {given: entitled(true), then: func(o *playbook.Observed) { o.Entitled = facts.Entitled{Asked: true, Silent: "no answer"} }},
		"there is no rotation": {given: entitled(true), then: func(o *playbook.Observed) { o.OnCall, o.Entitled = facts.OnCall{}, facts.Entitled{} }},
	},
}

// What a condition says is a fact, whatever else is wrong: it is taken back when it is not so any more.
func TestNothingStaysTrueAgainstTheFacts(t *testing.T) {
	for kind, ways := range takenBack {
		for way, c := range ways {
			for wrong, begins := range wrongs {
				t.Run(kind+": "+way+", and "+wrong, func(t *testing.T) {
					if slices.Contains(c.unseen, wrong) {
						return
					}
					o := observed(t)
					c.given(&o)
					o.Playbook.Status = plan(t, o).Status
					before := o.Playbook.Status.Conditions
					reason := conditions.Reason(before, kind)
					if !conditions.True(before, kind) {
						t.Fatalf("it is not True: %s", testkit.Conditions(before))
					}
					c.then(&o)
					begins(&o)
					now := plan(t, o).Status.Conditions
					if conditions.True(now, kind) && (kind != strategyv1.ConditionStalled || conditions.Reason(now, kind) == reason) {
						t.Errorf("%s stays: %s; %s", kind, testkit.Conditions(now), conditions.Message(now, kind))
					}
				})
			}
		}
	}
}

// TestEveryConditionIsTakenBack: whoever adds a condition says what takes it back.
func TestEveryConditionIsTakenBack(t *testing.T) {
	ofOthers := []string{
		"Triaged", "Acknowledged", "Escalated", "LeadCalled", "Diagnosed", "Contained", "Quiet", "Resolved", "SLAMet", "SignalsKnown", "Notified",
		"Planned", "Approved", "Applied", "InEffect", "Verified", "Committed", "Restored",
	}
	for _, kind := range testkit.ConditionTypes(t) {
		if takenBack[kind] == nil && !slices.Contains(ofOthers, kind) {
			t.Errorf("%s: what takes it back when it is True and not so any more?", kind)
		}
	}
}
