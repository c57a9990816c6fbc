// Package rules compiles and evaluates the CEL rules of a playbook.
//
// Variables are dynamic (exitCode is a double, checks a list): see [Vars]. Reports are decoded so that every
// number is a double, so any two can be compared and multiplied.
//
// Whoever may write a playbook may write any rule, and rules of all namespaces are evaluated in one process. So an evaluation pays for
// its work before it does it (meter.go, loops.go, calls.go), what cannot be paid for is refused when it is compiled (refuse.go,
// patterns.go), and what is remembered of one owner's rules makes room for nobody else's (cache.go).
//
// The package is pure: no Kubernetes client, no clock.
package rules
