package schedulerconfig_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// What rollbacks write, and where. With few values several rollbacks meet at the same place, with the same value or another.
var vocabulary = map[string][]string{
	"/a": {"10", "11"}, "/b": {`"x: # y"`, "z"}, "/sec/x": {"5", "6"}, "/sec/new": {"1", "[1, 2]"}, "/sec": {"{x: 9, y: 9}"},
	"/list/[name=p]": {"{name: p, v: 7}", "{name: p}"}, "/list/[name=n]": {"{name: n}", "{name: n, v: 2}"}, "/list/0": {"{name: p, v: 8}"},
	"/fresh/[name=f]": {"{name: f}", "{name: f, w: 1}"}, "/fresh/[name=g]": {"{name: g}"},
}

var schedules = []string{"s1", "s2", "s3"}

func drawDocument(t *rapid.T) string {
	pick := func(what string, choices ...string) string { return evenly(t, what, choices) }
	return "# head\n" + pick("a", "a: 1 # one\n", "a:   1\n", "\"a\": 1\n") + "b: two\n\n" +
		pick("sec", "sec: {x: 1, y: \"q\"} # flow\n", "sec:\n  x: 1 # first\n  # between\n  y: \"q\"\n") +
		pick("list", "list: []\n", "list:\n", "list: [{name: p, v: 1}, {name: o}]\n", "list:\n  - name: p\n    v: 1\n  # o is ours\n  - {name: o}\n", "list:\n- {name: p, v: 1} # p\n") +
		"free: 0 # people's\n" + pick("tail", "", "# rev 0\n", "last: true\n")
}

// evenly draws without the preference for the first choices that rapid has.
func evenly[V any](t *rapid.T, what string, choices []V) V {
	return rapid.Custom(func(t *rapid.T) V {
		at := 0
		for range 6 {
			at *= 2
			if rapid.Bool().Draw(t, "bit") {
				at++
			}
		}
		return choices[at%len(choices)]
	}).Draw(t, what)
}

// world is one configuration with its writer, the people, and what must be true of it.
type world struct {
	*rapid.T
	o      schedulerconfig.Observed
	now    time.Time
	claims map[string]*record.Claim
	plans  map[string]record.Claim // approved and not claimed yet
	base   testkit.Tree            // what people put there
	text   string                  // the same as text; empty: its layout is not known
	dead   map[string]bool         // paths that somebody changed since we wrote them
	count  map[string]int
	next   int
	last   bool // nobody is faster than the writer any more
}

// Whatever rollbacks claim, give up and renew, and whatever people do to the document meanwhile: it says what people put
// there plus what is held, and when nothing is held any more it is theirs, byte for byte.
func TestAnyClaims(t *testing.T) {
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		document := drawDocument(t)
		w := &world{
			T: t, now: t0, claims: map[string]*record.Claim{}, plans: map[string]record.Claim{}, dead: map[string]bool{}, count: count,
			o:    schedulerconfig.Observed{ResourceVersion: "1", DataKey: "core.yaml", Content: document},
			base: testkit.ParseTree(t, document), text: document,
		}
		steps := map[string]func(){
			"plan": w.plan, "claim": w.claim, "release": w.release, "forget": w.forget, "renew": w.renew, "orphan": w.orphan,
			"elsewhere": w.editElsewhere, "same path": w.editPath, "git": w.overwrite, "write": w.write, "time": w.wait,
		}
		weights := []string{"plan", "plan", "plan", "claim", "claim", "claim", "claim", "release", "release", "renew", "forget", "orphan", "elsewhere", "same path", "git", "write", "write", "write", "write", "time"}
		for range rapid.IntRange(20, 60).Draw(t, "steps") {
			steps[evenly(t, "step", weights)]()
		}
		w.end()
		count["cases"]++
	})
	t.Log(count)
}

var t0 = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func (w *world) holders() []string {
	var uids []string
	for _, holder := range w.o.State.Holders {
		uids = append(uids, holder.UID)
	}
	return uids
}

func pickOne[V any](w *world, what string, from map[string]V) (string, bool) {
	keys := slices.Sorted(maps.Keys(from))
	if len(keys) == 0 {
		return "", false
	}
	return evenly(w.T, what, keys), true
}

