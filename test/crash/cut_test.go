package crash

import (
	"errors"
	"fmt"
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

// Cut counts the side effects of one operator and stops it at one of them.
type Cut struct {
	Point
	Effects []string // what was done, in order
	Stopped bool
	// Seen is called right before and right after each effect, with its number.
	Seen func(Point)

	late bool // what the cut effect changed reaches the cache late
}

// around runs a side effect under the cut.
func (c *Cut) around(effect string, do func() error) error {
	if c.Stopped {
		return errStopped
	}
	c.Effects = append(c.Effects, effect)
	at := len(c.Effects)
	hit := at == c.At
	c.Stopped = hit && c.Mode != Unknown
	if hit && c.Mode == Before {
		return errStopped
	}
	c.late = hit
	c.see(Point{at, Before})
	err := do()
	c.see(Point{at, After})
	if hit {
		return fmt.Errorf("%w at %s", errStopped, effect)
	}
	return err
}

func (c *Cut) see(point Point) {
	if c.Seen != nil {
		c.Seen(point)
	}
}
