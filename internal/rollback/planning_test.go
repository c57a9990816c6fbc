package rollback_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// A change of a ConfigMap that the Deployment does not read could not come into effect.
func TestTheDeploymentMustUseTheConfigMap(t *testing.T) {
	volumes := func(s *story) *corev1.ConfigMapVolumeSource {
		return s.Deployment.Spec.Template.Spec.Volumes[0].ConfigMap
	}
	for name, c := range map[string]struct {
		given func(*story)
		says  string // empty: it does
	}{
		"it does":                   {func(*story) {}, ""},
		"another, by a hash":        {func(s *story) { volumes(s).Name = "bot-core-config-7f9c" }, "it uses: bot-core-config-7f9c. If its name carries a hash"},
		"another key":               {func(s *story) { volumes(s).Items = []corev1.KeyToPath{{Key: "paper.yaml", Path: "core.yaml"}} }, "uses other keys of ConfigMap bot-core-config"},
		"it mounts it nowhere":      {func(s *story) { s.Deployment.Spec.Template.Spec.Containers[0].VolumeMounts = nil }, "no container of Deployment bot-core-scheduler mounts"},
		"it has nothing to do here": {func(s *story) { s.Deployment.Spec.Template.Spec = corev1.PodSpec{} }, "it uses none"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			s.quiet()
			want := "AwaitingApproval"
			if c.says != "" {
				want = "ConfigNotMounted"
			}
			expect(t, "Ready", s.ready(), want)
			if got := s.message(strategyv1.ConditionReady); !strings.Contains(got, c.says) {
				t.Errorf("it says %q, not %q", got, c.says)
			}
			if s.rollback.Status.Plan != nil != (c.says == "") || s.rollback.Status.Config != nil {
				t.Errorf("planned: %v", s.rollback.Status.Plan != nil)
			}
		})
	}
}

// A Deployment that is changed later does not keep a change from being undone.
func TestADeploymentThatStopsUsingTheConfigMapCanBeRestored(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.Deployment.Spec.Template.Spec = corev1.PodSpec{}
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "Ready", s.ready(), "Restored")
	expect(t, "the configuration", s.Content, testkit.Document)
}

// Whoever approves is told that two schedulers will trade at once while the Deployment is replaced.
func TestTwoTradersAreAnnouncedBeforeTheApproval(t *testing.T) {
	for strategy, want := range map[appsv1.DeploymentStrategyType]bool{
		appsv1.RecreateDeploymentStrategyType: false, appsv1.RollingUpdateDeploymentStrategyType: true, "": true,
	} {
		t.Run(string(strategy), func(t *testing.T) {
			s := newStory(t)
			s.Deployment.Spec.Strategy.Type = strategy
			s.quiet()
			expect(t, "Ready", s.ready(), "AwaitingApproval")
			if says := s.message(strategyv1.ConditionPlanned); strings.Contains(says, "two schedulers trade at once") != want {
				t.Errorf("Planned says %q", says)
			}
			digest := s.rollback.Status.Plan.Digest
			s.Deployment.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
			s.quiet()
			expect(t, "the digest", s.rollback.Status.Plan.Digest, digest)
			if strings.Contains(s.message(strategyv1.ConditionPlanned), "two schedulers") {
				t.Errorf("it still tells of two traders")
			}
		})
	}
}

// Whoever approves is told of a tool that may put the edits back; that it comes or goes does not make the approval worthless. Once the edits are
// claimed, the plan says what was known when it was approved.
func TestAnOwnerIsAnnouncedBeforeTheApproval(t *testing.T) {
	s := newStory(t).byHand(testkit.Disable("fast"))
	s.quiet()
	digest := s.rollback.Status.Plan.Digest
	owner := func(want *strategyv1.ConfigOwner) {
		t.Helper()
		if diff := cmp.Diff(want, s.rollback.Status.Plan.Owner); diff != "" {
			t.Error(diff)
		}
	}
	owner(nil)
	s.Owner = &strategyv1.ConfigOwner{Kind: strategyv1.OwnerKustomization, Name: "apps", RestsOn: strategyv1.OwnerByBoth, Outcome: "Flux puts it back"}
	s.quiet()
	owner(s.Owner)
	expect(t, "the digest", s.rollback.Status.Plan.Digest, digest)
	if says := s.message(strategyv1.ConditionPlanned); !strings.Contains(says, "Flux, Kustomization apps") || !strings.Contains(says, "Flux puts it back") {
		t.Errorf("Planned says %q", says)
	}
	s.decide(strategyv1.DecisionApprove, "bob")
	s.quiet()
	expect(t, "the claim", string(s.rollback.Status.Config.Claim), string(strategyv1.ClaimHold))
	known := s.Owner
	s.Owner = nil
	s.quiet()
	owner(known)
}

// The summary of each action, as people read it.
func TestSummaryOfEachAction(t *testing.T) {
	for says, wanted := range map[string]strategyv1.RollbackAction{
		"disable schedule fast until 2026-11-23T14:00:00Z":                    testkit.Disable("fast"),
		"disable every schedule of strategy arb until":                        testkit.DisableAll("arb"),
		"set allocation balanced/cross to 0.0 until":                          testkit.Allocate("cross", "0.0"),
		"switch to feed binance until":                                        testkit.SwitchFeed("binance"),
		"set resource limits CPU %=80 memory MB=3072 until":                   testkit.LimitResources("80", "3072"),
		"limit strategy arb in bold to 2 signals until 2026-11-23T14:00:00Z.": testkit.LimitSignals("arb", "bold", 2),
	} {
		s := newStory(t).byHand(wanted)
		s.feeds()
		s.quiet()
		if got := s.message(strategyv1.ConditionReady); !strings.HasPrefix(got, says) {
			t.Errorf("it says %q, not %q", got, says)
		}
	}
}
