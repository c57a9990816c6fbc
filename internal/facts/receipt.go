package facts

import "time"

// Receipt is what this life of the operator knows of the sending of one notification.
type Receipt struct {
	Attempts  int32     // how often it was sent
	Delivered time.Time // when the server took it; zero: not yet
	Channel   string    // that took it
	Problem   string    // why the last try did not deliver it or, once it is delivered, which channels before did not take it
}
