package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tradeops.dev/strategy-operator/internal/config"
)

// rounds are how often each benchmark is run, in turns. The least counts: what else the machine does can only add to it.
const rounds = 7

// sections of the document, ten lines each.
const sections = 285

// realSize is a document of the size and shape of a production configuration: 2,850 lines and 84 kB.
func realSize() []byte {
	var b strings.Builder
	for i := range sections {
		fmt.Fprintf(&b, "strategy_%03d:\n  name: the strategy number %03d\n  enabled: true\n", i, i)
		b.WriteString("  limits: {max_daily_loss_pct: 0.015, max_position_usd: 12500.0}\n  tags: [mean_reversion, cross_exchange]\n")
		fmt.Fprintf(&b, "  storage:\n    path: var/data/strategies/strategy_%03d.json\n    items:\n      - key: value\n", i)
		b.WriteString("        note: \"quoted text\" # a comment\n")
	}
	return []byte(b.String())
}

// cost is what one run of something takes.
type cost struct{ time, allocations float64 }

// costs measures things in turns.
func costs(ctx context.Context, things ...func() error) ([]cost, error) {
	least := make([]cost, len(things))
	for round := range rounds {
		for i, thing := range things {
			var failed error
			result := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					failed = errors.Join(failed, thing())
				}
			})
			if err := errors.Join(failed, ctx.Err()); err != nil {
				return nil, err
			}
			one := cost{float64(result.T) / float64(result.N), float64(result.MemAllocs) / float64(result.N)}
			if round > 0 {
				one = cost{min(one.time, least[i].time), min(one.allocations, least[i].allocations)}
			}
			least[i] = one
		}
	}
	return least, nil
}

// configRows compare an edit, and its undoing, with one parse of the same document by the same library. They do not depend on
// the number of incidents.
func configRows(ctx context.Context, sizes int) ([]row, error) {
	document := realSize()
	edits := []config.Edit{{Path: "/strategy_140/storage/items/[key=new]", Value: "{key: new, note: x}"}}
	other := []config.Edit{{Path: "/strategy_141/storage/items/[key=new]", Value: "{key: new, note: x}"}}
	parsed, err := config.Parse(string(document))
	if err != nil {
		return nil, err
	}
	edited, records, err := parsed.Apply(edits)
	if err != nil {
		return nil, err
	}
	all, err := costs(ctx,
		func() error { return yaml.Unmarshal(document, &yaml.Node{}) },
		func() error { // in turns: a document remembers the last edits
			edits, other = other, edits
			_, _, err := parsed.Apply(edits)
			return err
		},
		func() error { _, _, err := edited.Undo(records); return err },
	)
	if err != nil {
		return nil, err
	}
	parse, apply, undo := all[0], all[1], all[2]
	last := func(what string, value, goal float64) row {
		r := row{what: what, minimum: none, goal: goal}
		for range sizes {
			r.floor, r.ours = append(r.floor, none), append(r.ours, none)
		}
		r.ours[sizes-1] = value
		return r
	}
	return []row{
		last("P6 edit of 84 kB of configuration : one parse, time", apply.time/parse.time, 1.5),
		last("   ... allocations", apply.allocations/parse.allocations, none),
		last("   undo of the edit : one parse, time", undo.time/parse.time, none),
	}, nil
}
