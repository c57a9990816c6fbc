package config

import "fmt"

// RefusedError says why a document or an edit was refused. Nothing was changed.
type RefusedError struct {
	// Path is the JSON pointer of the edit; empty when the document as a whole is refused.
	Path string
	// Line is the 1-based line of the document the reason is about; 0 when it is about no line.
	Line int
	// Reason is what is in the way and what to do about it.
	Reason string
}

// Error is one sentence: what cannot be edited, where, and why.
func (e *RefusedError) Error() string {
	what := e.Path
	if what == "" {
		what = "the document"
	}
	if e.Line == 0 {
		return fmt.Sprintf("cannot edit %s: %s", what, e.Reason)
	}
	return fmt.Sprintf("cannot edit %s (line %d): %s", what, e.Line, e.Reason)
}

func refuse(path string, line int, format string, args ...any) *RefusedError {
	return &RefusedError{Path: path, Line: line, Reason: fmt.Sprintf(format, args...)}
}
