package schedulerconfig_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// editElsewhere is a person's edit where no rollback ever writes.
func (w *world) editElsewhere() {
	w.next++
	for _, document := range []*string{&w.o.Content, &w.text} {
		if *document != "" {
			after, _, err := testkit.Parsed(w.T, *document).Apply([]config.Edit{{Path: "/free", Value: fmt.Sprint(w.next)}})
			if err != nil {
				w.Fatalf("%v", err)
			}
			*document = after.String()
		}
	}
	w.base.Set("/free", fmt.Sprint(w.next))
	w.edited()
}

// editPath is a person's edit where rollbacks write.
func (w *world) editPath() {
	path := evenly(w.T, "person's path", []string{"/a", "/b", "/sec/x", "/list/[name=p]", "/list/[name=n]", "/fresh/[name=f]"})
	value := evenly(w.T, "person's value", []string{"77", "78"})
	if field, name, isItem := strings.Cut(strings.Trim(path[strings.LastIndex(path, "/")+1:], "[]"), "="); isItem {
		value = fmt.Sprintf("{%s: %s, by: %s}", field, name, value)
	}
	if testkit.ParseTree(w.T, w.o.Content).Get(path) == "" {
		return // they change what is there; new things are somewhere else
	}
	after, _, err := testkit.Parsed(w.T, w.o.Content).Apply([]config.Edit{{Path: path, Value: value}})
	if err != nil {
		w.Fatalf("%v", err)
	}
	w.o.Content = after.String()
	held := slices.ContainsFunc(w.heldPaths(), func(other string) bool { return config.Overlap(other, path) })
	if !held {
		w.base.Set(path, value)
	}
	if after, _, err := testkit.Parsed(w.T, w.text).Apply([]config.Edit{{Path: path, Value: value}}); w.text != "" && !held && err == nil {
		w.text = after.String()
	} else {
		w.text = ""
	}
	w.edited()
}

// overwrite is Git: what people want, without our edits.
func (w *world) overwrite() {
	if w.text == "" {
		return
	}
	w.o.Content, w.base = w.text, testkit.ParseTree(w.T, w.text)
	w.edited()
}

func (w *world) heldPaths() (paths []string) {
	for _, holder := range w.o.State.Holders {
		for _, record := range holder.Records {
			paths = append(paths, record.Path)
		}
	}
	return paths
}

// edited takes note of which of our edits a person changed: those are theirs now.
func (w *world) edited() {
	w.o.ResourceVersion += "+"
	now := testkit.ParseTree(w.T, w.o.Content)
	for _, holder := range w.o.State.Holders {
		for _, record := range holder.Records {
			w.dead[record.Path] = now.Get(record.Path) != testkit.Says(w.T, record.To)
			if w.dead[record.Path] && w.base.Get(record.Path) != now.Get(record.Path) {
				w.base.Put(record.Path, now)
			}
		}
	}
}

// write is one pass of the writer. Sometimes a person is faster, and nothing is written.
func (w *world) write() {
	w.o.Claims, w.o.Orphans = nil, nil
	for _, uid := range slices.Sorted(maps.Keys(w.claims)) {
		w.o.Claims = append(w.o.Claims, *w.claims[uid])
	}
	recorded := w.o.State
	defer func() {
		if w.o.Orphans != nil { // nothing was written
			w.o.State, w.o.Orphans = recorded, nil
		}
	}()
	w.o.State.Holders = nil
	for _, holder := range recorded.Holders { // nobody vouches for what is said of a rollback that is gone
		if w.claims[holder.UID] == nil {
			w.o.Orphans = append(w.o.Orphans, holder)
		} else {
			w.o.State.Holders = append(w.o.State.Holders, holder)
		}
	}
	w.o.DataKey = "core.yaml"
	if len(w.o.Claims) == 0 {
		w.o.DataKey = ""
	}
	before := copied(w.o)
	decision, err := schedulerconfig.Plan(w.o, w.now)
	again, _ := schedulerconfig.Plan(copied(before), w.now)
	if err != nil || !reflect.DeepEqual(decision, again) {
		w.Fatalf("%v, or not deterministic: %s", err, cmp.Diff(decision, again))
	}
	if diff := cmp.Diff(before, w.o); diff != "" {
		w.Fatalf("the plan changed its input: %s", diff)
	}
	if !decision.NextAt.IsZero() {
		if decision.Write != nil || !decision.NextAt.After(w.now) || decision.NextAt.Sub(w.now) > 2*time.Second {
			w.Fatalf("it waits until %v at %v", decision.NextAt, w.now)
		}
		w.count["waited"]++
		w.o.State, w.o.Orphans = recorded, nil
		if w.now = decision.NextAt; rapid.Bool().Draw(w.T, "until it writes") {
			w.write()
		}
		return
	}
	w.refused(decision)
	if decision.Write == nil {
		return
	}
	if !w.last && rapid.IntRange(0, 9).Draw(w.T, "a person is faster") == 0 {
		w.count["conflict"]++
		return
	}
	w.written(decision)
}

