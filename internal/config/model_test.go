package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// tree is a random document as its author means it. It is rendered to text and edited without the code under test, so that the
// two can be compared.
type tree struct {
	kind string // scalar, map, list
	flow bool

	text, value string   // of a scalar: how it is written (LF marks the lines of a block scalar) and what it says
	keys        []string // of a map
	kids        []*tree

	first, last int // lines (0-based) of the entry in the rendered text
}

// says is what the tree means, independent of layout.
func (n *tree) says() string {
	var parts []string
	for i, kid := range n.kids {
		if n.kind == "map" {
			parts = append(parts, fmt.Sprintf("%q=%s", n.keys[i], kid.says()))
		} else {
			parts = append(parts, kid.says())
		}
	}
	if n.kind == "scalar" {
		return fmt.Sprintf("%q", n.value)
	}
	return n.kind + "(" + strings.Join(parts, ",") + ")"
}

// saysYAML is the same for parsed text.
func saysYAML(n *yaml.Node) string {
	var parts []string
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			parts = append(parts, fmt.Sprintf("%q=%s", n.Content[i].Value, saysYAML(n.Content[i+1])))
		}
		return "map(" + strings.Join(parts, ",") + ")"
	case yaml.SequenceNode:
		for _, item := range n.Content {
			parts = append(parts, saysYAML(item))
		}
		return "list(" + strings.Join(parts, ",") + ")"
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}

var (
	inlineScalars = []tree{
		{text: "1", value: "1"}, {text: "0.50", value: "0.50"}, {text: "plain", value: "plain"}, {text: "two words", value: "two words"},
		{text: "'it''s # q'", value: "it's # q"}, {text: `"a: \"b\" # ż, ]"`, value: `a: "b" # ż, ]`}, {text: "null", value: "null"},
		{text: `""`, value: ""}, {text: "zażółć-😀", value: "zażółć-😀"}, {text: "a:b#c", value: "a:b#c"}, {text: "true", value: "true"},
	}
	blockScalars = []tree{
		{text: "", value: ""},
		{text: "|\nl1\n # l2\n\nl3", value: "l1\n # l2\n\nl3\n"},
		{text: ">-\none\ntwo", value: "one two"},
		{text: "|+\nkeep\n", value: "keep\n\n"},
		{text: "\nnext line", value: "next line"},
		{text: "several\nplain lines", value: "several plain lines"},
		{text: "\"quoted\n# lines\"", value: "quoted # lines"},
	}
	names = []string{"a", "b", "key with space", "ż", "x-1", "on", "long_name", "K"}
)

func drawScalar(t *rapid.T, block bool) *tree {
	from := inlineScalars
	if block && rapid.IntRange(0, 3).Draw(t, "block scalar") == 0 {
		from = blockScalars
	}
	n := rapid.SampledFrom(from).Draw(t, "scalar")
	n.kind = "scalar"
	return &n
}

func drawTree(t *rapid.T, depth int, flow bool) *tree {
	kind := rapid.SampledFrom([]string{"scalar", "scalar", "map", "list", "records"}).Draw(t, "kind")
	if depth == 0 || kind == "scalar" {
		return drawScalar(t, !flow)
	}
	flow = flow || rapid.IntRange(0, 2).Draw(t, "flow") == 0
	if kind == "map" {
		return drawMap(t, depth, flow)
	}
	n := &tree{kind: "list", flow: flow}
	count := rapid.IntRange(0, 3).Draw(t, "items")
	n.flow = n.flow || count == 0
	for i := range count {
		item := drawScalar(t, false)
		if kind == "records" {
			item = drawMap(t, depth-1, n.flow || rapid.Bool().Draw(t, "flow item"))
			item.keys = append([]string{"n"}, item.keys...)
			id := fmt.Sprintf("id%d", i)
			item.kids = append([]*tree{{kind: "scalar", text: id, value: id}}, item.kids...)
		}
		n.kids = append(n.kids, item)
	}
	return n
}

