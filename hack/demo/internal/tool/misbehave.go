package tool

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Output is where a misbehaving program writes.
type Output struct {
	Stdout, Stderr io.Writer
	// Bytes is about how much the large ones write or allocate.
	Bytes int
	// Hang blocks until the program is ended from outside.
	Hang func()
}

// goodReport is a report that would pass if it were read.
const goodReport = `{"status":"ok"}`

// Misbehaviours are the ways in which a check's program can go wrong, by name; the number is the exit code.
var misbehaviours = map[string]func(Output) int{
	"no-report":     func(o Output) int { return o.say("nothing to report\n", 0) },
	"not-json":      func(o Output) int { return o.say("status: ok (this is not JSON)\n", 0) },
	"crash":         crash,
	"hang":          func(o Output) int { o.say("waiting\n", 0); o.Hang(); return 0 },
	"huge":          huge,
	"chatty":        chatty,
	"invalid-utf8":  func(o Output) int { return o.say("{\"status\":\"ok\",\"text\":\"\xff\xfe\xc0\x80\"}\n", 0) },
	"many-json":     func(o Output) int { return o.say("{\"status\":\"ok\"}\n{\"n\":2}\n{\"status\":\"fail\",\"n\":3}\n", 0) },
	"noise-around":  noiseAround,
	"cut-off":       func(o Output) int { return o.say(`{"status":"ok","issues":[{"check":"a"`, 0) },
	"deep":          deep,
	"nan":           func(o Output) int { return o.say(`{"status":"ok","avg_latency_ms":NaN}`+"\n", 0) },
	"wrong-types":   func(o Output) int { return o.say(`{"status":7,"avg_latency_ms":"fast","issues":{}}`+"\n", 0) },
	"escapes":       escapes,
	"fail-but-pass": func(o Output) int { return o.say(goodReport+"\n", 1) },
	"oom":           outOfMemory,
}

// Misbehaviours lists the names.
func Misbehaviours() []string { return slices.Sorted(maps.Keys(misbehaviours)) }

// Misbehave does what the name says and gives the exit code.
func Misbehave(how string, output Output) (int, error) {
	act, known := misbehaviours[how]
	if !known {
		return 0, fmt.Errorf("unknown misbehaviour %q; known are %s", how, strings.Join(Misbehaviours(), ", "))
	}
	return act(output), nil
}

func (o Output) say(text string, code int) int {
	// Whoever reads may have gone away: that is one of the things to be tested.
	_, _ = io.WriteString(o.Stdout, text)
	return code
}

func crash(o Output) int {
	o.say(`{"status":"ok"`, 0)
	_, _ = io.WriteString(o.Stderr, "panic: something broke\n")
	return 139
}

// huge writes one JSON object that is larger than any report may be.
func huge(o Output) int {
	w := bufio.NewWriterSize(o.Stdout, 1<<20)
	defer w.Flush()
	_, _ = w.WriteString(`{"status":"ok","padding":"`)
	repeat(w, "x", o.Bytes)
	_, _ = w.WriteString("\"}\n")
	return 0
}

// chatty writes that much log before a good report.
func chatty(o Output) int {
	w := bufio.NewWriterSize(o.Stdout, 1<<20)
	defer w.Flush()
	repeat(w, "a line of log that nobody needs, with {braces} in it\n", o.Bytes)
	_, _ = w.WriteString(goodReport + "\n")
	return 0
}

func repeat(w io.Writer, text string, bytes int) {
	for written := 0; written < bytes; written += len(text) {
		if _, err := io.WriteString(w, text); err != nil {
			return
		}
	}
}

// noiseAround puts a good report between log lines on both outputs.
func noiseAround(o Output) int {
	o.say("starting {not json}\n", 0)
	_, _ = io.WriteString(o.Stderr, "WARNING something [1, 2\n")
	o.say("{\n  \"status\": \"ok\",\n  \"note\": \"a } in text\"\n}\n", 0)
	_, _ = io.WriteString(o.Stderr, "WARNING later {\n")
	return o.say("done } in 3 s\n", 0)
}

// deep nests further than a parser should follow.
func deep(o Output) int {
	const levels = 100_000
	return o.say(`{"status":"ok","deep":`+strings.Repeat("[", levels)+strings.Repeat("]", levels)+"}\n", 0)
}

// escapes tries what must never reach a terminal or a page as it is.
func escapes(o Output) int {
	return o.say(`{"status":"fail","message":"\u001b[31m<script>alert(1)</script> %s%n {{.Secret}} \u202e"}`+"\n", 0)
}

// outOfMemory touches every page, because memory that is only reserved is not taken.
func outOfMemory(o Output) int {
	var kept [][]byte
	for taken := 0; taken < o.Bytes; taken += 1 << 20 {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
	}
	return o.say(fmt.Sprintf("{\"status\":\"ok\",\"blocks\":%d}\n", len(kept)), 0)
}
