package evidence

import (
	"fmt"
	"strings"
	"time"
)

// Keys are made of names that the API server has checked: small letters, digits, dash and dot, and the slashes below. So none leads
// out of its prefix. A part between slashes is a file's name in a bucket of files, so none is longer than 255; a whole key has less than
// 512, and the API keeps 1024.

// maxFolder is how much of a name stands in its folder. Of two longer names the UID tells which is which.
const maxFolder = 200

// Prefix is where everything about one incident or rollback lies: <namespace>/<yyyy>/<mm>/<dd>/<name>-<uid8>/, with the slash at the
// end; of a long name only its first 200 characters. The day is the object's creation in UTC, so the prefix never moves.
func Prefix(namespace, name, uid string, created time.Time) string {
	return fmt.Sprintf("%s/%s/%.*s-%.8s/", namespace, created.UTC().Format("2006/01/02"), maxFolder, name, uid)
}

// logFolder is where an object's decision log is, below its prefix.
const logFolder = "log/"

// LogKey is the key of entry seq of the decision log, from 1. Six digits, so that keys sort like numbers up to 999,999 entries.
func LogKey(prefix string, seq int64) string {
	return fmt.Sprintf("%s%s%06d.json", prefix, logFolder, seq)
}

// ReportKey is the key of the outcome of one attempt of a check, with its report: JSON. The stage is written in small letters.
func ReportKey(prefix, stage, check string, attempt int32) string {
	return fmt.Sprintf("%schecks/%s-%s-%d.json", prefix, strings.ToLower(stage), check, attempt)
}

// OutputKey is the key of the log of one attempt of a check, by its hash, as in SignalsKey: what somebody else put there is another one.
func OutputKey(prefix, stage, check string, attempt int32, hash string) string {
	return fmt.Sprintf("%schecks/%s-%s-%d-%s.log", prefix, strings.ToLower(stage), check, attempt, hash)
}

// SignalsKey is the key of the signals on which something was decided, by their hash: the first 12 hex digits of their SHA-256.
func SignalsKey(prefix, hash string) string {
	return fmt.Sprintf("%ssignals/%s.json", prefix, hash)
}

// SamplesKey is the key of what the signals were from a time on, by the hash of it, as in SignalsKey: one JSON object to a line.
func SamplesKey(prefix string, from time.Time, hash string) string {
	return fmt.Sprintf("%ssamples/%s-%s.jsonl", prefix, from.UTC().Format("20060102-150405"), hash)
}

// ProposalKey is the key of a proposed patch, by the remediation's name and the patch's hash, as in SignalsKey.
func ProposalKey(prefix, remediation, hash string) string {
	return fmt.Sprintf("%sproposal-%s-%s.patch", prefix, remediation, hash)
}

// ForgottenKey is the key of what is kept of an object that was deleted from the history, beside the folder of the object, by its hash, as in
// SignalsKey.
func ForgottenKey(namespace, name, uid, hash string) string {
	return fmt.Sprintf("%s/forgotten/%.*s-%.8s-%s.json", namespace, maxFolder, name, uid, hash)
}

// treeFolder is where the tree over all logs of a namespace is, beside the folders of objects.
const treeFolder = "tree/"

// TreeKey is the key of a page of the tree over the logs of a namespace, from 1. Nine digits: one page each hour at least, and one every two
// minutes at most.
func TreeKey(namespace string, page int64) string {
	return fmt.Sprintf("%s/%s%09d.json", namespace, treeFolder, page)
}

// ConfigKey is the key of the configuration before or after a change (what is before-<hash>.yaml or after-<hash>.yaml), or of a plan's
// diff (<revision>-<hash>.diff).
func ConfigKey(prefix, what string) string {
	return prefix + "config." + what
}

// SnapshotKey is the key of the objects as they were when an incident was closed, by their hash, as in SignalsKey.
func SnapshotKey(prefix, hash string) string { return prefix + "incident-" + hash + ".json" }

// PageKey is the key of the report of an incident, by its hash, as in SignalsKey; ending is md or html.
func PageKey(prefix, hash, ending string) string {
	return fmt.Sprintf("%sreport-%s.%s", prefix, hash, ending)
}

// maxPlaybook is how much of a playbook's name stands in a key.
const maxPlaybook = 200

// DatedKey is the key of the same report under the day and the playbook's name, as people look for it.
func DatedKey(prefix, day, playbook, hash string) string {
	return fmt.Sprintf("%s%s-%.*s-%s.md", prefix, day, maxPlaybook, playbook, hash)
}
