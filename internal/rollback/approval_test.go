package rollback_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/rollback"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Who may approve what, until when.
func TestApproval(t *testing.T) {
	approve := func(s *story) { s.decide(strategyv1.DecisionApprove, "bob") }
	for name, c := range map[string]struct {
		given func(*story) // after the plan was made
		at    time.Duration
		want  string // reason of Approved
		says  string
	}{
		"nobody decided":                            {func(*story) {}, 0, "AwaitingApproval", "someone other than alice may decide"},
		"someone else approves the plan":            {approve, 0, "Approved", "approved by bob"},
		"the requester may not approve (four eyes)": {func(s *story) { s.decide(strategyv1.DecisionApprove, "alice") }, 0, "AwaitingApproval", "four eyes"},
		"the requester may where the playbook says so": {func(s *story) {
			s.remedy("disable")
			s.Spec.Remediations[0].Approval.Requester = strategyv1.RequesterMayApprove
			s.decide(strategyv1.DecisionApprove, "alice")
		}, 0, "Approved", "approved by alice"},
		"another plan's digest": {func(s *story) { approve(s); s.decided[0].Digest = "sha256:" + strings.Repeat("0", 64) }, 0, "AwaitingApproval", "names another plan"},
		"no digest":             {func(s *story) { approve(s); s.decided[0].Digest = "" }, 0, "AwaitingApproval", "names another plan"},
		"made a second before the time limit, seen later": {func(s *story) { s.At(899 * time.Second); approve(s) }, time.Hour, "Approved", "approved by bob"},
		"made at the time limit":                          {func(s *story) { s.At(900 * time.Second); approve(s) }, 900 * time.Second, "Approved", "approved by bob"},
		"made a second after the time limit":              {func(s *story) { s.At(901 * time.Second); approve(s) }, 901 * time.Second, "ApprovalExpired", "nobody approved by 2026-11-23T10:15:00Z"},
		"nobody by a second before the time limit":        {func(*story) {}, 899 * time.Second, "AwaitingApproval", ""},
		"nobody by the time limit":                        {func(*story) {}, 900 * time.Second, "ApprovalExpired", "nothing was changed"},
		"nobody for an hour":                              {func(*story) {}, time.Hour, "ApprovalExpired", "nothing was changed"},
		"identities that are not enforced":                {func(s *story) { approve(s); s.identity = facts.Identity{Message: "the policies are missing"} }, 0, "IdentityNotEnforced", "the policies are missing"},
		"not enforced: does not expire meanwhile":         {func(s *story) { approve(s); s.identity = facts.Identity{Message: "the policies are missing"} }, time.Hour, "IdentityNotEnforced", "the policies are missing"},
		"nobody is told where there is no incident":       {func(s *story) { s.Spec.Notifications = &strategyv1.NotificationsSpec{} }, 0, "AwaitingApproval", "so tell somebody who may approve it"},
		"nobody knows who asked":                          {func(s *story) { approve(s); s.rollback.Spec.RequestedBy = "" }, 0, "AwaitingApproval", "requestedBy was not stamped"},
		"nobody knows who asked, although they may": {func(s *story) {
			s.Spec.Remediations[0].Approval.Requester = strategyv1.RequesterMayApprove
			approve(s)
			s.rollback.Spec.RequestedBy = ""
		}, 0, "AwaitingApproval", "requestedBy was not stamped"},
		"denied":                   {func(s *story) { s.decide(strategyv1.DecisionDeny, "bob") }, 0, "Denied", "denied by bob"},
		"denied after an approval": {func(s *story) { approve(s); s.pass(); s.decide(strategyv1.DecisionDeny, "carol") }, 0, "Denied", "denied by carol"},
		"approved and denied before anyone looked":         {func(s *story) { s.decide(strategyv1.DecisionDeny, "carol"); approve(s) }, 0, "Denied", "denied by carol"},
		"a deny needs no enforced identity":                {func(s *story) { s.decide(strategyv1.DecisionDeny, "bob"); s.identity.Enforced = false }, 0, "Denied", "denied by bob"},
		"a wrong decision does not hide a right one":       {func(s *story) { approve(s); s.decide(strategyv1.DecisionApprove, "alice") }, 0, "Approved", "approved by bob"},
		"without a remedy: another person must":            {func(s *story) { s.rollback.Spec.RemediationName = ""; s.decide(strategyv1.DecisionApprove, "alice") }, 0, "AwaitingApproval", "four eyes"},
		"without a remedy: another person may":             {func(s *story) { s.rollback.Spec.RemediationName = ""; approve(s) }, 0, "Approved", "approved by bob"},
		"without a remedy: within 900 seconds":             {func(s *story) { s.rollback.Spec.RemediationName = "" }, 900 * time.Second, "ApprovalExpired", ""},
		"the time box ended before the edits were written": {func(s *story) { approve(s); s.reports(nil); s.pass(); s.reports(reports{"load": testkit.OK()}) }, 4 * time.Hour, "ApprovalExpired", "the time box ended"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.quiet()
			c.given(s)
			if s.Now.Before(testkit.T0.Add(c.at)) {
				s.At(c.at)
			}
			for range 5 {
				s.pass()
				s.Step()
			}
			condition := ""
			for _, c := range s.rollback.Status.Conditions {
				if c.Type == strategyv1.ConditionApproved {
					condition = c.Reason
				}
			}
			expect(t, "Approved", condition, c.want)
			if !strings.Contains(s.message(strategyv1.ConditionApproved), c.says) {
				t.Errorf("it says %q, not %q", s.message(strategyv1.ConditionApproved), c.says)
			}
			if asked := s.rollback.Status.Config != nil; asked != (c.want == "Approved") {
				t.Errorf("edits are asked for: %v", asked)
			}
		})
	}
}

