// Package record is the operator's record of its edits on a configuration, and what follows from it: what a claim becomes, who stands
// in its way, whether it is within its guard, and what the content is without one of its holders.
//
//	content + record of our edits + a claim -> edited content + new record, or a refusal
//
// The record stands in an annotation of the ConfigMap that has the content. Who writes the two is decided in schedulerconfig; this
// package is what the writer, the rollbacks and the facts about a configuration share, so it imports none of them.
//
// The package is pure: bytes in, bytes out.
package record
