package schedulerconfig

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/pauses"
	"tradeops.dev/strategy-operator/internal/record"
)

const base = `# ours
a: 1 # one
b: 2
list:
  - {name: x, v: 1}
c: 3
`

var (
	t0   = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	late = t0.Add(time.Hour)
)

func set(path, from, to string) strategyv1.PlannedEdit {
	edit := strategyv1.PlannedEdit{Path: path, To: to}
	if from != "" {
		edit.From = &from
	}
	return edit
}

func hold(uid string, minute int, edits ...strategyv1.PlannedEdit) record.Claim {
	return record.Claim{UID: uid, Name: "rb-" + uid, State: strategyv1.ClaimHold, Revision: 1, Time: t0.Add(time.Duration(minute) * time.Minute), Edits: edits}
}

func release(claim record.Claim) record.Claim {
	claim.State = strategyv1.ClaimRelease
	return claim
}

// after writes what the plan asks for.
func after(t interface {
	Helper()
	Fatalf(string, ...any)
}, o Observed) (Observed, Decision) {
	t.Helper()
	decision, err := Plan(o, late)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if decision.Write != nil {
		if decision.Write.ResourceVersion != o.ResourceVersion || decision.Write.DataKey != o.DataKey {
			t.Fatalf("the write is not bound to what was read: %+v", decision.Write)
		}
		o.Content = decision.Write.Content
		o.Annotations = maps.Clone(o.Annotations)
		for key, value := range decision.Write.Annotations {
			if o.Annotations[key] = value; value == "" {
				delete(o.Annotations, key)
			}
		}
		if o.State, err = record.ParseState(decision.Write.Edits); err != nil {
			t.Fatalf("%v", err)
		}
		if decision.Write.Edited != (len(o.State.Holders) > 0) {
			t.Fatalf("edits are in the content: %t, and in the record: %q", decision.Write.Edited, holders(o.State))
		}
		if o.State.SHA256 != record.Hash(o.Content) {
			t.Fatalf("the record's hash is not that of the content")
		}
	}
	return o, decision
}

func holders(state record.State) string {
	names := []string{}
	for _, holder := range state.Holders {
		names = append(names, holder.UID)
	}
	return strings.Join(names, " ")
}

