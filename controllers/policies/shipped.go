package policies

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"tradeops.dev/strategy-operator/config/admission"
)

// accounts is how the names of service accounts begin.
const accounts = "system:serviceaccount:"

// Shipped are the policies and bindings that the operator was built with, for the service account that it runs as. Run by somebody else it
// expects the account that is shipped: whoever that is, the policies do not bind them.
func Shipped(user string) ([]*unstructured.Unstructured, error) {
	names, err := fs.Glob(admission.Files, "*.yaml")
	if err != nil {
		return nil, err
	}
	var shipped []*unstructured.Unstructured
	for _, name := range names {
		text, err := fs.ReadFile(admission.Files, name)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(user, accounts) {
			text = bytes.ReplaceAll(text, []byte("'"+admission.Operator+"'"), []byte("'"+user+"'"))
		}
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
		for {
			object := &unstructured.Unstructured{}
			err := decoder.Decode(&object.Object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if strings.HasPrefix(object.GetKind(), "ValidatingAdmissionPolicy") {
				shipped = append(shipped, object)
			}
		}
	}
	return shipped, nil
}
