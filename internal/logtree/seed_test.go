package logtree

import "flag"

// Every run tries the same cases, so that the change is to blame when one fails. `make explore` tries others.
func init() { _ = flag.Set("rapid.seed", "20261129") }
