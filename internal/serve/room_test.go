package serve

import (
	"context"
	"testing"
)

func TestRoomOfOneOwnerIsNotThatOfOthers(t *testing.T) {
	r := NewRoom(6, 3)
	ended, end := context.WithCancel(t.Context())
	end()
	var leave []func()
	for _, one := range []struct {
		owner   string
		entered bool
	}{{"a", true}, {"a", true}, {"a", true}, {"a", false}, {"b", true}, {"b", true}, {"b", true}, {"b", false}, {"c", false}} {
		ctx := t.Context()
		if !one.entered {
			ctx = ended
		}
		out, entered := r.Enter(ctx, one.owner)
		if entered != one.entered {
			t.Fatalf("%s: %t", one.owner, entered)
		}
		if entered {
			leave = append(leave, out)
		}
	}
	for _, out := range leave {
		out()
	}
	if len(r.own) != 0 || len(r.all) != 0 {
		t.Errorf("%d owners and %d requests are remembered", len(r.own), len(r.all))
	}
}
