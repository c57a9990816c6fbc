// Package admission holds the policies that check names, verbs and metadata, as they are installed, for the operator, which compares them with
// those that it finds.
package admission

import "embed"

// Files are the policies and their bindings, in YAML, beside the kustomization.
//
//go:embed *.yaml
var Files embed.FS

// Operator is the user that the policies know the operator by, in an installation as it is shipped.
const Operator = "system:serviceaccount:strategy-operator-system:strategy-operator"
