//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/record"
)

// A paused Deployment, two pods, and a roll-out that takes its time: in effect is only what really runs, everywhere.
func TestAChangeIsInEffectOnlyWhenEveryPodRunsIt(t *testing.T) {
	s := tell(t)
	s.changeScheduler(func(d *appsv1.Deployment) {
		d.Spec.Replicas, d.Spec.MinReadySeconds, d.Spec.Paused = new(int32(2)), 6, true
	})
	s.eventually("two pods run", time.Minute, func(ctx context.Context) error {
		pods, err := podsOf(ctx, s.schedulerAt())
		if err == nil && len(pods) != 2 {
			err = fmt.Errorf("there are %d", len(pods))
		}
		return err
	})
	rollback := s.asks("paused", samplePlaybook, nil, disable("cross_exchange_watch"))
	s.carolApproves(rollback)
	s.isAt(rollback, "RollingOut", "is paused", "kubectl rollout resume")
	s.isSuspended() // nothing runs the change yet
	s.must(s.updateScheduler(s.ctx, func(d *appsv1.Deployment) { d.Spec.Paused = false }))
	s.trace("the Deployment is resumed")
	s.isAt(rollback, "RollingOut", "of 2 new pods are available")
	s.reaches(rollback, "Verified", time.Minute)
	pods, err := podsOf(s.ctx, s.schedulerAt())
	s.must(err)
	for _, pod := range pods {
		if pod.Annotations[strategyv1.AnnotationConfigSHA256] != rollback.Status.Proof.Edited {
			s.Errorf("pod %s does not carry the configuration's hash", pod.Name)
		}
	}
}

// The new configuration makes the scheduler crash: the change is taken back, and the scheduler runs as before.
func TestAChangeThatCrashesTheSchedulerIsReverted(t *testing.T) {
	s := tell(t)
	playbook := s.quick("crashing")
	playbook.Spec.Scheduler.Rollout.TimeoutSeconds = 20
	playbook.Spec.Feeds[0].RequiresExchange = ""
	playbook.Spec.Feeds[0].Edits = []strategyv1.DocumentEdit{{Path: "/environments/binance_paper/exchange", Value: &apiextensionsv1.JSON{Raw: []byte(`"no_such_exchange"`)}}}
	fallback := remediation(&playbook.Spec, "fallback-feed")
	fallback.Before, fallback.After, fallback.Restore = nil, nil, nil
	s.playbook(playbook)
	rollback := s.asks("crash", playbook.Name, func(spec *strategyv1.StrategyRollbackSpec) { spec.RemediationName = "fallback-feed" },
		strategyv1.RollbackAction{Type: strategyv1.ActionSwitchFeed, Feed: "kraken"})
	s.carolApproves(rollback)
	s.reaches(rollback, "Reverted", 2*time.Minute)
	s.expect(rollback, "Verified=False/NotInEffect", "Restored=True/Restored", "Stalled=True/Reverted")
	s.says(rollback, strategyv1.ConditionVerified, "not in effect after 20 s", "new pods are available")
	s.configIsAsBefore()
	s.runs(s.original)
	s.logHolds(rollback)
}

// Reloader restarts the Deployment when its ConfigMap changes; a second restart would stop trading twice.
func TestAReloaderMakesASecondRestartNeedless(t *testing.T) {
	s := tell(t)
	s.changeScheduler(func(d *appsv1.Deployment) {
		d.Annotations["reloader.stakater.com/auto"] = "true"
	})
	watcher, err := clientset.CoreV1().ConfigMaps(s.namespace).Watch(s.ctx, onlyConfig)
	s.must(err)
	defer watcher.Stop()
	reloaded := make(chan error, 1)
	go func() { // Reloader
		for event := range watcher.ResultChan() {
			configMap, ok := event.Object.(*corev1.ConfigMap)
			if !ok || configMap.Data[configKey] == s.original {
				continue
			}
			reloaded <- s.updateScheduler(context.WithoutCancel(s.ctx), func(d *appsv1.Deployment) {
				container := &d.Spec.Template.Spec.Containers[0]
				container.Env = append(container.Env, corev1.EnvVar{Name: "STAKATER_BOT_CORE_CONFIG_CONFIGMAP", Value: configMap.ResourceVersion})
			})
			return
		}
	}()
	rollback := s.asks("reloaded", samplePlaybook, nil, disable("cross_exchange_watch"))
	restarts := s.restarts(func() {
		s.carolApproves(rollback)
		s.reaches(rollback, "Verified", time.Minute)
	})
	s.must(<-reloaded)
	if restarts != 1 {
		s.Errorf("%d restarts", restarts)
	}
	s.isSuspended("cross_exchange_watch")
}