func TestPlan(t *testing.T) {
	a, b := hold("a", 1, set("/a", "1", "10")), hold("b", 2, set("/b", "2", "20"))
	item := hold("i", 3, set("/list/[name=y]", "", "{name: y, v: 2}"))
	big := hold("big", 0)
	for i := range 20 {
		big.Edits = append(big.Edits, set(fmt.Sprintf("/list/[name=n%d]", i), "", fmt.Sprintf("{name: n%d, v: %s}", i, strings.Repeat("x", 2000))))
	}
	for name, c := range map[string]struct {
		held    []record.Claim // in force before
		edit    func(string) string
		claims  []record.Claim
		content string
		holders string
		refused string
		quiet   bool // nothing is written
	}{
		"nothing is asked": {claims: nil, content: base, quiet: true},
		"one claim":        {claims: []record.Claim{a}, content: strings.Replace(base, "a: 1 #", "a: 10 #", 1), holders: "a"},
		"several claims are one write, the oldest first":      {claims: []record.Claim{item, b, a}, content: "# ours\na: 10 # one\nb: 20\nlist:\n  - {name: x, v: 1}\n  - name: y\n    v: 2\nc: 3\n", holders: "a b i"},
		"claims of the same time go by UID":                   {claims: []record.Claim{hold("z", 1, set("/b", "2", "20")), a}, content: strings.Replace(strings.Replace(base, "a: 1 #", "a: 10 #", 1), "b: 2", "b: 20", 1), holders: "a z"},
		"a claim that is met already":                         {held: []record.Claim{a}, claims: []record.Claim{a}, content: strings.Replace(base, "a: 1 #", "a: 10 #", 1), holders: "a", quiet: true},
		"a release gives the base back":                       {held: []record.Claim{a, b, item}, claims: []record.Claim{release(a), release(b), release(item)}, content: base},
		"a release leaves the others":                         {held: []record.Claim{a, b}, claims: []record.Claim{release(a), b}, content: strings.Replace(base, "b: 2", "b: 20", 1), holders: "b"},
		"release and claim of one path in one write":          {held: []record.Claim{a}, claims: []record.Claim{release(a), hold("c", 9, set("/a", "1", "11"))}, content: strings.Replace(base, "a: 1 #", "a: 11 #", 1), holders: "c"},
		"a release of what was never held":                    {claims: []record.Claim{release(a)}, content: base, quiet: true},
		"a person's later edit stays":                         {held: []record.Claim{a}, edit: func(s string) string { return strings.Replace(s, "a: 10", "a: 7", 1) }, claims: []record.Claim{release(a)}, content: strings.Replace(base, "a: 1 #", "a: 7 #", 1)},
		"an unknown holder is left alone":                     {held: []record.Claim{a}, claims: nil, content: strings.Replace(base, "a: 1 #", "a: 10 #", 1), holders: "a", quiet: true},
		"a path that no longer holds what was approved":       {edit: func(s string) string { return strings.Replace(s, "a: 1", "a: 5", 1) }, claims: []record.Claim{a}, content: strings.Replace(base, "a: 1", "a: 5", 1), refused: "rb-a: /a no longer holds what the approved plan says", quiet: true},
		"a path that was there and is gone":                   {edit: func(s string) string { return strings.Replace(s, "a: 1 # one\n", "", 1) }, claims: []record.Claim{a}, content: strings.Replace(base, "a: 1 # one\n", "", 1), refused: "rb-a: /a no longer holds what the approved plan says", quiet: true},
		"a path that was not there and is":                    {claims: []record.Claim{hold("a", 1, set("/a", "", "10"))}, content: base, refused: "rb-a: /a no longer holds what the approved plan says", quiet: true},
		"a path held by another":                              {held: []record.Claim{a}, claims: []record.Claim{a, hold("c", 9, set("/a", "10", "11"))}, content: strings.Replace(base, "a: 1 #", "a: 10 #", 1), holders: "a", refused: "rb-c: /a is already changed by rollback rb-a", quiet: true},
		"two claims of one path: the older one gets it":       {claims: []record.Claim{hold("c", 9, set("/a", "1", "11")), a}, content: strings.Replace(base, "a: 1 #", "a: 10 #", 1), holders: "a", refused: "rb-c: /a is already changed by rollback rb-a"},
		"all of a claim or nothing":                           {claims: []record.Claim{hold("d", 1, set("/a", "1", "10"), set("/b", "9", "20"))}, content: base, refused: "rb-d: /b no longer holds what the approved plan says", quiet: true},
		"a refused claim does not stop the others":            {claims: []record.Claim{hold("d", 0, set("/a", "9", "10")), b}, content: strings.Replace(base, "b: 2", "b: 20", 1), holders: "b", refused: "rb-d: /a no longer holds what the approved plan says"},
		"a record that gets too large is refused alone":       {claims: []record.Claim{big, b}, content: strings.Replace(base, "b: 2", "b: 20", 1), holders: "b", refused: "rb-big: the record of the edits would have"},
		"a record that gets too large does not stop releases": {held: []record.Claim{a}, claims: []record.Claim{release(a), big}, content: base, refused: "rb-big: the record of the edits would have"},
		"a document that cannot be read":                      {edit: func(string) string { return "a: [\n" }, claims: []record.Claim{a}, content: "a: [\n", refused: "rb-a: ", quiet: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := Observed{ResourceVersion: "7", DataKey: "core.yaml", Content: base, Claims: c.held}
			o, _ = after(t, o)
			if c.edit != nil {
				o.Content = c.edit(o.Content)
			}
			o.Claims = c.claims
			untouched := Observed{o.Key, o.ResourceVersion, o.DataKey, o.Content, o.Writer, maps.Clone(o.Annotations), copiedState(o.State), slices.Clone(o.Claims), nil, nil, o.Pauses}
			next, decision := after(t, o)
			if diff := cmp.Diff(untouched, o); diff != "" {
				t.Errorf("the plan changed its input:\n%s", diff)
			}
			if diff := cmp.Diff(c.content, next.Content); diff != "" {
				t.Errorf("content (-want +got):\n%s", diff)
			}
			if got := holders(next.State); got != c.holders {
				t.Errorf("holders %q, want %q", got, c.holders)
			}
			refused := ""
			for _, refusal := range decision.Refused {
				refused += refusal.Name + ": " + refusal.Message
			}
			if !strings.HasPrefix(refused, c.refused) || (refused != "") != (c.refused != "") {
				t.Errorf("refused %q, want %q", refused, c.refused)
			}
			if (decision.Write == nil) != c.quiet {
				t.Errorf("written: %v", decision.Write != nil)
			}
			if again, decision := after(t, next); decision.Write != nil {
				t.Errorf("it writes again: %s", again.Content)
			}
		})
	}
}

