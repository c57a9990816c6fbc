package config

// Edit is what one path must hold.
type Edit struct {
	// Path is a JSON pointer (RFC 6901: ~0 is ~, ~1 is /). A list item is addressed by its index or, better, by the value of one
	// of its fields: /runtime/lists/[name=value]. The last segment may be missing in the document if it is a key of an existing
	// mapping or a [name=value] item of an existing list; for an item, the key of its list may be missing too.
	Path string `json:"path"`
	// Value is the YAML text of the value in one line: a scalar or a flow collection. Bare words that YAML 1.1 and 1.2 read
	// differently are refused; see [QuoteString]. The value of a [name=value] item must carry that name and value.
	Value string `json:"value"`
}

// Layout says where the text of an edit stands, and so what undoing it takes away.
type Layout string

// The layouts.
const (
	// Same: the path held the value already and nothing was written.
	Same Layout = "Same"
	// Inline: a value within one line was exchanged.
	Inline Layout = "Inline"
	// Block: a value of several lines was exchanged, whole lines up to its end.
	Block Layout = "Block"
	// Lines: a key or item was added in lines of its own.
	Lines Layout = "Lines"
	// Flow: a key or item was added inside a flow collection on one line.
	Flow Layout = "Flow"
)

// Record is what applying one Edit changed: everything Undo needs. It is small (the raw texts are bounded) and meant to be
// stored as JSON next to the document.
type Record struct {
	// Path is the edit's path.
	Path string `json:"path"`
	// From is what the path held, as one line of YAML; empty when Absent. It is for people and for comparing; undoing uses Old.
	From string `json:"from,omitempty"`
	// Absent says that the path did not exist.
	Absent bool `json:"absent,omitempty"`
	// To is the edit's value, as one line of YAML.
	To string `json:"to"`
	// Layout is how the value was written.
	Layout Layout `json:"layout"`
	// Old is the replaced text, byte for byte.
	Old string `json:"old,omitempty"`
	// New is the written text; lines are joined by LF whatever line breaks the document uses.
	New string `json:"new,omitempty"`
	// Parent says how the list of an added item came to be, when an edit made it; undoing the last item undoes that too.
	Parent *Parent `json:"parent,omitempty"`
}

// Parent is a list made for an added item. Items added to it later carry a copy, so that they can be undone in any order.
type Parent struct {
	// Line is the line of the list's key, when the key was added.
	Line string `json:"line,omitempty"`
	// Old is the text the list replaced (null, ~ or nothing), when the key existed.
	Old string `json:"old,omitempty"`
}

// Conflict is an edit that Undo left alone, because its path no longer holds what the edit wrote.
type Conflict struct {
	// Path is the record's path.
	Path string `json:"path"`
	// Holds is what the path holds now, as one line of YAML; empty when it is gone or cannot be told.
	Holds string `json:"holds,omitempty"`
	// Ours is what the edit had written.
	Ours string `json:"ours"`
	// Reason says why the edit was left alone and what a person can do.
	Reason string `json:"reason"`
}
