package rules

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func small(rules int) *cache {
	return &cache{room: rules * memoryOf("true || 0000 == 0"), rules: map[string]*entry{}, owners: map[string]*holding{}}
}

func rule(n int) string { return fmt.Sprintf("true || %04d == 0", n) }

// One namespace with thousands of rules has its own forgotten, not those of others.
func TestWhoeverRemembersMostMakesRoom(t *testing.T) {
	c := small(20)
	for n := range 5 {
		c.entry("small", rule(n))
	}
	for n := range 1000 {
		c.entry("large", rule(1000+n))
	}
	for n := range 5 {
		if c.rules[rule(n)] == nil {
			t.Errorf("rule %d of the small owner was forgotten", n)
		}
	}
	if len(c.rules) != 20 || c.used > c.room || c.rules[rule(1999)] == nil || c.rules[rule(1000)] != nil {
		t.Errorf("%d rules in %d of %d bytes", len(c.rules), c.used, c.room)
	}
	for n := range 15 {
		c.entry("third", rule(3000+n))
	}
	if held := len(c.owners["large"].rules); held < 7 || held > 8 || len(c.owners["small"].rules) != 5 {
		t.Errorf("of 20 rules the large owner has %d, the small one %d", held, len(c.owners["small"].rules))
	}
}

func TestARuleIsCompiledOnce(t *testing.T) {
	c := small(3)
	if c.entry("a", "true") != c.entry("b", "true") {
		t.Error("two owners of one rule compile it twice")
	}
	broken := c.entry("a", "nope")
	if _, err := broken.made(); err == nil || c.entry("a", "nope") != broken {
		t.Errorf("what does not compile is compiled again: %v", err)
	}
}

// Sixty patterns in one rule take megabytes: no namespace has more remembered than there is room for.
func TestPatternsAreRememberedByTheirSize(t *testing.T) {
	c := &cache{room: 16 << 20, rules: map[string]*entry{}, owners: map[string]*holding{}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range 60 {
		rule := fmt.Sprintf("'%d'.matches('^(a|b){150}')", n) + strings.Repeat(" || 'a'.matches('^(a|b){150}')", 60)
		if _, err := c.get("a", rule); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int(after.HeapAlloc) - int(before.HeapAlloc); kept > c.room*3/2 || c.used > c.room || len(c.rules) < 2 {
		t.Errorf("%d rules take %d MB, counted as %d MB", len(c.rules), kept>>20, c.used>>20)
	}
	runtime.KeepAlive(c)
}

// A text that cannot be a rule is not kept.
func TestWhatIsTooLongIsNotRemembered(t *testing.T) {
	c := small(3)
	if _, err := c.get("a", strings.Repeat("x", 4*maxRule+1)); err == nil || len(c.rules) != 0 || c.used != 0 {
		t.Errorf("%v, %d rules", err, len(c.rules))
	}
}
