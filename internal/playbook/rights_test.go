package playbook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/oncall"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

func read(t *testing.T, text string) facts.OnCall {
	t.Helper()
	roster, err := oncall.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return facts.OnCall{Roster: roster, Known: true}
}

// everyRight is what the rotation's people are asked about, and all of it granted.
func everyRight(onCall facts.OnCall) facts.Entitled {
	granted := facts.Entitled{Asked: true, Rights: facts.Rights{}, NextAt: testkit.T0.Add(10 * time.Minute)}
	for _, right := range playbook.RightsToAsk(onCall, testkit.T0) {
		granted.Rights[right] = true
	}
	return granted
}

func TestWhatPeopleOnCallMustBeAllowedTo(t *testing.T) {
	var asked []string
	for _, right := range playbook.RightsToAsk(read(t, rotation), testkit.T0) {
		asked = append(asked, right.Name+" "+right.Verb+" "+right.Resource)
	}
	want := []string{
		"alice create strategydecisions", "alice respond strategyincidents", "bob create strategydecisions", "bob respond strategyincidents",
		"bob approve strategyrollbacks", // of L2; the others he needs for L1, too, and is asked about once
	}
	if got := strings.Join(asked, "; "); got != strings.Join(want, "; ") {
		t.Errorf("asked: %s", got)
	}
	for name, none := range map[string]facts.OnCall{"no rotation": {}, "a broken one": {Known: true, Problem: &facts.Problem{}}} {
		if asked := playbook.RightsToAsk(none, testkit.T0); asked != nil {
			t.Errorf("%s: asked: %v", name, asked)
		}
	}
}

func TestWhoeverIsOnCallMayDecide(t *testing.T) {
	bobApproves := facts.Right{Name: "bob", Verb: "approve", Resource: "strategyrollbacks"}
	aliceResponds := facts.Right{Name: "alice", Verb: "respond", Resource: "strategyincidents"}
	earlier := func(is metav1.ConditionStatus, reason string) *metav1.Condition {
		return &metav1.Condition{Type: strategyv1.ConditionOnCallMayDecide, Status: is, Reason: reason, Message: "as before"}
	}
	for name, c := range map[string]struct {
		change func(*playbook.Observed)
		before *metav1.Condition
		want   string // status/reason: message
		told   bool
	}{
		"all may":                    {func(*playbook.Observed) {}, nil, "True/RightsGranted: whoever the rotation names", false},
		"one may not":                {func(o *playbook.Observed) { o.Entitled.Rights[bobApproves] = false }, nil, "False/RightsMissing: L2: bob may not approve strategyrollbacks. ", true},
		"what to do is said":         {func(o *playbook.Observed) { o.Entitled.Rights[bobApproves] = false }, nil, "kubectl create rolebinding NAME -n " + testkit.Namespace, true},
		"it is told once":            {func(o *playbook.Observed) { o.Entitled.Rights[bobApproves] = false }, earlier("False", "RightsMissing"), "False/RightsMissing: L2: bob", false},
		"it is told when it is new":  {func(o *playbook.Observed) { o.Entitled.Rights[aliceResponds] = false }, earlier("True", "RightsGranted"), "L1: alice may not respond strategyincidents", true},
		"somebody binds the role":    {func(*playbook.Observed) {}, earlier("False", "RightsMissing"), "True/RightsGranted", false},
		"no answer is no no":         {func(o *playbook.Observed) { delete(o.Entitled.Rights, bobApproves); o.Entitled.Silent = "timeout" }, nil, "Unknown/RightsUnknown: it is not known of everybody whether they may do what their level is called for: L2: bob. timeout", false},
		"no answer is no yes either": {func(o *playbook.Observed) { o.Entitled.Rights, o.Entitled.Silent = nil, "timeout" }, earlier("True", "RightsGranted"), "Unknown/RightsUnknown", false},
		"a no counts beside no answer": {func(o *playbook.Observed) {
			delete(o.Entitled.Rights, bobApproves)
			o.Entitled.Rights[aliceResponds], o.Entitled.Silent = false, "timeout"
		}, nil, "False/RightsMissing: L1: alice may not", true},
		"not asked yet":                              {func(o *playbook.Observed) { o.Entitled.Rights = nil }, nil, "Unknown/RightsUnknown: ", false},
		"being asked again: as it was":               {func(o *playbook.Observed) { o.Entitled.Rights = nil }, earlier("True", "RightsGranted"), "True/RightsGranted: as before", false},
		"being asked again: a no stays":              {func(o *playbook.Observed) { o.Entitled.Rights = nil }, earlier("False", "RightsMissing"), "False/RightsMissing: as before", false},
		"there is no rotation":                       {func(o *playbook.Observed) { o.OnCall, o.Entitled = facts.OnCall{}, facts.Entitled{} }, earlier("False", "RightsMissing"), "", false},
		"the rotation is broken":                     {func(o *playbook.Observed) { o.OnCall.Problem = &facts.Problem{Reason: "RotationInvalid"} }, earlier("True", "RightsGranted"), "", false},
		"nobody can be asked":                        {func(o *playbook.Observed) { o.Entitled = facts.Entitled{} }, earlier("True", "RightsGranted"), "", false},
		"the playbook is broken, and people are not": {func(o *playbook.Observed) { o.Deployment = nil }, nil, "True/RightsGranted", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := observed(t)
			o.OnCall = read(t, rotation)
			o.Entitled = everyRight(o.OnCall)
			if c.before != nil {
				o.Playbook.Status.Conditions = append(o.Playbook.Status.Conditions, *c.before)
			}
			c.change(&o)
			decision := plan(t, o)
			got := ""
			if found := meta.FindStatusCondition(decision.Status.Conditions, strategyv1.ConditionOnCallMayDecide); found != nil {
				got = fmt.Sprintf("%s/%s: %s", found.Status, found.Reason, found.Message)
			}
			if !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
				t.Errorf("it is %q, without %q", got, c.want)
			}
			told := false
			for _, one := range decision.Actions {
				event, ok := one.(action.Event)
				told = told || ok && event.Reason == strategyv1.ReasonRightsMissing && event.Type == "Warning"
			}
			if told != c.told {
				t.Errorf("told: %v, want %v", told, c.told)
			}
			if !meta.IsStatusConditionTrue(decision.Status.Conditions, strategyv1.ConditionReady) && o.Deployment != nil {
				t.Error("rights make the playbook not ready, which would stop incidents")
			}
			if next := o.Entitled.NextAt; !next.IsZero() && (decision.NextAt.IsZero() || decision.NextAt.After(next)) && o.OnCall.Problem == nil {
				t.Errorf("it looks again at %v, later than %v", decision.NextAt, next)
			}
		})
	}
}