func (w *world) written(decision schedulerconfig.Decision) {
	state, err := record.ParseState(decision.Write.Edits)
	if err != nil || len(decision.Write.Edits) > 32<<10 {
		w.Fatalf("the record has %d bytes, %v", len(decision.Write.Edits), err)
	}
	before := w.o.State
	before.Holders = append(slices.Clone(w.o.Orphans), before.Holders...)
	if decision.Write.DataKey != "" {
		w.o.Content = decision.Write.Content
		if state.SHA256 != record.Hash(w.o.Content) {
			w.Fatalf("the record's hash is not that of the content")
		}
	}
	w.o.State = state
	w.o.ResourceVersion += "!"
	w.count["writes"]++
	w.left(before, decision)
	w.guarded(before)
	w.met(decision)
	w.says()
}

// left: what a rollback left for good is people's, unless another one that was there when it left holds it, too.
func (w *world) left(before record.State, decision schedulerconfig.Decision) {
	dead := map[string]bool{}
	for _, holder := range before.Holders {
		for _, record := range holder.Records {
			if stillHeld(w.o.State, record, before) {
				dead[record.Path] = w.dead[record.Path]
			}
		}
	}
	remaining := slices.Clone(before.Holders)
	for _, orphan := range w.o.Orphans {
		remaining = w.leaves(remaining, orphan.UID, true)
	}
	for _, holder := range slices.Backward(before.Holders) { // in the order in which the writer ends them
		claim := w.claims[holder.UID]
		if claim != nil && claim.State != strategyv1.ClaimHold && w.o.State.Holder(holder.UID) == nil {
			remaining = w.leaves(remaining, holder.UID, claim.State == strategyv1.ClaimForget)
		}
	}
	w.dead = dead
	if len(decision.Dropped) != len(w.o.Orphans) {
		w.Fatalf("%d of %d orphans were dropped", len(decision.Dropped), len(w.o.Orphans))
	}
	w.count["dropped"] += len(decision.Dropped)
	w.o.Orphans = nil
}

// leaves takes one holder out; what it alone holds may stay in the content.
func (w *world) leaves(holders []record.Holder, uid string, stays bool) []record.Holder {
	at := slices.IndexFunc(holders, func(h record.Holder) bool { return h.UID == uid })
	leaving := holders[at]
	holders = slices.Delete(slices.Clone(holders), at, at+1)
	for _, edit := range leaving.Records {
		shared := slices.ContainsFunc(holders, func(h record.Holder) bool {
			return slices.ContainsFunc(h.Records, func(r config.Record) bool { return r.Path == edit.Path && r.To == edit.To })
		})
		if stays && !shared && !w.dead[edit.Path] {
			w.base.Set(edit.Path, edit.To)
			w.text = ""
		}
	}
	return holders
}

// stillHeld: somebody who held the path before holds it still, with the same value.
func stillHeld(state record.State, edit config.Record, before record.State) bool {
	return slices.ContainsFunc(state.Holders, func(holder record.Holder) bool {
		old := before.Holder(holder.UID)
		same := func(r config.Record) bool { return r.Path == edit.Path && r.To == edit.To }
		return old != nil && slices.ContainsFunc(old.Records, same) && slices.ContainsFunc(holder.Records, same)
	})
}

// guarded: a claim that is new keeps its guard, counted with those that were applied before it.
func (w *world) guarded(before record.State) {
	disabled := map[string]bool{}
	for i, holder := range w.o.State.Holders {
		for _, schedule := range holder.Disables {
			disabled[schedule] = true
		}
		claim := w.claims[holder.UID]
		if before.Holder(holder.UID) != nil || claim.Guard == nil {
			continue
		}
		w.count["guarded"]++
		if limit := int(claim.Guard.MaxActiveRollbacks); limit > 0 && i+1 > limit {
			w.Fatalf("%d rollbacks, %s allows %d", i+1, holder.Name, limit)
		}
		if limit := int(claim.Guard.MaxDisabledSchedules); limit > 0 && len(holder.Disables) > 0 && len(disabled) > limit {
			w.Fatalf("%d schedules, %s allows %d", len(disabled), holder.Name, limit)
		}
	}
}

