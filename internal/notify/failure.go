package notify

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Failure is why a server did not take a message, in words that may stand in a status, and what its caller should know of the server.
type Failure struct {
	Problem string
	Hung    bool          // it gave no answer in time
	After   time.Duration // it asks to be left alone for so long; zero: it does not
}

// Error implements error.
func (f *Failure) Error() string { return f.Problem }

// noAnswer is every failure between the operator and a server: a status would tell its readers who listens where.
const noAnswer = "the server gives no answer; the operator's log says why"

// unanswered is a call that ended with err.
func unanswered(ctx context.Context, err error) *Failure {
	var slow net.Error
	return &Failure{Problem: noAnswer, Hung: errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.As(err, &slow) && slow.Timeout()}
}

// retryAfter is how long a server that is asked too much, or is not there for a while, wants to be left alone.
func retryAfter(response *http.Response, now time.Time) time.Duration {
	if code := response.StatusCode; code != http.StatusTooManyRequests && code != http.StatusServiceUnavailable {
		return 0
	}
	text := strings.TrimSpace(response.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil { // more would be years
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
