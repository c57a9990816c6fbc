// Package signals samples the Prometheus queries of a playbook while an incident is open.
//
//	Source (URL, token, queries) -> one request for each query and interval -> Snapshot (a number, or why there is none)
//
// A number that cannot be had is unknown, never zero: what follows from unknown is the rule's matter. The last samples are
// shared by all incidents and live in memory only; a snapshot that decided something belongs into the evidence.
//
// The URL is written by whoever writes playbooks, so it is hostile input, and so is every answer: addresses are checked when
// they are dialled, redirects are not followed, answers are bounded, and the token goes to its server and into no text.
//
// The package talks to Prometheus and to nothing else: it must not import Kubernetes or read a clock (the time is an argument).
// The trade-off taken: Prometheus' own client library does POST first, reads answers without a bound and keeps URLs in its
// errors; the one call needed here is shorter than the guards around it would be.
package signals