func TestUnrelatedCommitsDoNotVoidAnApproval(t *testing.T) {
	s := newStory(t)
	s.reports(nil)
	s.approved()
	s.Edit(strings.Replace(s.Content, "trend: 0.4", "trend: 0.5", 1))
	s.quiet()
	expect(t, "Ready", s.ready(), "CheckingBefore")
	if s.rollback.Status.Plan.Revision != 1 {
		t.Errorf("revision %d", s.rollback.Status.Plan.Revision)
	}
}

// D1 is approved, the path changes to D2 and back to D1: the approval of D1 must stay dead.
func TestAnApprovalDoesNotComeBackToLife(t *testing.T) {
	for name, between := range map[string]bool{"seen in between": true, "while the writer waits": false} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			byHand := strings.Replace(testkit.Document, "      # the schedules\n", "      initial_suspensions: [{schedule: fast, reason: mine, duration: 15m}]\n", 1)
			if between {
				s.reports(nil) // the checks before are running
			} else {
				s.writerStopped = true
			}
			s.approved()
			digest := s.rollback.Status.Plan.Digest
			s.Edit(byHand)
			s.quiet()
			expect(t, "after D2", s.ready(), "AwaitingApproval")
			if from := s.rollback.Status.Plan.Edits[0].From; from == nil || !strings.Contains(*from, "mine") {
				t.Errorf("the plan does not say what is there now")
			}
			s.Edit(testkit.Document)
			s.quiet()
			expect(t, "after D1 again", s.ready(), "AwaitingApproval")
			if plan := s.rollback.Status.Plan; plan.Revision < 3 || plan.Digest == digest {
				t.Errorf("revision %d, the same digest: %v", plan.Revision, plan.Digest == digest)
			}
			if !strings.Contains(s.events(), "approval_voided") {
				t.Errorf("the log does not say it: %s", s.events())
			}
			s.writerStopped = false
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK()})
			s.decide(strategyv1.DecisionApprove, "carol")
			s.quiet()
			expect(t, "a new approval", s.ready(), "Verified")
		})
	}
}

func TestAPlanThatIsNotPossibleAnyMoreVoidsTheApproval(t *testing.T) {
	s := newStory(t)
	s.reports(nil)
	s.approved()
	digest := s.rollback.Status.Plan.Digest
	s.Edit(strings.Replace(s.Content, "        fast:", "        faster:", 1))
	s.quiet()
	expect(t, "Ready", s.ready(), "EditRefused")
	s.Edit(testkit.Document)
	s.quiet()
	expect(t, "Ready", s.ready(), "AwaitingApproval")
	if s.rollback.Status.Plan.Digest == digest {
		t.Errorf("the old approval would hold again")
	}
}

// Bad input stalls with one clear message and changes nothing; what is fixed is found again by itself.
func TestBadInput(t *testing.T) {
	problem := func(reason string) *facts.Problem {
		return &facts.Problem{Reason: reason, Message: "what is wrong with " + reason}
	}
	for name, c := range map[string]struct {
		given  func(*story)
		reason string
		says   string
	}{
		"a namespace that is not served":         {func(s *story) { s.notServed = problem("NamespaceNotServed") }, "NamespaceNotServed", "what is wrong"},
		"a playbook that is not there":           {func(s *story) { s.playbookProblem = problem("PlaybookNotFound") }, "PlaybookNotFound", "what is wrong"},
		"a signing key that is not there":        {func(s *story) { s.logProblem = problem("SecretNotFound") }, "SecretNotFound", "what is wrong"},
		"a configuration without the opt-in":     {func(s *story) { s.configProblem = problem("ConfigMapNotLabelled") }, "ConfigMapNotLabelled", "what is wrong"},
		"a remediation that does not exist":      {func(s *story) { s.rollback.Spec.RemediationName = "nope" }, "RemediationNotFound", `no remediation "nope"`},
		"a Deployment that does not exist":       {func(s *story) { s.Deployment = nil }, "DeploymentNotFound", "Deployment bot-core-scheduler does not exist in namespace trading"},
		"a schedule that does not exist":         {func(s *story) { s.rollback.Spec.Actions[0].Schedule = "nope" }, "EditRefused", `no schedule "nope"`},
		"an action that the operator is too old": {func(s *story) { s.rollback.Spec.Actions[0].Type = "Later" }, "EditRefused", "does not know the action Later"},
		"a path that another rollback holds":     {func(s *story) { s.otherHolds() }, "PathHeldByOther", "is already changed by rollback other"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			before := s.Content
			decision := s.plan()
			found := map[string]metav1.Condition{}
			for _, condition := range decision.Status.Conditions {
				found[condition.Type] = condition
			}
			expect(t, "Ready", found["Ready"].Reason, c.reason)
			expect(t, "Stalled", string(found["Stalled"].Status), "True")
			expect(t, "next", until(decision.NextAt), "30s")
			if !strings.Contains(found["Ready"].Message, c.says) {
				t.Errorf("it says %q, not %q", found["Ready"].Message, c.says)
			}
			s.quiet()
			if decision.Status.Config != nil || s.Content != before || s.Restarts > 0 || len(s.Created) > 0 {
				t.Errorf("something was done: %v", testkit.Describe(decision.Steps.InOrder()))
			}
		})
	}
}

