package change

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
)

// MaxDiff bounds the diff in the status; the documents before and after are stored as evidence.
const MaxDiff = 8192

// The API keeps a plan within these bounds only (RollbackPlan, PlannedEdit): what exceeds them is refused in words.
const (
	maxEdits    = 32
	maxDisables = 64
	maxPath     = 1024
	maxValue    = 4096
	maxName     = 128
)

// Change is what a rollback wants of a document.
type Change struct {
	Document *config.Document
	DataKey  string // names the document in the diff
	Target   botcore.Target
	Summary  botcore.Summary       // of the document, about the target
	Feeds    []strategyv1.FeedSpec // of the playbook
	// Name and Spec of the rollback. Name and reason go into the document where the scheduler keeps a reason.
	Name string
	Spec strategyv1.StrategyRollbackSpec
	// Until is the end of the time box, in UTC and whole seconds, as it is written into the document; zero = no end. Lasts is its length.
	Until time.Time
	Lasts time.Duration
	// Ours says whether an edit of another rollback stands at a place; nil: none does. What people wrote is never shortened.
	Ours func(path string) bool
}

// Draft is what actions would change in a document.
type Draft struct {
	Edits    []strategyv1.PlannedEdit
	Disables []string // schedules that do not trade with these edits
	Kept     []string // what people hold back for longer, or more strictly, in words: it is left as it is
	After    *config.Document
	Diff     string // unified
}

// NewDraft computes the edits of a rollback's actions on a document. The error says what is refused and why; nothing is
// changed then. Each action sees what the ones before it did.
func NewDraft(c Change) (Draft, error) {
	if c.Ours == nil {
		c.Ours = func(string) bool { return false }
	}
	draft := Draft{After: c.Document, Disables: disables(c.Summary, c.Spec.Actions)}
	if !draft.together(c) {
		if err := draft.inOrder(c); err != nil {
			return Draft{}, err
		}
	}
	if len(draft.Edits) == 0 {
		return Draft{}, fmt.Errorf("there is nothing to change: %s", strings.Join(draft.Kept, "; "))
	}
	if err := draft.fits(); err != nil {
		return Draft{}, err
	}
	draft.Diff = config.UnifiedDiff(c.DataKey, c.Document.String(), draft.After.String())
	return draft, nil
}

// together is one parse instead of one for each action. Actions that do not touch the same places do not see each other, but for a
// feed, whose edits may be anything. Whatever is refused is left to one after the other, which says why.
func (d *Draft) together(c Change) bool {
	var edits []config.Edit
	var kept []string
	for _, i := range c.turns() {
		wanted := c.Spec.Actions[i]
		more, left, err := c.edits(c.Document, wanted, c.Spec.Actions[:i])
		if err != nil || wanted.Type == strategyv1.ActionSwitchFeed && len(c.Spec.Actions) > 1 {
			return false
		}
		for _, edit := range more {
			if slices.ContainsFunc(edits, func(other config.Edit) bool { return config.Overlap(edit.Path, other.Path) }) {
				return false
			}
			edits = append(edits, edit)
		}
		kept = append(kept, left...)
	}
	after, records, err := c.Document.Apply(edits)
	if err != nil {
		return false
	}
	d.After, d.Kept = after, kept
	for i, edit := range edits {
		d.Edits = append(d.Edits, Planned(edit, records[i]))
	}
	return true
}

func (d *Draft) inOrder(c Change) error {
	for _, i := range c.turns() {
		wanted := c.Spec.Actions[i]
		edits, kept, err := c.edits(d.After, wanted, c.Spec.Actions[:i])
		if err == nil {
			err = d.add(edits)
		}
		d.Kept = append(d.Kept, kept...)
		if err != nil {
			return fmt.Errorf("action %d (%s): %w", i+1, wanted.Type, err)
		}
	}
	return nil
}

// turns are the actions that make edits, by index: the first of those that suspend schedules stands for all of them, since which way is
// right depends on who else still runs.
func (c Change) turns() []int {
	var turns []int
	suspended := false
	for i, wanted := range c.Spec.Actions {
		disables := wanted.Type == strategyv1.ActionDisableSchedule
		if !disables || !suspended {
			turns = append(turns, i)
		}
		suspended = suspended || disables
	}
	return turns
}

// Planned is an edit with what it replaces.
func Planned(edit config.Edit, record config.Record) strategyv1.PlannedEdit {
	planned := strategyv1.PlannedEdit{Path: edit.Path, To: record.To}
	if !record.Absent {
		planned.From = &record.From
	}
	return planned
}

