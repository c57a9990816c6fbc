package apiserver

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// someone is the field manager of a write that names none; a real server makes one up, too.
const someone = "someone"

// manage keeps who wrote a key of a ConfigMap's data last: the field managers, as far as the operator reads them. What was sent of them does not
// count.
func (s *Server) manage(manager string, before, next client.Object) {
	next.SetManagedFields(nil)
	configMap, is := next.(*corev1.ConfigMap)
	if !is {
		return
	}
	old := &corev1.ConfigMap{}
	if before != nil {
		old, _ = before.(*corev1.ConfigMap)
	}
	if manager == "" {
		manager = someone
	}
	keys := map[string]map[string]struct{}{} // of each manager
	times := map[string]*metav1.Time{}
	var order []string
	give := func(manager, key string) {
		if keys[manager] == nil {
			keys[manager], order = map[string]struct{}{}, append(order, manager)
		}
		keys[manager]["f:"+key] = struct{}{}
	}
	for _, entry := range old.ManagedFields {
		times[entry.Manager] = entry.Time
		for key := range configMap.Data {
			if owns(entry, key) && configMap.Data[key] == old.Data[key] {
				give(entry.Manager, key)
			}
		}
	}
	for key, value := range configMap.Data {
		if was, stood := old.Data[key]; !stood || was != value {
			give(manager, key)
			now := s.second()
			times[manager] = &now
		}
	}
	for _, manager := range order {
		raw, _ := json.Marshal(map[string]any{"f:data": keys[manager]})
		configMap.ManagedFields = append(configMap.ManagedFields, metav1.ManagedFieldsEntry{
			Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", Time: times[manager], FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1(string(raw)),
		})
	}
}

func owns(entry metav1.ManagedFieldsEntry, key string) bool {
	var owned struct {
		Data map[string]struct{} `json:"f:data"`
	}
	if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &owned) != nil {
		return false
	}
	_, owns := owned.Data["f:"+key]
	return owns
}
