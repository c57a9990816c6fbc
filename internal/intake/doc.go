// Package intake hears alerts: an HTTPS server that takes Alertmanager's webhook and stores each alert as a StrategyAlert, in the namespace
// that the path names. It does nothing else; what becomes of an alert is decided by whoever watches StrategyAlerts.
//
//	connection -> path, method, type -> token (who?) -> right (may they?) -> namespace (served?) -> room -> body -> decode -> merge -> store -> 200
//
// 200 means that every alert of the message is in the API server. Whatever keeps one from that is a 503: Alertmanager sends a message again
// after a 5xx and after nothing else, and the same message twice is no fault. What can never be valid is not a reason to refuse the others of
// its message for ever: it is stored cut and with what is missing filled in, and says so.
//
// One object is one set of labels, and its name is made of them, so that two senders that say the same cannot make two. merge is pure, and
// says what a message changes of what is stored; everything else here is I/O. Every replica hears, not only the leader: the API server's
// versions of objects are the only lock.
//
// The trade-off: a message that changes nothing is answered from the cache, without asking the API server, or a storm of repeated ones would
// be a storm for it, too. So the counts of what was heard lag behind, and are lost with a restart; what an alert is does not, and is not.
//
// It must not import controllers, and knows no playbook.
package intake
