package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/intake"
	"tradeops.dev/strategy-operator/internal/reading"
)

// addIntake has the manager hear alerts, on every replica: so what it reads is in the cache of each.
func addIntake(ctx context.Context, mgr ctrl.Manager, clientset kubernetes.Interface, readers *namespaces.Readers, o options) error {
	if o.alertsAddress == "0" {
		return nil
	}
	if err := intake.RegisterMetrics(); err != nil {
		return err
	}
	names := &metav1.PartialObjectMetadata{}
	names.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	for _, kind := range []client.Object{&strategyv1.StrategyAlert{}, names} {
		if _, err := mgr.GetCache().GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return err
		}
	}
	return mgr.Add(intake.New(intake.Options{
		Address: o.alertsAddress, CertDir: o.alertsCertDir, Client: client.WithFieldOwner(readers.Client(), string(controllers.FieldOwner)), Live: mgr.GetAPIReader(),
		Tokens: clientset.AuthenticationV1().TokenReviews(), Access: clientset.AuthorizationV1().SubjectAccessReviews(),
		NotServed: func(ctx context.Context, namespace string) string {
			if why := readers.Takes(ctx, namespace); why != nil {
				return why.Message
			}
			return ""
		},
		Person: decide.Machines(namesIn(o.machines)).MayBePerson,
		Clock:  clock.RealClock{}, Log: ctrl.Log.WithName("alerts"),
	}))
}

// addReading has the manager serve evidence, on every replica.
func addReading(mgr ctrl.Manager, clientset kubernetes.Interface, bucket reading.Bucket, lock *bucketLock, o options) error {
	if o.evidenceAddress == "0" {
		return nil
	}
	if err := reading.RegisterMetrics(); err != nil {
		return err
	}
	return mgr.Add(reading.New(reading.Options{
		Address: o.evidenceAddress, CertDir: o.alertsCertDir, Bucket: bucket, About: lock.String,
		Tokens: clientset.AuthenticationV1().TokenReviews(), Access: clientset.AuthorizationV1().SubjectAccessReviews(),
		Clock: clock.RealClock{}, Log: ctrl.Log.WithName("evidence"),
	}))
}
