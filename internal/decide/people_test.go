package decide_test

import (
	"strings"
	"testing"

	"tradeops.dev/strategy-operator/internal/decide"
)

func TestWhoIsAPerson(t *testing.T) {
	machines := decide.Machines{"argocd", "alert-intake"}
	for name, c := range map[string]struct{ person, maybe bool }{
		"alice":                                {true, true},
		"":                                     {false, true},
		"system:serviceaccount:trading:intake": {false, false},
		"argocd":                               {false, false},
		"argocd-alice":                         {true, true},
	} {
		if got := machines.Person(name); got != c.person {
			t.Errorf("%q is a person: %t", name, got)
		}
		if got := machines.MayBePerson(name); got != c.maybe {
			t.Errorf("%q may be a person: %t", name, got)
		}
	}
}

// TestWhatAMachineAppliedWasAskedForByNobodyKnown, and four eyes by names say nothing then.
func TestWhatAMachineAppliedWasAskedForByNobodyKnown(t *testing.T) {
	machines := decide.Machines{"gitops"}
	for name, unknown := range map[string]bool{"alice": false, "": false, "gitops": true, "system:serviceaccount:flux:apply": true} {
		if why := machines.UnknownRequester(name); strings.Contains(why, "applied by "+name) != unknown || (why != "") != unknown {
			t.Errorf("%q: %q", name, why)
		}
	}
}
