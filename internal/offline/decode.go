package offline

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Text is a file's content, and the name that errors call it by.
type Text struct {
	Name string
	Data []byte
}

// decode reads the only object of a kind in a text of YAML documents; objects of other kinds are skipped, so the file that is
// applied to a cluster can be read as it is. Unknown and duplicate fields are errors.
func decode(text Text, kind string) (runtime.Object, error) {
	documents, err := split(text.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text.Name, err)
	}
	var found []byte
	var others []string
	for i, document := range documents {
		var meta metav1.TypeMeta
		if err := yaml.Unmarshal(document, &meta); err != nil {
			return nil, fmt.Errorf("%s, document %d: it is not YAML of a Kubernetes object: %s", text.Name, i+1, oneLine(err))
		}
		if meta.Kind != kind || meta.APIVersion != strategyv1.GroupVersion.String() {
			if name := strings.TrimSpace(meta.APIVersion + " " + meta.Kind); name != "" && !slices.Contains(others, name) {
				others = append(others, name)
			}
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s: it holds more than one %s; keep one", text.Name, kind)
		}
		found = document
	}
	if found == nil {
		has := "no object"
		if len(others) > 0 {
			has = strings.Join(others, ", ")
		}
		return nil, fmt.Errorf("%s: it holds no %s of %s (it has: %s)", text.Name, kind, strategyv1.GroupVersion, has)
	}
	object, err := strictly(found)
	if err != nil {
		return nil, fmt.Errorf("%s: the %s cannot be read: %s", text.Name, kind, oneLine(err))
	}
	return object, nil
}

func strictly(document []byte) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	if err := strategyv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(document, nil, nil)
	return object, err
}

// split separates YAML documents and drops those with nothing but comments.
func split(data []byte) ([][]byte, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	var documents [][]byte
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		if !blank(document) {
			documents = append(documents, document)
		}
	}
}

func blank(document []byte) bool {
	for line := range bytes.Lines(document) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
