package playbook_test

import (
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

func newReviewed(t *testing.T) *held {
	h := newHeld(t)
	h.o.Review = true
	h.pass()
	return h
}

// reviews is somebody who decides about the playbook as it is now.
func (h *held) reviews(by string, verdict strategyv1.DecisionVerdict) {
	h.decide(by, verdict)
	digest, err := playbook.Digest(h.o.Playbook.Spec)
	if err != nil {
		h.Fatal(err)
	}
	h.decided[len(h.decided)-1].Digest = digest
}

// edits is the author, who writes another version.
func (h *held) edits(seconds int32) {
	h.o.Playbook.Spec.Triage.RespondWithinSeconds = seconds
	h.o.Playbook.Generation++
}

func (h *held) says(ready, reviewed string) {
	h.Helper()
	h.pass()
	all := h.o.Playbook.Status.Conditions
	value := func(kind string) string {
		for _, one := range all {
			if one.Type == kind {
				return string(one.Status) + "/" + one.Reason
			}
		}
		return ""
	}
	if got := value(strategyv1.ConditionReady); got != ready {
		h.Errorf("Ready is %s, not %s: %s", got, ready, conditions.Message(all, strategyv1.ConditionReady))
	}
	if got := value(strategyv1.ConditionReviewed); got != reviewed {
		h.Errorf("Reviewed is %q, not %q: %s", got, reviewed, conditions.Message(all, strategyv1.ConditionReviewed))
	}
}

func (h *held) outcome(name string) string {
	answer := h.answers[name]
	return string(answer.Outcome) + ": " + answer.Message
}

// TestAPlaybookIsApprovedByASecondPerson: each version, and the last approved one is in use until then.
func TestAPlaybookIsApprovedByASecondPerson(t *testing.T) {
	h := newReviewed(t)
	h.says("False/AwaitingReview", "False/AwaitingReview")
	message := conditions.Message(h.o.Playbook.Status.Conditions, strategyv1.ConditionReady)
	for _, want := range []string{"may approve playbooks and may not write them", "kubectl strategy review multi-strategy -n trading", "clocks and calls only"} {
		if !strings.Contains(message, want) {
			t.Errorf("it does not say %q: %s", want, message)
		}
	}
	h.reviews("bob", strategyv1.DecisionApprove)
	h.says("True/Valid", "True/Approved")
	approved := h.o.Playbook.Status.Approved
	if approved == nil || approved.Revision != h.o.Playbook.Status.Revision || approved.Digest != h.o.Playbook.Status.Digest || approved.Decision.By != "bob" {
		t.Fatalf("approved %+v", approved)
	}
	if got := strings.Join(h.did, "; "); got != "log 0+ playbook_approved; answer bob-Approve Honoured; tell Valid; tell Approved" {
		t.Errorf("it did %s", got)
	}
	h.edits(100)
	h.says("True/AwaitingReview", "False/AwaitingReview")
	if now := h.o.Playbook.Status; now.Approved.Digest != approved.Digest || now.Revision == approved.Revision ||
		!strings.Contains(conditions.Message(now.Conditions, strategyv1.ConditionReady), "runs on revision "+approved.Revision+", approved by bob") {
		t.Errorf("%+v; %+v", now.Approved, now.Conditions)
	}
	h.edits(300) // back to what is approved
	h.says("True/Valid", "True/Approved")
}

// TestWhatIsNoApproval: it names what was looked at, of this playbook, and it is known by whom it is.
func TestWhatIsNoApproval(t *testing.T) {
	away := &facts.Problem{Reason: "Away", Message: "it is away", Retry: time.Second}
	for name, c := range map[string]struct {
		given   func(*held)
		outcome string
	}{
		"the spec was changed since":     {func(h *held) { h.edits(100) }, "Refused: it names another version"},
		"the playbook was made again":    {func(h *held) { h.o.Playbook.CreationTimestamp = metav1.NewTime(testkit.T0.Add(time.Hour)) }, "Refused: it was made before this playbook"},
		"identities are not enforced":    {func(h *held) { h.o.Identity = facts.Identity{Message: "no policies"} }, "Voided: no policies"},
		"the policies are younger":       {func(h *held) { h.o.Identity.Since = testkit.T0.Add(time.Hour) }, "Voided: it was made at"},
		"nobody is named":                {func(h *held) { h.decided[0].By = "" }, "Refused: nobody says who made it"},
		"nobody can be asked":            {func(h *held) { h.o.Identity = facts.Identity{Problem: away} }, ": "},
		"it cannot be logged":            {func(h *held) { h.o.Log.Problem = away }, ": "},
		"the playbook cannot be run now": {func(h *held) { h.o.Deployment = nil }, ": "},
		"its revision is not frozen":     {func(h *held) { h.o.Frozen = false }, ": "},
		"it names a version of long ago": {func(h *held) { h.decided[0].Digest = "sha256:" + strings.Repeat("0", 64) }, "Refused: it names another version"},
		"it denies a version of long ago": {func(h *held) {
			h.decided[0].Verdict, h.decided[0].Digest = strategyv1.DecisionDeny, "sha256:"+strings.Repeat("0", 64)
		}, "Refused: it names another version"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newReviewed(t)
			h.reviews("bob", strategyv1.DecisionApprove)
			c.given(h)
			h.pass()
			h.pass()
			if got := h.outcome("bob-Approve"); !strings.HasPrefix(got, c.outcome) || c.outcome == ": " && got != ": " {
				t.Errorf("bob hears %q, not %q", got, c.outcome)
			}
			if h.o.Playbook.Status.Approved != nil {
				t.Error("it is approved")
			}
		})
	}
}