// otherHolds is a rollback by hand that disabled the same schedule.
func (s *story) otherHolds() {
	s.T.Helper()
	other := newStory(s.T)
	other.rollback.Name, other.rollback.UID = "other", "other-uid"
	other.Rollbacks = map[string]*strategyv1.StrategyRollback{"other": other.rollback}
	other.approved()
	s.Content, s.Edits, s.Rollbacks["other"] = other.Content, other.Edits, other.rollback
}

// TestWhenTheIdentityIsAskedFor: the proof is a request to the API server, so it is made only where a decision hangs on it.
func TestWhenTheIdentityIsAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		want  bool
	}{
		"no decision":                {func(s *story) { s.quiet() }, false},
		"an approval of this plan":   {func(s *story) { s.quiet(); s.decide(strategyv1.DecisionApprove, "bob") }, true},
		"an approval that was taken": {func(s *story) { s.approved() }, false},
		"an approval of another":     {func(s *story) { s.quiet(); s.decide(strategyv1.DecisionApprove, "bob"); s.decided[0].Digest = "x" }, false},
		"a deny":                     {func(s *story) { s.quiet(); s.decide(strategyv1.DecisionDeny, "bob") }, false},
		"an override of nothing":     {func(s *story) { s.quiet(); s.decide(strategyv1.DecisionOverride, "bob") }, false},
		"an override of another":     {func(s *story) { s.quiet(); s.decide(strategyv1.DecisionOverride, "bob"); s.decided[0].Digest = "x" }, false},
		"a renewal of this plan":     {func(s *story) { s.approved(); s.decide(strategyv1.DecisionRenew, "bob") }, true},
		"a renewal that was taken":   {func(s *story) { s.approved(); s.decide(strategyv1.DecisionRenew, "bob"); s.quiet() }, false},
		"after the end": {func(s *story) {
			s.quiet()
			s.decide(strategyv1.DecisionDeny, "bob")
			s.quiet()
			s.decide(strategyv1.DecisionRestore, "bob")
		}, false},
		"a restore":                {func(s *story) { s.approved(); s.decide(strategyv1.DecisionRestore, "bob") }, true},
		"a restore that was taken": {func(s *story) { s.approved(); s.decide(strategyv1.DecisionRestore, "bob"); s.quiet() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			observed := s.observed()
			observed.Identity = facts.Read[facts.Identity]{}
			if got := rollback.Plan(observed, s.Now).Needs == rollback.NeedIdentity; got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestWhoeverApprovesReadsThatAnAlertLedToIt: the operator's own name is no tool's.
func TestWhoeverApprovesReadsThatAnAlertLedToIt(t *testing.T) {
	s := newStory(t)
	s.rollback.Spec.RequestedBy = operator
	s.quiet()
	text := conditions.Message(s.rollback.Status.Conditions, strategyv1.ConditionReady)
	if !strings.Contains(text, "Nobody asked for it: an alert opened the incident") || strings.Contains(text, "unknown") {
		t.Error(text)
	}
}

// TestWhoeverApprovesReadsThatNobodyKnowsWhoAsked: a tool's account applied it.
func TestWhoeverApprovesReadsThatNobodyKnowsWhoAsked(t *testing.T) {
	for requester, unknown := range map[string]bool{"alice": false, "system:serviceaccount:flux:apply": true, "gitops": true} {
		s := newStory(t)
		s.machines = decide.Machines{"gitops"}
		s.rollback.Spec.RequestedBy = requester
		s.quiet()
		texts := []string{s.logText()}
		for _, kind := range []string{strategyv1.ConditionPlanned, strategyv1.ConditionApproved, strategyv1.ConditionReady} {
			texts = append(texts, conditions.Message(s.rollback.Status.Conditions, kind))
		}
		for _, text := range texts {
			if strings.Contains(text, "who asked is unknown: it was applied by "+requester) != unknown {
				t.Errorf("%s: %s", requester, text)
			}
		}
	}
}
