// Package config edits a YAML document by path, byte-exact outside the edited lines, and later undoes exactly those edits.
//
// Bytes in, bytes out: it must not import Kubernetes, do I/O, log or read a clock.
//
// The trade-off taken: the document is never re-serialised. A parser (go.yaml.in/yaml/v3, the port of libyaml, hence the
// closest relative of the PyYAML that reads the result) says where a node starts; this package finds where its text ends and
// splices bytes. Re-serialising would support every document and reformat all of them; splicing refuses what it cannot do
// exactly ([RefusedError]) and leaves everything else alone. Splicing is safe because every step is proved before it is
// returned: the result is parsed again and its node tree (ordered, duplicate keys included, aliases not expanded, quoted and
// plain scalars told apart) must equal the tree of the input with just the edited node exchanged.
//
// A [Record] holds the replaced bytes, so undoing does not depend on anything but the edited place: other people may edit the
// rest in between. Edits of different paths may be undone in any order. Edits of the same path, or of a path inside the value
// of another edit, stack: the last one must be undone first, the others report a [Conflict] until then.
package config
