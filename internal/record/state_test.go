package record

import (
	"strings"
	"testing"
)

func TestParseState(t *testing.T) {
	if state, err := ParseState(""); err != nil || state.SHA256 != "" || state.Holder("a") != nil {
		t.Errorf("%+v %v", state, err)
	}
	if _, err := ParseState("{"); err == nil || !strings.Contains(err.Error(), "the operator's record of its edits cannot be read") {
		t.Errorf("%v", err)
	}
}
