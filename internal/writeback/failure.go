package writeback

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Kind is what kind of failure it is, and so what helps.
type Kind string

// The kinds of failures.
const (
	Invalid     Kind = "Invalid"     // what the playbook or its Secret says of the repository: somebody has to fix it
	Refused     Kind = "Refused"     // the server will not have it from us: a person has to allow it
	Differs     Kind = "Differs"     // the file holds something else: a person has to look
	Unreachable Kind = "Unreachable" // no answer, or none that helps: later
	Moved       Kind = "Moved"       // others push all the time: later
)

// Failure is why nothing was committed, as far as anybody knows, in words that may stand in a status.
type Failure struct {
	Kind    Kind
	Problem string
}

// Error implements error.
func (f *Failure) Error() string { return f.Problem }

func failf(kind Kind, format string, values ...any) *Failure {
	return &Failure{kind, fmt.Sprintf(format, values...)}
}

// asFailure is any error as a failure. What is between the operator and a server is not told: it would say who listens where.
func asFailure(ctx context.Context, err error) *Failure {
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return failf(Unreachable, "the Git server did not answer in time")
	}
	return failf(Unreachable, "the Git server gives no answer that can be used; the operator's log says why")
}

// ofStatus is a failure by the status of an answer over HTTP; nil: it is none.
func ofStatus(code int) error {
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == 401:
		return failf(Refused, "the Git server does not accept the credentials (HTTP 401); fix the Secret of the write-back")
	case code == 403:
		return failf(Refused, "the Git server does not allow it (HTTP 403); give the account of the Secret the right to read and to push")
	case code == 404:
		return failf(Refused, "the Git server knows no such repository, or does not show it to this account (HTTP 404); fix the URL, or the Secret, of the write-back")
	case code >= 300 && code < 400:
		return failf(Invalid, "the Git server answers HTTP %d, a redirect, which is not followed; write the URL that it leads to into the playbook", code)
	}
	return failf(Unreachable, "the Git server answers HTTP %d", code)
}

// moved are what servers say when a branch is not what it was any more, or when somebody else is updating it in this moment.
var moved = []string{
	"non-fast-forward", "non fast forward", "not fast-forward", "not a fast-forward", "fast forward", "fetch first", "cannot lock ref", "could not lock", "failed to lock", "unable to lock",
	"failed to update ref", "incorrect old value", "stale info", "reference already exists", "ref already exists", "is at ", "unexpected old", "lock failure", "locked by", "try again",
}

// refusal is what a server's word about a push means.
func refusal(word string) *Failure {
	lower := strings.ToLower(word)
	for _, one := range moved {
		if strings.Contains(lower, one) {
			return failf(Moved, "the branch moved while it was pushed to")
		}
	}
	return failf(Refused, "the Git server refuses the push: %q; allow the account of the Secret to push to the branch, or to another that the playbook names in writeBack.pushBranch", bounded(word))
}

// maxWord bounds what is repeated of a server.
const maxWord = 120

// bounded is a text of others, in one line.
func bounded(text string) string { return line(text, maxWord) }

// line is a text in one line of printable characters, not longer than so many of them.
func line(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
