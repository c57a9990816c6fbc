package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// benchmarked is what `go test -bench` says of one benchmark, by the names of its units.
type benchmarked map[string]float64

// rounds are how often the benchmarks are run, in turns.
const rounds = 7

// benchmarkConfig runs the benchmarks of edits of a configuration of real size.
func benchmarkConfig(ctx context.Context, root string) (map[string]benchmarked, error) {
	var all strings.Builder
	for range rounds {
		test := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=RealSize$", "-benchmem", "-benchtime=0.3s", "./internal/config")
		test.Dir = root
		output, err := test.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", test, err, output)
		}
		all.Write(output)
	}
	return parseBenchmarks(all.String()), nil
}

var (
	benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(\w+?)(?:-\d+)?\s+\d+\s+(.*)$`)
	benchmarkUnit = regexp.MustCompile(`([0-9.]+) (\S+)`)
)

// parseBenchmarks takes the least of the runs of each benchmark: what else the machine does can only add to it.
func parseBenchmarks(output string) map[string]benchmarked {
	least := map[string]benchmarked{}
	for _, line := range benchmarkLine.FindAllStringSubmatch(output, -1) {
		units := least[line[1]]
		if units == nil {
			units = benchmarked{}
			least[line[1]] = units
		}
		for _, unit := range benchmarkUnit.FindAllStringSubmatch(line[2], -1) {
			value, err := strconv.ParseFloat(unit[1], 64)
			if before, known := units[unit[2]]; err == nil && (!known || value < before) {
				units[unit[2]] = value
			}
		}
	}
	return least
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
