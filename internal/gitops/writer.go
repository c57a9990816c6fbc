package gitops

import (
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradeops.dev/strategy-operator/internal/bounded"
)

// Writer is who wrote a key of a ConfigMap last, by the name that they gave themselves.
type Writer struct {
	Manager string
	Time    time.Time // zero: not said
}

// IsController says whether a field manager's name is that of a controller which applies what Git says, again and again, by itself. Helm and kubectl
// are none: somebody ran them.
func IsController(manager string) bool {
	switch manager {
	case managerKustomize, managerHelmRelease, managerResourceSet, managerArgo:
		return true
	}
	return false
}

// maxManager is as long as the API server takes a name of a field manager, in bytes.
const maxManager = 128

// WriterOf is who wrote a key last; nil: the object does not tell. After a write the key is the writer's alone; with server-side apply it is that of
// all who applied the same.
func WriterOf(configMap *corev1.ConfigMap, key string) (last *Writer) {
	for _, entry := range configMap.ManagedFields {
		if _, writes := dataKeys(entry.FieldsV1)["f:"+key]; !writes {
			continue
		}
		writer := Writer{Manager: bounded.Line(entry.Manager, maxManager)}
		if entry.Time != nil {
			writer.Time = entry.Time.UTC()
		}
		if last == nil || writer.Time.After(last.Time) {
			last = &writer
		}
	}
	return last
}

// dataKeys are the keys of a ConfigMap's data that an entry has, each with "f:" before it.
func dataKeys(fields *metav1.FieldsV1) map[string]json.RawMessage {
	var owned struct {
		Data map[string]json.RawMessage `json:"f:data"`
	}
	if fields == nil || json.Unmarshal(fields.GetRawBytes(), &owned) != nil {
		return nil
	}
	return owned.Data
}

// onlyData leaves of the fields of an entry the keys of data.
func onlyData(fields *metav1.FieldsV1) *metav1.FieldsV1 {
	keys := dataKeys(fields)
	if len(keys) == 0 {
		return nil
	}
	for key := range keys {
		keys[key] = json.RawMessage("{}")
	}
	raw, err := json.Marshal(map[string]any{"f:data": keys})
	if err != nil { // plain names
		return nil
	}
	return &metav1.FieldsV1{Raw: raw}
}
