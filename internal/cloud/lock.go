package cloud

import "fmt"

// Modes of a lock, as S3 calls them.
const (
	Governance = "GOVERNANCE" // some may lift it
	Compliance = "COMPLIANCE" // nobody may
)

// Lock is what keeps objects of a bucket from being deleted or replaced, by anybody.
type Lock struct {
	Mode string // empty: nothing does
	For  string // how long, e.g. 1825 days
}

// String is for people.
func (l Lock) String() string {
	if l.Mode == "" {
		return "nothing keeps its objects from being deleted"
	}
	return fmt.Sprintf("its objects are locked (%s) for %s", l.Mode, l.For)
}
