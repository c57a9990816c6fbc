package facts

// Read is a fact that only some passes decide on. Its zero value was not read, which is not the same as empty: a plan that needs it
// then asks for it, and decides nothing in that pass.
type Read[T any] struct {
	value T
	known bool
}

// Known is a fact that was read.
func Known[T any](value T) Read[T] { return Read[T]{value, true} }

// Get is the fact, and whether it was read.
func (r Read[T]) Get() (value T, known bool) { return r.value, r.known }

// Want is the fact. One that was not read is added to what is asked for, and what is decided without it is to be thrown away.
func Want[T any, Need ~uint16](asked *Need, which Need, fact Read[T]) T {
	if !fact.known {
		*asked |= which
	}
	return fact.value
}
