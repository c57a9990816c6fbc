// Package testkit is a small world in memory for the tests of the pure plans: Jobs that finish when a test says so, an
// evidence store, a chained log, a ConfigMap with its writer and a Deployment that rolls out. It carries out the actions
// of a plan, all or only the first few (a crash), and hands back what would be observed.
//
// It never reads the clock and is imported by tests only.
package testkit
