package pauses_test

import (
	"reflect"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/pauses"
)

func TestWhatIsNotSetIsItsDefault(t *testing.T) {
	usual := pauses.Default()
	if got := (pauses.Pauses{}).OrDefault(); got != usual {
		t.Errorf("nothing set: %+v, not %+v", got, usual)
	}
	var set, negative pauses.Pauses
	for i := range reflect.TypeFor[pauses.Pauses]().NumField() { // none can be forgotten
		reflect.ValueOf(&set).Elem().Field(i).SetInt(int64(i + 1))
		reflect.ValueOf(&negative).Elem().Field(i).SetInt(-1)
		if reflect.ValueOf(usual).Field(i).Int() <= 0 {
			t.Errorf("%s has no default", reflect.TypeFor[pauses.Pauses]().Field(i).Name)
		}
	}
	if got := set.OrDefault(); got != set {
		t.Errorf("all set: %+v, not %+v", got, set)
	}
	if got := negative.OrDefault(); got != usual {
		t.Errorf("negative: %+v, not %+v", got, usual)
	}
}

func TestALeaseIsRenewedInTime(t *testing.T) {
	if deadline, retry := pauses.Default().Renewal(); deadline != 10*time.Second || retry != 2*time.Second {
		t.Errorf("deadline %s, retry %s: not what leader election does by itself", deadline, retry)
	}
}
