package rules

import (
	"fmt"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// costLimit bounds one evaluation, in units. A unit is a part of the rule that is looked at, a field or an item of what is compared or
// made, or [textUnit] bytes of a text: about 100 ns, and 100 bytes of memory.
const costLimit = 200_000

// SharedLimit bounds the evaluations that share a count together, as those of one pass over an object do, in units.
const SharedLimit = 1_000_000

// textUnit is how many bytes of a text cost a unit: they are moved or looked at one after the other.
const textUnit = 10

var errTooExpensive = fmt.Errorf("cost limit: it takes more than %d units of work; let it look at less of the report, or do so once", costLimit)

var errShared = fmt.Errorf("cost limit: the rules before it took %d units of work; make them simpler", SharedLimit)

// meterName is where an evaluation finds its meter. No rule can name it.
const meterName = "@meter"

// meter counts what an evaluation costs.
type meter struct{ cost uint64 }

// affords counts a cost, and says whether it is within the limit; what is not must not be done.
func (m *meter) affords(cost uint64) bool {
	m.cost = min(m.cost+min(cost, costLimit+1), costLimit+1)
	return m.cost <= costLimit
}

// charge counts a cost before the work is done, and ends the evaluation if it is too much. CEL ends one in the same way.
func charge(frame *interpreter.ExecutionFrame, cost uint64) {
	found, _ := frame.ResolveName(meterName)
	if spent, ok := found.(*meter); !ok || !spent.affords(cost) {
		panic(interpreter.EvalCancelledError{Cause: interpreter.CostLimitExceeded, Message: errTooExpensive.Error()})
	}
}

// sizeOf is what it costs to look at all of a value, a bit more than the limit at most. A value that stands in several places is looked
// at in each: so does a comparison. It is walked through as it was decoded or made, which makes nothing new.
func sizeOf(value any, limit uint64) uint64 {
	size := uint64(1)
	switch typed := value.(type) {
	case string:
		return text(len(typed))
	case []byte:
		return text(len(typed))
	case []any:
		return sizeOfItems(typed, limit)
	case []ref.Val:
		return sizeOfItems(typed, limit)
	case map[string]any:
		for key, field := range typed {
			if size += text(len(key)); size > limit {
				break
			}
			size += sizeOf(field, limit-size)
		}
	case map[ref.Val]ref.Val: // its keys stand in the rule
		for _, field := range typed {
			if size++; size > limit {
				break
			}
			size += sizeOf(field, limit-size)
		}
	case traits.Lister, traits.Mapper, types.String, types.Bytes:
		return sizeOf(typed.(ref.Val).Value(), limit)
	}
	return size
}

func sizeOfItems[T any](items []T, limit uint64) uint64 {
	size := uint64(1)
	for i := 0; i < len(items) && size <= limit; i++ {
		size += sizeOf(items[i], limit-size)
	}
	return size
}

func text(length int) uint64 { return 1 + uint64(length)/textUnit }

// lengthOf is how many items or fields a value has itself.
func lengthOf(value ref.Val) uint64 {
	if sized, ok := value.(traits.Sizer); ok {
		if length, ok := sized.Size().(types.Int); ok {
			return uint64(length)
		}
	}
	return 1
}

// comparing two values looks at no more than the smaller one has. Neither is looked at much further than that, here either: what is
// compared with a small value a thousand times is not walked through a thousand times.
func comparing(a, b ref.Val) uint64 {
	for limit := uint64(64); ; limit *= 8 {
		smaller := min(sizeOf(a, limit), sizeOf(b, limit))
		if smaller <= limit || limit > costLimit {
			return smaller
		}
	}
}
