// Package offline says what the operator would do, from texts and no cluster. [Compute]: what a rollback would change, from a
// playbook, a configuration document and a rollback. [Lint]: what is wrong with a playbook. It runs the operator's own code
// ([rollback.NewDraft], [playbook.References]), so what it shows is what the operator would say of the same texts at the same
// time.
//
// The package is pure: texts in, result out; it must not read files, the clock or a cluster. The trade-off taken: Lint of a
// playbook, and Compute of a rollback, use the schemas that are installed with the operator, by the API server's own code; Compute repeats
// the few defaults of a playbook that change its result, and leaves its rules to Lint.
package offline
