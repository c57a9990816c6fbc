// Package show writes incidents and rollbacks as plain text for people: a tree, a list of what is new, and the sheet that a
// person approves.
//
// The package is pure: objects and a time in, text out; no client, no clock. The trade-off taken: it shows what the operator's
// status says and judges nothing anew, except that a passed deadline is called breached even if the operator does not run.
// Every text of an object was written by someone else, so all of it goes through [Line] or [Lines] before a terminal sees it.
package show
