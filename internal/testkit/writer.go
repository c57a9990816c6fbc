package testkit

import (
	"strconv"

	"k8s.io/apimachinery/pkg/types"

	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
)

// Edit is somebody's, or a tool's, edit of the configuration.
func (w *World) Edit(content string) {
	if content != w.Content {
		w.Content, w.version = content, w.version+1
	}
}

// WriteConfig is one pass of the only writer of the configuration. It says whether it wrote.
func (w *World) WriteConfig() bool {
	w.T.Helper()
	w.PrepareWrite()
	return w.CommitWrite()
}

// PrepareWrite is such a pass up to the write itself: the claims are read, and read once more.
func (w *World) PrepareWrite() {
	w.T.Helper()
	decision, err := schedulerconfig.Plan(w.claims(), w.Now)
	if err != nil {
		w.T.Fatalf("the writer: %v", err)
	}
	w.Refused, w.WriteAt, w.prepared = decision.Refused, decision.NextAt, &decision
}

// CommitWrite is the write that was prepared, if nobody changed the ConfigMap since.
func (w *World) CommitWrite() bool {
	decision := w.prepared
	w.prepared = nil
	if decision == nil || decision.Write == nil || !w.keep(decision.Receipts) || decision.Write.ResourceVersion != strconv.Itoa(w.version) {
		return false
	}
	w.before = w.Content
	if decision.Write.DataKey != "" {
		w.Content = decision.Write.Content
	}
	w.Edits, w.Writer = decision.Write.Edits, nil
	for key, value := range decision.Write.Annotations {
		if w.Annotations[key] = value; value == "" {
			delete(w.Annotations, key)
		}
	}
	w.version++
	w.Writes++
	w.Dropped = append(w.Dropped, decision.Dropped...)
	return true
}

// KeepReceipts is the first half of a write.
func (w *World) KeepReceipts() { w.keep(w.prepared.Receipts) }

// keep gives rollbacks the receipts of what is about to be written for them.
func (w *World) keep(receipts []schedulerconfig.Receipt) bool {
	for _, receipt := range receipts {
		rollback := w.Rollbacks[receipt.Name]
		if rollback == nil || string(rollback.UID) != receipt.UID || rollback.Status.Config == nil {
			return false
		}
		rollback.Status.Config.Receipts = record.Kept(rollback.Status.Config.Receipts, receipt.Entry)
	}
	return true
}

// receipts of all rollbacks.
func (w *World) receipts() record.Receipts {
	receipts := record.Receipts{}
	for _, rollback := range w.Rollbacks {
		if asked := rollback.Status.Config; asked != nil {
			receipts[string(rollback.UID)] = asked.Receipts
		}
	}
	return receipts
}

// claims are what the writer's controller observes: of rollbacks that go on, and of those that have ended but are named
// by the record. What the record names and is not there any more is an orphan.
func (w *World) claims() schedulerconfig.Observed {
	w.T.Helper()
	observed := schedulerconfig.Observed{
		Key: types.NamespacedName{Namespace: Namespace, Name: ConfigMap}, ResourceVersion: strconv.Itoa(w.version),
		Content: w.Content, Annotations: w.Annotations, State: w.Config().State, Receipts: w.receipts(),
	}
	if w.Writer != nil {
		observed.Writer = w.Writer.Manager
	}
	for name, rollback := range w.Rollbacks {
		held := observed.State.Holder(string(rollback.UID)) != nil
		claim, asked := record.ClaimOf(rollback)
		if asked && (held || !lifecycle.Ended(rollback.Status)) {
			observed.DataKey, observed.Claims = DataKey, append(observed.Claims, claim)
		}
		if name != rollback.Name {
			w.T.Fatalf("rollback %s stands under the name %s", rollback.Name, name)
		}
	}
	for _, holder := range w.recorded().Holders {
		if current := w.Rollbacks[holder.Name]; current == nil || string(current.UID) != holder.UID {
			observed.Orphans = append(observed.Orphans, holder)
		}
	}
	if observed.DataKey == "" { // nobody says which key of the ConfigMap it is
		observed.Content = ""
	}
	return observed
}

// Delete deletes a rollback as the API server does: one with finalizers waits until they are gone.
func (w *World) Delete(name string) {
	rollback, found := w.Rollbacks[name]
	if !found || !rollback.DeletionTimestamp.IsZero() {
		return
	}
	rollback.DeletionTimestamp = stamp(w.Now)
	if len(rollback.Finalizers) == 0 {
		delete(w.Rollbacks, name)
	}
}
