// Package offline computes what a rollback would change from three texts and no cluster: a playbook, a configuration
// document and a rollback. It runs the operator's own code ([rollback.NewDraft], [playbook.References]), so what it shows is
// what the operator would plan for the same texts at the same time.
//
// The package is pure: texts in, result out; it must not read files, the clock or a cluster. The trade-off taken: it repeats
// the few defaults and rules of the API server that change the result, and leaves all others to the API server.
package offline
