package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/crd"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/schema"
)

// Finding is what Lint found of one document.
type Finding struct {
	// What the document is, like "playbook multi-strategy" or "PodTemplate bot-core-tools".
	What string
	// Skipped says that it is no playbook, so that it was not checked.
	Skipped bool
	// Problems of a playbook, each with its place and what to do.
	Problems []string
	// Warnings are what may be meant as it stands, but is often a trap. They are no problem.
	Warnings []string
	// Checks, Samples and Rules of a playbook.
	Checks, Samples, Rules int
}

// playbookSchema takes a second to build, and is the same for all texts.
var playbookSchema = sync.OnceValues(func() (*schema.Schema, error) { return schema.New(crd.Playbook) })

// Lint checks the playbooks of a text as the API server and the operator would, as far as that needs no cluster.
func Lint(text Text) ([]Finding, error) {
	documents, err := split(text.Data)
	if err != nil {
		return []Finding{{What: "the file", Problems: []string{err.Error()}}}, nil //nolint:nilerr // what is wrong with a file is a finding
	}
	var findings []Finding
	for i, document := range documents {
		finding, err := lint(document)
		if err != nil {
			return nil, err
		}
		if finding.What == "" {
			finding.What = fmt.Sprintf("document %d", i+1)
		}
		findings = append(findings, finding)
	}
	return findings, nil
}

func lint(d document) (Finding, error) {
	meta, err := metaOf(d)
	switch {
	case err != nil:
		return Finding{Problems: []string{err.Error()}}, nil //nolint:nilerr // what is wrong with a document is a finding
	case meta.Kind == "" || meta.APIVersion == "":
		return Finding{Problems: []string{fmt.Sprintf("line %d: it has no apiVersion or no kind; set both", d.line+1)}}, nil
	case meta.Kind != strategyv1.KindPlaybook:
		return Finding{What: fmt.Sprintf("%s %s", meta.Kind, nameIn(meta)), Skipped: true}, nil
	}
	finding := Finding{What: "playbook " + nameIn(meta)}
	if meta.APIVersion != strategyv1.GroupVersion.String() {
		finding.Problems = []string{fmt.Sprintf("apiVersion: this command knows %s, not %s", strategyv1.GroupVersion, meta.APIVersion)}
		return finding, nil
	}
	finding.Problems = slices.Concat(misnamed(meta), unknownMetadata(d), twice(d), tagged(d))
	spec, refused, err := completed(d)
	if err != nil {
		return Finding{}, err
	}
	finding.Problems = append(finding.Problems, refused...)
	if spec == nil {
		return finding, nil
	}
	for _, problem := range playbook.Problems("", *spec) {
		finding.Problems = append(finding.Problems, fmt.Sprintf("%s (%s)", problem.Message, problem.Reason))
	}
	finding.Warnings = playbook.Warnings(*spec)
	finding.Checks, finding.Rules = len(spec.Checks), len(playbook.Rules(*spec))
	for _, check := range spec.Checks {
		finding.Samples += len(check.Samples)
	}
	return finding, nil
}

// twice are fields that stand more than once, so that only one of them would count.
func twice(d document) []string {
	_, err := yaml.YAMLToJSONStrict(d.text())
	if err == nil {
		return nil
	}
	first, rest, several := strings.Cut(err.Error(), "\n") // "yaml: unmarshal errors:", then one on each line
	if !several {
		return []string{first}
	}
	var problems []string
	for line := range strings.Lines(rest) {
		problems = append(problems, strings.TrimSpace(line)+"; leave one out")
	}
	return problems
}

// tagged are values that begin with an exclamation mark: YAML takes it for a tag, and the rule "not x" says x.
func tagged(d document) []string {
	parsed, err := config.Parse(string(d.text()))
	if err != nil {
		return nil // told by others, or by the API server
	}
	var problems []string
	for _, tag := range parsed.Tags() {
		problems = append(problems, fmt.Sprintf("line %d: YAML takes %s for a tag, and leaves it out of the value; put quotes around the value", tag.Line, tag.Tag))
	}
	return problems
}

func misnamed(meta metav1.PartialObjectMetadata) []string {
	if meta.Name == "" && meta.GenerateName == "" {
		return []string{"metadata.name: Required value"}
	}
	var problems []string
	for _, problem := range validation.NameIsDNSSubdomain(meta.Name+meta.GenerateName, meta.Name == "") {
		problems = append(problems, "metadata.name: "+problem)
	}
	return problems
}

// unknownMetadata is what the schema does not cover.
func unknownMetadata(d document) []string {
	var object struct {
		Metadata map[string]any `json:"metadata"`
	}
	if err := yaml.Unmarshal(d.text(), &object); err != nil {
		return nil // told by others
	}
	data, err := json.Marshal(object.Metadata)
	if err != nil {
		return []string{"metadata: " + oneLine(err)}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&metav1.ObjectMeta{}); err != nil {
		return []string{fmt.Sprintf("metadata: %s; correct its name, or leave it out", strings.TrimPrefix(err.Error(), "json: "))}
	}
	return nil
}

// completed is the spec with its defaults, nil if it cannot be read, and what the API server would refuse.
func completed(d document) (*strategyv1.StrategyPlaybookSpec, []string, error) {
	known, err := playbookSchema()
	if err != nil {
		return nil, nil, err
	}
	object, err := objectOf(d)
	if err != nil {
		return nil, []string{oneLine(err)}, nil
	}
	refused := refusals(known, object)
	data, err := json.Marshal(object)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the completed playbook: %w", err)
	}
	var completed strategyv1.StrategyPlaybook
	if err := json.Unmarshal(data, &completed); err != nil {
		if len(refused) == 0 {
			return nil, nil, errors.Join(errors.New("the schema accepts what the operator cannot read"), err)
		}
		return nil, refused, nil
	}
	return &completed.Spec, refused, nil
}

// objectOf is a document as the API server gets it: whole numbers stay whole.
func objectOf(d document) (map[string]any, error) {
	data, err := yaml.YAMLToJSON(d.text())
	if err != nil {
		return nil, err
	}
	var object map[string]any
	return object, utiljson.Unmarshal(data, &object)
}

func nameIn(meta metav1.PartialObjectMetadata) string {
	switch {
	case meta.Name != "":
		return meta.Name
	case meta.GenerateName != "":
		return meta.GenerateName
	}
	return "without a name"
}

// refusals completes an object and says what the API server would refuse of it, in its words.
func refusals(known *schema.Schema, object map[string]any) []string {
	var wrong []string
	for _, unknown := range known.Complete(object) {
		wrong = append(wrong, fmt.Sprintf("unknown field %q; correct its name, or leave it out", unknown))
	}
	for _, problem := range known.Refuses(object, nil) {
		wrong = append(wrong, strings.TrimPrefix(problem.Error(), "<nil>: "))
	}
	slices.Sort(wrong)
	return slices.Compact(wrong)
}
