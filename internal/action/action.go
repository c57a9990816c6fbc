// Package action holds what a plan may ask for, as plain values. A plan decides; the executor in controllers/ does.
//
// Each action can be repeated without harm: it creates under a deterministic name, compares before it writes, or is
// bound to a resource version. What a repeat can meet: that the thing is there and ours (no error), there and somebody else's (an error that
// only people can end), or changed since it was read (a conflict: nothing was done, and the next pass plans anew).
package action

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decisionlog"
)

// Action is one of the types of this package.
type Action interface{ isAction() }

// StoreEvidence writes an object to the evidence bucket, once.
type StoreEvidence struct {
	Key  string
	Data []byte
	Seal *Seal // nil: it is believed for its hash, which stands elsewhere
}

// Seal says as what a JSON object is signed, and by which Secret's key: the executor reads it.
type Seal struct {
	Of         decisionlog.Sealed
	SigningKey types.NamespacedName
}

// AppendEntries appends to an object's decision log after the entry with number After and hash Head.
type AppendEntries struct {
	Prefix     string
	After      int64
	Head       string
	SigningKey types.NamespacedName // of the Secret: the executor reads it
	Entries    []decisionlog.Entry  // in order, without Seq and PrevHash set: the executor chains them
}

// CreateJob creates a Job under its deterministic name; one that is there must have the same controller.
type CreateJob struct{ Job *batchv1.Job }

// DeleteJob deletes exactly this Job and its pods.
type DeleteJob struct {
	Key types.NamespacedName
	UID types.UID
}

// CreateRevision freezes a playbook's spec under a name made of its content.
type CreateRevision struct{ Revision *appsv1.ControllerRevision }

// DeleteRevision deletes exactly this revision of a playbook.
type DeleteRevision struct {
	Key types.NamespacedName
	UID types.UID
}

// CreateConfigMap creates a ConfigMap under its deterministic name; one that is there must have the same controller.
type CreateConfigMap struct{ ConfigMap *corev1.ConfigMap }

// DeleteObject deletes exactly this incident, rollback, decision or alert, by its UID.
type DeleteObject struct{ Object Object }

// Object is an object of the API.
type Object interface {
	metav1.Object
	runtime.Object
}

// CreateRollback creates an incident's rollback under its deterministic name.
type CreateRollback struct{ Rollback *strategyv1.StrategyRollback }

// CreateIncident opens an incident under its deterministic name; one of that name that is about the same is the same.
type CreateIncident struct{ Incident *strategyv1.StrategyIncident }

// AnswerDecision tells a decision what became of it, by its UID.
type AnswerDecision struct {
	Namespace string
	Name      string
	UID       string
	Answer    strategyv1.DecisionAnswer
}

// KeepReceipt adds an entry of the record to the receipts of its rollback, before the record is written.
type KeepReceipt struct {
	Key   types.NamespacedName // of the rollback
	UID   string
	Entry string
}

// WriteConfig replaces one key of a ConfigMap and the record of the edits, if nobody changed the object since it was read.
type WriteConfig struct {
	Key             types.NamespacedName
	ResourceVersion string
	DataKey         string // empty: only the record is written
	Content         string
	Edits           string            // value of strategyv1.AnnotationEdits; empty removes it
	Edited          bool              // edits are in the content
	Annotations     map[string]string // by which a tool leaves the ConfigMap alone; one with an empty value is taken off
}

// KeepCheckpoints keeps the newest checkpoints in the operator's own ConfigMap, over the version that was read; one without a version is not there
// yet.
type KeepCheckpoints struct{ ConfigMap *corev1.ConfigMap }

// RestartWorkload sets annotations on a Deployment's pod template, if nobody changed the object since it was read.
type RestartWorkload struct {
	Key             types.NamespacedName
	ResourceVersion string
	Annotations     map[string]string
}

// SetFinalizers replaces the finalizers of the rollback that the pass is about, if nobody changed it since it was read.
type SetFinalizers struct {
	Key        types.NamespacedName
	Finalizers []string
	Anyway     bool // also when what comes before it in the same pass failed
}

// Event tells people what changed, on the object itself.
type Event struct {
	Type    string // corev1.EventTypeNormal or corev1.EventTypeWarning
	Reason  string
	Message string
}

// Starts says whether an action starts something new, which a suspended playbook must not: a Job, a rollback, an edit or a
// restart. Cleaning up, records and events go on.
func Starts(a Action) bool {
	switch a.(type) {
	case CreateJob, CreateRollback, CreateConfigMap, WriteConfig, RestartWorkload:
		return true
	}
	return false
}

// IsEvidence says whether an effect, by the type of its action, is a write into the evidence bucket.
func IsEvidence(effect string) bool {
	return effect == "action.StoreEvidence" || effect == "action.AppendEntries"
}

// Tidies says whether an effect, by the type of its action, only tidies up: nothing that an object does next hangs on it.
func Tidies(effect string) bool {
	switch effect {
	case "action.DeleteJob", "action.DeleteRevision", "action.DeleteObject", "action.AnswerDecision":
		return true
	}
	return false
}

func (StoreEvidence) isAction()   {}
func (AppendEntries) isAction()   {}
func (CreateJob) isAction()       {}
func (DeleteJob) isAction()       {}
func (CreateRevision) isAction()  {}
func (DeleteRevision) isAction()  {}
func (CreateRollback) isAction()  {}
func (CreateIncident) isAction()  {}
func (CreateConfigMap) isAction() {}
func (DeleteObject) isAction()    {}
func (AnswerDecision) isAction()  {}
func (KeepReceipt) isAction()     {}
func (WriteConfig) isAction()     {}
func (KeepCheckpoints) isAction() {}
func (RestartWorkload) isAction() {}
func (SetFinalizers) isAction()   {}
func (Event) isAction()           {}
