package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/internal/bounded"
)

// Why no library draws these: those in Go set fonts, colours and sizes in the picture itself, so a plot of theirs has no dark and no printed
// form, and no text that is read out; and what is left of a line plot is the few sums below.

// Sizes of a plot, in its own units; the page scales it.
const (
	plotWidth  = 460.0
	plotHeight = 190.0
	plotLeft   = 62.0
	plotRight  = 448.0
	plotTop    = 22.0
	plotBottom = 162.0
)

// linePlot is a line as it is drawn.
type linePlot struct {
	Width, Height, Left, Right, Top, Bottom string
	Margin, Foot, Over                      string // where texts stand
	Rows, Columns, Marks, Letters           []tick
	Curve                                   string
	Dots                                    []dot
}

type tick struct{ At, Text string }

type dot struct{ X, Y string }

// coordinate is a number of a picture: two digits are finer than any screen, and the same on every machine.
func coordinate(value float64) string {
	return strconv.FormatFloat(math.Round(value*100)/100, 'f', -1, 64)
}

// scale leads from numbers to places.
type scale struct{ from, to, start, end float64 }

func (s scale) at(value float64) float64 {
	if s.from == s.to {
		return (s.start + s.end) / 2
	}
	part := (value/2 - s.from/2) / (s.to/2 - s.from/2) // halves: the difference of two doubles may be none
	return s.start + part*(s.end-s.start)
}

func (l line) plot() linePlot {
	plot := linePlot{
		Width: coordinate(plotWidth), Height: coordinate(plotHeight), Left: coordinate(plotLeft), Right: coordinate(plotRight), Top: coordinate(plotTop),
		Bottom: coordinate(plotBottom), Margin: coordinate(plotLeft - 6), Foot: coordinate(plotBottom + 18), Over: coordinate(plotTop - 6),
	}
	low, high := series{Points: l.Points}.bounds()
	rows := ticks(low, high)
	vertical := scale{min(low, rows[0]), max(high, rows[len(rows)-1]), plotBottom, plotTop}
	for _, value := range rows {
		plot.Rows = append(plot.Rows, tick{coordinate(vertical.at(value)), bounded.Number(value)})
	}
	from, to := l.from(), l.to()
	horizontal := scale{float64(from.Unix()), float64(to.Unix()), plotLeft, plotRight}
	plot.Columns = columns(from, to, horizontal)
	plot.Marks, plot.Letters = l.marks(horizontal)
	var curve []string
	for _, one := range l.Points {
		x, y := coordinate(horizontal.at(float64(one.Time.UnixMilli())/1000)), coordinate(vertical.at(one.Value))
		curve = append(curve, x+","+y)
		if len(l.Points) <= 60 {
			plot.Dots = append(plot.Dots, dot{x, y})
		}
	}
	plot.Curve = strings.Join(curve, " ")
	return plot
}

// near is how far apart two letters stand at least.
const near = 14.0

// marks are a line for each event, and its letter; of those that stand too near to each other the first and the last.
func (l line) marks(horizontal scale) (lines, letters []tick) {
	last, first := math.Inf(-1), ""
	for _, one := range l.Events {
		x := horizontal.at(float64(one.Time.Unix()))
		lines = append(lines, tick{At: coordinate(x)})
		if x-last < near {
			letters[len(letters)-1].Text = first + "–" + one.Letter
			continue
		}
		letters, last, first = append(letters, tick{coordinate(x), one.Letter}), x, one.Letter
	}
	return lines, letters
}

// from and to are the ends of the plot: events before the first sample and after the last are in it.
func (l line) from() time.Time {
	first := l.Points[0].Time
	for _, one := range l.Events {
		if one.Time.Before(first) {
			first = one.Time
		}
	}
	return first
}

func (l line) to() time.Time {
	last := l.Points[len(l.Points)-1].Time
	for _, one := range l.Events {
		if one.Time.After(last) {
			last = one.Time
		}
	}
	return last
}

// columns are four times, to the second where the whole is short, and to the day where it is long.
func columns(from, to time.Time, horizontal scale) []tick {
	form := "15:04"
	switch took := to.Sub(from); {
	case took < 5*time.Minute:
		form = "15:04:05"
	case took > 36*time.Hour:
		form = "01-02 15:04"
	}
	const parts = 3
	var all []tick
	for i := range parts + 1 {
		at := from.Add(to.Sub(from) / parts * time.Duration(i))
		x := horizontal.at(float64(at.Unix()))
		all = append(all, tick{coordinate(min(x, plotRight-18)), at.UTC().Format(form)})
		if from.Equal(to) {
			break
		}
	}
	return all
}

// ticks are round numbers that cover a range: three to six of them.
func ticks(low, high float64) []float64 {
	if high-low <= 0 || math.IsInf(high-low, 0) {
		if low == high {
			return []float64{low}
		}
		return []float64{low, high}
	}
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	switch parts := (high - low) / step; {
	case parts < 2:
		step /= 4
	case parts < 4:
		step /= 2
	case parts > 6:
		step *= 2
	}
	first := math.Floor(low/step) * step
	var all []float64
	for i := 0; i < 14; i++ {
		value := first + float64(i)*step
		all = append(all, value)
		if value >= high {
			break
		}
	}
	return all
}

// barPlot is a comparison as it is drawn.
type barPlot struct {
	Width, Height string
	Bars          []barPair
}

type barPair struct {
	Name, NameY                                   string
	Before, BeforeX, BeforeY, BeforeT, BeforeText string
	After, AfterX, AfterY, AfterT, AfterText      string
}

// Sizes of bars.
const (
	barRoom = 300.0 // of the longest
	barRow  = 48.0  // of a pair
)

func (b *bars) plot() barPlot {
	plot := barPlot{Width: coordinate(plotWidth), Height: coordinate(barRow * float64(len(b.Pairs)))}
	for i, one := range b.Pairs {
		top := barRow * float64(i)
		most := max(one.Before, one.After)
		before, after := barRoom*(one.Before/most), barRoom*(one.After/most)
		plot.Bars = append(plot.Bars, barPair{
			Name: bounded.Line(one.Name, 60), NameY: coordinate(top + 13),
			Before: coordinate(before), BeforeX: coordinate(before + 6), BeforeY: coordinate(top + 19), BeforeT: coordinate(top + 28), BeforeText: bounded.Number(one.Before),
			After: coordinate(after), AfterX: coordinate(after + 6), AfterY: coordinate(top + 31), AfterT: coordinate(top + 40), AfterText: bounded.Number(one.After),
		})
	}
	return plot
}
