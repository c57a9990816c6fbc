package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// inFull is a number of JSON as every version of YAML reads it: without an exponent where YAML 1.1 would take it for a string. No digit is
// lost. What no scheduler could hold as a number is refused.
func inFull(number string) (string, error) {
	if value, err := strconv.ParseFloat(number, 64); err != nil || value == 0 && strings.ContainsAny(mantissa(number), "123456789") {
		return "", fmt.Errorf("the number %.40s is beyond what a program can hold", number)
	}
	if tag := yaml11Tag(number); tag == "!!int" || tag == "!!float" {
		return number, nil
	}
	digits := mantissa(number)
	shift, err := strconv.Atoi(strings.TrimPrefix(number[len(digits)+1:], "+"))
	if err != nil {
		return "", fmt.Errorf("the exponent of the number %.40s cannot be read", number)
	}
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	point := len(whole) + shift
	digits = whole + fraction
	if strings.Trim(digits, "0") == "" {
		return sign + "0.0", nil
	}
	switch {
	case point <= 0:
		digits, point = strings.Repeat("0", 1-point)+digits, 1
	case point > len(digits):
		digits += strings.Repeat("0", point-len(digits))
	}
	whole, fraction = strings.TrimLeft(digits[:point], "0"), digits[point:]
	if whole == "" {
		whole = "0"
	}
	if fraction == "" {
		return sign + whole, nil
	}
	return sign + whole + "." + fraction, nil
}

func mantissa(number string) string {
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		return number[:i]
	}
	return number
}

// Like is a value as it is written at a path: a whole number gets a fraction where the path holds a number with one, since a reader may tell
// the two apart. JSON does not, so 1.0 comes here as 1.
func (d *Document) Like(path, value string) string {
	p, refused := d.find(path)
	if refused != nil || len(p.rest) > 0 || !isNumber(p.node, "!!float") {
		return value
	}
	wanted, refused := parseValue(path, value)
	if refused != nil || !isNumber(wanted.node, "!!int") || !decimalDigits.MatchString(wanted.node.Value) {
		return value
	}
	return wanted.text + ".0"
}

func isNumber(n *yaml.Node, tag string) bool {
	return n.Kind == yaml.ScalarNode && isPlain(n) && n.Style&yaml.TaggedStyle == 0 && yaml11Tag(n.Value) == tag
}
