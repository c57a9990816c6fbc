package oncall

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Bounds of a file. They are far above what people write, and keep every answer fast.
const (
	maxBytes     = 64 << 10
	maxPeople    = 200
	maxRotations = 3
	maxMembers   = 50
	maxWindows   = 21
	maxOverrides = 500
	maxName      = 63  // bytes
	maxContact   = 256 // bytes
)

// nobody is the member of an override that makes a gap. It is a word, so that a forgotten member is not a gap.
const nobody = "nobody"

// Parse reads a rotation file: YAML of at most 64 KiB. The error has a line for each thing that is wrong, 20 at most, in the order of the
// file, with its place and what to do; then nothing of the file is used.
func Parse(data []byte) (Roster, error) {
	if len(data) > maxBytes {
		return Roster{}, fmt.Errorf("the file has %d bytes, more than %d; remove overrides of the past", len(data), maxBytes)
	}
	root, err := decode(data)
	if err != nil {
		return Roster{}, err
	}
	p := &parser{clock: clock{time.UTC}}
	roster := p.file(place{node: root})
	if err := p.err(); err != nil {
		return Roster{}, err
	}
	return roster, nil
}

type parser struct {
	reader
	clock  clock
	people map[string]string // name -> contact; nil if they could not be read
}

func (p *parser) file(at place) Roster {
	fields, ok := p.fields(at, "timeZone", "people", "rotations", "overrides")
	if !ok {
		return Roster{}
	}
	p.timeZone(at, fields)
	p.everyone(at, fields)
	rotations := p.rotations(at, fields)
	if fields["overrides"] != nil && rotations != nil {
		p.overrides(at, fields, rotations)
	}
	return Roster{rotations: rotations, contacts: p.people}
}

func (p *parser) timeZone(at place, fields map[string]*yaml.Node) {
	name, ok := p.text(at, fields, "timeZone")
	if !ok {
		return
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // Local is that of the operator, which says nothing about people
		p.fault(place{node: fields["timeZone"]}, "timeZone %s is not known; write a name such as Europe/Warsaw", quote(name))
		return
	}
	p.clock = clock{zone}
}

// level also becomes a part of the place's name.
func (p *parser) level(at *place, fields map[string]*yaml.Node) (string, bool) {
	level, ok := p.text(*at, fields, "level")
	if !ok {
		return "", false
	}
	if !slices.Contains(allLevels, level) {
		p.fault(place{fields["level"], at.name}, "level %s is not one of %s", quote(level), strings.Join(allLevels, ", "))
		return "", false
	}
	at.name += " (" + level + ")"
	return level, true
}

func (p *parser) known(at place, name string) {
	if _, ok := p.people[name]; !ok && p.people != nil {
		p.fault(at, "member %s is not in people; add them or correct the name", quote(name))
	}
}
