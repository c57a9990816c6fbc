// Package evidence keeps reports, logs and decision-log entries in a bucket outside the cluster's objects.
//
// It decides where things lie (one prefix for each incident or rollback, the namespace first) and that an object once
// written is never replaced. Which bucket is a flag of the operator, never a field of a playbook.
//
// The trade-off: on file:// "create if absent" holds between the writers of one process only; leader election and the
// comparison of what lies there keep two operators apart. Object stores do it themselves.
package evidence
