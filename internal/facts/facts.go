// Package facts holds what controllers observe and plans decide on, where incident and rollback observe the same thing.
//
// It is plain data: no client, no clock. A Problem is a fact, too: bad input is observed, not thrown.
package facts

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/record"
)

// Problem is input that stops the procedure until somebody fixes it.
type Problem struct {
	Reason  string        // a condition reason of api/v1alpha1
	Message string        // what, where, what to do
	Retry   time.Duration // after which it is looked at again; 0 = pass.Recheck
}

// Playbook is the spec to run on, frozen once the object has started.
type Playbook struct {
	Spec     strategyv1.StrategyPlaybookSpec
	Revision string
	// Suspended: the kill switch of the playbook as it is now, whatever the frozen spec says.
	Suspended bool
	Problem   *Problem
}

// Config is the scheduler's configuration as it is now.
type Config struct {
	ResourceVersion string
	Document        *config.Document // nil with a Problem
	SHA256          string           // of its text, in hex
	State           record.State     // the edits that the operator made
	Summary         botcore.Summary
	Gone            bool // the ConfigMap does not exist, or is being deleted
	Problem         *Problem
}

// Log is the head of the decision log in the bucket. The key that signs is only named: what is observed and decided may be printed
// and kept.
type Log struct {
	Entries    int64
	Head       string
	SigningKey types.NamespacedName // of its Secret
	Problem    *Problem
}

// Templates are the PodTemplates of a namespace, by name.
type Templates map[string]corev1.PodTemplateSpec

// Runs are the Jobs of an object and the reports of its judged checks.
type Runs struct {
	Jobs     []checks.JobState
	Outcomes map[checks.ID]checks.Outcome
}

// Decided is a decision that may be honoured as far as it alone can tell: it has a stamped identity.
type Decided struct {
	Name    string
	Verdict strategyv1.DecisionVerdict
	Digest  string
	By      string
	Reason  string
	Time    metav1.Time
	Valid   time.Duration // of an acknowledgement
}

// Document is a document that a proposal is about.
type Document struct {
	Document *config.Document // nil with a Problem
	Problem  *Problem
}