// TestADenialTakesAnApprovalBack, and keeps a new version from being taken for one that nobody looked at.
func TestADenialTakesAnApprovalBack(t *testing.T) {
	h := newReviewed(t)
	h.reviews("bob", strategyv1.DecisionApprove)
	h.says("True/Valid", "True/Approved")
	h.edits(100)
	h.reviews("carol", strategyv1.DecisionDeny)
	h.says("True/AwaitingReview", "False/Denied")
	if message := conditions.Message(h.o.Playbook.Status.Conditions, strategyv1.ConditionReady); !strings.Contains(message, "denied by carol (StrategyDecision carol-Deny): why. Until then") {
		t.Error(message)
	}
	h.edits(300)
	h.reviews("dave", strategyv1.DecisionDeny)
	h.says("False/AwaitingReview", "False/Denied")
	if h.o.Playbook.Status.Approved != nil {
		t.Error("it is still approved")
	}
	h.reviews("erin", strategyv1.DecisionApprove)
	h.says("True/Valid", "True/Approved")
	h.reviews("fred", strategyv1.DecisionApprove)
	h.pass()
	if got := h.outcome("fred-Approve"); !strings.HasPrefix(got, "Refused: this version is approved already by erin") {
		t.Error(got)
	}
}

// TestAnEarlierApprovalDoesNotComeBack: of versions that were approved one after the other the last counts.
func TestAnEarlierApprovalDoesNotComeBack(t *testing.T) {
	h := newReviewed(t)
	h.reviews("bob", strategyv1.DecisionApprove)
	h.pass()
	h.edits(100)
	h.reviews("carol", strategyv1.DecisionApprove)
	h.says("True/Valid", "True/Approved")
	h.edits(300)
	h.says("True/AwaitingReview", "False/AwaitingReview")
}

// TestAnApprovalThatWaitedDoesNotUndoALaterDenial: it waits while the playbook cannot be run, which its author may see to.
func TestAnApprovalThatWaitedDoesNotUndoALaterDenial(t *testing.T) {
	h := newReviewed(t)
	deployment := h.o.Deployment
	h.o.Deployment = nil
	h.reviews("bob", strategyv1.DecisionApprove)
	h.pass()
	h.reviews("carol", strategyv1.DecisionDeny)
	h.pass()
	h.o.Deployment = deployment
	h.says("False/AwaitingReview", "False/Denied")
	if got := h.outcome("bob-Approve"); !strings.HasPrefix(got, "Refused: it was denied since") {
		t.Error(got)
	}
}

// TestWithoutTheLabelNothingIsAsked, but what is decided stands when the label comes.
func TestWithoutTheLabelNothingIsAsked(t *testing.T) {
	h := newReviewed(t)
	h.o.Review = false
	h.says("True/Valid", "")
	h.reviews("bob", strategyv1.DecisionApprove)
	h.says("True/Valid", "")
	h.o.Review = true
	h.says("True/Valid", "True/Approved")
}

// TestAnApprovedVersionThatIsLostApprovesNothing.
func TestAnApprovedVersionThatIsLostApprovesNothing(t *testing.T) {
	h := newReviewed(t)
	h.reviews("bob", strategyv1.DecisionApprove)
	h.pass()
	h.edits(100)
	h.o.ApprovedLost = "ControllerRevision multi-strategy-1 does not exist"
	h.says("False/AwaitingReview", "False/AwaitingReview")
	if message := conditions.Message(h.o.Playbook.Status.Conditions, strategyv1.ConditionReady); !strings.Contains(message, "cannot be used: ControllerRevision multi-strategy-1 does not exist. New incidents run clocks and calls only") {
		t.Error(message)
	}
}

// TestAPlaybookThatIsMadeAgainKeepsWhatWasApproved, unless that was taken back.
func TestAPlaybookThatIsMadeAgainKeepsWhatWasApproved(t *testing.T) {
	again := func(h *held) {
		h.o.Playbook.Status, h.o.Log = strategyv1.StrategyPlaybookStatus{}, facts.Log{}
		h.o.Playbook.CreationTimestamp = metav1.NewTime(testkit.T0.Add(time.Hour))
	}
	h := newReviewed(t)
	h.reviews("bob", strategyv1.DecisionApprove)
	h.pass()
	again(h)
	h.edits(100)
	h.says("True/AwaitingReview", "False/AwaitingReview")
	h.edits(300)
	h.says("True/Valid", "True/Approved")

	h = newReviewed(t)
	h.reviews("bob", strategyv1.DecisionApprove)
	h.pass()
	h.reviews("carol", strategyv1.DecisionDeny)
	h.pass()
	again(h)
	h.says("False/AwaitingReview", "False/Denied")
}

// TestWhetherTwoPersonsAreWanted: not to know is no permission.
func TestWhetherTwoPersonsAreWanted(t *testing.T) {
	label := func(value string) map[string]string { return map[string]string{strategyv1.LabelPlaybookReview: value} }
	for name, c := range map[string]struct {
		labels map[string]string
		known  bool
		want   bool
	}{
		"no label": {nil, true, false}, "true": {label("true"), true, true}, "no value": {label(""), true, true}, "a typing error": {label("ture"), true, true},
		"false": {label("false"), true, false}, "nobody knows": {nil, false, true},
	} {
		if got := playbook.ReviewWanted(c.labels, c.known); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
