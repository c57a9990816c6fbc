package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/test/world"
)

// Mode is how the operator is stopped at a side effect.
type Mode int

const (
	// Before: it stops before the effect takes place.
	Before Mode = iota
	// After: it stops right after, before it learns of the result.
	After
	// Unknown: the effect takes place, the operator is told that it failed, and goes on.
	Unknown
)

func (m Mode) String() string { return [...]string{"before", "after", "unknown"}[m] }

// errStopped is what a stopped operator gets for everything it still tries.
var errStopped = errors.New("the operator was stopped")

// Point is where and how the operator is stopped.
type Point struct {
	At   int // the number of the effect; 0: never
	Mode Mode
}

// Cut counts the side effects of one operator and stops it at one of them. It sees every request, whichever client makes it.
type Cut struct {
	sync.Mutex
	Point
	Effects []string // what was done, in order
	Stopped bool
	lag     map[string]bool // kinds whose next list is the one before the cut: a cache that has not seen the effect yet
}

// effect runs a side effect under the cut.
func (c *Cut) effect(what string, do func() error) error {
	c.Lock()
	if c.Stopped {
		c.Unlock()
		return errStopped
	}
	c.Effects = append(c.Effects, what)
	hit := len(c.Effects) == c.At
	if hit && c.Mode != Unknown {
		c.Stopped = true
	}
	if hit && c.Mode == Unknown {
		c.lag = map[string]bool{"JobList": true, "StrategyRollbackList": true}
	}
	c.Unlock()
	if hit && c.Mode == Before {
		return errStopped
	}
	err := do()
	if hit {
		return fmt.Errorf("%w at %s", errStopped, what)
	}
	return err
}

// lags says, once for each kind, that a list must be the one before.
func (c *Cut) lags(kind string) bool {
	c.Lock()
	defer c.Unlock()
	lags := c.lag[kind]
	delete(c.lag, kind)
	return lags
}

func (c *Cut) stopped() bool {
	c.Lock()
	defer c.Unlock()
	return c.Stopped
}

// transport is the Cut in front of the API server.
type transport struct {
	cut  *Cut
	next http.RoundTripper
	life *life
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet || strings.Contains(request.URL.RawQuery, "dryRun") {
		if t.cut.stopped() {
			return nil, errStopped
		}
		return t.next.RoundTrip(request)
	}
	if meanwhile := t.life.scenario.Meanwhile; meanwhile != nil && !t.cut.stopped() && strings.HasSuffix(request.URL.Path, "/configmaps/"+world.ConfigMap) {
		t.life.meanwhile.Do(func() { meanwhile(t.life.World) })
	}
	var response *http.Response
	err := t.cut.effect(request.Method+" "+request.URL.Path, func() (err error) {
		response, err = t.next.RoundTrip(request) //nolint:bodyclose // the caller's, or closed below
		return err
	})
	if err != nil && response != nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		response = nil
	}
	return response, err
}

// bucket is the Cut in front of the evidence.
type bucket struct {
	cut  *Cut
	next controllers.Evidence
}

// Get implements controllers.Evidence.
func (b *bucket) Get(ctx context.Context, key string) ([]byte, error) {
	if b.cut.stopped() {
		return nil, errStopped
	}
	return b.next.Get(ctx, key)
}

// Create implements controllers.Evidence.
func (b *bucket) Create(ctx context.Context, key string, data []byte) error {
	return b.cut.effect("PUT bucket/"+key, func() error { return b.next.Create(ctx, key, data) })
}
