// Package reading serves evidence to whoever may read it: an HTTPS server that lists what a namespace has in the bucket and hands out one object at a
// time. It does nothing else; nothing can be written through it.
//
//	connection -> path, method -> token (who?) -> right (may they?) -> rate -> room -> bucket -> log (who read what) -> answer
//
// The right is get on strategyincidents/evidence in the namespace. Every replica serves, not only the leader.
//
// It must not import controllers, and knows no kind.
//
// The trade-off: an object is in memory as a whole before its first byte is sent (4 MiB at most, some at a time), so that an answer is the object
// or an error, and never the beginning of one.
package reading
