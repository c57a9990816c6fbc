package config

// Holds says whether a path holds a value, whatever the text looks like: a block and a flow list of the same items are the
// same value. An absent path holds nothing. The error is a *RefusedError: the path or the value cannot be read.
func (d *Document) Holds(path, value string) (bool, error) {
	wanted, refused := d.valueOf(path, value)
	if refused != nil {
		return false, refused
	}
	p, refused := d.find(path)
	if refused != nil {
		return false, refused
	}
	return len(p.rest) == 0 && equal(p.node, wanted.node), nil
}
