package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestNewDecision(t *testing.T) {
	got := newDecision("trading", verdicts[0], "stop-cross", digest, "checked")
	if got.Namespace != "trading" || got.Name != "" || got.GenerateName != "approve-stop-cross-" {
		t.Errorf("metadata: %+v", got.ObjectMeta)
	}
	want := strategyv1.StrategyDecisionSpec{
		Target:  strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: "stop-cross"},
		Verdict: strategyv1.DecisionApprove, Digest: digest, Reason: "checked",
	}
	if got.Spec != want {
		t.Errorf("spec: %+v", got.Spec)
	}
}

func TestGeneratedNamesAreValidAndShort(t *testing.T) {
	for _, name := range []string{"x", "pnl-1-5f0e8a11", strings.Repeat("a", 253), strings.Repeat("a.", 126) + "b", strings.Repeat("a-", 100) + "b", strings.Repeat("a", 41) + ".b--b" + strings.Repeat(".b", 20)} {
		for _, v := range verdicts {
			prefix := prefixOf(v.word, name)
			if len(prefix) > maxPrefix || !strings.HasSuffix(prefix, "-") || !strings.HasPrefix(prefix, v.word+"-") {
				t.Errorf("%s of %s: prefix %q", v.word, name, prefix)
			}
			if problems := validation.IsDNS1123Subdomain(prefix + "x7k2p"); len(problems) > 0 || len(prefix+"x7k2p") > 63 {
				t.Errorf("%s: %q is no valid name: %v", v.word, prefix+"x7k2p", problems)
			}
		}
	}
}

func TestDecisionsThatAreRecorded(t *testing.T) {
	gateFailed := verified()
	gateFailed.Status.Restore = &strategyv1.RestoreStatus{Request: "restore-x", Result: strategyv1.RestoreGateFailed}
	gateFailed.Status.Conditions = append(gateFailed.Status.Conditions,
		condition(strategyv1.ConditionRestored, metav1.ConditionFalse, strategyv1.ReasonRestoreGateFailed, "the gate does not hold"))
	for _, test := range []struct {
		args    []string
		object  client.Object
		verdict strategyv1.DecisionVerdict
		kind    string
		watch   string
	}{
		{[]string{"deny", "stop-cross", "--reason", "why"}, awaiting(), strategyv1.DecisionDeny, strategyv1.KindRollback, "pnl-1"},
		{[]string{"restore", "rollback/stop-cross", "--yes", "--reason", "why"}, awaiting(), strategyv1.DecisionRestore, strategyv1.KindRollback, "pnl-1"},
		{[]string{"acknowledge", "pnl-1", "--for", "20m", "--reason", "why"}, awaiting(), strategyv1.DecisionAcknowledge, strategyv1.KindIncident, "pnl-1"},
		{[]string{"escalate", "pnl-1", "--reason", "why"}, awaiting(), strategyv1.DecisionEscalate, strategyv1.KindIncident, "pnl-1"},
		{[]string{"false-alarm", "incident/pnl-1", "--reason", "why"}, awaiting(), strategyv1.DecisionFalseAlarm, strategyv1.KindIncident, "pnl-1"},
		{[]string{"resolve", "pnl-1", "--reason=why"}, awaiting(), strategyv1.DecisionResolve, strategyv1.KindIncident, "pnl-1"},
		{[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, awaiting(), strategyv1.DecisionApprove, strategyv1.KindRollback, "pnl-1"},
		{[]string{"renew", "stop-cross", "--yes", "--reason", "why"}, verified(), strategyv1.DecisionRenew, strategyv1.KindRollback, "pnl-1"},
		{[]string{"override", "rollback/stop-cross", "--yes", "--reason", "why"}, guarded(), strategyv1.DecisionOverride, strategyv1.KindRollback, "pnl-1"},
		{[]string{"override", "stop-cross", "--yes", "--reason", "why"}, gateFailed, strategyv1.DecisionOverride, strategyv1.KindRollback, "pnl-1"},
		{[]string{"restore", "stop-cross", "--yes", "--reason", "why"}, gateFailed, strategyv1.DecisionRestore, strategyv1.KindRollback, "pnl-1"},
	} {
		t.Run(test.args[0], func(t *testing.T) {
			w := newWorld(t, "", test.object.DeepCopyObject().(client.Object), incident())
			if code := w.run(t, test.args...); code != exitDone {
				t.Fatalf("exit code %d: %s", code, w.err)
			}
			made := w.decisions(t)
			if len(made) != 1 {
				t.Fatalf("%d decisions", len(made))
			}
			spec := made[0].Spec
			if spec.Verdict != test.verdict || spec.Target.Kind != test.kind || spec.Reason != "why" || made[0].Namespace != "trading" {
				t.Errorf("recorded %+v", spec)
			}
			want := ""
			if slices.Contains(test.args, "--yes") && test.args[0] != "restore" { // which agrees to no plan
				want = digest
			}
			if spec.Digest != want {
				t.Errorf("digest %q, want %q", spec.Digest, want)
			}
			for _, want := range []string{"strategydecision/" + made[0].Name + " created", "by bob", "kubectl strategy status " + test.watch + " -n trading -w"} {
				if !strings.Contains(w.out.String(), want) {
					t.Errorf("the output lacks %q:\n%s", want, w.out)
				}
			}
		})
	}
}

// An end that the API server would refuse, or would take for another one, is refused before anything is recorded: 0 s would
// be its default of ten minutes, and 136 years more than ten minutes have the same 32 bits.
func TestAnAcknowledgementHasAnEnd(t *testing.T) {
	for end, code := range map[string]int{
		"1m": exitDone, "4h": exitDone,
		"0s": exitNotUnderstood, "59s": exitNotUnderstood, "500ms": exitNotUnderstood, "-10m": exitNotUnderstood, "4h1s": exitNotUnderstood, "1193046h38m16s": exitNotUnderstood,
	} {
		w := newWorld(t, "", &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "pnl-1"}})
		if got := w.run(t, "acknowledge", "pnl-1", "--for", end); got != code {
			t.Errorf("%s: exit code %d, want %d: %s", end, got, code, w.err)
		}
		if made := len(w.decisions(t)); (made == 1) != (code == exitDone) {
			t.Errorf("%s: %d decisions", end, made)
		}
		if code != exitDone && !strings.Contains(w.err.String(), "give --for a time from 1m to 4h") {
			t.Errorf("%s: the error does not say what to do: %s", end, w.err)
		}
	}
}

