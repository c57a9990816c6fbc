package oncall

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

func (p *parser) rotations(at place, fields map[string]*yaml.Node) map[string]rotation {
	nodes, ok := p.list(at, fields, "rotations", maxRotations)
	if !ok {
		return nil
	}
	rotations, first := map[string]rotation{}, map[string]int{}
	for i, node := range nodes {
		here := place{node, fmt.Sprintf("rotations[%d]", i)}
		fields, ok := p.fields(here, "level", "start", "shift", "hours", "members", "windows")
		if !ok {
			continue
		}
		level, ok := p.level(&here, fields)
		rotation := p.rotation(here, fields)
		if !ok {
			continue
		}
		if earlier, twice := first[level]; twice {
			p.fault(here, "%s has a rotation already, rotations[%d]; keep one", level, earlier)
			continue
		}
		rotations[level], first[level] = rotation, i
	}
	return rotations
}

func (p *parser) rotation(at place, fields map[string]*yaml.Node) rotation {
	t := turns{clock: p.clock}
	t.start, _ = p.local(at, fields, "start")
	t.begin = p.clock.moment(t.start)
	t.length, t.elapsed = p.length(at, fields)
	nodes, _ := p.list(at, fields, "members", maxMembers)
	for i, node := range nodes {
		here := place{node, at.name}
		if name, ok := p.scalar(here, fmt.Sprintf("members[%d]", i)); ok {
			p.known(here, name)
			t.members = append(t.members, name)
		}
	}
	if fields["windows"] == nil {
		return rotation{turns: t}
	}
	return rotation{turns: t, windows: newWindows(p.clock, p.windows(at, fields))}
}

func (p *parser) windows(at place, fields map[string]*yaml.Node) []window {
	var all []window
	nodes, _ := p.list(at, fields, "windows", maxWindows)
	for i, node := range nodes {
		here := place{node, fmt.Sprintf("%s, windows[%d]", at.name, i)}
		fields, ok := p.fields(here, "days", "from", "to")
		if !ok {
			continue
		}
		days := p.days(here, fields)
		from := p.ofDay(here, fields, "from")
		to := p.ofDay(here, fields, "to")
		if to <= from {
			to += day
		}
		for _, n := range days {
			all = append(all, window{n*day + from, n*day + to})
		}
	}
	return all
}
