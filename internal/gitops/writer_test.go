package gitops

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTheLastWriterOfAKey(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	entry := func(manager string, after time.Duration, fields string) metav1.ManagedFieldsEntry {
		e := metav1.ManagedFieldsEntry{Manager: manager, FieldsV1: &metav1.FieldsV1{Raw: []byte(fields)}}
		if after >= 0 {
			e.Time = new(metav1.NewTime(noon.Add(after)))
		}
		return e
	}
	const ours, other, both = `{"f:data":{".":{},"f:core.yaml":{}}}`, `{"f:data":{"f:other.yaml":{}}}`, `{"f:data":{"f:core.yaml":{},"f:other.yaml":{}},"f:metadata":{}}`
	of := func(subresource string, e metav1.ManagedFieldsEntry) metav1.ManagedFieldsEntry {
		e.Subresource = subresource
		return e
	}
	for name, c := range map[string]struct {
		entries []metav1.ManagedFieldsEntry
		want    *Writer
	}{
		"nobody tells":            {},
		"no fields":               {entries: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}},
		"fields that are no JSON": {entries: []metav1.ManagedFieldsEntry{entry("kubectl", 0, "{")}},
		"data that is no object":  {entries: []metav1.ManagedFieldsEntry{entry("kubectl", 0, `{"f:data":[]}`)}},
		"another key":             {entries: []metav1.ManagedFieldsEntry{entry("kubectl", 0, other)}},
		"one":                     {entries: []metav1.ManagedFieldsEntry{entry("kubectl-edit", 0, ours)}, want: &Writer{"kubectl-edit", noon}},
		"the later of two":        {entries: []metav1.ManagedFieldsEntry{entry("late", time.Minute, both), entry("early", 0, ours)}, want: &Writer{"late", noon.Add(time.Minute)}},
		"without a time":          {entries: []metav1.ManagedFieldsEntry{entry("x", -1, ours)}, want: &Writer{Manager: "x"}},
		"of a subresource":        {entries: []metav1.ManagedFieldsEntry{of("status", entry("x", 0, ours))}},
		"with a hostile name":     {entries: []metav1.ManagedFieldsEntry{entry("a\x1b[2Jb\nc", 0, ours)}, want: &Writer{"a\ufffd[2Jb c", noon}},
	} {
		t.Run(name, func(t *testing.T) {
			configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ManagedFields: Kept(c.entries)}}
			got := WriterOf(configMap, "core.yaml")
			if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}
