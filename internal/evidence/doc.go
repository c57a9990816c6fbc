// Package evidence keeps reports, logs and decision-log entries in a bucket outside the cluster's objects.
//
// It decides where things lie (one prefix for each incident or rollback, the namespace first) and that an object once
// written is never replaced. Which bucket is a flag of the operator, never a field of a playbook.
//
// Store is what a bucket can do. Files is the one on a volume: an object is there whole or not at all, and what Create said is
// stored survives the end of the process and of the machine.
//
// The trade-off: that costs a sync of the file and one of its folder for each object, and files of two processes are kept apart by leader
// election and by the comparison of what lies there.
package evidence
