package controllers

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// What somebody hangs onto an incident, whose namespace need not even be served, takes no memory here.
func TestTheCacheKeepsNoAnnotations(t *testing.T) {
	incident := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{
		Name: "loss", Labels: map[string]string{"team": "a"}, Annotations: map[string]string{"x": strings.Repeat("x", 240_000)},
		Finalizers: []string{"f"}, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}}
	kept, err := CacheOptions().DefaultTransform(incident)
	if err != nil || kept != incident || incident.Annotations != nil || incident.ManagedFields != nil {
		t.Errorf("%v: %v", err, kept)
	}
	if incident.Name != "loss" || incident.Labels["team"] != "a" || len(incident.Finalizers) != 1 {
		t.Errorf("it lost more: %v", incident.ObjectMeta)
	}
	gone := toolscache.DeletedFinalStateUnknown{Key: "trading/loss"}
	if kept, err := CacheOptions().DefaultTransform(gone); err != nil || kept != gone {
		t.Errorf("what the cache tells of a deletion that it missed: %v, %v", kept, err)
	}
}
