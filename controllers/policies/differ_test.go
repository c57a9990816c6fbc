package policies

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tradeops.dev/strategy-operator/config/admission"
)

func TestWhatDiffers(t *testing.T) {
	shipped := map[string]any{
		"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{"resources": []any{"jobs"}, "operations": []any{"CREATE"}}}},
		"validations":      []any{map[string]any{"expression": "a == b\n"}},
	}
	rule := func(spec map[string]any) map[string]any {
		return spec["matchConstraints"].(map[string]any)["resourceRules"].([]any)[0].(map[string]any)
	}
	for name, c := range map[string]struct {
		change func(spec map[string]any)
		want   string
	}{
		"the same":                {func(map[string]any) {}, ""},
		"defaults are filled in":  {func(s map[string]any) { s["failurePolicy"] = "Fail"; rule(s)["scope"] = "*" }, ""},
		"another line break":      {func(s map[string]any) { s["validations"].([]any)[0].(map[string]any)["expression"] = "a ==\n  b" }, ""},
		"it lets errors through":  {func(s map[string]any) { s["failurePolicy"] = "Ignore" }, "spec.failurePolicy is not one of ours"},
		"another expression":      {func(s map[string]any) { s["validations"].([]any)[0].(map[string]any)["expression"] = "true" }, "spec.validations[0].expression"},
		"a validation is missing": {func(s map[string]any) { s["validations"] = []any{} }, "spec.validations has 0 entries, not 1"},
		"one operation less":      {func(s map[string]any) { rule(s)["operations"] = []any{"UPDATE"} }, "spec.matchConstraints.resourceRules[0].operations[0]"},
		"only some objects": {func(s map[string]any) {
			s["matchConstraints"].(map[string]any)["objectSelector"] = map[string]any{"matchLabels": map[string]any{"a": "b"}}
		}, "spec.matchConstraints.objectSelector is not one of ours"},
		"only some requests": {func(s map[string]any) {
			s["matchConditions"] = []any{map[string]any{"name": "never", "expression": "false"}}
		}, "spec.matchConditions is not one of ours"},
		"only some names":     {func(s map[string]any) { rule(s)["resourceNames"] = []any{"one"} }, "spec.matchConstraints.resourceRules[0].resourceNames is not one of ours"},
		"nothing to match":    {func(s map[string]any) { delete(s, "matchConstraints") }, "spec.matchConstraints is not there"},
		"a field of tomorrow": {func(s map[string]any) { s["weaker"] = true }, "spec.weaker is not one of ours"},
	} {
		t.Run(name, func(t *testing.T) {
			installed := (&unstructured.Unstructured{Object: shipped}).DeepCopy().Object
			c.change(installed)
			if got := differs("spec", shipped, installed); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestTheAccountIsTheInstalls: everything that is said about the operator's account is about the one that it runs as.
func TestTheAccountIsTheInstalls(t *testing.T) {
	for user, want := range map[string]string{
		admission.Operator:                 admission.Operator,
		"system:serviceaccount:ops:trader": "system:serviceaccount:ops:trader",
		"kubernetes-admin":                 admission.Operator,
	} {
		shipped, err := Shipped(user)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, object := range shipped {
			text, err := object.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			found += strings.Count(string(text), "'"+want+"'")
		}
		if found != 9 {
			t.Errorf("%s: %d policies are about %s, want 9", user, found, want)
		}
	}
}
