// Command floor does for an incident the least that anybody must do who runs three checks and says what came of them: two status
// writes, three Jobs created, three logs read, three Jobs deleted. It has no rules, no evidence, no deadlines and no answer to a
// crash. It is the measure of the operator in the benchmark, and good for nothing else.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// workers is what the operator has.
const workers = 8

const jobOfPod = "job"

var checks = []string{"audit", "baseline", "load"}

type floor struct {
	client.Client
	clientset kubernetes.Interface
}

func main() {
	namespace := flag.String("namespace", "", "Namespace of the incidents.")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler(), *namespace); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, namespace string) error {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), strategyv1.AddToScheme(scheme)); err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = -1
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
	})
	if err != nil {
		return err
	}
	clientset, err := kubernetes.NewForConfigAndClient(config, mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	pods := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}}
	err = mgr.GetFieldIndexer().IndexField(ctx, pods, jobOfPod, func(pod client.Object) []string {
		return []string{pod.GetLabels()[batchv1.JobNameLabel]}
	})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(mgr).Named("floor").
		For(&strategyv1.StrategyIncident{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&batchv1.Job{}, builder.WithPredicates(predicate.Funcs{
			CreateFunc: func(event.CreateEvent) bool { return false },
			UpdateFunc: func(e event.UpdateEvent) bool { return complete(e.ObjectNew.(*batchv1.Job)) },
			DeleteFunc: func(event.DeleteEvent) bool { return false },
		})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&floor{mgr.GetClient(), clientset})
	if err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// Reconcile begins an incident, or ends it when all its Jobs have.
func (f *floor) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var incident strategyv1.StrategyIncident
	if err := f.Get(ctx, request.NamespacedName, &incident); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	switch ready := meta.FindStatusCondition(incident.Status.Conditions, strategyv1.ConditionReady); {
	case ready == nil:
		return ctrl.Result{}, f.begin(ctx, &incident)
	case ready.Status != metav1.ConditionTrue:
		return ctrl.Result{}, f.end(ctx, &incident)
	}
	return ctrl.Result{}, nil
}

func (f *floor) begin(ctx context.Context, incident *strategyv1.StrategyIncident) error {
	if err := f.say(ctx, incident, metav1.ConditionFalse, strategyv1.ReasonTriaging); err != nil {
		return err
	}
	var template corev1.PodTemplate
	if err := f.Get(ctx, client.ObjectKey{Namespace: incident.Namespace, Name: "tools"}, &template); err != nil {
		return err
	}
	for _, check := range checks {
		job := &batchv1.Job{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: incident.Namespace, Name: nameOf(incident, check),
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(incident, strategyv1.GroupVersion.WithKind(strategyv1.KindIncident))},
			},
			Spec: batchv1.JobSpec{BackoffLimit: new(int32(0)), Template: template.Template},
		}
		job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
		if err := f.Create(ctx, job); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

func (f *floor) end(ctx context.Context, incident *strategyv1.StrategyIncident) error {
	var jobs []*batchv1.Job
	for _, check := range checks {
		job := &batchv1.Job{}
		err := f.Get(ctx, client.ObjectKey{Namespace: incident.Namespace, Name: nameOf(incident, check)}, job)
		if err != nil || !complete(job) {
			return client.IgnoreNotFound(err) // its end wakes us
		}
		jobs = append(jobs, job)
	}
	for _, job := range jobs {
		if err := f.read(ctx, job); err != nil {
			return err
		}
	}
	if err := f.say(ctx, incident, metav1.ConditionTrue, strategyv1.ReasonFalseAlarm); err != nil {
		return err
	}
	for _, job := range jobs {
		if err := f.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
			return err
		}
	}
	return nil
}

// read returns an error unless the Job's report says that all is well.
func (f *floor) read(ctx context.Context, job *batchv1.Job) error {
	pods := &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}}
	if err := f.List(ctx, pods, client.InNamespace(job.Namespace), client.MatchingFields{jobOfPod: job.Name}); err != nil {
		return err
	}
	if len(pods.Items) != 1 {
		return fmt.Errorf("%s has %d pods", job.Name, len(pods.Items))
	}
	output, err := f.clientset.CoreV1().Pods(job.Namespace).GetLogs(pods.Items[0].Name, &corev1.PodLogOptions{}).DoRaw(ctx)
	if err != nil {
		return err
	}
	var report struct{ Status string }
	if err := json.Unmarshal(output, &report); err != nil || report.Status != "ok" {
		return fmt.Errorf("%s reports %q: %w", job.Name, output, err)
	}
	return nil
}

func (f *floor) say(ctx context.Context, incident *strategyv1.StrategyIncident, status metav1.ConditionStatus, reason string) error {
	meta.SetStatusCondition(&incident.Status.Conditions, metav1.Condition{Type: strategyv1.ConditionReady, Status: status, Reason: reason})
	return f.Status().Update(ctx, incident)
}

func nameOf(incident *strategyv1.StrategyIncident, check string) string {
	return incident.Name + "-" + check
}

func complete(job *batchv1.Job) bool {
	for _, condition := range job.Status.Conditions {
		if condition.Type == batchv1.JobComplete && condition.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}
