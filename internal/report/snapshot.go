package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// SnapshotKind is as what a snapshot is sealed.
const SnapshotKind = "incident"

// Snapshot is what a report needs and a log does not say: the objects as they were when the incident was closed.
type Snapshot struct {
	Incident  Incident                         `json:"incident"`
	Playbook  *strategyv1.StrategyPlaybookSpec `json:"playbook,omitempty"` // as the incident ran on it
	Rollbacks []Rollback                       `json:"rollbacks,omitempty"`
	Signals   []string                         `json:"signals,omitempty"` // the names of their files then: others come later, as when it is reopened
}

// Incident is the incident, without what its log has.
type Incident struct {
	Object
	Spec   strategyv1.StrategyIncidentSpec   `json:"spec"`
	Status strategyv1.StrategyIncidentStatus `json:"status"`
}

// Rollback is one of the incident's rollbacks, without what its log has.
type Rollback struct {
	Object
	Spec   strategyv1.StrategyRollbackSpec   `json:"spec"`
	Status strategyv1.StrategyRollbackStatus `json:"status"`
}

// Object says which one it is.
type Object struct {
	Namespace string      `json:"namespace"`
	Name      string      `json:"name"`
	UID       string      `json:"uid"`
	Created   metav1.Time `json:"created"`
}

func objectOf(meta metav1.ObjectMeta) Object {
	return Object{Namespace: meta.Namespace, Name: meta.Name, UID: string(meta.UID), Created: meta.CreationTimestamp}
}

// Take is the snapshot of an incident that was closed. playbook is the spec that it ran on.
func Take(incident *strategyv1.StrategyIncident, playbook strategyv1.StrategyPlaybookSpec, rollbacks []strategyv1.StrategyRollback, signals []string) Snapshot {
	status := *incident.Status.DeepCopy()
	status.Timeline, status.Running, status.Report = nil, nil, nil
	snapshot := Snapshot{Incident: Incident{objectOf(incident.ObjectMeta), incident.Spec, status}, Playbook: &playbook, Signals: signals[:min(len(signals), maxSignalFiles)]}
	for _, rollback := range rollbacks {
		status := *rollback.Status.DeepCopy()
		status.Timeline, status.Running = nil, nil
		if status.Config != nil {
			status.Config.Receipts = nil // of the operator's own bookkeeping
		}
		snapshot.Rollbacks = append(snapshot.Rollbacks, Rollback{objectOf(rollback.ObjectMeta), rollback.Spec, status})
	}
	return snapshot
}

// maxSnapshot leaves room for the seal in what the bucket takes.
const maxSnapshot = 3 << 20

// Encode is the snapshot as it is stored, and the start of its hash, which is in its key. What is too large to be stored goes without the
// playbook and the rollbacks, the largest parts, and the report says that it does not know them.
func (s Snapshot) Encode() (data []byte, hash string, err error) {
	if data, err = json.Marshal(s); err == nil && len(data) > maxSnapshot {
		data, err = json.Marshal(Snapshot{Incident: s.Incident})
	}
	if err != nil {
		return nil, "", fmt.Errorf("encode the snapshot of incident %s: %w", s.Incident.Name, err)
	}
	return data, short(data), nil
}

// Decode reads a stored snapshot, whatever its seal is worth.
func Decode(data []byte) (Snapshot, error) {
	var snapshot Snapshot
	if err := json.Unmarshal(data, &snapshot); err != nil {
		return Snapshot{}, fmt.Errorf("the snapshot of an incident cannot be read: %w", err)
	}
	return snapshot, nil
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// shortHash is how much of a hash stands in a key.
const shortHash = 12

func short(data []byte) string { return hashOf(data)[:shortHash] }
