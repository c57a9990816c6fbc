package record

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"tradeops.dev/strategy-operator/internal/config"
)

// written is a record of two rollbacks as the operator wrote it, and its receipts.
func written() (State, Receipts) {
	since := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	state := State{Holders: []Holder{
		{UID: "a", Name: "first", Revision: 2, Since: since, Disables: []string{"fast"}, Records: []config.Record{
			{Path: "/a", From: "1", To: "10", Layout: config.Inline, Old: "1", New: "10"},
			{Path: "/l/[n=x]", Absent: true, To: "{n: x}", Layout: config.Lines, New: "- n: x", Parent: &config.Parent{Line: "l:"}},
		}},
		{UID: "b", Name: "second", Revision: 1, Since: since, Records: []config.Record{{Path: "/b", From: "2", To: "20", Layout: config.Inline, Old: "2", New: "20"}}},
	}}
	receipts := Receipts{}
	for _, holder := range state.Holders {
		receipts[holder.UID] = Kept([]string{`{"uid":"an older one"}`}, holder.Receipt())
	}
	return state, receipts
}

// Whatever somebody writes into the record of a rollback: nothing of it is believed, what is said of it can be shown, and others are
// believed as before.
func TestWhatTheOperatorDidNotWriteIsNotBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(*State)
		says  string
	}{
		"from":   {func(s *State) { s.Holders[0].Records[0].From = "7.77" }, `/a: from is "7.77", and the operator wrote "1"`},
		"absent": {func(s *State) { s.Holders[0].Records[0].Absent = true }, `/a: absent is "true", and the operator wrote "false"`},
		"to":     {func(s *State) { s.Holders[0].Records[0].To = "11" }, `/a: to is "11", and the operator wrote "10"`},
		"layout": {func(s *State) { s.Holders[0].Records[0].Layout = config.Block }, `/a: layout is "Block", and the operator wrote "Inline"`},
		"old":    {func(s *State) { s.Holders[0].Records[0].Old = "1 # evil" }, `/a: old is "1 # evil", and the operator wrote "1"`},
		"new":    {func(s *State) { s.Holders[0].Records[0].New = "9" }, `/a: new is "9", and the operator wrote "10"`},
		"parent": {func(s *State) { s.Holders[0].Records[1].Parent = nil }, `/l/[n=x]: parent is "", and the operator wrote "{Line:l: Old:}"`},
		"path":   {func(s *State) { s.Holders[0].Records[0].Path = "/max_leverage" }, "/max_leverage: the operator did not write there"},
		"another path": {func(s *State) {
			s.Holders[0].Records = append(s.Holders[0].Records, config.Record{Path: "/max", From: "99.0", To: "2.5"})
		}, "/max: the operator did not write there"},
		"one path less":    {func(s *State) { s.Holders[0].Records = s.Holders[0].Records[:1] }, "/l/[n=x] is missing"},
		"one path twice":   {func(s *State) { s.Holders[0].Records = append(s.Holders[0].Records, s.Holders[0].Records[0]) }, "not what the operator wrote"},
		"order":            {func(s *State) { r := s.Holders[0].Records; r[0], r[1] = r[1], r[0] }, "not what the operator wrote"},
		"revision":         {func(s *State) { s.Holders[0].Revision = 1 }, "it has revision 1, and the operator wrote 2"},
		"name":             {func(s *State) { s.Holders[0].Name = "second" }, "not what the operator wrote"},
		"since":            {func(s *State) { s.Holders[0].Since = s.Holders[0].Since.AddDate(70, 0, 0) }, "not what the operator wrote"},
		"disables":         {func(s *State) { s.Holders[0].Disables = nil }, "not what the operator wrote"},
		"moved":            {func(s *State) { s.Holders[0].UID = "c" }, "the operator wrote nothing for it"},
		"swapped":          {func(s *State) { s.Holders[0].Records = s.Holders[1].Records }, "/b: the operator did not write there"},
		"a rollback more":  {func(s *State) { s.Holders = append([]Holder{{UID: "c", Name: "restored"}}, s.Holders[1:]...) }, "the operator wrote nothing for it"},
		"twice":            {func(s *State) { s.Holders[0] = s.Holders[1] }, "it is named twice"},
		"escape sequences": {func(s *State) { s.Holders[0].Records[0].From = "\x1b[2J\u202e" }, "/a: from is"},
		"huge":             {func(s *State) { s.Holders[0].Records[0].From = strings.Repeat("x", 20000) }, `/a: from is "xxx`},
		"a huge path":      {func(s *State) { s.Holders[0].Records[0].Path = "/" + strings.Repeat("x", 20000) }, "/xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			state, receipts := written()
			c.forge(&state)
			data, err := json.Marshal(state)
			if err != nil {
				t.Fatal(err)
			}
			read, err := ParseState(string(data))
			if err != nil {
				t.Fatal(err)
			}
			believed, doubts := read.Believe(receipts)
			if len(believed.Holders) != 1 || believed.Holders[0].UID != "b" || believed.Holders[0].Receipt() != receipts["b"][1] {
				t.Errorf("believed: %+v", believed.Holders)
			}
			if len(doubts) != 1 || !strings.Contains(doubts[0].Differs, c.says) {
				t.Fatalf("%+v, not %q", doubts, c.says)
			}
			if differs := doubts[0].Differs; len(differs) > 300 || strings.ContainsFunc(differs, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%d bytes: %q", len(differs), differs)
			}
		})
	}
}

func TestWhatTheOperatorWroteIsBelieved(t *testing.T) {
	state, receipts := written()
	text, err := state.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseState(text)
	if err != nil {
		t.Fatal(err)
	}
	if believed, doubts := read.Believe(receipts); len(doubts) > 0 || len(believed.Holders) != 2 {
		t.Errorf("%+v", doubts)
	}
	if believed, doubts := (State{}).Believe(receipts); len(doubts)+len(believed.Holders) > 0 {
		t.Errorf("%+v %+v", believed, doubts)
	}
}

func TestWhatIsNoRecordIsAnError(t *testing.T) {
	for name, annotation := range map[string]string{
		"no JSON": "evil", "another type": `{"holders": 3}`, "no time": `{"holders":[{"since":"9999999-01-01T00:00:00Z"}]}`, "huge": strings.Repeat(" ", maxStateBytes) + "{}",
	} {
		if _, err := ParseState(annotation); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// While writes are on their way there are several receipts. The one that stands in the record is never the one that is forgotten.
func TestReceiptsAreBounded(t *testing.T) {
	kept := []string{"seen"}
	for i := range 10 {
		kept = Kept(kept, fmt.Sprint(i))
	}
	if got := strings.Join(kept, " "); got != "seen 7 8 9" {
		t.Error(got)
	}
	if got := strings.Join(Kept(kept, "9"), " "); got != "seen 7 8 9" {
		t.Error(got)
	}
	if got := strings.Join(Seen(kept, "8"), " "); got != "8 9" {
		t.Error(got)
	}
	if got := strings.Join(Seen(kept, "none of them"), " "); got != "seen 7 8 9" {
		t.Error(got)
	}
}
