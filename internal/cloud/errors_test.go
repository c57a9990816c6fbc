package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
)

// What stands in a condition is one line, the same each time, and still known for what it is.
func TestWhatIsToldOfAnError(t *testing.T) {
	reset := &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: 43210}, Addr: &net.TCPAddr{Port: 443}, Err: errors.New("connection reset by peer")}
	late := &url.Error{Op: "Get", URL: "https://bucket.example.com/key", Err: context.DeadlineExceeded}
	for _, c := range []struct {
		err   error
		want  string
		cause error
	}{
		{said("SlowDown", "ask again\nlater", late), "the bucket says SlowDown: ask again later", context.DeadlineExceeded},
		{unsaid(fmt.Errorf("put: %w", &url.Error{Op: "Put", URL: "https://bucket.example.com/key", Err: reset})),
			"the bucket cannot be reached: read tcp: connection reset by peer", reset},
		{unsaid(late), `Get "https://bucket.example.com/key": context deadline exceeded`, context.DeadlineExceeded},
		{unsaid(errors.New("no identity\nthis\nthat")), "no identity this that", nil},
	} {
		if c.err.Error() != c.want || c.cause != nil && !errors.Is(c.err, c.cause) {
			t.Errorf("%q; want %q", c.err, c.want)
		}
	}
	if text := unsaid(errors.New(strings.Repeat("x", 10_000))).Error(); len(text) > maxWords {
		t.Errorf("%d bytes", len(text))
	}
}
