package evidence_test

import (
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// Whatever name the API server takes, its folder is a name that a file system takes.
func TestThePrefixOfALongName(t *testing.T) {
	day := time.Date(2026, 11, 23, 23, 59, 0, 0, time.UTC)
	for n := 1; n <= 253; n++ {
		prefix := evidence.Prefix("trading", strings.Repeat("x", n), "12345678-aaaa", day)
		for part := range strings.SplitSeq(prefix, "/") {
			if len(part) > 255 {
				t.Fatalf("of a name with %d characters there is a part with %d", n, len(part))
			}
		}
	}
	if got := evidence.Prefix("trading", "off", "12345678-aaaa", day); got != "trading/2026/11/23/off-12345678/" {
		t.Error(got)
	}
	one, two := strings.Repeat("x", 240)+"-a", strings.Repeat("x", 240)+"-b"
	if evidence.Prefix("trading", one, "1", day) == evidence.Prefix("trading", two, "2", day) {
		t.Error("two names have one folder")
	}
}
