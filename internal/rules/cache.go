package rules

import "sync"

const (
	// maxRemembered bounds the memory of compiled rules, in bytes.
	maxRemembered = 48 << 20
	// A compiled rule takes about this much memory, this much more for each byte of its text, and for each instruction of its patterns.
	perRule, perByte, perInstruction = 8 << 10, 256, 100
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
	bytes int // as far as they are known: those of its patterns are once it was compiled
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
	added := &entry{owner: owner, bytes: memoryOf(rule)}
	added.made = sync.OnceValues(func() (compiled, error) {
		made, err := compile(rule)
		c.weigh(rule, added, made.patterns*perInstruction)
		return made, err
	})
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
	c.take(added, added.bytes)
	return added
}

// weigh counts what a rule takes beside its text, if it is still remembered.
func (c *cache) weigh(rule string, of *entry, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rules[rule] == of {
		of.bytes += bytes
		c.take(of, bytes)
	}
}

// take counts bytes of an entry, and makes room for them.
func (c *cache) take(of *entry, bytes int) {
	c.owners[of.owner].used += bytes
	c.used += bytes
	for c.used > c.room {
		c.forgetOne()
	}
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
	holds.used -= c.rules[oldest].bytes
	c.used -= c.rules[oldest].bytes
	delete(c.rules, oldest)
	if len(holds.rules) == 0 {
		delete(c.owners, most)
	}
}

func memoryOf(rule string) int { return perRule + perByte*len(rule) }
