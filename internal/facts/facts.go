// Package facts holds what controllers observe and plans decide on, where incident and rollback observe the same thing.
//
// It is plain data: no client, no clock. A Problem is a fact, too: bad input is observed, not thrown.
package facts

import (
	"cmp"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/record"
)

// Problem is input that stops the procedure until somebody fixes it.
type Problem struct {
	Reason  string        // a condition reason of api/v1alpha1
	Message string        // what, where, what to do
	Retry   time.Duration // after which it is looked at again; 0 = pass.Recheck
	Passes  bool          // by itself, and soon: nobody has to do anything
	Lost    bool          // a right that the operator had: it may come back, and nobody said that the operator shall let go
}

// Refusal is an effect of the last passes that the API server refused: a quota, a policy or a webhook stands against it. Or one that the
// evidence bucket did not take for a while: it is full, or cannot be written. It is tried again after a while.
type Refusal struct {
	Effect  string // the type of the action, e.g. action.CreateJob
	Message string // in the words of the API server, or of the bucket
}

// Playbook is the spec to run on, frozen once the object has started.
type Playbook struct {
	Spec           strategyv1.StrategyPlaybookSpec
	Revision       string
	ChecksRevision string   // whose checks and proof the spec has, where somebody took over later ones; empty: its own
	Hold           *Hold    // of the playbook as it is now, whatever the frozen spec says; nil: it is not on hold
	AwaitsReview   bool     // nobody has approved this spec, and the namespace asks for that: only clocks and calls run
	Problem        *Problem // then nothing else is known
}

// Hold is why nothing new is started for what runs on a playbook.
type Hold struct {
	Reason  string // of the condition OnHold
	Message string // who and since when
	Ends    string // what to do so that it ends, as a sentence
	By      string // who decided it; empty where no decision did
}

// WithChecks is a playbook with the checks and the proof of another revision, and all else as it was.
func (p Playbook) WithChecks(later Playbook) Playbook {
	p.Spec.Checks, p.Spec.Scheduler.Proof, p.ChecksRevision = later.Spec.Checks, later.Spec.Scheduler.Proof, later.Revision
	return p
}

// Config is the scheduler's configuration as it is now.
type Config struct {
	ResourceVersion string
	Document        *config.Document // nil with a Problem
	SHA256          string           // of the text as it is now, in hex; State.SHA256 is of the operator's last write
	State           record.State     // the record of the operator's edits, in the same ConfigMap, as far as the operator wrote it
	Doubts          []record.Doubt   // what stands there, too, and was not written by the operator
	Summary         botcore.Summary
	Match           bool                    // Reloader's annotation `match` stands on the ConfigMap
	Owner           *strategyv1.ConfigOwner // what applies the ConfigMap, too; nil: nothing that is known
	Writer          *gitops.Writer          // who else wrote the document last; nil: the operator did, or nobody can tell
	Gone            bool                    // the ConfigMap does not exist, or is being deleted
	// Refused is the writer's last write, if the API server refused it; nil = none. Whoever waits for it must tell: the writer has no status.
	Refused *Refusal
	Problem *Problem
}

// Log is the head of the decision log in the bucket. The key that signs is only named: what is observed and decided may be printed
// and kept.
type Log struct {
	Entries    int64                // how many there are; 0 = none yet
	Head       string               // SHA-256 of the last entry's line, in hex; empty = none yet
	SigningKey types.NamespacedName // of its Secret
	Problem    *Problem             // then nothing is logged, and so no effect follows
}

// Templates are the PodTemplates of a namespace, by name.
type Templates map[string]checks.Template

// Runs are the Jobs of an object and the reports of its judged checks.
type Runs struct {
	Jobs []checks.JobState // that are not being deleted
	// Outcomes of the attempts that rules may still ask for, as stored: those of status.checks until an incident has its cause, or a
	// rollback has ended, and those of Jobs.
	Outcomes map[checks.ID]checks.Outcome
}

// Decided is a decision about an object, made since the object exists. Digest, age and four eyes are the plan's to judge, and whether
// the name can be trusted.
type Decided struct {
	Name    string // of the StrategyDecision
	UID     string
	Verdict strategyv1.DecisionVerdict
	Digest  string // of the plan that it is about; empty where it needs none
	By      string // empty: nobody is named, and it counts only where it makes things safer
	Reason  string
	Time    metav1.Time                // of its creation, by the API server's clock, in whole seconds
	Valid   time.Duration              // of an acknowledgement; 0 = not said
	Outcome strategyv1.DecisionOutcome // that the decision says it had; empty = none yet
}

// Identity says whether the admission policies that check identities are in force.
type Identity struct {
	Enforced bool
	Message  string    // why not
	Since    time.Time // they have been in force as they are now; a decision that is not younger is nobody's
	Problem  *Problem  // it could not be asked: no decision is honoured, and none is made worthless
}

// Doubt says why nobody knows who made a decision, and nobody ever will; empty: it is known.
func (i Identity) Doubt(decided Decided) string {
	switch {
	case !i.Enforced:
		return cmp.Or(i.Message, "it is not proved that identities are enforced")
	case !decided.Time.After(i.Since):
		return fmt.Sprintf("it was made at %s, and the admission policies have been in force as they are now since %s: they were installed or changed meanwhile",
			decided.Time.UTC().Format(time.RFC3339), i.Since.UTC().Format(time.RFC3339))
	}
	return ""
}

// Document is a document that a proposal is about.
type Document struct {
	Document *config.Document // nil with a Problem
	Problem  *Problem
}
