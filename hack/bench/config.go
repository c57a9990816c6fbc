package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// benchmarked is what `go test -bench` says of one benchmark, by the names of its units.
type benchmarked map[string]float64

// benchmarkConfig runs the benchmarks of edits of a configuration of real size.
func benchmarkConfig(ctx context.Context, root string) (map[string]benchmarked, error) {
	test := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=RealSize$", "-benchmem", "-count=5", "-benchtime=0.5s", "./internal/config")
	test.Dir = root
	output, err := test.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", test, err, output)
	}
	return parseBenchmarks(string(output)), nil
}

var (
	benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(\w+?)(?:-\d+)?\s+\d+\s+(.*)$`)
	benchmarkUnit = regexp.MustCompile(`([0-9.]+) (\S+)`)
)

// parseBenchmarks takes the median of the runs of each benchmark.
func parseBenchmarks(output string) map[string]benchmarked {
	runs := map[string]map[string][]float64{}
	for _, line := range benchmarkLine.FindAllStringSubmatch(output, -1) {
		units := runs[line[1]]
		if units == nil {
			units = map[string][]float64{}
			runs[line[1]] = units
		}
		for _, unit := range benchmarkUnit.FindAllStringSubmatch(line[2], -1) {
			if value, err := strconv.ParseFloat(unit[1], 64); err == nil {
				units[unit[2]] = append(units[unit[2]], value)
			}
		}
	}
	medians := map[string]benchmarked{}
	for name, units := range runs {
		medians[name] = benchmarked{}
		for unit, values := range units {
			medians[name][unit] = median(values)
		}
	}
	return medians
}

// configRows compare an edit, and its undoing, with one parse of the same document by the same library. They do not depend on
// the number of incidents.
func configRows(all map[string]benchmarked, sizes int) ([]row, error) {
	var rows []row
	for _, compared := range []struct {
		what, name, unit string
		goal             float64
	}{
		{"P6 edit of 84 kB of configuration : one parse, time", "ApplyRealSize", "ns/op", 2.5},
		{"   ... allocations", "ApplyRealSize", "allocs/op", none},
		{"   undo of the edit : one parse, time", "UndoRealSize", "ns/op", none},
	} {
		value, parse := all[compared.name][compared.unit], all["ParseRealSize"][compared.unit]
		if value == 0 || parse == 0 {
			return nil, fmt.Errorf("no result for %s of %s and of ParseRealSize", compared.unit, compared.name)
		}
		r := row{what: compared.what, minimum: none, goal: compared.goal}
		for range sizes {
			r.floor, r.ours = append(r.floor, none), append(r.ours, none)
		}
		r.ours[sizes-1] = value / parse
		rows = append(rows, r)
	}
	return rows, nil
}
