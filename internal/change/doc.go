// Package change is what a rollback wants of a configuration: the edits of its actions, their words, and what an approval names.
//
// It is pure, and knows no status and no procedure: the command line and the offline plan use it as the rollback's plan does. It must
// not import a plan or a client.
package change
