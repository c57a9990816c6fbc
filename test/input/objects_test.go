package input

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestAnObjectThatNamesWhatIsNotThereWaits: the playbook is right, the incident or rollback is not.
func TestAnObjectThatNamesWhatIsNotThereWaits(t *testing.T) {
	disable := func(schedule string) []strategyv1.RollbackAction {
		return []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: schedule}}
	}
	allocate := func(profile, bucket string) []strategyv1.RollbackAction {
		return []strategyv1.RollbackAction{{Type: strategyv1.ActionSetAllocation, RiskProfile: profile, Bucket: bucket, Allocation: "0.5"}}
	}
	incident := func(change func(*strategyv1.StrategyIncidentSpec)) func(*story) {
		return func(s *story) { s.ReportIncident(change) }
	}
	rollback := func(change func(*strategyv1.StrategyRollbackSpec)) func(*story) {
		return func(s *story) { s.AskRollback("pnl", change) }
	}
	configured := func(old, new string) func(*story) {
		return func(s *story) { s.write(strings.Replace(testkit.Document, old, new, 1)) }
	}
	another := func(s *story) {
		s.Create(&strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "other"}, Spec: testkit.Playbook()})
	}
	for _, c := range []struct {
		name   string
		given  func(*story)
		object func() client.Object // its name is pnl
		reason string
		says   []string
		fixed  func(*story)
		then   string
	}{{
		"an incident names a playbook that does not exist",
		incident(func(i *strategyv1.StrategyIncidentSpec) { i.PlaybookName = "other" }), anIncident,
		"PlaybookNotFound", []string{"StrategyPlaybook other does not exist in namespace NAMESPACE"}, another, "LooksLikeFalseAlarm",
	}, {
		"a rollback names a playbook that does not exist",
		rollback(func(r *strategyv1.StrategyRollbackSpec) { r.PlaybookName = "other" }), aRollback,
		"PlaybookNotFound", []string{"StrategyPlaybook other does not exist in namespace NAMESPACE"}, another, "AwaitingApproval",
	}, {
		"an incident names a schedule that does not exist",
		incident(func(i *strategyv1.StrategyIncidentSpec) { i.Schedule = "night" }), anIncident,
		"ScheduleNotFound", []string{`the configuration has no schedule "night"; it has: `, "fast", "slow", "trend_watch"},
		configured("        slow:", "        night: {strategy: arb}\n        slow:"), "LooksLikeFalseAlarm",
	}, {
		"an incident names a strategy that no schedule uses",
		incident(func(i *strategyv1.StrategyIncidentSpec) { i.Schedule, i.Strategy = "", "carry" }), anIncident,
		"ScheduleNotFound", []string{`no schedule of the configuration uses strategy "carry"`},
		configured("        slow:", "        night: {strategy: carry}\n        slow:"), "LooksLikeFalseAlarm",
	}, {
		"a rollback names a schedule that does not exist",
		rollback(func(r *strategyv1.StrategyRollbackSpec) { r.Actions = disable("night") }), aRollback,
		"EditRefused", []string{"action 1 (DisableSchedule): ", `has no schedule "night"`, "fast", "Nothing was changed"},
		configured("        slow:", "        night: {strategy: arb}\n        slow:"), "AwaitingApproval",
	}, {
		"a rollback names a bucket that does not exist",
		rollback(func(r *strategyv1.StrategyRollbackSpec) { r.Actions = allocate("bold", "carry") }), aRollback,
		"EditRefused", []string{"action 1 (SetAllocation): ", `risk_profiles.bold.strategy_allocations has no bucket "carry"`, "trend", "Nothing was changed"},
		configured("      trend: 1.0", "      carry: 0.0\n      trend: 1.0"), "AwaitingApproval",
	}, {
		"a rollback names a risk profile that does not exist",
		rollback(func(r *strategyv1.StrategyRollbackSpec) {
			r.Actions = append(disable("fast"), allocate("wild", "trend")...)
		}), aRollback,
		"EditRefused", []string{"action 2 (SetAllocation): ", `risk_profiles has no profile "wild"`, "bold"},
		configured("  bold:", "  wild:\n    strategy_allocations: {trend: 1.0}\n  bold:"), "AwaitingApproval",
	}, {
		"a rollback names a remediation that does not exist",
		rollback(func(r *strategyv1.StrategyRollbackSpec) { r.RemediationName = "halve" }), aRollback,
		"RemediationNotFound", []string{`playbook multi-strategy has no remediation "halve"`},
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) {
				p.Remediations = append(p.Remediations, *p.Remediations[0].DeepCopy())
				p.Remediations[len(p.Remediations)-1].Name = "halve"
			})
		}, "AwaitingApproval",
	}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, nil)
			c.given(s)
			s.breaks()
			s.settle()
			s.is(aPlaybook(), sim.Playbook, "Valid")
			for i := range c.says {
				c.says[i] = strings.ReplaceAll(c.says[i], "NAMESPACE", s.Namespace)
			}
			s.stalls(c.object(), "pnl", c.reason, c.says...)
			s.changedNothing()
			s.noJobs()

			c.fixed(s)
			s.later(recheck)
			s.is(c.object(), "pnl", c.then)
		})
	}
}

func TestAPathThatAnotherRollbackHoldsIsNotChangedTwice(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.People = sim.People(sim.Approve)
	s.AskRollback("first", nil)
	s.settle()
	s.is(aRollback(), "first", "Verified")
	s.AskRollback("second", func(r *strategyv1.StrategyRollbackSpec) { // another value at the same place
		r.Actions = []strategyv1.RollbackAction{*r.Actions[0].DeepCopy()}
		r.Actions[0].Allocation = "0.25"
	})
	s.breaks()
	s.settle()
	s.stalls(aRollback(), "second", "PathHeldByOther", "/risk_profiles/bold/strategy_allocations/trend is already changed by rollback first", "it waits until that one is restored")
	s.changedNothing()

	s.People = sim.People(sim.Restore)
	s.settle()
	s.is(aRollback(), "first", "Restored")
	s.later(recheck)
	s.is(aRollback(), "second", "AwaitingApproval")
	if s.Content() != testkit.Document {
		t.Errorf("the configuration is not what it was: %s", s.Content())
	}
}

func TestAnEditThatBecomesImpossibleVoidsTheApproval(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.AskRollback("pnl", nil)
	s.settle()
	s.is(aRollback(), "pnl", "AwaitingApproval")
	s.write(strings.Replace(testkit.Document, "      trend: 1.0 # all in\n", "      cross: 1.0\n", 1))
	s.People = sim.People(sim.Approve)
	s.breaks()
	s.settle()
	s.stalls(aRollback(), "pnl", "EditRefused", `has no bucket "trend"`)
	s.changedNothing()
	s.noJobs()

	s.write(testkit.Document)
	s.later(time.Second)
	s.People = func(w *sim.World) bool { return w.DecideOn("AwaitingApproval", strategyv1.DecisionApprove, 0) }
	s.settle()
	s.is(aRollback(), "pnl", "Verified")
}
