package config

import "go.yaml.in/yaml/v3"

// Tagged is a value with an explicit tag: the text from an exclamation mark to the next blank, which is no part of the value.
type Tagged struct {
	Line int
	Tag  string
}

// Tags are the explicit tags of a document, in its order. The parser forgets the short one, a single exclamation mark.
func (d *Document) Tags() []Tagged {
	if d == nil || d.root == nil {
		return nil
	}
	return d.tagsOf(d.root, nil)
}

func (d *Document) tagsOf(n *yaml.Node, found []Tagged) []Tagged {
	for off, ok := d.start(n); ok && off < len(d.src) && (d.src[off] == '!' || d.src[off] == '&'); { // nothing else begins with these
		end := off
		for end < len(d.src) && !isBlank(d.src[end]) {
			end++
		}
		if d.src[off] == '!' {
			found = append(found, Tagged{d.lineOf(off), string(d.src[off:end])})
		}
		off = d.skipBlank(end)
	}
	for _, child := range n.Content {
		found = d.tagsOf(child, found)
	}
	return found
}
