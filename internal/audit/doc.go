// Package audit checks a copy of the evidence of a namespace, or of one incident or rollback, against checkpoints that were signed: whether
// anything in the decision logs was changed, moved, removed or put in since. It needs public keys, and nothing that could make an entry; with
// the secret keys of the logs it checks their signatures, too. It makes proofs of single entries, and checks those.
//
// It is pure over a file system: it reads a copy wherever it lies, and asks no cluster and no bucket. It must not import what writes evidence.
//
// The trade-off: the whole tree is computed again from its leaves, in time and memory that grow with the number of entries, so that nothing is
// believed that the copy itself says.
package audit
