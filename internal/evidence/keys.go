package evidence

import (
	"fmt"
	"strings"
	"time"
)

// Prefix is where everything about one incident or rollback lies: <namespace>/<yyyy>/<mm>/<dd>/<name>-<uid8>/.
// The day is the object's creation, so the prefix never moves.
func Prefix(namespace, name, uid string, created time.Time) string {
	return fmt.Sprintf("%s/%s/%s-%.8s/", namespace, created.UTC().Format("2006/01/02"), name, uid)
}

// LogKey is the key of entry seq of the decision log.
func LogKey(prefix string, seq int64) string {
	return fmt.Sprintf("%slog/%06d.json", prefix, seq)
}

// ReportKey is the key of the report of one attempt of a check.
func ReportKey(prefix, stage, check string, attempt int32) string {
	return fmt.Sprintf("%schecks/%s-%s-%d.json", prefix, strings.ToLower(stage), check, attempt)
}

// OutputKey is the key of the log of one attempt of a check.
func OutputKey(prefix, stage, check string, attempt int32) string {
	return fmt.Sprintf("%schecks/%s-%s-%d.log", prefix, strings.ToLower(stage), check, attempt)
}

// SignalsKey is the key of the signals on which something was decided, by their hash.
func SignalsKey(prefix, hash string) string {
	return fmt.Sprintf("%ssignals/%s.json", prefix, hash)
}

// ProposalKey is the key of a proposed patch, by its hash.
func ProposalKey(prefix, remediation, hash string) string {
	return fmt.Sprintf("%sproposal-%s-%s.patch", prefix, remediation, hash)
}

// ConfigKey is the key of the configuration before or after a change, or of the diff between the two.
func ConfigKey(prefix, what string) string {
	return prefix + "config." + what
}
