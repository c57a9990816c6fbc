package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// What YAML 1.1, as PyYAML resolves it, makes of plain text. The first match wins; nothing matches: a string.
var yaml11 = []struct {
	tag  string
	text *regexp.Regexp
}{
	{"!!null", regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)},
	{"!!bool", regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)},
	{"!!int", regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)},
	{"!!float", regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)},
	{"!!timestamp", regexp.MustCompile(`^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::?\d\d)?))?)$`)},
	{"!!merge", regexp.MustCompile(`^<<$`)},
	{"!!value", regexp.MustCompile(`^=$`)},
}

// decimalDigits are a whole number that every version of YAML reads alike.
var decimalDigits = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)$`)

func yaml11Tag(plain string) string {
	for _, kind := range yaml11 {
		if kind.text.MatchString(plain) {
			return kind.tag
		}
	}
	return "!!str"
}

// plainWord admits only what is the same string in block and flow context for every YAML version.
var plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// QuoteString is s as one-line YAML text that YAML 1.1 and 1.2 both read as the string s: bare if that is safe, else in double
// quotes. Words such as on, no, y and null, numbers, dates and times of day (12:30) are quoted. Invalid UTF-8 becomes U+FFFD.
func QuoteString(s string) string {
	if plainWord.MatchString(s) && yaml11Tag(s) == "!!str" && !strings.EqualFold(s, "y") && !strings.EqualFold(s, "n") {
		return s
	}
	return doubleQuoted(s)
}

func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || (r >= 0x7f && r < 0xa0):
			fmt.Fprintf(&b, `\x%02x`, r)
		case r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		case r == utf8.RuneError:
			b.WriteString(`\ufffd`)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
