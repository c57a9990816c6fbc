package report

import (
	"fmt"
	"time"

	"tradeops.dev/strategy-operator/internal/bounded"
)

// document is a report before it is written down. Its texts are plain: whoever writes it down escapes them.
type document struct {
	Title    string
	Subtitle string
	Drill    bool
	Notices  []notice
	Figures  []figure
	Sections []section
}

// notice stands on top.
type notice struct {
	Mark mark
	Text string
}

// figure is one thing to see at a glance.
type figure struct {
	Mark        mark
	Label, Text string
}

type section struct {
	ID, Title string
	Blocks    []block
}

// block has one of these.
type block struct {
	Heading string
	Text    string
	Table   *table
	List    []item
	Code    string
	Lines   []line // plots
	Bars    *bars
	Blank   []string // for people to fill in, under each of these
}

type table struct {
	Caption string
	Head    []string
	Rows    [][]cell
}

type cell struct {
	Text string
	Link string // relative to the report; empty: none
	Mark mark
	Code bool
}

// Class is how a cell is drawn: a time stays on one line.
func (c cell) Class() string {
	if _, err := time.Parse(time.DateTime, c.Text); err == nil {
		return "moment"
	}
	return string(c.Mark)
}

// item of a checklist.
type item struct {
	Done  bool
	Mark  mark
	Text  string
	Links []cell
}

// mark is how something is to be taken. It never stands alone: the text says the same.
type mark string

const (
	good    mark = "good"
	careful mark = "careful"
	bad     mark = "bad"
)

// Limits of what is shown. The evidence has the rest.
const (
	maxText  = 1200     // bytes of a sentence
	maxCode  = 16 << 10 // bytes of a diff
	maxRows  = 400      // of a table
	maxItems = 200      // of a list
)

func text(words string) cell { return cell{Text: bounded.Line(words, maxText)} }

func code(words string) cell { return cell{Text: bounded.Line(words, maxText), Code: words != ""} }

func marked(m mark, words string) cell { return cell{Text: bounded.Line(words, maxText), Mark: m} }

func texts(words ...string) []cell {
	row := make([]cell, len(words))
	for i, one := range words {
		row[i] = text(one)
	}
	return row
}

// clean makes every text of a document fit to be shown: bounded, one line, and without what no one can see.
func (d *document) clean() {
	line := func(all ...*string) {
		for _, one := range all {
			*one = bounded.Line(*one, maxText)
		}
	}
	line(&d.Title, &d.Subtitle)
	for i := range d.Notices {
		line(&d.Notices[i].Text)
	}
	for i := range d.Figures {
		line(&d.Figures[i].Text)
	}
	for _, section := range d.Sections {
		for i := range section.Blocks {
			one := &section.Blocks[i]
			line(&one.Heading, &one.Text)
			for k := range one.List {
				line(&one.List[k].Text)
			}
			for k := range one.Lines {
				line(&one.Lines[k].Title, &one.Lines[k].Unit, &one.Lines[k].Said)
			}
			if one.Bars != nil {
				line(&one.Bars.Title)
			}
		}
	}
}

// most keeps the first and the last of many rows, and says between them how many are left out.
func (t table) most() *table {
	if left := len(t.Rows) - maxRows; left > 0 {
		note := make([]cell, len(t.Head))
		note[len(note)-1] = marked(careful, fmt.Sprintf("%d more are left out here; the evidence has them", left))
		rows := append([][]cell(nil), t.Rows[:maxRows/2]...)
		t.Rows = append(append(rows, note), t.Rows[len(t.Rows)-maxRows/2:]...)
	}
	return &t
}

// moment is a time in UTC, as in the log.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.DateTime)
}

// span of time, in whole seconds.
func span(took time.Duration) string {
	took = took.Truncate(time.Second)
	if took < 0 {
		return "-" + span(-took)
	}
	days, hours, minutes, seconds := int(took.Hours())/24, int(took.Hours())%24, int(took.Minutes())%60, int(took.Seconds())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	}
	return fmt.Sprintf("%d s", seconds)
}

func between(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	return span(to.Sub(from))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
