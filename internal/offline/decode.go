package offline

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
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
	found, err := only(text, kind)
	if err != nil {
		return nil, err
	}
	object, err := strictly(found)
	if err != nil {
		return nil, fmt.Errorf("%s: the %s cannot be read: %s", text.Name, kind, oneLine(err))
	}
	return object, nil
}

// only is the only document of a kind.
func only(text Text, kind string) (document, error) {
	documents, err := split(text.Data)
	if err != nil {
		return document{}, fmt.Errorf("%s: %w", text.Name, err)
	}
	var found *document
	var others []string
	for i, d := range documents {
		meta, err := metaOf(d)
		if err != nil {
			return document{}, fmt.Errorf("%s, document %d: %w", text.Name, i+1, err)
		}
		if meta.Kind != kind || meta.APIVersion != strategyv1.GroupVersion.String() {
			if name := strings.TrimSpace(meta.APIVersion + " " + meta.Kind); name != "" && !slices.Contains(others, name) {
				others = append(others, name)
			}
			continue
		}
		if found != nil {
			return document{}, fmt.Errorf("%s: it holds more than one %s; keep one", text.Name, kind)
		}
		found = &d
	}
	if found == nil {
		has := "no object"
		if len(others) > 0 {
			has = strings.Join(others, ", ")
		}
		return document{}, fmt.Errorf("%s: it holds no %s of %s (it has: %s)", text.Name, kind, strategyv1.GroupVersion, has)
	}
	return *found, nil
}

// metaOf is what a document says of itself.
func metaOf(d document) (metav1.PartialObjectMetadata, error) {
	var meta metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(d.text(), &meta); err != nil {
		return meta, fmt.Errorf("it is not YAML of a Kubernetes object: %s", oneLine(err))
	}
	return meta, nil
}

func strictly(d document) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	if err := strategyv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(d.text(), nil, nil)
	return object, err
}

// document is one YAML document of a text.
type document struct {
	line int // how many lines of the text stand before it
	data []byte
}

// text is the document with empty lines before it, so that a parser counts lines as the file does.
func (d document) text() []byte {
	return append(bytes.Repeat([]byte("\n"), d.line), d.data...)
}

// split separates YAML documents and drops those with nothing but comments.
func split(data []byte) ([]document, error) {
	var documents []document
	current, lines := document{}, 0
	for line := range bytes.Lines(data) {
		lines++
		behind, separator := bytes.CutPrefix(line, []byte("---"))
		if !separator {
			current.data = append(current.data, line...)
			continue
		}
		if behind = bytes.TrimSpace(behind); len(behind) > 0 && behind[0] != '#' {
			return nil, fmt.Errorf("line %d: only a comment may follow --- here; put the rest on a line of its own", lines)
		}
		documents = append(documents, current)
		current = document{line: lines}
	}
	return slices.DeleteFunc(append(documents, current), func(d document) bool { return blank(d.data) }), nil
}

func blank(document []byte) bool {
	for line := range bytes.Lines(document) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
