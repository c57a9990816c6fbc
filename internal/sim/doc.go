// Package sim is one simulated cluster under the operator's real reconcilers: an API server in memory (package apiserver), a
// bucket, a clock, and played around them the Job controller, the kubelet, the garbage collector, the Deployment controller,
// the scheduler, Prometheus and people. One story takes milliseconds, ends always in the same way, and can be played again
// from any of its moments.
//
// Nothing is reconciled but what the operator's own watches, predicates and maps put into the queue, or whose time is due: a
// wake-up that is missing is missing here, too. One thing happens after the other; what two workers could do to each other
// is played by cuts and by caches that lag (test/crash), not by threads.
//
// The same world plays on a real API server (test/api), and everything that the operator does there must be the same.
//
// It is no test code: it may not import package testing. Only commands and tests import it.
package sim