func drawMap(t *rapid.T, depth int, flow bool) *tree {
	n := &tree{kind: "map", flow: flow}
	n.keys = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 4, rapid.ID[string]).Draw(t, "keys")
	for range n.keys {
		kid := drawScalar(t, !flow)
		if depth > 0 {
			kid = drawTree(t, depth-1, flow)
		}
		n.kids = append(n.kids, kid)
	}
	return n
}

// printer renders a tree with random indentation, comments and blank lines.
type printer struct {
	t     *rapid.T
	lines []string
}

func (p *printer) noise(indent int) {
	if len(p.lines) > 0 && strings.TrimSpace(p.lines[len(p.lines)-1]) == "" {
		return // one more blank line would belong to a block scalar that keeps them
	}
	switch rapid.IntRange(0, 9).Draw(p.t, "noise") {
	case 0:
		p.lines = append(p.lines, "")
	case 1:
		p.lines = append(p.lines, strings.Repeat(" ", indent)+"# - note: [\tż")
	case 2:
		p.lines = append(p.lines, "#x: 1", "   ")
	}
}

func (p *printer) tail() string {
	return rapid.SampledFrom([]string{"", "", "", "  # c: [", "\t#\tt", " "}).Draw(p.t, "tail")
}

func (p *printer) block(n *tree, indent int) {
	for i, kid := range n.kids {
		if i > 0 || len(p.lines) == 0 {
			p.noise(indent)
		}
		kid.first = len(p.lines)
		lead := strings.Repeat(" ", indent)
		if n.kind == "map" {
			// The first key of a list item stands behind the dash, which is already there.
			if i == 0 && len(p.lines) > 0 && strings.HasSuffix(p.lines[len(p.lines)-1], "- ") {
				kid.first--
				lead = p.lines[len(p.lines)-1]
				p.lines = p.lines[:len(p.lines)-1]
			}
			p.entry(kid, lead+n.keys[i]+":", indent)
		} else {
			p.item(kid, lead, indent)
		}
		kid.last = len(p.lines) - 1
	}
}

func (p *printer) item(kid *tree, lead string, indent int) {
	if kid.kind == "scalar" || kid.flow {
		p.lines = append(p.lines, lead+"- "+p.inline(kid)+p.tail())
		return
	}
	p.lines = append(p.lines, lead+"- ")
	p.block(kid, indent+2)
}

func (p *printer) entry(kid *tree, head string, indent int) {
	if kid.kind == "scalar" {
		text, more, _ := strings.Cut(kid.text, "\n")
		tail := ""
		if text == "" || !strings.Contains(kid.text, "\n") || text[0] == '|' || text[0] == '>' {
			tail = p.tail()
		}
		if text != "" {
			head += " "
		}
		p.lines = append(p.lines, head+text+tail)
		if !strings.Contains(kid.text, "\n") {
			return
		}
		for _, line := range strings.Split(more, "\n") {
			p.lines = append(p.lines, strings.TrimRight(strings.Repeat(" ", indent+3)+line, " "))
		}
		return
	}
	if kid.flow {
		p.lines = append(p.lines, head+" "+p.inline(kid)+p.tail())
		return
	}
	p.lines = append(p.lines, head+p.tail())
	step := rapid.SampledFrom([]int{2, 4}).Draw(p.t, "indent")
	if kid.kind == "list" {
		step = rapid.SampledFrom([]int{0, 2}).Draw(p.t, "list indent")
	}
	p.block(kid, indent+step)
}

func (p *printer) inline(n *tree) string {
	if n.kind == "scalar" {
		return n.text
	}
	var parts []string
	for i, kid := range n.kids {
		text := p.inline(kid)
		if n.kind == "map" {
			text = n.keys[i] + ": " + text
		}
		parts = append(parts, text)
	}
	pad := rapid.SampledFrom([]string{"", " "}).Draw(p.t, "pad")
	text := pad + strings.Join(parts, rapid.SampledFrom([]string{", ", ",  "}).Draw(p.t, "comma")) + pad
	if n.kind == "map" {
		return "{" + text + "}"
	}
	return "[" + text + "]"
}

