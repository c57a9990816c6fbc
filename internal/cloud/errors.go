package cloud

import (
	"errors"
	"fmt"
	"net"

	"tradeops.dev/strategy-operator/internal/bounded"
)

var (
	// errTaken is that there is an object of this name, which was left as it is.
	errTaken = errors.New("the bucket has an object of this name")
	// errUnconditional is that a server does not know how to write only what is new.
	errUnconditional = errors.New("the bucket does not know how to create only what is new")
)

// maxWords is how much of an error that is no server's is told: some libraries tell all ways in which they looked for credentials.
const maxWords = 600

// said is what a server called an error, and said of it. It stands in conditions: so it is without the numbers of requests and times, which differ
// each time.
func said(code, words string, cause error) error {
	return shortError{fmt.Errorf("the bucket says %s: %s", bounded.Line(code, maxWords), bounded.Line(words, maxWords)), cause}
}

// unsaid is an error that no server said, in one line. Of a connection that ended it leaves out the addresses: its own port is another one each time.
func unsaid(err error) error {
	if ended, is := errors.AsType[*net.OpError](err); is {
		return shortError{fmt.Errorf("the bucket cannot be reached: %s %s: %s", ended.Op, ended.Net, bounded.Line(ended.Err.Error(), maxWords)), err}
	}
	return shortError{errors.New(bounded.Line(err.Error(), maxWords)), err}
}

type shortError struct {
	error
	cause error
}

// Unwrap is the error in whole.
func (e shortError) Unwrap() error { return e.cause }