// met: every claim was met or refused.
func (w *world) met(decision schedulerconfig.Decision) {
	for uid, claim := range w.claims {
		holder := w.o.State.Holder(uid)
		met := holder == nil
		if claim.State == strategyv1.ClaimHold {
			met = holder != nil && holder.Revision == claim.Revision
		}
		refused := slices.ContainsFunc(decision.Refused, func(r record.Refusal) bool { return r.Name == claim.Name })
		if met == refused {
			w.Fatalf("the claim of %s was met: %v, refused: %v", uid, met, refused)
		}
		if met && holder != nil {
			w.count["held"]++
		}
	}
}

// refused: only what cannot be is refused, and the reason is true.
func (w *world) refused(decision schedulerconfig.Decision) {
	for _, refusal := range decision.Refused {
		w.count["refused "+refusal.Reason]++
		claim := w.claims[strings.TrimPrefix(refusal.Name, "rollback ")]
		overlaps := slices.ContainsFunc(w.pathsOfOthers(claim.UID), func(path string) bool {
			return slices.ContainsFunc(claim.Edits, func(edit strategyv1.PlannedEdit) bool { return config.Overlap(edit.Path, path) })
		})
		changed := slices.ContainsFunc(claim.Edits, func(edit strategyv1.PlannedEdit) bool {
			is := w.base.Get(edit.Path)
			byIndex := edit.Path == "/list/0" && is == "" // planned for an item that was another rollback's
			return byIndex || w.dead[edit.Path] || (is == "") != (edit.From == nil) || edit.From != nil && is != testkit.Says(w.T, *edit.From)
		})
		switch refusal.Reason {
		case strategyv1.ReasonTargetBelongsToOthers:
			if !overlaps {
				w.Fatalf("%s: no other rollback is there", refusal.Message)
			}
		case strategyv1.ReasonEditRefused:
			if !changed && !overlaps {
				w.Fatalf("%s: %s is refused, but nothing is in its way:\n%s", refusal.Name, refusal.Message, w.o.Content)
			}
		case strategyv1.ReasonGuardExceeded:
			if claim.Guard == nil {
				w.Fatalf("%s: it has no guard", refusal.Message)
			}
		}
	}
}

// pathsOfOthers are the paths that other rollbacks hold or claim.
func (w *world) pathsOfOthers(uid string) (paths []string) {
	for _, holder := range w.o.State.Holders {
		for _, record := range holder.Records {
			if holder.UID != uid {
				paths = append(paths, record.Path)
			}
		}
	}
	for _, claim := range w.o.Claims {
		for _, edit := range claim.Edits {
			if claim.UID != uid {
				paths = append(paths, edit.Path)
			}
		}
	}
	return paths
}

// copied shares nothing with what it is of.
func copied(o schedulerconfig.Observed) schedulerconfig.Observed {
	o.Claims, o.Orphans, o.State.Holders = slices.Clone(o.Claims), slices.Clone(o.Orphans), slices.Clone(o.State.Holders)
	for i := range o.State.Holders {
		o.State.Holders[i].Records = slices.Clone(o.State.Holders[i].Records)
	}
	for i := range o.Claims {
		o.Claims[i].Edits = slices.Clone(o.Claims[i].Edits)
	}
	return o
}

// says: the content says what people put there plus what is held; no other line is another one.
func (w *world) says() {
	model := w.base.Clone()
	for _, holder := range w.o.State.Holders {
		for _, record := range holder.Records {
			if !w.dead[record.Path] {
				model.Set(record.Path, record.To)
			}
		}
	}
	content := testkit.ParseTree(w.T, w.o.Content)
	if got := content.String(); got != model.String() {
		w.Fatalf("the content does not say what it must:\n%s\ncontent:\n%s\nheld by %v", cmp.Diff(model.String(), got), w.o.Content, w.holders())
	}
	if w.text == "" {
		if len(w.o.State.Holders) == 0 {
			w.text = w.o.Content
		}
		return
	}
	if len(w.o.State.Holders) == 0 {
		w.count["restored"]++
		if w.o.Content != w.text {
			w.Fatalf("not the same bytes:\n%s", cmp.Diff(w.text, w.o.Content))
		}
		return
	}
	if line, ok := testkit.Within(testkit.ParseTree(w.T, w.text).Untouched(w.heldPaths()), w.o.Content); !ok {
		w.Fatalf("the line %q is another one:\n%s\nwas\n%s", line, w.o.Content, w.text)
	}
	w.count["lines compared"]++
}
