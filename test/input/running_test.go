package input

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestWhatVanishesUnderARollbackStopsItUntilItIsBack: the rollback waits for its approval when it happens, and is
// approved while it is gone. Nothing may be changed then; afterwards the story ends as if nothing had been.
func TestWhatVanishesUnderARollbackStopsItUntilItIsBack(t *testing.T) {
	for _, c := range []struct {
		name   string
		given  func(*story)
		reason string
		says   string
		fixed  func(*story)
	}{{
		"the ConfigMap",
		func(s *story) { s.Delete(sim.ConfigMap, &corev1.ConfigMap{}) },
		"ConfigMapNotFound", "bot-core-config does not exist",
		func(s *story) { s.Create(s.ConfigMap()) },
	}, {
		"the label of the ConfigMap",
		func(s *story) { s.changeConfig(func(c *corev1.ConfigMap) { c.Labels = nil }) },
		"ConfigMapNotLabelled", "bot-core-config is not opted in",
		func(s *story) { s.changeConfig(func(c *corev1.ConfigMap) { c.Labels = s.ConfigMap().Labels }) },
	}, {
		"the syntax of the configuration",
		func(s *story) { s.write("a: [") },
		"ConfigInvalid", "key core.yaml",
		func(s *story) { s.write(testkit.Document) },
	}, {
		"the Secret",
		func(s *story) { s.Delete(sim.Secret, &corev1.Secret{}) },
		"SecretNotFound", "decision-log-key",
		func(s *story) { s.Create(s.Secret()) },
	}, {
		"the PodTemplate",
		func(s *story) { s.Delete(sim.Template, &corev1.PodTemplate{}) },
		"PodTemplateNotFound", "check load needs PodTemplate tools, which does not exist in namespace ",
		func(s *story) { s.Create(s.PodTemplate()) },
	}, {
		"the Deployment",
		func(s *story) { s.Delete(sim.Deployment, s.Deployment()) },
		"DeploymentNotFound", "Deployment bot-core-scheduler does not exist",
		func(s *story) { s.Create(s.Deployment()) },
	}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, nil)
			s.AskRollback("pnl", func(r *strategyv1.StrategyRollbackSpec) { r.RemediationName = "disable" })
			s.settle()
			s.is(aRollback(), "pnl", "AwaitingApproval")
			c.given(s)
			s.breaks()
			s.People = sim.People(sim.Approve)
			s.later(recheck)
			s.stalls(aRollback(), "pnl", c.reason, c.says)
			s.changedNothing()
			s.noJobs()

			c.fixed(s)
			s.People = sim.People(sim.Approve, sim.Restore)
			s.later(recheck)
			s.is(aRollback(), "pnl", "Restored")
			if s.Content() != testkit.Document {
				t.Errorf("the configuration is not what it was: %s", s.Content())
			}
		})
	}
}

func TestAPodTemplateThatVanishesUnderAnIncidentStopsIt(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	gone := false
	s.Report = func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		if id.Check == "audit" && !gone {
			gone = true
			w.Delete(sim.Template, &corev1.PodTemplate{})
		}
		return sim.Losing(w, id)
	}
	s.ReportIncident(nil)
	s.settle()
	s.stalls(anIncident(), "pnl", "PodTemplateNotFound", "needs PodTemplate tools, which does not exist in namespace "+s.Namespace)
	s.breaks()
	s.changedNothing()
	if s.seen.Jobs != 2 || len(s.seen.Rollbacks) > 0 || s.seen.Content != testkit.Document {
		t.Errorf("%+v", s.seen)
	}

	s.Create(s.PodTemplate())
	s.later(recheck)
	s.is(anIncident(), "pnl", "Mitigating")
}

// The edits are written, and then the tool that proves them is gone: a person must know, and has until the time-out.
func TestAPodTemplateThatVanishesBeforeTheProofIsAPersonsBusiness(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.AskRollback("pnl", nil)
	s.settle()
	s.Delete(sim.Template, &corev1.PodTemplate{})
	s.People = sim.People(sim.Approve)
	s.settle()
	s.breaks()
	if s.seen.Content == testkit.Document {
		t.Fatal("the edits are not written")
	}
	s.stalls(aRollback(), "pnl", "PodTemplateNotFound", "check running-plan needs PodTemplate tools, which does not exist in namespace "+s.Namespace)
	s.changedNothing()

	s.Create(s.PodTemplate())
	s.later(recheck)
	s.is(aRollback(), "pnl", "Verified")
}

// The change stands and is rolled out; that nobody can prove it is no reason to trade again.
func TestAProofThatCannotRunInTimeRevertsNothing(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.AskRollback("pnl", func(r *strategyv1.StrategyRollbackSpec) { r.RemediationName = "disable" })
	s.Report = func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		if id.Stage == strategyv1.StageBefore {
			w.Delete(sim.Template, &corev1.PodTemplate{})
		}
		return sim.Mute, false
	}
	s.People = sim.People(sim.Approve)
	s.settle()
	s.breaks()
	for range 4 {
		s.later(time.Minute)
	}
	if s.Content() != s.seen.Content || s.Content() == testkit.Document {
		t.Errorf("the edits are undone: %s", s.Content())
	}
	if all := s.conditions(aRollback(), "pnl"); !conditions.True(all, strategyv1.ConditionStalled) {
		t.Errorf("nobody is asked: %+v", all)
	}
}

