// Package lifecycle says where an incident or a rollback is: its phase, how it ended, and whose turn it is until when. Everything
// else that wants to know asks here: the plans about each other's objects, the controllers, the plugin, the tests.
//
// It reads facts (times, claims, the status of a condition) and never a reason or a message: those are words for people, and a word
// that is added or changed must not move an object to another phase.
//
// The package is pure, and imports the API alone: whoever shows or observes an object may use it.
package lifecycle
