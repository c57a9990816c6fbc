package pauses_test

import (
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/pauses"
)

func TestWhatIsNotSetIsItsDefault(t *testing.T) {
	usual := pauses.Default()
	if got := (pauses.Pauses{}).OrDefault(); got != usual {
		t.Errorf("nothing set: %+v, not %+v", got, usual)
	}
	if got := (pauses.Pauses{Gather: -1, GatherLimit: -1, Rollout: -1, Turn: -1, Lease: -1}).OrDefault(); got != usual {
		t.Errorf("negative: %+v, not %+v", got, usual)
	}
	set := pauses.Pauses{Gather: time.Millisecond, GatherLimit: 2 * time.Millisecond, Rollout: 3 * time.Millisecond, Turn: 4 * time.Millisecond, Lease: 5 * time.Millisecond}
	if got := set.OrDefault(); got != set {
		t.Errorf("all set: %+v, not %+v", got, set)
	}
}

func TestALeaseIsRenewedInTime(t *testing.T) {
	if deadline, retry := pauses.Default().Renewal(); deadline != 10*time.Second || retry != 2*time.Second {
		t.Errorf("deadline %s, retry %s: not what leader election does by itself", deadline, retry)
	}
}
