package sim

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// Losing are the reports of a strategy that loses money: the audit fails, so that it is no false alarm, and so does the
// smoke test until the schedule is disabled.
func Losing(_ *World, id checks.ID) (Ended, bool) {
	if id.Check == "audit" || id.Check == "smoke" && id.Stage == strategyv1.StageDiagnosis {
		return Fail, true
	}
	return OK, id.Check != "running-plan"
}

// ReportIncident is alice, who sees a schedule lose money.
func (w *World) ReportIncident(change func(*strategyv1.StrategyIncidentSpec)) {
	w.T.Helper()
	w.ReportAs("pnl", change)
}

// ReportAs is the same under another name.
func (w *World) ReportAs(name string, change func(*strategyv1.StrategyIncidentSpec)) {
	w.T.Helper()
	spec := strategyv1.StrategyIncidentSpec{
		PlaybookName: Playbook, Type: "PnL", Severity: "Critical", Schedule: "fast", Summary: "losing money",
	}
	if change != nil {
		change(&spec)
	}
	w.As("alice", &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec})
}

// AskRollback is alice, who wants less of something.
func (w *World) AskRollback(name string, change func(*strategyv1.StrategyRollbackSpec)) {
	w.T.Helper()
	spec := strategyv1.StrategyRollbackSpec{
		PlaybookName: Playbook, Reason: "less of it", DesiredState: strategyv1.StateApplied,
		Actions: []strategyv1.RollbackAction{
			{Type: strategyv1.ActionSetAllocation, RiskProfile: "bold", Bucket: "trend", Allocation: "0.5"},
			{Type: strategyv1.ActionDisableSchedule, Schedule: "slow"},
		},
	}
	if change != nil {
		change(&spec)
	}
	w.As("alice", &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec})
}

// People do one thing at a time, each once, when the rollback or incident is ready for it.
func People(steps ...func(*World) bool) func(*World) bool {
	return func(w *World) bool {
		for _, step := range steps {
			if step(w) {
				return true
			}
		}
		return false
	}
}

// Approve is a step: bob approves the plan.
func Approve(w *World) bool { return w.DecideOn("AwaitingApproval", strategyv1.DecisionApprove, 0) }

// Deny is a step: bob denies the plan.
func Deny(w *World) bool { return w.DecideOn("AwaitingApproval", strategyv1.DecisionDeny, 0) }

// Restore is a step: bob restores what was changed.
func Restore(w *World) bool { return w.DecideOn("Verified", strategyv1.DecisionRestore, 0) }

// DecideOn lets bob decide about the rollback when it is in a state and has so many decisions of this verdict.
func (w *World) DecideOn(state string, verdict strategyv1.DecisionVerdict, made int) bool {
	rollback := w.Rollback()
	if rollback == nil || conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady) != state || w.Decisions(verdict) != made {
		return false
	}
	spec := strategyv1.StrategyDecisionSpec{
		Target: strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: rollback.Name}, Verdict: verdict,
	}
	if verdict == strategyv1.DecisionApprove {
		spec.Digest = rollback.Status.Plan.Digest
	}
	w.bobDecides(spec)
	return true
}

// DecideOnIncident lets bob decide about the incident, once, when it is in a state.
func (w *World) DecideOnIncident(state string, verdict strategyv1.DecisionVerdict) bool {
	incident := w.Incident()
	if incident == nil || conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady) != state || w.Decisions(verdict) > 0 {
		return false
	}
	w.bobDecides(strategyv1.StrategyDecisionSpec{
		Target: strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: incident.Name}, Verdict: verdict,
	})
	return true
}

// DecideAbout lets somebody decide about an object, a second after whatever happened last.
func (w *World) DecideAbout(user string, target strategyv1.DecisionTarget, verdict strategyv1.DecisionVerdict) {
	w.T.Helper()
	w.decideLater(user, strategyv1.StrategyDecisionSpec{Target: target, Verdict: verdict})
}

// Review lets somebody decide about the playbook as it is now.
func (w *World) Review(user string, verdict strategyv1.DecisionVerdict) {
	w.T.Helper()
	var playbook strategyv1.StrategyPlaybook
	w.Get(Playbook, &playbook)
	w.decideLater(user, strategyv1.StrategyDecisionSpec{
		Target: strategyv1.DecisionTarget{Kind: strategyv1.KindPlaybook, Name: Playbook}, Verdict: verdict, Digest: playbook.Status.Digest,
	})
}

// decideLater records a decision in a second of its own.
func (w *World) decideLater(user string, spec strategyv1.StrategyDecisionSpec) {
	w.T.Helper()
	w.Pass(time.Second)
	w.decide(user, fmt.Sprintf("%s-%02d", user, w.Decisions("")), spec)
}

func (w *World) bobDecides(spec strategyv1.StrategyDecisionSpec) {
	w.T.Helper()
	w.decide("bob", fmt.Sprintf("bob-%d", w.Decisions("")), spec)
}

// decide records a decision, with a reason only where one is needed.
func (w *World) decide(user, name string, spec strategyv1.StrategyDecisionSpec) {
	w.T.Helper()
	if spec.Verdict.NeedsReason() {
		spec.Reason = "as agreed"
	}
	w.As(user, &strategyv1.StrategyDecision{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec})
}

// Decisions counts those of a verdict; of every verdict if it is empty.
func (w *World) Decisions(verdict strategyv1.DecisionVerdict) int {
	var list strategyv1.StrategyDecisionList
	w.List(&list)
	n := 0
	for _, decision := range list.Items {
		if verdict == "" || decision.Spec.Verdict == verdict {
			n++
		}
	}
	return n
}

// Incident is the first one, nil without any.
func (w *World) Incident() *strategyv1.StrategyIncident {
	var list strategyv1.StrategyIncidentList
	w.List(&list)
	if len(list.Items) == 0 {
		return nil
	}
	return &list.Items[0]
}

// IncidentNamed is the one of that name, nil without it.
func (w *World) IncidentNamed(name string) *strategyv1.StrategyIncident {
	var list strategyv1.StrategyIncidentList
	w.List(&list)
	for i := range list.Items {
		if list.Items[i].Name == name {
			return &list.Items[i]
		}
	}
	return nil
}

// Rollback is the first one, nil without any.
func (w *World) Rollback() *strategyv1.StrategyRollback { return w.RollbackNamed("") }
