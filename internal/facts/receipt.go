package facts

import (
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Receipt is what this life of the operator knows of the sending of one notification.
type Receipt struct {
	Attempts  int32     // how often it was sent
	Delivered time.Time // when the server took it; zero: not yet
	Channel   string    // that took it
	Problem   string    // why the last try did not deliver it or, once it is delivered, which channels before did not take it
}

// Committed is what became of the newest try to commit edits, or their inverse, to the repository that a document comes from, or to push what is proposed.
type Committed struct {
	Change   strategyv1.WriteBackChange
	Revision int64
	State    strategyv1.WriteBackState // empty: it is not done
	Commit   string
	Branch   string
	Left     []string // paths that somebody changed since, which stay as they are

	Problem *Problem // why it is not done
	Person  bool     // somebody has to act: it will not pass
}
