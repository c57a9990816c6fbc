package oncall

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// overrides adds them to the rotations of their levels.
func (p *parser) overrides(at place, fields map[string]*yaml.Node, rotations map[string]rotation) {
	nodes, _ := p.list(at, fields, "overrides", maxOverrides)
	placed := map[string][]override{}
	for i, node := range nodes {
		here := place{node, fmt.Sprintf("overrides[%d]", i)}
		fields, ok := p.fields(here, "level", "from", "to", "member")
		if !ok {
			continue
		}
		level, leveled := p.level(&here, fields)
		if _, ok := rotations[level]; leveled && !ok {
			p.fault(here, "%s has no rotation; add one, or remove the override", level)
		}
		if period, ok := p.override(here, fields); ok && leveled {
			placed[level] = append(placed[level], override{i, here, period})
		}
	}
	for _, level := range allLevels { // not by a range of the map: faults have an order
		if rotation, ok := rotations[level]; ok {
			rotation.overrides = p.apart(placed[level])
			rotations[level] = rotation
		}
	}
}

type override struct {
	index int // in the file
	place place
	period
}

func (p *parser) override(at place, fields map[string]*yaml.Node) (period, bool) {
	from, fromOK := p.local(at, fields, "from")
	to, toOK := p.local(at, fields, "to")
	name, ok := p.member(at, fields)
	if !ok || !fromOK || !toOK {
		return period{}, false
	}
	if to <= from {
		p.fault(at, "to is not after from; exchange or correct them")
		return period{}, false
	}
	o := period{name, p.clock.moment(from), p.clock.moment(to)}
	if !o.until.After(o.from) {
		p.fault(at, "clocks skip all of the time between from and to; remove the override or make it longer")
		return period{}, false
	}
	return o, true
}

// member of an override: empty for nobody.
func (p *parser) member(at place, fields map[string]*yaml.Node) (string, bool) {
	if fields["member"] == nil {
		p.fault(at, "member is missing; name a person, or %s for a gap", nobody)
		return "", false
	}
	name, ok := p.text(at, fields, "member")
	if !ok || name == nobody {
		return "", ok
	}
	p.known(place{fields["member"], at.name}, name)
	return name, true
}

// apart puts the overrides of a level in order. Two at the same time are a fault: the order of a file decides nothing.
func (p *parser) apart(overrides []override) []period {
	slices.SortStableFunc(overrides, func(a, b override) int { return a.from.Compare(b.from) })
	periods := make([]period, len(overrides))
	var longest override // of those before, the one that ends last
	for i, o := range overrides {
		periods[i] = o.period
		if o.from.Before(longest.until) {
			p.overlap(longest, o)
		}
		if o.until.After(longest.until) {
			longest = o
		}
	}
	return periods
}

// overlap is told at the one that stands later in the file.
func (p *parser) overlap(a, b override) {
	if a.index > b.index {
		a, b = b, a
	}
	p.fault(b.place, "it overlaps %s in line %d; shorten or remove one of them", a.place.name, a.place.node.Line)
}
