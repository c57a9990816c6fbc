package main

import "io"

// phaseRows are what the quiet namespace saw, phase by phase; the first is the calm one.
func phaseRows(phases []phase, memory int64) []row {
	calm := phases[0]
	of := func(what string, goal float64, value func(phase) float64) row {
		r := row{what: what, minimum: none, goal: goal}
		for _, one := range phases {
			r.ours = append(r.ours, value(one))
		}
		return r
	}
	return []row{
		of("H1 incident to first Job : the same when calm", none, func(p phase) float64 { return float64(p.wait) / float64(calm.wait) }),
		of("   one raw create : the same when calm", none, func(p phase) float64 { return float64(p.create) / float64(calm.create) }),
		of("   the first : the second, what the operator adds", 3, func(p phase) float64 {
			return float64(p.wait) / float64(calm.wait) / max(1, float64(p.create)/float64(calm.create))
		}),
		of("   incident to first Job, median, ms", none, func(p phase) float64 { return ms(p.wait) }),
		of("   ... the longest", none, func(p phase) float64 { return ms(p.longest) }),
		of("H2 deadline to its record, s", 2, func(p phase) float64 { return p.late.Seconds() }),
		of("H3 most memory so far : the shipped limit", 0.9, func(p phase) float64 { return float64(p.peak) / float64(memory) }),
		of("   CPU, share of one", none, func(p phase) float64 { return float64(p.cpu) / float64(p.took) }),
	}
}

func printPhases(out io.Writer, phases []phase, memory int64) error {
	var heads []string
	for _, one := range phases {
		heads = append(heads, one.name)
	}
	return printRows(out, heads, phaseRows(phases, memory), func(r row) (cells []string) {
		for _, value := range r.ours {
			cells = append(cells, number(value))
		}
		return cells
	})
}
