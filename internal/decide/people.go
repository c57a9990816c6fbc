package decide

import (
	"slices"
	"strings"
)

// Machines are names that are no person's, beside those that begin with "system:": of automation that has a name of its own.
type Machines []string

// Person says whether a name is a person's. No name is nobody's.
func (m Machines) Person(name string) bool {
	return name != "" && !strings.HasPrefix(name, "system:") && !slices.Contains(m, name)
}

// UnknownRequester says, of what a machine asked for, that nobody knows who did; empty: a person asked, or nobody is named.
func (m Machines) UnknownRequester(name string) string {
	if m.MayBePerson(name) {
		return ""
	}
	return "who asked is unknown: it was applied by " + name + ", which is no person; whoever wrote it there may be the one who approves"
}

// MayBePerson is the careful question of what must not overrule a person: whoever is not known counts as one.
func (m Machines) MayBePerson(name string) bool { return name == "" || m.Person(name) }
