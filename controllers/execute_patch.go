package controllers

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/types"
)

const mergePatchType = types.MergePatchType

// mergePatch sets annotations on a pod template, if the object still has this resource version.
func mergePatch(resourceVersion string, annotations map[string]any) ([]byte, error) {
	return json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": resourceVersion},
		"spec": map[string]any{"template": map[string]any{
			"metadata": map[string]any{"annotations": annotations},
		}},
	})
}
