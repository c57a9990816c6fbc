package signals

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Variables of a query: each stands for a regular expression that an incident fills in, as a whole string of PromQL.
const (
	VariableSchedule = "$schedule"
	VariableStrategy = "$strategy"
)

// Fill writes a query for one schedule and one strategy: the names, quoted, or what matches every name where one is empty. Strings and
// comments of the query stay as they are.
func Fill(expr, schedule, strategy string) string {
	var filled strings.Builder
	for _, part := range partsOf(expr) {
		switch {
		case part.literal:
			filled.WriteString(part.text)
		case part.text == VariableSchedule:
			filled.WriteString(matching(schedule))
		case part.text == VariableStrategy:
			filled.WriteString(matching(strategy))
		default:
			filled.WriteString(part.text)
		}
	}
	return filled.String()
}

// matching is a string of PromQL with the regular expression of a name.
func matching(name string) string {
	if name == "" {
		return `".*"`
	}
	return strconv.Quote(regexp.QuoteMeta(name))
}

// CheckQuery says what is wrong with the variables of a query.
func CheckQuery(expr string) error {
	before := ""
	for _, part := range partsOf(expr) {
		switch {
		case part.literal && (strings.Contains(part.text, VariableSchedule) || strings.Contains(part.text, VariableStrategy)):
			return fmt.Errorf("%s has a variable inside of a string, where it is not filled in; write it alone: label=~%s", part.text, VariableSchedule)
		case part.literal || !strings.HasPrefix(part.text, "$"):
		case part.text != VariableSchedule && part.text != VariableStrategy:
			return fmt.Errorf("it has no variable %s; there are %s and %s", part.text, VariableSchedule, VariableStrategy)
		case !strings.HasSuffix(before, "=~") && !strings.HasSuffix(before, "!~"):
			return fmt.Errorf("%s stands for a regular expression; write label=~%s", part.text, part.text)
		}
		if strings.TrimSpace(part.text) != "" {
			before = strings.TrimRight(part.text, " \t\r\n")
		}
	}
	return nil
}

// part of a query: a string or comment, a variable with its dollar, or what stands between.
type part struct {
	text    string
	literal bool
}

var tokens = regexp.MustCompile("(?s)\"(?:\\\\.|[^\"\\\\])*\"?|'(?:\\\\.|[^'\\\\])*'?|`[^`]*`?|#[^\n]*|\\$[A-Za-z0-9_]*")

func partsOf(expr string) []part {
	var parts []part
	done := 0
	for _, at := range tokens.FindAllStringIndex(expr, -1) {
		if at[0] > done {
			parts = append(parts, part{text: expr[done:at[0]]})
		}
		text := expr[at[0]:at[1]]
		parts = append(parts, part{text, text[0] != '$'})
		done = at[1]
	}
	if done < len(expr) {
		parts = append(parts, part{text: expr[done:]})
	}
	return parts
}
