package main

import (
	"encoding/json"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// changedPlaybook was approved by bob and changed since; its approved version is the second object.
func changedPlaybook(t *testing.T) (*strategyv1.StrategyPlaybook, *appsv1.ControllerRevision) {
	t.Helper()
	book := &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "multi-strategy", Generation: 1}, Spec: testkit.Playbook()}
	book.Spec.Checks[0].Samples = []strategyv1.ReportSample{{Report: `{"status":"fail"}`, Verdict: strategyv1.VerdictFail}}
	revision, err := playbook.Revision(book)
	if err != nil {
		t.Fatal(err)
	}
	approved := &strategyv1.ApprovedRevision{
		Revision: revision.Name, Digest: playbook.DigestOf(revision.Data.Raw),
		Decision: strategyv1.DecisionReference{Name: "d1", Verdict: strategyv1.DecisionApprove, By: "bob", Time: metav1.NewTime(now)},
	}
	book.Spec.Remediations[0].Approval.Mode = strategyv1.ApprovalAutomatic
	book.Spec.Checks[0].Verdicts = []strategyv1.VerdictRule{{When: "true", Verdict: strategyv1.VerdictPass}}
	changed, err := playbook.Digest(book.Spec)
	if err != nil {
		t.Fatal(err)
	}
	book.Status = strategyv1.StrategyPlaybookStatus{
		ObservedGeneration: 1, Digest: changed, Revision: "multi-strategy-2", Approved: approved,
		Conditions: []metav1.Condition{
			condition(strategyv1.ConditionReady, metav1.ConditionTrue, strategyv1.ReasonAwaitingReview, "this version waits"),
			condition(strategyv1.ConditionReviewed, metav1.ConditionFalse, strategyv1.ReasonAwaitingReview, "this version waits"),
		},
	}
	return book, revision
}

func TestReviewShowsWhatIsDifferent(t *testing.T) {
	book, revision := changedPlaybook(t)
	w := newWorld(t, "", book, revision)
	if code := w.run(t, "review", "multi-strategy"); code != exitDone {
		t.Fatalf("exit %d: %s", code, w.err)
	}
	for _, want := range []string{
		"AwaitingReview: this version waits", "Changed since revision " + revision.Name + ", which bob approved (StrategyDecision d1)",
		"  remediations[disable].approval.mode\n    - \"Required\"\n    + \"Automatic\"\n",
		"Of 1 sample report, judged by both versions, 1 get another verdict.\n  check audit, sample 1 of the approved version\n    - Fail (rule 1: audit failed)\n    + Pass (rule 1: true)\n",
	} {
		if !strings.Contains(w.out.String(), want) {
			t.Errorf("it does not show %q:\n%s", want, w.out)
		}
	}
	w = newWorld(t, "", book)
	if code := w.run(t, "review"); code != exitDone || w.out.String() != "playbook/multi-strategy: this version waits\n" {
		t.Errorf("exit %d: %s%s", code, w.out, w.err)
	}
}

// TestWhatIsApprovedIsWhatWasShown, by its digest; and what cannot be shown is not approved.
func TestWhatIsApprovedIsWhatWasShown(t *testing.T) {
	book, revision := changedPlaybook(t)
	for name, c := range map[string]struct {
		args    []string
		change  func(*strategyv1.StrategyPlaybook, *appsv1.ControllerRevision)
		stdin   string
		verdict strategyv1.DecisionVerdict
		refusal string
	}{
		"approved":                      {[]string{"approve", "playbook/multi-strategy", "--reason", "agreed", "--yes"}, nil, "", strategyv1.DecisionApprove, ""},
		"asked":                         {[]string{"approve", "playbook/multi-strategy"}, nil, "agreed\ny\n", strategyv1.DecisionApprove, ""},
		"not agreed":                    {[]string{"approve", "playbook/multi-strategy"}, nil, "agreed\nn\n", "", "you did not agree"},
		"denied":                        {[]string{"deny", "playbook/multi-strategy", "--reason", "no"}, nil, "", strategyv1.DecisionDeny, ""},
		"no reason":                     {[]string{"deny", "playbook/multi-strategy"}, nil, "", "", "needs a reason"},
		"nobody asked":                  {[]string{"approve", "playbook/multi-strategy", "--reason", "agreed"}, nil, "", "", "add --yes"},
		"no such one":                   {[]string{"approve", "playbook/other", "--reason", "agreed", "--yes"}, nil, "", "", "other"},
		"no denial of a whole incident": {[]string{"resolve", "playbook/multi-strategy", "--reason", "x"}, nil, "", "", "multi-strategy"},
		"not looked at":                 {[]string{"approve", "playbook/multi-strategy", "--reason", "agreed", "--yes"}, func(b *strategyv1.StrategyPlaybook, _ *appsv1.ControllerRevision) { b.Generation = 2 }, "", "", "has not looked at playbook multi-strategy"},
		"approved already": {[]string{"approve", "playbook/multi-strategy", "--reason", "agreed", "--yes"}, func(b *strategyv1.StrategyPlaybook, _ *appsv1.ControllerRevision) {
			b.Status.Approved.Digest = b.Status.Digest
		}, "", "", "is approved as it is, by bob"},
		"forged": {[]string{"approve", "playbook/multi-strategy", "--reason", "agreed", "--yes"}, func(_ *strategyv1.StrategyPlaybook, r *appsv1.ControllerRevision) {
			data, _ := json.Marshal(book.Spec)
			r.Data.Raw = data
		}, "", "", "does not hold what was approved"},
		"lost":          {[]string{"approve", "playbook/multi-strategy", "--reason", "agreed", "--yes"}, func(_ *strategyv1.StrategyPlaybook, r *appsv1.ControllerRevision) { r.Name = "other" }, "", "", "cannot be read"},
		"the first one": {[]string{"approve", "playbook/multi-strategy", "--reason", "agreed", "--yes"}, func(b *strategyv1.StrategyPlaybook, _ *appsv1.ControllerRevision) { b.Status.Approved = nil }, "", strategyv1.DecisionApprove, ""},
	} {
		t.Run(name, func(t *testing.T) {
			book, revision := book.DeepCopy(), revision.DeepCopy()
			if c.change != nil {
				c.change(book, revision)
			}
			w := newWorld(t, c.stdin, []client.Object{book, revision}...)
			code := w.run(t, c.args...)
			made := w.decisions(t)
			if c.verdict == "" {
				if code == exitDone || len(made) > 0 || !strings.Contains(w.err.String(), c.refusal) {
					t.Errorf("exit %d, %d decisions: %s", code, len(made), w.err)
				}
				return
			}
			if code != exitDone || len(made) != 1 {
				t.Fatalf("exit %d, %d decisions: %s", code, len(made), w.err)
			}
			spec := made[0].Spec
			if spec.Verdict != c.verdict || spec.Target.Kind != strategyv1.KindPlaybook || spec.Target.Name != "multi-strategy" || spec.Digest != book.Status.Digest {
				t.Errorf("%+v", spec)
			}
		})
	}
}