func TestADeploymentThatVanishesBeforeTheRolloutIsAPersonsBusiness(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.AskRollback("pnl", nil)
	s.settle()
	gone := false
	s.People = func(w *sim.World) bool {
		if !gone && w.Content() != testkit.Document {
			gone = true
			w.Delete(sim.Deployment, w.Deployment())
			return true
		}
		return sim.Approve(w)
	}
	s.settle()
	s.breaks()
	s.stalls(aRollback(), "pnl", "DeploymentNotFound", "Deployment bot-core-scheduler does not exist")
	s.changedNothing()

	s.Create(s.Deployment())
	s.later(recheck)
	s.is(aRollback(), "pnl", "Verified")
}

// A frozen playbook that somebody deletes is made again, and what runs on it goes on.
func TestALostRevisionIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.settle()
	var playbook strategyv1.StrategyPlaybook
	s.Get(sim.Playbook, &playbook)
	s.ReportIncident(nil)
	s.AskRollback("less", nil)
	s.settle()
	s.Delete(playbook.Status.Revision, &appsv1.ControllerRevision{})
	s.settle()
	s.later(recheck)
	s.Get(playbook.Status.Revision, &appsv1.ControllerRevision{})
	s.is(aPlaybook(), sim.Playbook, "Valid")
	s.is(anIncident(), "pnl", "LooksLikeFalseAlarm")
	s.is(aRollback(), "less", "AwaitingApproval")
}

// Two playbooks on two keys of one ConfigMap: the younger one is refused until it has a ConfigMap of its own.
func TestASecondPlaybookOnAnotherKeyOfTheConfigMapIsRefused(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.settle()
	s.changeConfig(func(c *corev1.ConfigMap) { c.Data["other.yaml"] = testkit.Document })
	var first strategyv1.StrategyPlaybook
	s.Get(sim.Playbook, &first)
	second := first.DeepCopy()
	second.ObjectMeta, second.Status = metav1.ObjectMeta{Namespace: s.Namespace, Name: "second"}, strategyv1.StrategyPlaybookStatus{}
	second.Spec.Scheduler.Config.Key = "other.yaml"
	s.later(recheck) // it is younger
	s.Create(second)
	s.settle()
	s.is(aPlaybook(), sim.Playbook, "Valid")
	s.stalls(aPlaybook(), "second", "ReferenceInvalid", "StrategyPlaybook "+sim.Playbook+" looks after another key", "two ConfigMaps")
	s.Delete(sim.Playbook, &strategyv1.StrategyPlaybook{})
	s.settle()
	s.later(recheck)
	s.is(aPlaybook(), "second", "Valid")
}

// The longest name that there can be is one like another.
func TestARollbackWithALongNameIsPlanned(t *testing.T) {
	t.Parallel()
	for _, n := range []int{247, 253} {
		s := tell(t, nil)
		name := strings.Repeat("x", n)
		s.AskRollback(name, nil)
		s.settle()
		s.is(aRollback(), name, "AwaitingApproval")
	}
}

// A proof that is broken leaves a rollback undecided, whatever becomes of the playbook, until somebody takes the fixed check over.
func TestABrokenProofIsFixedByTakingTheChecksOver(t *testing.T) {
	t.Parallel()
	proof := func(p *strategyv1.StrategyPlaybookSpec) *strategyv1.CheckSpec { return &p.Checks[len(p.Checks)-1] }
	s := tell(t, func(p *strategyv1.StrategyPlaybookSpec) {
		proof(p).ReportFrom = strategyv1.ReportFromTerminationMessage
	}) // it writes into its log
	s.Report = func(_ *sim.World, id checks.ID) (sim.Ended, bool) { return sim.OK, id.Check != "running-plan" }
	s.People = sim.People(sim.Approve)
	s.AskRollback("less", nil)
	s.settle()
	s.is(aRollback(), "less", "Unproved")
	s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { proof(p).ReportFrom = strategyv1.ReportFromLog })
	s.settle()
	s.is(aPlaybook(), sim.Playbook, "Valid")
	s.is(aRollback(), "less", "Unproved")
	s.Decide("bob", "less", strategyv1.DecisionAdoptChecks, "")
	s.settle()
	s.is(aRollback(), "less", "Verified")
	var rollback strategyv1.StrategyRollback
	var playbook strategyv1.StrategyPlaybook
	s.Get("less", &rollback)
	s.Get(sim.Playbook, &playbook)
	if adopted := rollback.Status.AdoptedChecks; adopted == nil || adopted.Revision != playbook.Status.Revision || rollback.Status.PlaybookRevision == playbook.Status.Revision {
		t.Errorf("%+v, of %s now", adopted, playbook.Status.Revision)
	}
}

// The log of a playbook goes on where it was, though somebody deletes the decisions that began it; a hold does not end by that.
func TestTheLogOfAPlaybookOutlivesItsDecisions(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	s.settle()
	s.DecideAbout("dave", strategyv1.DecisionTarget{Kind: strategyv1.KindPlaybook, Name: sim.Playbook}, strategyv1.DecisionHold)
	s.settle()
	var decisions strategyv1.StrategyDecisionList
	s.List(&decisions)
	for _, decision := range decisions.Items {
		s.Delete(decision.Name, &strategyv1.StrategyDecision{})
	}
	s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Checks[0].TimeoutSeconds = 61 })
	s.settle()
	var playbook strategyv1.StrategyPlaybook
	s.Get(sim.Playbook, &playbook)
	if log := playbook.Status.Log; len(decisions.Items) != 1 || log == nil || *log.Entries != 1 || log.Head == "" || playbook.Status.Hold == nil {
		t.Errorf("%d decisions; log %+v, hold %+v", len(decisions.Items), log, playbook.Status.Hold)
	}
}
