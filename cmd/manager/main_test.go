package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
)

// TestReadyOnceItsOwnKindsAreRead: what is missing in a namespace is not asked.
func TestReadyOnceItsOwnKindsAreRead(t *testing.T) {
	request := httptest.NewRequest("GET", "/readyz", nil)
	if err := inSync(&informertest.FakeInformers{Synced: new(true)})(request); err != nil {
		t.Errorf("in sync, and not ready: %v", err)
	}
	err := inSync(&informertest.FakeInformers{Synced: new(false)})(request)
	if err == nil || !strings.Contains(err.Error(), "ClusterRoleBinding strategy-operator-kinds") {
		t.Errorf("not in sync: %v", err)
	}
}
