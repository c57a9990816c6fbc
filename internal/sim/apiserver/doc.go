// Package apiserver is a Kubernetes API server in memory, as far as the operator can tell the difference: it answers one
// write after the other, exactly and at once, and a copy of it costs next to nothing. So a story can be played from any of
// its moments, thousands of times.
//
// It has what the operator's safety rests on: resource versions and conflicts, UIDs and preconditions, generations, status
// subresources, finalizers, who wrote a key of a ConfigMap last, no-op writes that wake nobody, the defaults and the validation of the CustomResourceDefinitions
// by the API server's own code (package schema), well-formed metadata, names stamped and checked at admission, merge patches, dry runs of creations, and
// refusals on demand (Forbidden, quotas, policy engines).
//
// It has not: all other managed fields and server-side apply, strategic merge patches, most defaults and all validation of built-in
// kinds, ratcheting of the schema, roles (whoever asks may, unless Refuse says no), watches that lag or break (package sim
// plays these), graceful deletion of pods, foreground deletion. A run on the real API server with the same ends is the proof
// that the rest is the same: test/api.
//
// Not controller-runtime's fake client: it cannot be copied in the middle of a story (here that takes two microseconds), it knows
// no CustomResourceDefinition, and each read goes through JSON: measured once, reads took 20 times and status writes 23 times
// as long as here, where the schemas are asked, too.
package apiserver
