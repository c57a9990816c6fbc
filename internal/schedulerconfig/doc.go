// Package schedulerconfig decides what a scheduler's configuration must hold: what people and Git put there, plus the
// edits of the rollbacks that claim it, in order of application.
//
//	content + record of our edits + claims -> new content + new record, in one write
//
// What one claim becomes is in internal/record; here is which are pending, in which order they are met, and the one write for all of
// them. The record is written together with the content, so the two can never disagree, whatever crashes. A claim is undone from the
// record alone; a path that no longer holds our value is left as it is.
//
// The package is pure: bytes in, bytes out.
package schedulerconfig
