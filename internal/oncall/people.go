package oncall

import (
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

func (p *parser) everyone(at place, fields map[string]*yaml.Node) {
	nodes, ok := p.list(at, fields, "people", maxPeople)
	if !ok {
		return
	}
	p.people = map[string]string{}
	for i, node := range nodes {
		here := place{node, fmt.Sprintf("people[%d]", i)}
		fields, ok := p.fields(here, "name", "contact")
		if !ok {
			continue
		}
		name := p.label(here, fields, "name", maxName)
		if name != "" {
			here.name += " (" + name + ")"
		}
		contact := p.label(here, fields, "contact", maxContact)
		_, twice := p.people[name]
		switch {
		case name == "":
			continue
		case name == nobody:
			p.fault(here, "nobody means that nobody is on call; use another name")
		case twice:
			p.fault(here, "the name stands twice; keep one, or tell them apart")
		}
		p.people[name] = contact
	}
}

// label, empty if it is refused, is a text that ends before the eyes of people, so it holds nothing that a screen hides or obeys.
func (p *parser) label(at place, fields map[string]*yaml.Node, name string, most int) string {
	text, ok := p.text(at, fields, name)
	if !ok {
		return ""
	}
	at.node = fields[name]
	if len(text) > most {
		p.fault(at, "%s has %d bytes, more than %d; shorten it", name, len(text), most)
		return ""
	}
	if i := strings.IndexFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }); i >= 0 {
		p.fault(at, "%s %s holds the character %U, which is not shown; remove it", name, quote(text), []rune(text[i:])[0])
		return ""
	}
	if strings.TrimSpace(text) != text {
		p.fault(at, "%s %s begins or ends with a space; remove it", name, quote(text))
		return ""
	}
	return text
}
