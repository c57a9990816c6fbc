package rules

import "sync"

const (
	// maxRemembered bounds the memory of compiled rules, in bytes.
	maxRemembered = 48 << 20
	// A compiled rule takes about this much memory, and this much more for each byte of its text.
	perRule, perByte = 8 << 10, 256
)

// known remembers compiled rules, and those that do not compile: compiling costs a thousand times an evaluation.
var known = &cache{room: maxRemembered, rules: map[string]*entry{}, owners: map[string]*holding{}}

// cache remembers up to its room. When that is full, the owner whose rules take most of it gives up the oldest of them: so nobody else
// has to compile anew because one playbook, or a thousand of one namespace, have many rules.
type cache struct {
	room int

	mu     sync.Mutex // never held while a rule is compiled
	rules  map[string]*entry
	owners map[string]*holding
	used   int
}

// entry is one rule. Whoever comes first compiles it, and others wait for it, not for other rules.
type entry struct {
	owner string
	made  func() (compiled, error)
}

// holding is what is remembered for one owner, oldest first.
type holding struct {
	rules []string
	used  int
}

func (c *cache) get(owner, rule string) (compiled, error) {
	return c.entry(owner, rule).made()
}

func (c *cache) entry(owner, rule string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.rules[rule]; ok {
		return found
	}
	added := &entry{owner: owner, made: sync.OnceValues(func() (compiled, error) { return compile(rule) })}
	if len(rule) > 4*maxRule { // it will not compile, and is no text to remember
		return added
	}
	c.rules[rule] = added
	holds := c.owners[owner]
	if holds == nil {
		holds = &holding{}
		c.owners[owner] = holds
	}
	holds.rules = append(holds.rules, rule)
	holds.used += memoryOf(rule)
	c.used += memoryOf(rule)
	for c.used > c.room {
		c.forgetOne()
	}
	return added
}

// forgetOne forgets the oldest rule of the owner with the most.
func (c *cache) forgetOne() {
	most := ""
	for owner, holds := range c.owners {
		if largest := c.owners[most]; largest == nil || holds.used > largest.used || holds.used == largest.used && owner < most {
			most = owner
		}
	}
	holds := c.owners[most]
	oldest := holds.rules[0]
	holds.rules = holds.rules[1:]
	holds.used -= memoryOf(oldest)
	c.used -= memoryOf(oldest)
	delete(c.rules, oldest)
	if len(holds.rules) == 0 {
		delete(c.owners, most)
	}
}

func memoryOf(rule string) int { return perRule + perByte*len(rule) }