// TestARotationOfManyPeople: whoever may write a ConfigMap does not make the API server answer without end, and no message hides what to do.
func TestARotationOfManyPeople(t *testing.T) {
	var people, members []string
	for i := range 50 {
		name := fmt.Sprintf("somebody-with-quite-a-long-name-%02d", i)
		people, members = append(people, fmt.Sprintf("{name: %s, contact: x}", name)), append(members, name)
	}
	o := observed(t)
	o.OnCall = read(t, fmt.Sprintf("timeZone: UTC\npeople: [%s]\nrotations:\n- {level: L2, start: \"2026-11-01 00:00\", shift: 1d, members: [%s]}\n",
		strings.Join(people, ", "), strings.Join(members, ", ")))
	asked := playbook.RightsToAsk(o.OnCall, testkit.T0)
	if len(asked) != 32*3 {
		t.Errorf("%d rights are asked about", len(asked))
	}
	o.Entitled = everyRight(o.OnCall)
	may := func() *metav1.Condition {
		return meta.FindStatusCondition(plan(t, o).Status.Conditions, strategyv1.ConditionOnCallMayDecide)
	}
	o.Playbook.Status.Conditions = []metav1.Condition{{Type: strategyv1.ConditionOnCallMayDecide, Status: metav1.ConditionTrue, Reason: strategyv1.ReasonRightsGranted}}
	if got := may(); got.Status != metav1.ConditionUnknown || !strings.Contains(got.Message, "18 more than the 32 that are asked about") {
		t.Errorf("not all were asked about, and it says %+v", got)
	}
	for _, right := range asked {
		o.Entitled.Rights[right] = false
	}
	if got := may(); got.Status != metav1.ConditionFalse || !strings.Contains(got.Message, "kubectl create rolebinding") {
		t.Errorf("nobody may, and it says %+v", got)
	}
}
