package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// maxWork bounds the work on hostile output: so many bytes of objects that turn out to be broken, and no more.
const maxWork = 4 * MaxOutputBytes

// minWork is what it costs at least to look at one that is.
const minWork = 32

// maxChunk is what container runtimes keep of a line at a time, in bytes. The kubelet counts each such piece as a line.
const maxChunk = 16 << 10

// isCut says whether there may have been more before what was read of a log. A log of exactly that size counts as cut, too.
func isCut(output []byte) bool {
	lines := bytes.Count(output, []byte{'\n'})
	if !bytes.HasSuffix(output, []byte{'\n'}) {
		lines++
	}
	return len(output) >= MaxOutputBytes || lines+len(output)/maxChunk >= MaxOutputLines
}

// wholeLines leaves out the first line of a cut log: what stands there may be the inside of a report, whose beginning was not read.
func wholeLines(output []byte) []byte {
	_, whole, _ := bytes.Cut(output, []byte{'\n'})
	return whole
}

// objects are what was found in an output.
type objects struct {
	whole []json.RawMessage
	// parts are complete, too, but what stands behind them says that they are part of something larger, whose beginning was not read or is
	// broken. Somebody else's text behind a report says so as well: so a part is no report, and hides none.
	parts []json.RawMessage
	// inside are complete, and stand behind blanks, a quote or a brace, as what is quoted or part of something does. None is a report; but one
	// may have been meant as one, so they count among those that might be.
	inside []json.RawMessage
	// end is the object that starts a line and behind which only blanks stand, nil if there is none.
	end json.RawMessage
}

// objectsOf finds the complete JSON objects that start a line or follow plain text on it. Objects inside another complete
// one are not looked at: half of a report is no report. Nor is anything behind one that is broken, since nobody can say where that one ends.
func objectsOf(output []byte, where string) (found objects, problem string) {
	seen := &finder{output: output}
	for at := 0; at < len(output) && seen.work < maxWork; {
		line := output[at:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		start := objectStart(line)
		if start < 0 {
			seen.lookInside(at, len(line), at)
			at += len(line)
			continue
		}
		object, size, err := decodeObject(output[at+start:])
		if err == nil {
			seen.keep(object, at+start, at+start+size)
			at += start + size
			continue
		}
		if looksLikeObject(output[at+start:]) {
			return objects{}, fmt.Sprintf("a JSON object in the %s is broken, and nothing behind its beginning counts: %v", where, err)
		}
		seen.work += size
		seen.lookInside(at, len(line), at+start+1)
		at += len(line)
	}
	return seen.found, seen.problem(where)
}

// finder is what was seen of an output so far.
type finder struct {
	output []byte
	found  objects
	work   int // in bytes, on what is broken
	past   int // where the last of found.inside ends
}

// keep an object that stands between two offsets.
func (f *finder) keep(object json.RawMessage, start, end int) {
	rest := f.output[end:]
	if goesOn(rest) {
		f.found.parts = append(f.found.parts, object)
		return
	}
	f.found.whole = append(f.found.whole, object)
	startsLine := start == 0 || f.output[start-1] == '\n'
	if startsLine && len(bytes.TrimSpace(rest)) == 0 {
		f.found.end = object
	}
}

// lookInside a line, from an offset on, for objects that stand where no report stands.
func (f *finder) lookInside(line, length, from int) {
	for at := max(from, f.past); at < line+length && f.work < maxWork; at++ {
		brace := bytes.IndexByte(f.output[at:line+length], '{')
		if brace < 0 {
			return
		}
		at += brace
		if !looksLikeObject(f.output[at:]) {
			continue
		}
		object, size, err := decodeObject(f.output[at:])
		if err != nil {
			f.work += max(size, minWork)
			continue
		}
		f.found.inside = append(f.found.inside, object)
		f.past = at + size
		at = f.past - 1
	}
}

// problem says why nothing that was found may be a report, empty if something may.
func (f *finder) problem(where string) string {
	switch {
	case f.work >= maxWork:
		return fmt.Sprintf("the %s is full of broken JSON", where)
	case len(f.found.whole) > 0:
		return ""
	case len(f.found.parts) > 0:
		return partOf("last", where)
	case len(f.found.inside) > 0:
		return fmt.Sprintf("the %s has no JSON object that starts a line or follows plain words on it, as a report does", where)
	case len(bytes.TrimSpace(f.output)) == 0:
		return fmt.Sprintf("the %s is empty", where)
	}
	return fmt.Sprintf("the %s has no JSON object; its %d bytes are kept beside the report in the evidence", where, len(f.output))
}

// partOf says that an object is no report, as it is part of something.
func partOf(which, where string) string {
	return fmt.Sprintf("the %s JSON object in the %s is part of something larger, whose beginning was not read or is broken", which, where)
}

// objectStart is where an object may start in a line, or -1. One that stands inside another one may not: behind a quote,
// or indented. Behind a brace there is no second start, since the first one is taken or was broken.
func objectStart(line []byte) int {
	start := bytes.IndexByte(line, '{')
	if start <= 0 {
		return start
	}
	before := line[:start]
	if bytes.IndexByte(before, '"') >= 0 || len(bytes.TrimSpace(before)) == 0 {
		return -1
	}
	return start
}

// goesOn: what stands behind an object says that it stands inside a list or another object.
func goesOn(rest []byte) bool {
	rest = bytes.TrimLeft(rest[:min(len(rest), 256)], " \t\r\n")
	return len(rest) > 0 && bytes.IndexByte([]byte(",]}"), rest[0]) >= 0
}

// looksLikeObject tells a broken report from a brace in a sentence.
func looksLikeObject(output []byte) bool {
	rest := bytes.TrimLeft(output[1:min(len(output), 256)], " \t\r\n")
	return len(rest) > 0 && rest[0] == '"'
}

// decodeObject returns the object at the start of data, compacted, and how many bytes were looked at.
func decodeObject(data []byte) (object json.RawMessage, size int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, int(syntax.Offset), err
		}
		return nil, len(data), err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, len(raw), err
	}
	return compact.Bytes(), int(decoder.InputOffset()), nil
}
