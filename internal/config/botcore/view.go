package botcore

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"tradeops.dev/strategy-operator/internal/config"
)

// maxHops bounds how many aliases are followed in a row.
const maxHops = 16

const mergeTag = "!!merge"

// view is a node as PyYAML's loader would show it; the zero view stands for what is not there.
type view struct {
	node *yaml.Node
}

func read(doc *config.Document) (view, error) {
	root := doc.Root()
	if root == nil {
		return view{}, errors.New("the configuration is empty")
	}
	if expanded(root, map[*yaml.Node]int{}) >= maxExpanded {
		return view{}, &config.RefusedError{Reason: fmt.Sprintf("its aliases stand for %d values or more; write out what is needed", maxExpanded)}
	}
	return follow(root), nil
}

// maxExpanded bounds how many values a document has when its aliases are followed, and so the time and memory that reading it
// takes. Without aliases no document is that large.
const maxExpanded = 1 << 21

// expanded counts the values of a node when its aliases are followed, up to maxExpanded; what contains itself counts as that.
// Anchors stand before their aliases, so those are known.
func expanded(n *yaml.Node, known map[*yaml.Node]int) int {
	if n.Kind == yaml.AliasNode {
		return known[n.Alias]
	}
	if n.Anchor != "" {
		known[n] = maxExpanded
	}
	size := 1
	for _, child := range n.Content {
		size = min(size+expanded(child, known), maxExpanded)
	}
	if n.Anchor != "" {
		known[n] = size
	}
	return size
}

func follow(n *yaml.Node) view {
	for range maxHops {
		if n == nil || n.Kind != yaml.AliasNode {
			return view{n}
		}
		n = n.Alias
	}
	return view{}
}

func (v view) isMap() bool  { return v.node != nil && v.node.Kind == yaml.MappingNode }
func (v view) isList() bool { return v.node != nil && v.node.Kind == yaml.SequenceNode }

// entry is one pair of a mapping, with the key's text.
type entry struct {
	key   string
	value view
}

// entries are the pairs of the mapping in file order, followed by what merge keys bring in and the mapping does not set itself.
// A duplicate key counts where it first stands, with the last value, as in a Python dict.
func (v view) entries() []entry {
	if !v.isMap() {
		return nil
	}
	var list []entry
	at := map[string]int{}
	for i := 0; i < len(v.node.Content); i += 2 {
		k := follow(v.node.Content[i])
		if k.node == nil || k.node.Kind != yaml.ScalarNode || k.node.Tag == mergeTag {
			continue
		}
		value := follow(v.node.Content[i+1])
		if j, ok := at[k.node.Value]; ok {
			list[j].value = value
			continue
		}
		at[k.node.Value] = len(list)
		list = append(list, entry{k.node.Value, value})
	}
	for _, source := range v.merged() {
		for _, e := range source.entries() {
			if _, ok := at[e.key]; !ok {
				at[e.key] = len(list)
				list = append(list, e)
			}
		}
	}
	return list
}

// merged are the mappings that merge keys bring in, the strongest first.
func (v view) merged() []view {
	var merged []view
	for i := 0; i < len(v.node.Content); i += 2 {
		if v.node.Content[i].Tag != mergeTag {
			continue
		}
		source := follow(v.node.Content[i+1])
		if !source.isList() {
			merged = append(merged, source)
			continue
		}
		for _, item := range source.node.Content {
			merged = append(merged, follow(item))
		}
	}
	return merged
}

// get is the value of the key, the zero view if there is none.
func (v view) get(key string) view {
	for _, e := range v.entries() {
		if e.key == key {
			return e.value
		}
	}
	return view{}
}

func (v view) keys() []string {
	var keys []string
	for _, e := range v.entries() {
		keys = append(keys, e.key)
	}
	return keys
}

// text is the scalar's text; empty for null, for what is not there and for collections.
func (v view) text() string {
	if v.node == nil || v.node.Kind != yaml.ScalarNode || v.node.Tag == "!!null" {
		return ""
	}
	return v.node.Value
}

// first is the text of the first key that has one.
func (v view) first(keys ...string) string {
	for _, key := range keys {
		if text := v.get(key).text(); text != "" {
			return text
		}
	}
	return ""
}

// isNull tells null, and what is not there.
func (v view) isNull() bool {
	return v.node == nil || (v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!null")
}

// items are the items of a list; the loader takes one mapping for a list of one.
func (v view) items() []view {
	if v.isMap() {
		return []view{v}
	}
	if !v.isList() {
		return nil
	}
	var items []view
	for _, item := range v.node.Content {
		items = append(items, follow(item))
	}
	return items
}

// texts are the texts of a list, or one text as a list of one.
func (v view) texts() []string {
	if text := v.text(); text != "" {
		return []string{text}
	}
	var texts []string
	for _, item := range v.items() {
		if text := item.text(); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// holds lists the keys for an error message.
func (v view) holds() string { return has(v.keys()) }

// maxNamed bounds how many names an error message lists.
const maxNamed = 20

// has lists names for an error message.
func has(names []string) string {
	if len(names) == 0 {
		return "it has none"
	}
	return "it has: " + some(names)
}

// some is a bounded list of names.
func some(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}