// fits says what of a draft is too much for the API, if anything.
func (d *Draft) fits() error {
	if n := len(d.Edits); n > maxEdits {
		return fmt.Errorf("%d edits are more than the %d of one rollback; use several", n, maxEdits)
	}
	if n := len(d.Disables); n > maxDisables {
		return fmt.Errorf("%d schedules are more than the %d of one rollback; use several", n, maxDisables)
	}
	for _, edit := range d.Edits {
		if err := Fits(edit); err != nil {
			return err
		}
	}
	for _, name := range d.Disables {
		if n := utf8.RuneCountInString(name); n > maxName {
			return fmt.Errorf("the schedule %s has a name of %d characters, more than %d", bounded.Text(name, maxName), n, maxName)
		}
	}
	return nil
}

// Fits says what of an edit is too long for the API, if anything.
func Fits(edit strategyv1.PlannedEdit) error {
	from := ""
	if edit.From != nil {
		from = *edit.From
	}
	for _, text := range []struct {
		what, is string
		max      int
	}{{"the path", edit.Path, maxPath}, {"what it holds", from, maxValue}, {"the new value", edit.To, maxValue}} {
		if n := utf8.RuneCountInString(text.is); n > text.max {
			return fmt.Errorf("%s: %s has %d characters, more than %d; edit it by hand", bounded.Text(edit.Path, maxName), text.what, n, text.max)
		}
	}
	return nil
}

func (d *Draft) add(edits []config.Edit) error {
	for _, edit := range edits {
		after, records, err := d.After.Apply([]config.Edit{edit})
		if err != nil {
			return err
		}
		around := slices.IndexFunc(d.Edits, func(earlier strategyv1.PlannedEdit) bool { return config.Overlap(earlier.Path, edit.Path) })
		if around >= 0 {
			if err := d.extend(around, edit, after); err != nil {
				return err
			}
			continue
		}
		d.After, d.Edits = after, append(d.Edits, Planned(edit, records[0]))
	}
	return nil
}

// extend makes an edit inside what an earlier one adds part of that one, so that the two are applied and undone as one.
func (d *Draft) extend(around int, edit config.Edit, after *config.Document) error {
	outer := &d.Edits[around]
	if config.SamePath(outer.Path, edit.Path) || len(edit.Path) < len(outer.Path) || outer.From != nil {
		return fmt.Errorf("it changes %s, which an earlier action changes already (%s); leave one out", edit.Path, outer.Path)
	}
	value, _, err := after.Get(outer.Path)
	if err != nil {
		return err
	}
	outer.To, d.After = value, after
	return nil
}

// edits of one action on a document, after those before it, and what of it people hold back for longer already. A number stays one with a
// fraction where there was one.
func (c Change) edits(document *config.Document, wanted strategyv1.RollbackAction, before []strategyv1.RollbackAction) (edits []config.Edit, kept []string, err error) {
	edits, kept, err = c.wanted(document, wanted, before)
	for i, edit := range edits {
		edits[i].Value = document.Like(edit.Path, edit.Value)
	}
	return edits, kept, err
}

func (c Change) wanted(document *config.Document, wanted strategyv1.RollbackAction, before []strategyv1.RollbackAction) (edits []config.Edit, kept []string, err error) {
	switch wanted.Type {
	case strategyv1.ActionDisableSchedule:
		return c.suspensions(document)
	case strategyv1.ActionSetAllocation:
		edit, err := botcore.SetAllocation(document, wanted.RiskProfile, wanted.Bucket, wanted.Allocation)
		return []config.Edit{edit}, nil, err
	case strategyv1.ActionSwitchFeed:
		edits, err = c.feedEdits(document, wanted.Feed)
		return edits, nil, err
	case strategyv1.ActionSetResourceLimits:
		if wanted.Limits == nil {
			return nil, nil, errors.New("it names no limits")
		}
		edits, err = botcore.SetResourceLimits(document, botcore.ResourceLimits{
			CPUPercent: wanted.Limits.CPUPercent, MemoryMB: wanted.Limits.MemoryMB,
			IOReadMBs: wanted.Limits.IOReadMBs, IOWriteMBs: wanted.Limits.IOWriteMBs,
		})
		return edits, nil, err
	case strategyv1.ActionSetSignalLimit:
		return c.signalLimit(document, wanted, before)
	}
	return nil, nil, fmt.Errorf("this operator does not know the action %s", wanted.Type)
}

func (c Change) suspensions(document *config.Document) (edits []config.Edit, kept []string, err error) {
	for _, wanted := range c.Spec.Actions {
		if wanted.Type == strategyv1.ActionDisableSchedule && wanted.Strategy != "" && len(botcore.SchedulesOf(c.Summary, wanted.Strategy)) == 0 {
			return nil, nil, fmt.Errorf("no schedule of %s uses the strategy %q", c.Target.Scheduler, wanted.Strategy)
		}
	}
	edits, err = botcore.DisableSchedules(document, c.Target, Suspends(c.Summary, c.Spec.Actions), reasonOf(c.Name, c.Spec.Reason), c.Until)
	if err != nil {
		return nil, nil, err
	}
	return botcore.KeepSuspensions(c.Summary, edits, botcore.Term{Until: c.Until, Lasts: c.Lasts}, c.Ours)
}

