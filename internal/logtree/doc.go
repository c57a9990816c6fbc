// Package logtree is one tree of hashes over all decision logs of a namespace (RFC 6962), its pages and its checkpoints.
//
// A log that is signed with a secret key proves nothing to whoever has not the key, and everything to whoever has it. So beside the logs stands
// a tree whose leaves are their entries, in the order in which the operator saw them. A checkpoint is the hash of the whole tree, signed with
// an Ed25519 key (C2SP tlog-checkpoint): who holds one, and the public key, finds every entry that was changed, moved or removed since.
//
// The tree grows by pages. A page is what came to the tree at a time, and all that is needed to go on from it: the next page costs as much
// after a million entries as after ten. It names the hash of the page before, and its own hash stands in its checkpoint, so what a page says is
// signed, too. A page without leaves says that nothing happened: silence is provable.
//
// The package is pure: no Kubernetes, no storage, no clock. It must not import what decides on incidents.
//
// The trade-off: the pages are the operator's own form, since standard tiles say nothing of which entry a leaf is. Checkpoints and proofs have
// the standard form, and a verifier needs no more than these and the entries.
package logtree
