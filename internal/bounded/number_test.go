package bounded

import (
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 1: "1", -9.06642: "-9.0664", 0.2595661733914552: "0.2596", 1e21: "1000000000000000000000", 0.00001234567: "1.235e-05",
		-0.0009: "-0.0009", 17.99999: "18", math.Inf(1): "+Inf",
	} {
		if got := Number(value); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
}
