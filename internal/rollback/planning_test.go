package rollback_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// A change of a ConfigMap that the Deployment does not read could not come into effect.
func TestTheDeploymentMustUseTheConfigMap(t *testing.T) {
	reference := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	volume := func(source corev1.VolumeSource) corev1.PodSpec {
		return corev1.PodSpec{Volumes: []corev1.Volume{{Name: "other"}, {Name: "config", VolumeSource: source}}}
	}
	for name, c := range map[string]struct {
		pod  corev1.PodSpec
		says string // empty: it does
	}{
		"as a volume": {volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: reference(testkit.ConfigMap)}}), ""},
		"as a projected volume": {volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{}}, {ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: reference(testkit.ConfigMap)}},
		}}}), ""},
		"as variables": {corev1.PodSpec{Containers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{
			{SecretRef: &corev1.SecretEnvSource{}}, {ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: reference(testkit.ConfigMap)}},
		}}}}, ""},
		"as one variable of an init container": {corev1.PodSpec{InitContainers: []corev1.Container{{Env: []corev1.EnvVar{
			{Name: "A", Value: "b"}, {Name: "C", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: reference(testkit.ConfigMap)}}},
		}}}}, ""},
		"none": {corev1.PodSpec{}, "it uses: none"},
		"another, with a hash in its name": {volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: reference("bot-core-config-7f9c")}}),
			"Deployment bot-core-scheduler does not use ConfigMap bot-core-config, so a change could not come into effect; it uses: bot-core-config-7f9c. If its name carries a hash, name the current one in playbook multi-strategy"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Deployment.Spec.Template.Spec = c.pod
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