// copiedState shares nothing that a plan could change.
func copiedState(state record.State) record.State {
	state.Holders = slices.Clone(state.Holders)
	for i := range state.Holders {
		state.Holders[i].Records = slices.Clone(state.Holders[i].Records)
	}
	return state
}

// Applied in any order, released in any order and in any groups: the base comes back, byte for byte.
func TestReleasedInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var claims []record.Claim
		for i, edit := range []strategyv1.PlannedEdit{
			set("/a", "1", "10"), set("/b", "2", `"x: # y"`), set("/list/[name=y]", "", "{name: y, v: 2}"), set("/list/[name=z]", "", "{name: z}"), set("/new", "", "[1, 2]"),
			set("/fresh/[name=q]", "", "{name: q}"), set("/fresh/[name=r]", "", "{name: r}"), set("/list/[name=x]/v", "1", "5"),
		} {
			claims = append(claims, hold(fmt.Sprint(i), rapid.IntRange(0, 3).Draw(t, "minute"), edit))
		}
		o := Observed{DataKey: "core.yaml", Content: base}
		for len(claims) > 0 { // groups in any order
			n := rapid.IntRange(1, len(claims)).Draw(t, "claimed together")
			o.Claims = append(o.Claims, claims[:n]...)
			claims = claims[n:]
			var decision Decision
			if o, decision = after(t, o); len(decision.Refused) > 0 {
				t.Fatalf("refused: %v", decision.Refused)
			}
		}
		if len(o.State.Holders) != 8 {
			t.Fatalf("holders: %s", holders(o.State))
		}
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, "released") {
			at := slices.IndexFunc(o.Claims, func(c record.Claim) bool { return c.UID == fmt.Sprint(i) })
			o.Claims[at] = release(o.Claims[at])
			if rapid.Bool().Draw(t, "now") {
				o, _ = after(t, o)
			}
		}
		if o, _ = after(t, o); o.Content != base || len(o.State.Holders) > 0 {
			t.Fatalf("not the base: %s\n%s", holders(o.State), cmp.Diff(base, o.Content))
		}
	})
}

func TestClaimsAreGatheredForAsLongAsIsSet(t *testing.T) {
	a, b := hold("a", 1, set("/a", "1", "10")), hold("b", 1, set("/b", "2", "20"))
	b.Time = a.Time.Add(900 * time.Millisecond)
	for name, c := range map[string]struct {
		set    pauses.Pauses
		claims []record.Claim
		wait   time.Duration // from the oldest claim
	}{
		"as usual":                {pauses.Pauses{}, []record.Claim{a}, 2 * time.Second},
		"shorter":                 {pauses.Pauses{Gather: time.Second}, []record.Claim{a}, time.Second},
		"from the newest claim":   {pauses.Pauses{Gather: time.Second}, []record.Claim{a, b}, 1900 * time.Millisecond},
		"not beyond its limit":    {pauses.Pauses{Gather: time.Second, GatherLimit: 1500 * time.Millisecond}, []record.Claim{a, b}, 1500 * time.Millisecond},
		"a limit without a pause": {pauses.Pauses{GatherLimit: time.Second}, []record.Claim{a}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			o := Observed{DataKey: "core.yaml", Content: base, Claims: c.claims, Pauses: c.set}
			due := a.Time.Add(c.wait)
			if early, err := Plan(o, due.Add(-1)); err != nil || early.Write != nil || !early.NextAt.Equal(due) {
				t.Errorf("before: written %t, next at %s, not %s: %v", early.Write != nil, early.NextAt, due, err)
			}
			if now, err := Plan(o, due); err != nil || now.Write == nil {
				t.Errorf("at %s nothing is written: %v", due, err)
			}
		})
	}
}

