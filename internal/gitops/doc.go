// Package gitops says what else applies the ConfigMap of a configuration: Flux, Argo CD, Helm or a person's kubectl apply, and what that
// does to an edit it did not make. It reads labels, annotations and the names of field managers of the one object, and nothing else: the
// interval of a Kustomization stands in another object, which the operator has no right to read.
//
// All of that is chosen by whoever writes, so it is told to people before they approve, and decides nothing. Names that are not documented by
// the tool itself are not known here: a wrong owner would send people to the wrong place in the middle of an incident.
//
// The package is pure, and imports the API alone.
package gitops
