package offline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// objectSchema is the schema of a kind, as the API server uses it.
type objectSchema struct {
	structural *schema.Structural
	values     validation.SchemaValidator
	rules      *cel.Validator
}

// newSchema reads the schema of the only version of a CustomResourceDefinition.
func newSchema(crd []byte) (*objectSchema, error) {
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(crd, &definition); err != nil {
		return nil, fmt.Errorf("read the CustomResourceDefinition: %w", err)
	}
	if len(definition.Spec.Versions) != 1 || definition.Spec.Versions[0].Schema == nil {
		return nil, fmt.Errorf("the CustomResourceDefinition %s has not one version with a schema", definition.Name)
	}
	var properties apiextensions.JSONSchemaProps
	given := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(given, &properties, nil); err != nil {
		return nil, fmt.Errorf("convert the schema of %s: %w", definition.Name, err)
	}
	structural, err := schema.NewStructural(&properties)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", definition.Name, err)
	}
	values, _, err := validation.NewSchemaValidator(&properties)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", definition.Name, err)
	}
	return &objectSchema{structural: structural, values: values, rules: cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// complete sets the defaults of an object and says what the API server would refuse, in its words. What the API does not
// know is taken out.
func (s *objectSchema) complete(object map[string]any) []string {
	var wrong []string
	for _, unknown := range pruning.PruneWithOptions(object, s.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		wrong = append(wrong, fmt.Sprintf("unknown field %q; correct its name, or leave it out", unknown))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, s.structural)
	defaulting.Default(object, s.structural)
	refused := validation.ValidateCustomResource(nil, object, s.values)
	refused = append(refused, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	if len(refused) == 0 { // rules may rely on what the schema demands
		broken, _ := s.rules.Validate(context.Background(), nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
		refused = append(refused, broken...)
	}
	wrong = append(wrong, linesOf(refused)...)
	slices.Sort(wrong)
	return slices.Compact(wrong)
}

func linesOf(refused field.ErrorList) []string {
	lines := make([]string, len(refused))
	for i, problem := range refused {
		lines[i] = strings.TrimPrefix(problem.Error(), "<nil>: ")
	}
	return lines
}