// plan is what somebody approves: what the paths hold now, and what they shall hold.
func (w *world) plan() {
	w.next++
	uid := fmt.Sprintf("r%d", w.next)
	claim := record.Claim{UID: uid, Name: "rollback " + uid, State: strategyv1.ClaimHold, Revision: 1}
	for range rapid.IntRange(1, 3).Draw(w.T, "edits") {
		path := evenly(w.T, "path", slices.Sorted(maps.Keys(vocabulary)))
		if slices.ContainsFunc(claim.Edits, func(e strategyv1.PlannedEdit) bool { return config.Overlap(e.Path, path) }) {
			continue
		}
		edit := strategyv1.PlannedEdit{Path: path, To: evenly(w.T, "value", vocabulary[path])}
		if shared := w.o.State.Base(path, uid); shared != nil {
			if !shared.Absent {
				edit.From = &shared.From
			}
		} else if value, found, err := testkit.Parsed(w.T, w.o.Content).Get(path); err != nil {
			return // another edit makes it impossible
		} else if found {
			edit.From = &value
		} else if path == "/list/0" {
			return // nothing can be added by its index
		}
		claim.Edits = append(claim.Edits, edit)
	}
	claim.Disables = rapid.SliceOfNDistinct(rapid.SampledFrom(schedules), 0, 2, rapid.ID).Draw(w.T, "disables")
	if rapid.Bool().Draw(w.T, "guarded") {
		claim.Guard = &strategyv1.GuardSpec{MaxActiveRollbacks: int32(rapid.IntRange(0, 4).Draw(w.T, "active")), MaxDisabledSchedules: int32(rapid.IntRange(0, 2).Draw(w.T, "disabled"))}
	}
	w.Logf("%s: %+v", uid, claim)
	w.plans[uid] = claim
}

func (w *world) claim() {
	if uid, found := pickOne(w, "claimed", w.plans); found {
		claim := w.plans[uid]
		delete(w.plans, uid)
		claim.Time = w.now
		w.claims[uid] = &claim
	}
}

func (w *world) release() { w.ask(strategyv1.ClaimRelease) }
func (w *world) forget()  { w.ask(strategyv1.ClaimForget) }

func (w *world) ask(state strategyv1.ClaimState) {
	if uid, found := pickOne(w, string(state), w.claims); found && w.claims[uid].State == strategyv1.ClaimHold {
		w.claims[uid].State, w.claims[uid].Time = state, w.now
	}
}

// renew changes some of the values of a rollback that holds.
func (w *world) renew() {
	uid, found := pickOne(w, "renewed", w.claims)
	if !found || w.claims[uid].State != strategyv1.ClaimHold || w.o.State.Holder(uid) == nil || w.o.State.Holder(uid).Revision != w.claims[uid].Revision {
		return
	}
	claim := w.claims[uid]
	claim.Edits = slices.Clone(claim.Edits)
	for i, edit := range claim.Edits {
		if rapid.Bool().Draw(w.T, "another value") {
			claim.Edits[i].To = evenly(w.T, "value", vocabulary[edit.Path])
		}
	}
	claim.Revision, claim.Time = claim.Revision+1, w.now
}

// orphan: the rollback is gone without having let go.
func (w *world) orphan() {
	if uid, found := pickOne(w, "orphaned", w.claims); found && !w.shares(uid) { // what it shares is a case of its own
		delete(w.claims, uid)
	}
}

func (w *world) shares(uid string) bool {
	holder := w.o.State.Holder(uid)
	return holder != nil && slices.ContainsFunc(holder.Records, func(r config.Record) bool { return w.o.State.HolderOf(r.Path, uid) != "" })
}

func (w *world) wait() {
	w.now = w.now.Add(evenly(w.T, "later", []time.Duration{time.Second, 2 * time.Second, 11 * time.Second}))
}

// end releases everything in any order.
func (w *world) end() {
	w.plans, w.last = nil, true
	for uid := range w.claims {
		w.claims[uid].State = strategyv1.ClaimRelease
		w.claims[uid].Time = w.now
	}
	for len(w.o.State.Holders) > 0 {
		held := w.holders()
		w.now = w.now.Add(time.Minute)
		w.write()
		if slices.Equal(held, w.holders()) {
			w.Fatalf("%v cannot be released: %s", held, w.o.Content)
		}
	}
}