func TestApproveShowsAndAsks(t *testing.T) {
	for answer, code := range map[string]int{"y\n": exitDone, "YES\n": exitDone, "n\n": exitRefused, "\n": exitRefused, "yep\n": exitRefused} {
		w := newWorld(t, answer, awaiting())
		if got := w.run(t, "approve", "stop-cross", "--reason", "why"); got != code {
			t.Errorf("answer %q: exit code %d, want %d: %s", answer, got, code, w.err)
		}
		if made := len(w.decisions(t)); (made == 1) != (code == exitDone) {
			t.Errorf("answer %q: %d decisions", answer, made)
		}
		for _, want := range []string{"alice", "disable schedule cross_exchange_watch", "2026-11-23T11:15:00Z", digest, "+  - {schedule: cross_exchange_watch}", "Approve? [y/N]"} {
			if !strings.Contains(w.out.String(), want) {
				t.Errorf("answer %q: the output lacks %q:\n%s", answer, want, w.out)
			}
		}
	}
}

func TestRenewAndOverrideShowAndAsk(t *testing.T) {
	for word, test := range map[string]struct {
		object client.Object
		says   []string
	}{
		"renew":    {verified(), []string{"until 2026-11-23T11:15:00Z (60m left), renewed once", digest, "Renew? The scheduler is restarted for it. [y/N]"}},
		"override": {guarded(), []string{digest, "the guard allows 1 rollbacks", "Override what holds it back? [y/N]"}},
	} {
		for answer, code := range map[string]int{"yes\n": exitDone, "no\n": exitRefused} {
			w := newWorld(t, answer, test.object.DeepCopyObject().(client.Object))
			if got := w.run(t, word, "stop-cross", "--reason", "why"); got != code {
				t.Errorf("%s, answer %q: exit code %d, want %d: %s", word, answer, got, code, w.err)
			}
			if made := len(w.decisions(t)); (made == 1) != (code == exitDone) {
				t.Errorf("%s, answer %q: %d decisions", word, answer, made)
			}
			for _, want := range test.says {
				if !strings.Contains(w.out.String(), want) {
					t.Errorf("%s: the output lacks %q:\n%s", word, want, w.out)
				}
			}
		}
	}
}