// The operator's clock was set back since the claim was made: what people approved does not wait until it is that late again.
func TestAClaimFromTheFutureIsMet(t *testing.T) {
	claim := hold("a", 1, set("/a", "1", "10"))
	decision, err := Plan(Observed{DataKey: "core.yaml", Content: base, Claims: []record.Claim{claim}}, claim.Time.Add(-5*time.Hour))
	if err != nil || decision.Write == nil {
		t.Errorf("not written before %s: %v", decision.NextAt, err)
	}
}

// A ConfigMap that was replaced together with its record is not written again; what is renewed has another revision, and is.
func TestAClaimThatWasMetIsNotMetTwice(t *testing.T) {
	claim := hold("1", 0, set("/a", "1", "9"))
	written, _ := after(t, Observed{DataKey: "core.yaml", Content: base, Claims: []record.Claim{claim}})
	met := claim
	met.Met = true
	older := written
	older.State.Holders = slices.Clone(written.State.Holders)
	older.State.Holders[0].Revision = 0
	for name, c := range map[string]struct {
		observed Observed
		claim    record.Claim
		writes   bool
	}{
		"not met yet":                          {Observed{Content: base}, claim, true},
		"met, and it stands":                   {written, met, false},
		"met, and replaced":                    {Observed{Content: base}, met, false},
		"met, and an older record is back":     {older, met, false},
		"met, and to be undone where it is":    {written, release(met), true},
		"met, and to be undone where it isn't": {Observed{Content: base}, release(met), false},
	} {
		c.observed.DataKey, c.observed.Claims = "core.yaml", []record.Claim{c.claim}
		_, decision := after(t, c.observed)
		if (decision.Write != nil) != c.writes || len(decision.Refused) > 0 {
			t.Errorf("%s: %+v", name, decision)
		}
	}
}

// Somebody took a rollback's edits out of the record, and they stand: what another one claims at the same place is not written over them. It
// would take them for people's, and bring them back in the end, where no rollback would ever undo them.
func TestWhatTheRecordLostIsNoPersons(t *testing.T) {
	claim := hold("1", 0, set("/a", "1", "9"))
	written, _ := after(t, Observed{DataKey: "core.yaml", Content: base, Claims: []record.Claim{claim}})
	claim.Met, claim.Wrote = true, &written.State.Holders[0]
	later := hold("2", 9, set("/a", "9", "11"))
	lost := written
	lost.State, lost.Claims = record.State{}, []record.Claim{claim, later}
	_, decision := after(t, lost)
	if decision.Write != nil || len(decision.Refused) != 1 || !strings.HasPrefix(decision.Refused[0].Message, "/a is already changed by rollback rb-1") {
		t.Errorf("%+v", decision)
	}
	same := lost
	same.Claims = []record.Claim{claim, hold("2", 9, set("/a", "9", "9"))}
	if _, decision := after(t, same); decision.Write != nil || len(decision.Refused) != 1 {
		t.Errorf("it shares what it takes for people's: %+v", decision)
	}
	for name, c := range map[string]func(o *Observed){
		"somebody changed the value since": func(o *Observed) {
			o.Content = strings.Replace(o.Content, "a: 9", "a: 7", 1)
			o.Claims[1].Edits[0] = set("/a", "7", "11")
		},
		"another place":                   func(o *Observed) { o.Claims[1].Edits[0] = set("/b", "2", "20") },
		"it was never seen in the record": func(o *Observed) { o.Claims[0].Wrote = nil },
	} {
		o := lost
		o.Claims = []record.Claim{claim, hold("2", 9, set("/a", "9", "11"))}
		c(&o)
		if _, decision := after(t, o); decision.Write == nil || len(decision.Refused) > 0 {
			t.Errorf("%s: %+v", name, decision)
		}
	}
}

// What a deleted rollback leaves behind is told, with what was there before.
func TestWhatIsForgottenIsTold(t *testing.T) {
	claim := hold("1", 0, set("/a", "1", "9"))
	written, _ := after(t, Observed{DataKey: "core.yaml", Content: base, Claims: []record.Claim{claim}})
	claim.State = strategyv1.ClaimForget
	written.Claims = []record.Claim{claim}
	_, decision := after(t, written)
	if len(decision.Left) != 1 || decision.Left[0].Name != "rb-1" || decision.Left[0].Records[0].From != "1" || len(decision.Dropped) > 0 {
		t.Errorf("%+v", decision)
	}
}
