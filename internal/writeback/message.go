package writeback

import (
	"fmt"
	"strings"
)

// Message is what a commit says, beside what it is of. Whatever people wrote in it is put into one line each.
type Message struct {
	Summary    string // of the change
	Reason     string
	Incident   string
	Asked      string
	Approved   string
	Restored   string // who asked for the inverse
	Cause      string // of a proposal, and which remedy of the playbook it is
	Remedy     string
	Alerts     string // that came in, and how often
	Checkpoint string // the newest one of the log: origin, size and root
}

// The trailers by which a commit is known again. No text of people can begin such a line.
const (
	trailerRollback   = "Strategy-Rollback: "
	trailerIncident   = "Strategy-Incident: " // of a proposal
	trailerDigest     = "Strategy-Digest: "
	trailerChange     = "Strategy-Change: "
	trailerCheckpoint = "Strategy-Checkpoint: "
)

// What a commit does.
const (
	changeApplied = "applied"
	changeUndone  = "undone"
)

// What is told of people's words at most.
const (
	maxSubject = 72
	maxLine    = 400
)

// text is the whole message of a commit, which is the rollback's number-th, or of the incident's number-th round.
func (j Job) text(change string, number int) string {
	verb := map[string]string{changeApplied: "apply", changeUndone: "undo"}[change]
	subject, about := fmt.Sprintf("rollback %s: %s: %s", j.Name, verb, j.Message.Summary), "An emergency change of the scheduler's configuration, by strategy-operator."
	if j.Proposal != nil {
		subject, about = fmt.Sprintf("incident %s: propose: %s", j.Name, j.Message.Summary), "A change that strategy-operator proposes. It is for people to merge, or not."
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\n%s\n\n", line(subject, maxSubject), about)
	for _, one := range []struct{ what, value string }{
		{"Change", j.Message.Summary}, {"Reason", j.Message.Reason}, {"Incident", j.Message.Incident}, {"Cause", j.Message.Cause}, {"Remedy", j.Message.Remedy},
		{"Alerts", j.Message.Alerts}, {"Asked for by", j.Message.Asked}, {"Approved by", j.Message.Approved}, {"Restored by", j.Message.Restored},
	} {
		if one.value != "" {
			fmt.Fprintf(&out, "%s: %s\n", one.what, line(one.value, maxLine))
		}
	}
	fmt.Fprintf(&out, "\n%s%s\n%s%s\n%s%s %d\n", j.owner(), j.of(), trailerDigest, line(j.Digest, maxLine), trailerChange, change, number)
	if j.Message.Checkpoint != "" {
		fmt.Fprintf(&out, "%s%s\n", trailerCheckpoint, line(j.Message.Checkpoint, maxLine))
	}
	return out.String()
}

// owner is the trailer that says whose commit it is.
func (j Job) owner() string {
	if j.Proposal != nil {
		return trailerIncident
	}
	return trailerRollback
}

// of is whose commit it is.
func (j Job) of() string { return fmt.Sprintf("%s/%s %s", j.Namespace, j.Name, j.UID) }

// trailer is the value of the last line that begins with a name; empty: there is none.
func trailer(message, name string) (value string) {
	for text := range strings.Lines(message) {
		if rest, found := strings.CutPrefix(text, name); found {
			value = strings.TrimSpace(rest)
		}
	}
	return value
}
