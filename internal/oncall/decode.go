package oncall

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"tradeops.dev/strategy-operator/internal/bounded"
)

var yamlLine = regexp.MustCompile(`^yaml: (line \d+: )?`)

// decode reads the only YAML document. Decoding to nodes never expands an alias, so an alias bomb costs its own bytes.
func decode(data []byte) (root *yaml.Node, err error) {
	// A parser bug must end as a refusal, not as the end of the operator.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("the YAML parser failed: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) || err == nil && (len(first.Content) != 1 || empty(first.Content[0])) {
		return nil, errors.New("the file is empty; write timeZone, people and rotations")
	} else if err != nil {
		return nil, syntax(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, fmt.Errorf("line %d: a second YAML document begins; keep one", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, syntax(err)
	}
	return first.Content[0], nil
}

func syntax(err error) error {
	text := err.Error()
	prefix := yamlLine.FindString(text)
	return fmt.Errorf("%sit is not valid YAML: %s", strings.TrimPrefix(prefix, "yaml: "), bounded.Text(text[len(prefix):], 200))
}
