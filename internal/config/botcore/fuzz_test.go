package botcore

import (
	"testing"

	"tradeops.dev/strategy-operator/internal/config"
)

// What DisableSchedules returns is refused by Apply, or the scheduler will read for each schedule a suspension as its last word
// about the schedule or one of its tags, nothing else about the target changes, and undoing gives the same bytes.
func FuzzDisableSchedules(f *testing.F) {
	f.Add([]byte(small), "slow", "fast")
	f.Add([]byte(small), "slower", "slower")
	f.Add([]byte(scheduler("      initial_suspensions: [{schedule: a}, {target: b}]\n      schedules: {a: {strategy: A}, b: {strategy: B}, c: {strategy: C}}\n")), "a", "b")
	f.Add([]byte(scheduler("      suspensions:\n      schedules: {a: {strategy: A}, c: {strategy: C}}\n")), "a", "a")
	f.Fuzz(func(t *testing.T, text []byte, one, two string) {
		doc, err := config.Parse(string(text))
		if err != nil {
			return
		}
		before, err := Describe(doc, target)
		if err != nil {
			return
		}
		edits, err := DisableSchedules(doc, target, []string{one, two}, "fuzz", end)
		if err != nil {
			return
		}
		out, records, err := doc.Apply(edits)
		if err != nil {
			return
		}
		back, conflicts, err := out.Undo(records)
		if err != nil || conflicts != nil || back.String() != doc.String() {
			t.Fatalf("undone %q, %v %v", back, conflicts, err)
		}
		after, err := Describe(out, target)
		if err != nil {
			t.Fatal(err)
		}
		if len(before.Schedules) != len(after.Schedules) || after.Exchange != before.Exchange {
			t.Fatalf("more changed: %+v\n%+v", before, after)
		}
		last := map[string]Suspension{}
		for _, s := range after.Suspensions {
			last[s.Kind+" "+s.Target] = s
		}
		ours := 0
		for _, s := range last {
			if s.Reason == "fuzz" && s.Until == "2030-01-01T00:00:00+00:00" && s.Duration == "" {
				ours++
			}
		}
		if ours < len(edits) {
			t.Fatalf("%d edits %+v, %d suspensions in %q", len(edits), edits, ours, out)
		}
	})
}
