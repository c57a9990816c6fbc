// Package checks turns a check of a playbook into a Job, and what the Job left behind into a verdict.
//
//	CheckSpec + PodTemplate -> Job -> (pods, log) -> Outcome, stored as evidence -> Verdict
//
// The verdict is a function of the stored Outcome alone, so it can be computed again from the evidence.
// A report that could not be read, or a pod that did not run, is never Pass.
//
// The package is pure: it is given Jobs, pods and bytes, and reads nothing.
package checks
