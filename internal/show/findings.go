package show

// Health is what is known of something.
type Health int

// Unknown is not well: nobody has seen it.
const (
	Unknown Health = iota
	Well
	Wrong
)

// Finding is what was found out about one thing.
type Finding struct {
	Is         Health
	What, Text string
}

// Findings is a list of them.
func Findings(found []Finding, options Options) string {
	if options.Width <= 0 {
		options.Width = DefaultWidth
	}
	w := &writer{Options: options}
	for _, one := range found {
		sign, says := unclear, "not known: "
		switch one.Is {
		case Well:
			sign, says = good, ""
		case Wrong:
			sign, says = bad, ""
		}
		head := w.paint(sign.colour, sign.sign) + " "
		for _, line := range wrap(or(one.What)+": "+says+or(one.Text), w.Width-2) {
			w.line("", head+line)
			head = "  "
		}
	}
	return w.text()
}
