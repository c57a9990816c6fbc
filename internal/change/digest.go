package change

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Digest is what an approval names. It covers the edits and not the whole document, so that an unrelated commit does not
// void an approval; and the revision, so that an old approval never comes back to life. What is done about a GitOps tool is part of what is agreed to.
func Digest(uid string, revision int64, edits []strategyv1.PlannedEdit, gitOps *strategyv1.PlannedGitOps) string {
	data, err := json.Marshal(struct {
		UID      string                    `json:"uid"`
		Revision int64                     `json:"revision"`
		Edits    []strategyv1.PlannedEdit  `json:"edits"`
		GitOps   *strategyv1.PlannedGitOps `json:"gitOps,omitempty"`
	}{uid, revision, edits, gitOps})
	if err != nil { // strings and integers always encode
		panic(err)
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
