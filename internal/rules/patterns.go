package rules

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

const (
	// maxPattern bounds a pattern, in instructions of its program. Each is tried at each byte of the text, at worst.
	maxPattern = 1000
	// maxMatched bounds the text that a pattern is looked for in, in bytes.
	maxMatched = 4096
	// perUnit is how many instructions at one byte cost a unit.
	perUnit = 10
)

// compilePattern refuses what would be too large before it is made.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	if err := PatternFits(pattern); err != nil {
		return nil, fmt.Errorf("matches(): %w", err)
	}
	return regexp.Compile(pattern)
}

// PatternFits says why a regular expression is none, or would be too large to be made: x{999}{999} has few characters.
func PatternFits(pattern string) error {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return fmt.Errorf("the pattern cannot be read: %w", err)
	}
	if instructions(parsed) > maxPattern {
		return fmt.Errorf("the pattern is too large: it has more than %d instructions when its repetitions are written out; repeat less, or with * and +", maxPattern)
	}
	return nil
}

// instructions is about how many instructions a pattern's program has; once it is above maxPattern it may be any number above.
func instructions(parsed *syntax.Regexp) int {
	size := 1 + len(parsed.Rune)/2
	switch parsed.Op {
	case syntax.OpLiteral:
		size = len(parsed.Rune)
	case syntax.OpCapture:
		size = 2
	}
	for _, part := range parsed.Sub {
		size = min(size+instructions(part), maxPattern+1)
	}
	if parsed.Op == syntax.OpRepeat {
		size = min((size+1)*max(parsed.Min, parsed.Max, 1), maxPattern+1)
	}
	return size
}

// instructionsOf patterns together.
func instructionsOf(patterns map[int64]*regexp.Regexp) (all int) {
	for _, pattern := range patterns {
		all += int(sizeOfPattern(pattern))
	}
	return all
}

// sizeOfPattern is in instructions.
func sizeOfPattern(pattern *regexp.Regexp) uint64 {
	parsed, err := syntax.Parse(pattern.String(), syntax.Perl)
	if err != nil {
		return maxPattern
	}
	return uint64(instructions(parsed))
}

func matchingCost(pattern *regexp.Regexp) func(args []ref.Val) uint64 {
	size := sizeOfPattern(pattern)
	return func(args []ref.Val) uint64 {
		looked, _ := args[0].(types.String)
		if len(looked) > maxMatched {
			return 1 // it is refused
		}
		return 1 + size*uint64(len(looked)+1)/perUnit
	}
}

func matching(pattern *regexp.Regexp) func(args []ref.Val) ref.Val {
	return func(args []ref.Val) ref.Val {
		looked, is := args[0].(types.String)
		switch {
		case !is:
			return types.MaybeNoSuchOverloadErr(args[0])
		case len(looked) > maxMatched:
			return types.NewErr("matches() looks at %d bytes at most, and this text has %d", maxMatched, len(looked))
		}
		return types.Bool(pattern.MatchString(string(looked)))
	}
}
