package action_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"tradeops.dev/strategy-operator/internal/action"
)

// kinds are all actions. Whoever adds one says here what it is; the compiler does not.
var kinds = map[string]struct {
	action   action.Action
	starts   bool // a playbook on hold must not
	evidence bool // it is a write into the bucket
	tidies   bool // nothing that an object does next hangs on it
}{
	"StoreEvidence":   {action: action.StoreEvidence{}, evidence: true},
	"AppendEntries":   {action: action.AppendEntries{}, evidence: true},
	"CreateJob":       {action: action.CreateJob{}, starts: true},
	"DeleteJob":       {action: action.DeleteJob{}, tidies: true},
	"CreateRevision":  {action: action.CreateRevision{}},
	"DeleteRevision":  {action: action.DeleteRevision{}, tidies: true},
	"CreateConfigMap": {action: action.CreateConfigMap{}, starts: true},
	"DeleteObject":    {action: action.DeleteObject{}, tidies: true},
	"CreateRollback":  {action: action.CreateRollback{}, starts: true},
	"CreateIncident":  {action: action.CreateIncident{}}, // clocks and calls; what it starts asks for itself
	"AnswerDecision":  {action: action.AnswerDecision{}, tidies: true},
	"KeepReceipt":     {action: action.KeepReceipt{}},
	"WriteConfig":     {action: action.WriteConfig{}, starts: true},
	"KeepCheckpoints": {action: action.KeepCheckpoints{}},
	"RestartWorkload": {action: action.RestartWorkload{}, starts: true},
	"SetFinalizers":   {action: action.SetFinalizers{}},
	"Event":           {action: action.Event{}},
}

func TestEachActionIsWhatItSays(t *testing.T) {
	for name, c := range kinds {
		effect := reflect.TypeOf(c.action).String()
		if effect != "action."+name {
			t.Errorf("%s is %s", name, effect)
		}
		if got := action.Starts(c.action); got != c.starts {
			t.Errorf("%s starts something: %t", name, got)
		}
		if got := action.IsEvidence(effect); got != c.evidence {
			t.Errorf("%s is evidence: %t", name, got)
		}
		if got := action.Tidies(effect); got != c.tidies {
			t.Errorf("%s tidies up: %t", name, got)
		}
		if c.starts && c.tidies {
			t.Errorf("%s both starts and tidies", name)
		}
	}
}

func TestEachActionIsInTheTable(t *testing.T) {
	source, err := os.ReadFile("action.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, one := range regexp.MustCompile(`func \((\w+)\) isAction`).FindAllSubmatch(source, -1) {
		found = append(found, string(one[1]))
		if _, listed := kinds[string(one[1])]; !listed {
			t.Errorf("nobody says whether %s starts something", one[1])
		}
	}
	for name := range kinds {
		if !slices.Contains(found, name) {
			t.Errorf("%s is no action", name)
		}
	}
}
