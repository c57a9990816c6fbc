package playbook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// epitaph is what the bucket keeps of an object that the history forgot: its status, and with it the head of its log, is gone.
type epitaph struct {
	Kind       string       `json:"kind"`
	Name       string       `json:"name"`
	Namespace  string       `json:"namespace"`
	UID        types.UID    `json:"uid"`
	Playbook   string       `json:"playbook,omitempty"`
	ClosedTime *metav1.Time `json:"closedTime,omitempty"` // of an incident
	Log        heldLog      `json:"log"`
}

// heldLog is where a log is, and its head.
type heldLog struct {
	Prefix  string `json:"prefix,omitempty"`
	Entries *int64 `json:"entries,omitempty"`
	Head    string `json:"head,omitempty"`
}

// epitaphs are those of an incident and its rollbacks.
func epitaphs(past Past, playbook *strategyv1.StrategyPlaybook) (actions []action.Action, err error) {
	all := make([]epitaph, 0, len(past.Rollbacks)+1)
	for _, one := range past.Rollbacks {
		all = append(all, epitaph{
			Kind: strategyv1.KindRollback, Name: one.Name, Namespace: one.Namespace, UID: one.UID, Playbook: one.Spec.PlaybookName, Log: held(one.Status.Log),
		})
	}
	one := past.Incident
	all = append(all, epitaph{
		Kind: strategyv1.KindIncident, Name: one.Name, Namespace: one.Namespace, UID: one.UID, Playbook: one.Spec.PlaybookName,
		ClosedTime: one.Status.ClosedTime, Log: held(one.Status.Log),
	})
	key := types.NamespacedName{Namespace: playbook.Namespace, Name: playbook.Spec.SigningKeySecretName}
	for _, one := range all {
		data, err := json.Marshal(one)
		if err != nil {
			return nil, fmt.Errorf("encode what is forgotten of %s: %w", one.Name, err)
		}
		sum := sha256.Sum256(data)
		actions = append(actions, action.StoreEvidence{
			Key: evidence.ForgottenKey(one.Namespace, one.Name, string(one.UID), hex.EncodeToString(sum[:])[:12]), Data: data,
			Seal: &action.Seal{Of: decisionlog.Sealed{Kind: "forgotten", ObjectUID: string(one.UID)}, SigningKey: key},
		})
	}
	return actions, nil
}

func held(log *strategyv1.LogStatus) heldLog {
	if log == nil {
		return heldLog{}
	}
	return heldLog{log.Prefix, log.Entries, log.Head}
}
