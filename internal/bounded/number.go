package bounded

import (
	"math"
	"strconv"
)

// Number is a number for people, with at most four decimals; one that is smaller keeps its first digits. What is decided on stays exact.
func Number(value float64) string {
	if math.Abs(value) < 1e-3 {
		return strconv.FormatFloat(value, 'g', 4, 64)
	}
	if math.Abs(value) < 1e12 { // a larger one has no room for decimals
		value = math.Round(value*1e4) / 1e4
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
