package playbook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
)

// Revision is the frozen spec of a playbook. Its name is made of its content, so the same spec has one revision. spec.suspend is
// not frozen: it acts at once on whatever runs.
// It has no owner: incidents that run on it must survive the deletion of the playbook.
func Revision(playbook *strategyv1.StrategyPlaybook) (*appsv1.ControllerRevision, error) {
	data, err := encode(playbook.Spec)
	if err != nil {
		return nil, err
	}
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: playbook.Namespace,
			Name:      revisionName(playbook.Name, DigestOf(data)),
			Labels:    map[string]string{strategyv1.LabelPlaybook: Label(playbook.Name)},
		},
		Data:     runtime.RawExtension{Raw: data},
		Revision: playbook.Generation,
	}, nil
}

// encode is the text of a frozen spec.
func encode(spec strategyv1.StrategyPlaybookSpec) ([]byte, error) {
	spec.Suspend = false
	data, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encode the playbook's spec: %w", err)
	}
	return data, nil
}

// Digest names a version of a playbook: all of its spec but suspend.
func Digest(spec strategyv1.StrategyPlaybookSpec) (string, error) {
	data, err := encode(spec)
	if err != nil {
		return "", err
	}
	return DigestOf(data), nil
}

// digestPrefix is what a digest begins with.
const digestPrefix = "sha256:"

// DigestOf is the digest of a frozen spec's text.
func DigestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return digestPrefix + hex.EncodeToString(sum[:])
}

// revisionName is made of the playbook's name and of the beginning of the digest.
func revisionName(playbook, digest string) string {
	return fmt.Sprintf("%s-%.10s", strings.TrimRight(fmt.Sprintf("%.200s", playbook), "-."), strings.TrimPrefix(digest, digestPrefix))
}

// Label is a playbook's name, as far as a label may hold it: 63 characters, with a letter or digit at the end.
func Label(name string) string {
	return strings.TrimRight(fmt.Sprintf("%.63s", name), "-.")
}

// Thaw reads the spec of a revision. The error: it holds no spec of a playbook, or another one than its name says: somebody deleted the
// revision and made another one under its name, and what runs on it would go by rules that nobody froze.
func Thaw(revision *appsv1.ControllerRevision) (strategyv1.StrategyPlaybookSpec, error) {
	spec, _, err := ThawDigest(revision)
	return spec, err
}

// ThawDigest also says which version of the playbook it is.
func ThawDigest(revision *appsv1.ControllerRevision) (spec strategyv1.StrategyPlaybookSpec, digest string, err error) {
	if err := json.Unmarshal(revision.Data.Raw, &spec); err != nil {
		return spec, "", fmt.Errorf("revision %s holds no playbook: %w", revision.Name, err)
	}
	again, err := json.Marshal(spec) // a tool may have written the same otherwise
	if err != nil {
		return spec, "", fmt.Errorf("encode the playbook of revision %s: %w", revision.Name, err)
	}
	for _, data := range [][]byte{revision.Data.Raw, again} {
		if digest = DigestOf(data); strings.HasSuffix(revision.Name, revisionName("", digest)) {
			return spec, digest, nil
		}
	}
	return spec, "", fmt.Errorf("ControllerRevision %s does not hold the playbook that its name was made of: somebody made it again with another content. "+
		"Delete it: it is made again from a playbook that has this spec. Or put back the right one from a backup", revision.Name)
}

// SameRevision says why a revision does not hold the playbook that another one of its name is made of; nil: it does. A name has ten digits of the
// digest, and whoever writes playbooks finds two with the same ten.
func SameRevision(found, made *appsv1.ControllerRevision) error {
	_, digest, err := ThawDigest(found)
	if err == nil && digest != DigestOf(made.Data.Raw) {
		err = fmt.Errorf("ControllerRevision %s holds another version of the playbook, whose digest begins alike. Change anything of the playbook: it gets another name", found.Name)
	}
	return err
}

// keepRevisions is how many revisions stay although nothing runs on them: an incident may be starting on one right now.
const keepRevisions = 10

// forgotten deletes old revisions that nothing runs on. What was approved last may be needed by the next incident.
func forgotten(o Observed, status strategyv1.StrategyPlaybookStatus) []action.Action {
	old := slices.DeleteFunc(slices.Clone(o.Revisions), func(r appsv1.ControllerRevision) bool {
		return r.Name == status.Revision || o.InUse[r.Name] || status.Approved != nil && r.Name == status.Approved.Revision
	})
	slices.SortFunc(old, func(a, b appsv1.ControllerRevision) int {
		return cmp.Or(cmp.Compare(b.Revision, a.Revision), strings.Compare(a.Name, b.Name))
	})
	var actions []action.Action
	for i := keepRevisions; i < len(old); i++ {
		actions = append(actions, action.DeleteRevision{Key: types.NamespacedName{Namespace: old[i].Namespace, Name: old[i].Name}, UID: old[i].UID})
	}
	return actions
}