// A pod that starts with an old copy of the configuration is found by the proof, and cured by one more restart.
func TestAStaleCopyIsCuredByOneMoreRestart(t *testing.T) {
	s := tell(t)
	stale := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "stale-copy", Labels: ours}, Data: map[string]string{configKey: s.original}}
	s.must(client.IgnoreNotFound(admin.Delete(s.ctx, stale.DeepCopy()))) // of a run that was stopped
	s.must(admin.Create(s.ctx, stale))
	s.Cleanup(func() { _ = admin.Delete(context.WithoutCancel(s.ctx), stale) })
	s.changeScheduler(func(d *appsv1.Deployment) {
		pod := &d.Spec.Template.Spec
		for i := range pod.Volumes {
			if pod.Volumes[i].ConfigMap != nil {
				pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "real", VolumeSource: *pod.Volumes[i].VolumeSource.DeepCopy()})
				pod.Volumes[i].ConfigMap.Name = stale.Name
				pod.Containers[0].VolumeMounts = append(pod.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "real", MountPath: "/real"})
			}
		}
	})
	s.eventually("the scheduler runs on the copy", time.Minute, func(ctx context.Context) error { return available(ctx, s.schedulerAt()) })
	rollback := s.asks("stale", samplePlaybook, nil, disable("cross_exchange_watch"))
	restarts := s.restarts(func() {
		s.carolApproves(rollback)
		s.eventually("the scheduler has started, with the old copy", time.Minute, func(ctx context.Context) error {
			pods, err := podsOf(ctx, s.schedulerAt())
			if err != nil {
				return err
			}
			edited := s.config() // pods of an earlier story's restart carry a hash, too
			if edited == s.original || len(pods) != 1 || pods[0].Annotations[strategyv1.AnnotationConfigSHA256] != record.Hash(edited) {
				return fmt.Errorf("there are %d pods, the new one not among them", len(pods))
			}
			return available(ctx, s.schedulerAt())
		})
		stale.Data[configKey] = s.config()
		s.must(admin.Update(s.ctx, stale))
		s.trace("the copy is up to date, and nobody has read it")
		s.reaches(rollback, "Verified", 90*time.Second) // the proof's tool waits for the new one first
	})
	if restarts != 2 {
		s.Errorf("%d restarts", restarts)
	}
	s.isSuspended("cross_exchange_watch")
}

// A Deployment that is gone while its change is on the way is a person's business; when it is back, the change goes on.
func TestADeploymentThatIsGoneIsWaitedFor(t *testing.T) {
	s := tell(t)
	s.changeScheduler(func(d *appsv1.Deployment) { d.Spec.Paused = true })
	rollback := s.asks("nothing-runs", samplePlaybook, nil, disable("cross_exchange_watch"))
	s.carolApproves(rollback)
	s.isAt(rollback, "RollingOut", "is paused")
	var deployment appsv1.Deployment
	s.must(admin.Get(s.ctx, s.schedulerAt(), &deployment))
	s.must(admin.Delete(s.ctx, deployment.DeepCopy()))
	s.isAt(rollback, "DeploymentNotFound", schedulerName, "create it")
	next := s.asks("too-late", samplePlaybook, nil, disable("mean_reversion_intraday"))
	s.isAt(next, "PlaybookNotReady", schedulerName, "does not exist")
	deployment.ObjectMeta, deployment.Spec.Paused = withoutIdentity(deployment.ObjectMeta), false
	s.must(admin.Create(s.ctx, &deployment))
	s.reaches(rollback, "Verified", time.Minute)
	s.isSuspended("cross_exchange_watch")
	s.reaches(next, "AwaitingApproval", time.Minute)
}

// withoutIdentity is the metadata to create the same object again with.
func withoutIdentity(from metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: from.Namespace, Name: from.Name, Labels: from.Labels, Annotations: from.Annotations}
}
