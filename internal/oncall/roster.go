package oncall

import (
	"slices"
	"time"
)

// Levels that a rotation can be for, from the first that is called.
const (
	L1       = "L1"
	L2       = "L2"
	TechLead = "TechLead"
)

var allLevels = []string{L1, L2, TechLead}

// Roster is a whole file: a rotation for each of some levels. The zero value has none.
type Roster struct {
	rotations map[string]rotation // by level
	contacts  map[string]string   // by name
}

// Shift is the longest time during which the same person is on call. An empty Name is a gap: nobody is.
// A zero From is since ever, a zero Until is for ever. Until itself belongs to the next shift.
type Shift struct {
	Name, Contact string
	From, Until   time.Time
}

// Levels that have a rotation, from the first that is called.
func (r Roster) Levels() []string {
	var levels []string
	for _, level := range allLevels {
		if _, ok := r.rotations[level]; ok {
			levels = append(levels, level)
		}
	}
	return levels
}

// Named is everybody whom the rotation of a level names, or an override of it that is not over: whoever is, or will be, on call for it. Each
// once, those who take turns first.
func (r Roster) Named(level string, now time.Time) []string {
	rotation := r.rotations[level]
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, member := range rotation.turns.members {
		add(member)
	}
	for _, override := range rotation.overrides {
		if override.until.After(now) {
			add(override.name)
		}
	}
	return names
}

// At is the shift of now. A level without a rotation is one gap that never ends.
func (r Roster) At(level string, now time.Time) Shift {
	p := r.rotations[level].longest(now)
	return Shift{Name: p.name, Contact: r.contacts[p.name], From: p.from, Until: p.until}
}

// Next is the first shift after that of now that has somebody; the zero Shift if there is none.
func (r Roster) Next(level string, now time.Time) Shift {
	shift := r.At(level, now)
	for !shift.Until.IsZero() { // twice at most: no gap follows a gap
		if shift = r.At(level, shift.Until); shift.Name != "" {
			return shift
		}
	}
	return Shift{}
}

// NextChange is the first moment after now at which another person, or nobody, is on call for some level; zero if never.
func (r Roster) NextChange(now time.Time) time.Time {
	var next time.Time
	for level := range r.rotations {
		next = sooner(next, r.At(level, now).Until)
	}
	return next
}