func TestHelpSaysWhoIsAsked(t *testing.T) {
	for _, v := range verdicts {
		w := newWorld(t, "")
		if code := w.run(t, v.word, "--help"); code != exitDone {
			t.Fatalf("%s: exit code %d: %s", v.word, code, w.err)
		}
		text := w.out.String()
		for _, want := range []string{"kubectl strategy " + v.word + " ", "--reason", "Exit codes: 0 done"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: help lacks %q:\n%s", v.word, want, text)
			}
		}
		names := slices.Contains([]string{"approve", "renew", "override"}, v.word)
		if strings.Contains(text, "--yes") != (names || v.word == "restore") || strings.Contains(text, "digest") != names {
			t.Errorf("%s: help about --yes and the digest:\n%s", v.word, text)
		}
		long, _, _ := strings.Cut(text, "Usage:")
		for _, line := range strings.Split(long, "\n") {
			if len(line) > 130 {
				t.Errorf("%s: a line of %d columns: %s", v.word, len(line), line)
			}
		}
	}
}

func TestDecisionsThatAreRefused(t *testing.T) {
	rollbackWith := func(change func(*strategyv1.StrategyRollback)) client.Object {
		rollback := awaiting()
		change(rollback)
		return rollback
	}
	approved := func(status metav1.ConditionStatus, reason, message string) func(*strategyv1.StrategyRollback) {
		return func(r *strategyv1.StrategyRollback) {
			r.Status.Conditions[1] = condition(strategyv1.ConditionApproved, status, reason, message)
		}
	}
	verifiedWith := func(change func(*strategyv1.StrategyRollback)) client.Object {
		rollback := verified()
		change(rollback)
		return rollback
	}
	ended := func(how strategyv1.Ending, message string) client.Object {
		return rollbackWith(func(r *strategyv1.StrategyRollback) {
			r.Status.End = &strategyv1.RollbackEnd{How: how}
			r.Status.Conditions[2] = condition(strategyv1.ConditionReady, metav1.ConditionFalse, string(how), message)
		})
	}
	restoring := func(request string, allowed *metav1.Time) client.Object {
		return verifiedWith(func(r *strategyv1.StrategyRollback) {
			r.Status.Restore = &strategyv1.RestoreStatus{Request: request, AllowedTime: allowed}
		})
	}
	restored := ended(strategyv1.EndRestored, "as before")
	renew, override := []string{"renew", "stop-cross", "--yes", "--reason", "why"}, []string{"override", "stop-cross", "--yes", "--reason", "why"}
	incidentWith := func(change func(*strategyv1.StrategyIncident)) client.Object {
		object := incident()
		change(object)
		return object
	}
	for _, test := range []struct {
		name   string
		object client.Object
		args   []string
		code   int
		want   string
	}{
		{"nobody can be asked", awaiting(), []string{"approve", "stop-cross", "--reason", "why"}, exitRefused, "add --yes"},
		{"new", rollbackWith(func(r *strategyv1.StrategyRollback) { r.Status = strategyv1.StrategyRollbackStatus{} }),
			[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "has no plan yet (the operator has not looked at it yet)"},
		{"no plan, with a reason", rollbackWith(func(r *strategyv1.StrategyRollback) {
			r.Status.Plan = nil
			r.Status.Conditions = []metav1.Condition{condition(strategyv1.ConditionReady, metav1.ConditionFalse, strategyv1.ReasonEditRefused, "no schedule x")}
		}), []string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "has no plan yet (EditRefused: no schedule x)"},
		{"not plannable any more", rollbackWith(func(r *strategyv1.StrategyRollback) { r.Status.Conditions[0].Status = metav1.ConditionFalse }),
			[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "cannot be planned any more"},
		{"approved", rollbackWith(approved(metav1.ConditionTrue, strategyv1.ReasonApproved, "approved by bob")),
			[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "is approved already (Approved): approved by bob"},
		{"automatic", rollbackWith(approved(metav1.ConditionTrue, strategyv1.ReasonAutomatic, "no approval")),
			[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "is approved already (Automatic)"},
		{"denied", ended(strategyv1.EndDenied, "denied by carol"),
			[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "has ended (Denied): denied by carol"},
		{"expired", ended(strategyv1.EndApprovalExpired, "nobody approved"),
			[]string{"deny", "stop-cross", "--reason", "why"}, exitRefused, "has ended (ApprovalExpired)"},
		{"planned anew", rollbackWith(approved(metav1.ConditionFalse, strategyv1.ReasonPlanChanged, "changed")),
			[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "does not wait for an approval now"},
		{"no policies", rollbackWith(approved(metav1.ConditionFalse, strategyv1.ReasonIdentityUnenforced, "policies are not installed")),
			[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "does not wait for an approval now"},
		{"to be restored", rollbackWith(func(r *strategyv1.StrategyRollback) { r.Spec.DesiredState = strategyv1.StateRestored }),
			[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "nothing to approve"},
		{"too late to deny", rollbackWith(func(r *strategyv1.StrategyRollback) {
			r.Status.Config = &strategyv1.ConfigClaim{Claim: strategyv1.ClaimHold}
		}), []string{"deny", "stop-cross", "--reason", "why"}, exitRefused, "kubectl strategy restore stop-cross -n trading"},
		{"restored", restored, []string{"restore", "stop-cross"}, exitRefused, "has ended (Restored): as before"},
		{"being restored", rollbackWith(func(r *strategyv1.StrategyRollback) {
			r.Status.Restore = &strategyv1.RestoreStatus{Request: "restore-x"}
		}), []string{"restore", "stop-cross"}, exitRefused, "being restored already, asked for by restore-x"},
		{"tried", ended(strategyv1.EndDryRun, "nothing was changed"),
			[]string{"approve", "stop-cross", "--yes", "--reason", "why"}, exitRefused, "has ended (DryRun): nothing was changed; create another rollback"},
		{"probed in vain", ended(strategyv1.EndProbeFailed, "the feed is not usable"),
			override, exitRefused, "has ended (ProbeFailed): the feed is not usable"},
		{"being deleted", verifiedWith(func(r *strategyv1.StrategyRollback) {
			r.DeletionTimestamp, r.Finalizers = new(metav1.NewTime(now)), []string{strategyv1.Finalizer}
		}), []string{"restore", "stop-cross"}, exitRefused, "is being deleted (Verified: in effect)"},
		{"the end of the time box asked already", restoring("timeBox", nil),
			[]string{"restore", "stop-cross"}, exitRefused, "being restored already, asked for by timeBox"},

		{"nobody can be asked to renew", verified(), []string{"renew", "stop-cross"}, exitRefused, "add --yes"},
		{"renew what has no plan", rollbackWith(func(r *strategyv1.StrategyRollback) { r.Status.Plan = nil }), renew, exitRefused, "has no plan yet (AwaitingApproval: decide)"},
		{"renew what is not approved", awaiting(), renew, exitRefused, "is not in effect yet, so there is nothing to renew (AwaitingApproval: decide)"},
		{"renew what waits for room", guarded(), renew, exitRefused, "is not in effect yet, so there is nothing to renew (GuardExceeded: the guard allows"},
		{"renew what is being written", verifiedWith(func(r *strategyv1.StrategyRollback) { r.Status.Conditions = r.Status.Conditions[:3] }),
			renew, exitRefused, "is not in effect yet"},
		{"renew what has no end", verifiedWith(func(r *strategyv1.StrategyRollback) { r.Status.Plan.Until = nil }), renew, exitRefused, "has no time box, so there is nothing to renew"},
		{"renew what is to be undone", verifiedWith(func(r *strategyv1.StrategyRollback) { r.Spec.DesiredState = strategyv1.StateRestored }),
			renew, exitRefused, "is to be undone, so there is nothing to renew"},
		{"renew what is being restored", restoring("restore-x", nil), renew, exitRefused, "is being restored, so there is nothing to renew"},
		{"renew too late", restoring("timeBox", new(metav1.NewTime(now))), renew, exitRefused, "is being restored, so there is nothing to renew"},
		{"renew what is released", verifiedWith(func(r *strategyv1.StrategyRollback) { r.Status.Config.Claim = strategyv1.ClaimRelease }), renew, exitRefused, "is being restored"},
		{"renew what is restored", restored, renew, exitRefused, "has ended (Restored): as before"},

		{"nobody can be asked to override", guarded(), []string{"override", "stop-cross", "--reason", "why"}, exitRefused, "add --yes"},
		{"override without a plan", rollbackWith(func(r *strategyv1.StrategyRollback) { r.Status.Plan = nil }), override, exitRefused, "has no plan yet"},
		{"override what waits for an approval", awaiting(), override, exitRefused, "has nothing to override: neither the playbook's guard nor a restore gate holds it back (AwaitingApproval: decide)"},
		{"override what is in effect", verified(), override, exitRefused, "has nothing to override"},
		{"override a gate that is being asked", restoring("restore-x", nil), override, exitRefused, "has nothing to override"},

		{"closed", incidentWith(func(i *strategyv1.StrategyIncident) {
			i.Status.ClosedTime = new(metav1.NewTime(now))
			i.Status.Conditions[0] = condition(strategyv1.ConditionReady, metav1.ConditionTrue, strategyv1.ReasonResolved, "done")
		}), []string{"resolve", "pnl-1", "--reason", "why"}, exitRefused, "is closed already (Resolved): done"},
		{"at the top", incidentWith(func(i *strategyv1.StrategyIncident) { i.Status.Level = strategyv1.LevelLead }),
			[]string{"escalate", "pnl-1"}, exitRefused, "nobody is above"},
		{"with a rollback", incidentWith(func(i *strategyv1.StrategyIncident) {
			i.Status.Rollbacks = []strategyv1.IncidentRollback{{Name: "stop-cross"}}
		}), []string{"false-alarm", "pnl-1", "--reason", "why"}, exitRefused, "restore or deny that one"},
		{"missing", incident(), []string{"approve", "nope", "--yes", "--reason", "why"}, exitNotUnderstood,
			`no StrategyRollback "nope" in namespace trading; list them: kubectl get strategyrollbacks -n trading`},
		{"no name", incident(), []string{"resolve"}, exitNotUnderstood, "takes one StrategyIncident, not 0 arguments"},
		{"unknown flag", incident(), []string{"resolve", "pnl-1", "--force"}, exitNotUnderstood, "unknown flag: --force; see kubectl strategy resolve --help"},
		{"unknown command", incident(), []string{"frobnicate"}, exitNotUnderstood, `unknown command "frobnicate"; see kubectl strategy --help`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "", test.object)
			code := w.run(t, test.args...)
			if code != test.code || !strings.Contains(w.err.String(), test.want) || strings.Count(w.err.String(), "\n") != 1 {
				t.Errorf("exit code %d, want %d with one line that says %q:\n%s", code, test.code, test.want, w.err)
			}
			if made := w.decisions(t); len(made) != 0 {
				t.Errorf("recorded all the same: %+v", made)
			}
		})
	}
}

// TestRenewalsInTime: what looks as if it were over can still be renewed.
func TestRenewalsInTime(t *testing.T) {
	for name, change := range map[string]func(*strategyv1.StrategyRollback){
		"expired": func(r *strategyv1.StrategyRollback) {
			r.Status.Conditions[3] = condition(strategyv1.ConditionInEffect, metav1.ConditionFalse, strategyv1.ReasonExpired, "trades again")
		},
		"the gate at the end is being asked": func(r *strategyv1.StrategyRollback) {
			r.Status.Restore = &strategyv1.RestoreStatus{Request: requestTimeBox}
		},
		"the gate failed": func(r *strategyv1.StrategyRollback) {
			r.Status.Restore = &strategyv1.RestoreStatus{Request: "restore-x", Result: strategyv1.RestoreGateFailed}
		},
		"renewed when the gate had failed": func(r *strategyv1.StrategyRollback) {
			r.Status.Restore = &strategyv1.RestoreStatus{Request: "restore-x", Result: strategyv1.RestoreSuperseded}
		},
	} {
		object := verified()
		change(object)
		if why := rollbackRefusal(object, strategyv1.DecisionRenew); why != "" {
			t.Errorf("%s: refused: %s", name, why)
		}
	}
}

func TestErrorsOfTheAPIServer(t *testing.T) {
	resource := schema.GroupResource{Group: "strategy.tradeops.dev", Resource: "strategydecisions"}
	for _, test := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"admission", apierrors.NewForbidden(resource, "approve-x", errors.New("ValidatingAdmissionPolicy 'd' denied request: alice may not\n\x1b[31mApprove")), exitRefused,
			`strategydecisions.strategy.tradeops.dev "approve-x" is forbidden: ValidatingAdmissionPolicy 'd' denied request: alice may not` + " \uFFFD[31mApprove\n"},
		{"no connection", errors.New("dial tcp: connection refused"), exitNotUnderstood, "connection refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorldWith(t, "", interceptor.Funcs{Create: func(_ context.Context, _ client.WithWatch, object client.Object, _ ...client.CreateOption) error {
				if _, ok := object.(*strategyv1.StrategyDecision); ok {
					return test.err
				}
				return bobRuns(t.Context(), nil, object)
			}}, awaiting())
			if code := w.run(t, "approve", "stop-cross", "--yes", "--reason", "why"); code != test.code || !strings.Contains(w.err.String(), test.want) {
				t.Errorf("exit code %d, want %d and %q: %q", code, test.code, test.want, w.err)
			}
		})
	}
}
