package config

// Holds says whether a path holds a value, whatever the text looks like: a block and a flow list of the same items are the
// same value. An absent path holds nothing. The error is a *RefusedError: the document or the path cannot be read.
func Holds(doc []byte, path, value string) (bool, error) {
	d, refused := parse(doc)
	if refused != nil {
		return false, refused
	}
	wanted, refused := parseValue(path, value)
	if refused != nil {
		return false, refused
	}
	p, refused := d.find(path)
	if refused != nil {
		return false, refused
	}
	return len(p.rest) == 0 && equal(p.node, wanted.node), nil
}
