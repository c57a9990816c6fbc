package config

// What the tests say about texts: each is parsed anew, so that no test hangs on what a Document remembers.

func Apply(doc []byte, edits []Edit, active ...Record) ([]byte, []Record, error) {
	d, err := Parse(string(doc))
	if err != nil {
		return nil, nil, err
	}
	next, records, err := d.Apply(edits, active...)
	if err != nil {
		return nil, nil, err
	}
	return []byte(next.String()), records, nil
}

func Undo(doc []byte, records []Record) ([]byte, []Conflict, error) {
	d, err := Parse(string(doc))
	if err != nil {
		return nil, nil, err
	}
	next, conflicts, err := d.Undo(records)
	if err != nil {
		return nil, nil, err
	}
	return []byte(next.String()), conflicts, nil
}

func Get(doc []byte, path string) (value string, found bool, err error) {
	d, err := Parse(string(doc))
	if err != nil {
		return "", false, err
	}
	return d.Get(path)
}

func Holds(doc []byte, path, value string) (bool, error) {
	d, err := Parse(string(doc))
	if err != nil {
		return false, err
	}
	return d.Holds(path, value)
}

func Check(doc []byte) error {
	_, err := Parse(string(doc))
	return err
}
