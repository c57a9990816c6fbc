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

func TestAnAmountOfBytes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "512Mi": 512 << 20, "1Gi": 1 << 30, "1000": 1000} {
		if got, err := bytesOf(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{"": "is no amount of bytes; write it like 512Mi", "a lot": "is no amount", "-1Gi": "is less than nothing"} {
		if _, err := bytesOf(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
