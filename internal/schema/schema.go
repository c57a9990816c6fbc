// Package schema checks objects of the API as the API server does: defaults, unknown fields, values, rules. It talks to
// nothing. The code is the API server's own (apiextensions-apiserver), so that its answers are the same.
package schema

import (
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Schema is the schema of a kind.
type Schema struct {
	structural *structural.Structural
	values     validation.SchemaValidator
	rules      *cel.Validator
}

// New reads the schema of the only version of a CustomResourceDefinition, in YAML.
func New(crd []byte) (*Schema, error) {
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
	form, err := structural.NewStructural(&properties)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", definition.Name, err)
	}
	values, _, err := validation.NewSchemaValidator(&properties)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", definition.Name, err)
	}
	return &Schema{structural: form, values: values, rules: cel.NewValidator(form, true, celconfig.PerCallLimit)}, nil
}

// Complete sets the defaults of an object and takes out what the API does not know, which it returns as paths.
func (s *Schema) Complete(object map[string]any) (unknown []string) {
	unknown = pruning.PruneWithOptions(object, s.structural, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	defaulting.PruneNonNullableNullsWithoutDefaults(object, s.structural)
	defaulting.Default(object, s.structural)
	return unknown
}

// Refuses says what the API server would refuse of a complete object that takes the place of another one; nil: of none.
func (s *Schema) Refuses(object, before map[string]any) field.ErrorList {
	refused := validation.ValidateCustomResource(nil, object, s.values)
	refused = append(refused, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	if len(refused) == 0 { // rules may rely on what the schema demands
		var old any
		if before != nil {
			old = before
		}
		broken, _ := s.rules.Validate(context.Background(), nil, s.structural, object, old, celconfig.RuntimeCELCostBudget)
		refused = append(refused, broken...)
	}
	return refused
}
