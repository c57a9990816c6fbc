// Package rules compiles and evaluates the CEL rules of a playbook.
//
// Variables are dynamic (exitCode is a double, checks a list): see [Vars]. Reports are decoded so that every
// number is a double, so any two can be compared and multiplied. Evaluation has a cost limit, so a rule cannot burn CPU.
//
// The package is pure: no Kubernetes client, no clock.
package rules