// spot is an edit of a random document: what it changes in the model, and the lines (0-based, inclusive) it may change in the
// text. last < first: it may only add lines.
type spot struct {
	path        string
	value       tree
	change      func(value *tree)
	first, last int
}

func (n *tree) spots(path string, value, record tree) []spot {
	var list []spot
	for i, kid := range n.kids {
		seg := fmt.Sprint(i)
		if n.kind == "map" && (n.keys[i] == "dup" || n.keys[i] == "n") {
			continue // ambiguous, or what the path itself selects by
		}
		if n.kind == "map" {
			seg = n.keys[i]
		} else if kid.kind == "map" {
			seg = "[n=" + kid.kids[0].value + "]"
		}
		here := path + "/" + seg
		replaced := spot{path: here, value: value, change: func(v *tree) { n.kids[i] = v }, first: kid.first, last: kid.last}
		if n.kind == "list" && kid.kind == "map" {
			replaced.value = tree{kind: "map", text: "{n: " + kid.kids[0].value + ", r: " + value.text + "}", keys: []string{"n", "r"}, kids: []*tree{kid.kids[0], &value}}
		}
		if replaced.first == 0 && replaced.last == 0 {
			replaced.first, replaced.last = n.first, n.last // inside a flow collection only the collection's lines are known
		}
		list = append(list, replaced)
		if kid.first == 0 && kid.last == 0 {
			kid.first, kid.last = replaced.first, replaced.last
		}
		list = append(list, kid.spots(here, value, record)...)
	}
	first, last := 1, 0
	if n.flow {
		first, last = n.first, n.last
	}
	switch {
	case n.kind == "map":
		list = append(list, spot{path + "/new", value, func(v *tree) { n.keys, n.kids = append(n.keys, "new"), append(n.kids, v) }, first, last})
		if !n.flow {
			list = append(list, spot{path + "/made/[n=new]", record, func(v *tree) {
				n.keys, n.kids = append(n.keys, "made"), append(n.kids, &tree{kind: "list", kids: []*tree{v}})
			}, 1, 0})
		}
	case n.kind == "list":
		list = append(list, spot{path + "/[n=new]", record, func(v *tree) { n.kids = append(n.kids, v) }, first, last})
	case n.value == "null" || n.text == "":
		list = append(list, spot{path + "/[n=new]", record, func(v *tree) { *n = tree{kind: "list", kids: []*tree{v}} }, n.first, n.last})
	}
	return list
}

// drawCase is a random root mapping with duplicate keys that no path touches, its text, and an edit.
func drawCase(t *rapid.T) (root *tree, text string, edit spot) {
	root = drawMap(t, 3, false)
	if rapid.Bool().Draw(t, "duplicates") {
		root.keys = slices.Insert(root.keys, 0, "dup", "dup")
		root.kids = slices.Insert(root.kids, 0, drawTree(t, 1, false), drawTree(t, 1, false))
	}
	p := &printer{t: t}
	p.block(root, 0)
	value := *drawScalar(t, false)
	record := tree{kind: "map", text: "{n: new, r: " + value.text + "}", keys: []string{"n", "r"}, kids: []*tree{{kind: "scalar", value: "new"}, &value}}
	all := root.spots("", value, record)
	edit = rapid.SampledFrom(all).Draw(t, "edit")
	eol := rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "line break")
	text = strings.Join(p.lines, eol)
	// Without its final line break a last block scalar would say something else.
	if !strings.HasSuffix(text, "l3") && rapid.IntRange(0, 4).Draw(t, "final line break") == 0 && strings.TrimSpace(p.lines[len(p.lines)-1]) != "" {
		return root, text, edit
	}
	return root, text + eol, edit
}
