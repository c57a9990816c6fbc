// Package decisionlog writes and checks the signed, chained decision log of an incident or a rollback.
//
// One entry is one line of JSON in the form that the scheduler's own verifier accepts: HMAC-SHA256 over the canonical
// bytes of the entry without its signature. On top of that each entry carries its number and the hash of the line
// before it inside the signed part, so a deleted or reordered entry is found, which the scheduler's verifier cannot do.
//
// The trade-off: a cut tail still verifies. The head {entries, hash} therefore also stands in the object's status.
//
// The package is pure: no Kubernetes, no storage, no clock.
package decisionlog
