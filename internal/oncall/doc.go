// Package oncall says who is on call for a level at a time, from the text of a rotation file (docs/oncall.md).
//
//	oncall_rotation.yaml -> Roster -> At(level, now) -> Shift
//
// A [Shift] is the longest time around now with the same person on call, or with nobody: a gap. So each change of the person,
// and nothing else, is the end of a shift, whatever caused it: a turn, a window or an override.
//
// Local times become moments by one rule: a time of the file is the first moment at which the zone's clocks show it, or a
// later time. A time that clocks skip is so the moment of the change, a time that they show twice is the first of the two, and
// times that stand in order stay in order.
//
// The trade-off taken: nothing is expanded. The turn and the window of a moment are computed from it, so a rotation that began
// ten years ago costs as much as one of today, and the answer for a moment never depends on what was asked before.
//
// The package is pure: no Kubernetes, no clock. It reads one thing, the zone data of package time.
package oncall