func (c Change) signalLimit(document *config.Document, wanted strategyv1.RollbackAction, before []strategyv1.RollbackAction) (edits []config.Edit, kept []string, err error) {
	if wanted.Limit == nil {
		return nil, nil, errors.New("it names no limit")
	}
	if twice := slices.ContainsFunc(before, func(other strategyv1.RollbackAction) bool {
		return other.Type == wanted.Type && other.Strategy == wanted.Strategy && other.RiskProfile == wanted.RiskProfile
	}); twice {
		return nil, nil, fmt.Errorf("an earlier action limits strategy %s in %s already; leave one out", wanted.Strategy, wanted.RiskProfile)
	}
	reason := reasonOf(c.Name, c.Spec.Reason)
	edit, err := botcore.SetSignalLimit(document, c.Target, wanted.Strategy, wanted.RiskProfile, *wanted.Limit, reason, c.Until)
	if err != nil || c.Ours(edit.Path) {
		return []config.Edit{edit}, nil, err
	}
	edits, said, err := botcore.KeepLimit(document, edit, *wanted.Limit, reason, botcore.Term{Until: c.Until, Lasts: c.Lasts})
	if said != "" {
		kept = []string{said}
	}
	return edits, kept, err
}

func (c Change) feedEdits(document *config.Document, name string) ([]config.Edit, error) {
	feed := FeedOf(c.Feeds, name)
	if feed == nil {
		names := make([]string, len(c.Feeds))
		for i, other := range c.Feeds {
			names[i] = other.Name
		}
		return nil, fmt.Errorf("the playbook has no feed %q (it has: %s)", name, cmp.Or(strings.Join(names, ", "), "none"))
	}
	if feed.RequiresExchange != "" {
		if err := botcore.FeedCovers(document, c.Target, feed.RequiresExchange); err != nil {
			return nil, err
		}
	}
	edits := make([]config.Edit, len(feed.Edits))
	for i, edit := range feed.Edits {
		value, err := config.FlowText(edit.JSON())
		if err != nil {
			return nil, fmt.Errorf("feed %s: the value of %s: %w", name, edit.Path, err)
		}
		if document.ByIndex(edit.Path) {
			return nil, fmt.Errorf("feed %s: %s names an item of a list by its index, and when it is undone another one may stand there; name it as [field=value], or edit the whole list", name, edit.Path)
		}
		edits[i] = config.Edit{Path: edit.Path, Value: value}
	}
	return edits, nil
}

// FeedOf is the feed of this name; nil if there is none.
func FeedOf(feeds []strategyv1.FeedSpec, name string) *strategyv1.FeedSpec {
	for i := range feeds {
		if feeds[i].Name == name {
			return &feeds[i]
		}
	}
	return nil
}

// Suspends are the schedules that the actions suspend, by their own name or by their strategy's.
func Suspends(summary botcore.Summary, actions []strategyv1.RollbackAction) []string {
	var names []string
	for _, wanted := range actions {
		switch {
		case wanted.Type != strategyv1.ActionDisableSchedule:
		case wanted.Strategy != "":
			names = append(names, botcore.SchedulesOf(summary, wanted.Strategy)...)
		default:
			names = append(names, wanted.Schedule)
		}
	}
	return distinct(names)
}

// disables are the schedules that do not trade: suspended, or not allowed a single signal.
func disables(summary botcore.Summary, actions []strategyv1.RollbackAction) []string {
	return distinct(append(Suspends(summary, actions), Mutes(summary, actions)...))
}

// Mutes are the schedules that the actions allow not a single signal.
func Mutes(summary botcore.Summary, actions []strategyv1.RollbackAction) []string {
	var names []string
	for _, wanted := range actions {
		if wanted.Type == strategyv1.ActionSetSignalLimit && wanted.Limit != nil && *wanted.Limit == 0 {
			names = append(names, botcore.SchedulesWith(summary, wanted.Strategy, wanted.RiskProfile)...)
		}
	}
	return names
}

// distinct keeps the first of each, in order.
func distinct(names []string) []string {
	var kept []string
	for _, name := range names {
		if !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept
}

func reasonOf(name, reason string) string {
	if reason == "" {
		return "rollback " + name
	}
	return bounded.Text("rollback "+name+": "+reason, 256)
}
