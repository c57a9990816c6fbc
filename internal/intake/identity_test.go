package intake

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestNames(t *testing.T) {
	for alertname, want := range map[string]string{
		"MultiStrategyPnlDrawdown": "multistrategypnldrawdown-", "Fill ratio low!": "fill-ratio-low-", "": "alert-", "ПРИВЕТ": "alert-",
		"-a--b-": "a-b-", strings.Repeat("x", 100): strings.Repeat("x", 40) + "-", "a/../../b": "a-b-",
		strings.Repeat("x", 39) + " y": strings.Repeat("x", 39) + "-",
	} {
		name := nameOf(map[string]string{"alertname": alertname}, nil)
		if !regexp.MustCompile(`^` + want + `[0-9a-f]{16}$`).MatchString(name) {
			t.Errorf("%q is %s", alertname, name)
		}
	}
	// A name that is upgraded to another one would be every alert once more.
	if got := nameOf(map[string]string{"alertname": "Watchdog", "severity": "none"}, nil); got != "watchdog-"+pinned {
		t.Errorf("the name of an alert is %s now", got)
	}
}

// pinned is the hash of the labels of one alert.
const pinned = "007d8ef5cd67ae3e"

// No two sets of labels are written the same, whatever is in them.
func TestOtherLabelsAreAnotherAlert(t *testing.T) {
	seen := map[string]map[string]string{}
	for _, labels := range []map[string]string{
		{"a": "b"}, {"a": "b", "c": "d"}, {"a": "b\n1:c=1:d"}, {"a": "b,c=d"}, {"ab": ""}, {"a=1:b": ""}, {}, {"c": "d"},
		{"a": strings.Repeat("x", 2000)}, {"a": strings.Repeat("x", 2001)},
	} {
		name := nameOf(labels, nil)
		if other, found := seen[name]; found {
			t.Errorf("%v and %v are both %s", labels, other, name)
		}
		seen[name] = labels
	}
}

func TestWhatIsTooLargeIsCut(t *testing.T) {
	many := map[string]string{"zzz": "last", "alertname": "Big", "severity": "critical", "schedule": "s", "strategy": "t", "namespace": "n"}
	for i := range 100 {
		many[fmt.Sprintf("label_%03d", i)] = strings.Repeat("v", 10)
	}
	h := fit(alert{labels: many, state: strategyv1.AlertFiring}, "sender")
	if len(h.labels) != maxLabels || h.labels["namespace"] != "n" || h.labels["zzz"] != "" {
		t.Errorf("%d labels are kept: %v", len(h.labels), h.labels)
	}
	if want := "42 labels left out: label_059, label_060, label_061, label_062, ..."; h.leftOut != want {
		t.Errorf("left out: %s", h.leftOut)
	}
	large := map[string]string{"alertname": "Big"}
	notes := map[string]string{"summary": strings.Repeat("ﷺ", 1000), "a": strings.Repeat("a", 1000), "description": strings.Repeat("d", 5000), "z": "z", strings.Repeat("n", 200): "x"}
	for i := range 12 {
		large[fmt.Sprintf("label_%d", i)] = strings.Repeat("v", 1030)
	}
	h = fit(alert{labels: large, annotations: notes, state: strategyv1.AlertFiring}, "sender")
	if len(h.labels) != 8 || len(h.labels["label_0"]) != maxText || len(h.annotations["summary"]) > maxText {
		t.Errorf("%d labels are kept", len(h.labels))
	}
	want := "5 labels left out: label_5, label_6, label_7, label_8, ...; 7 labels cut: label_0, label_1, label_10, label_11, ...; " +
		"1 annotations left out: " + strings.Repeat("n", 29) + "...; 2 annotations cut: summary, description"
	if h.leftOut != want {
		t.Errorf("left out: %s", h.leftOut)
	}
	first, _ := merge(nil, h, noon)
	storable(t, &first, nil)
}

// Whatever the labels are, the same ones are kept each time, within the bounds, and the API server takes them.
func TestLabelsFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.IntRange(0, 3000), func(n int) string { return strings.Repeat("é", n) }))
		a := alert{
			labels: rapid.MapOfN(text, text, 0, 90).Draw(t, "labels"), annotations: rapid.MapOfN(text, text, 0, 30).Draw(t, "annotations"),
			state: strategyv1.AlertFiring, fingerprint: text.Draw(t, "fingerprint"), generatorURL: text.Draw(t, "url"),
		}
		h := fit(a, "x"+text.Draw(t, "sender"))
		again := fit(alert{labels: maps.Clone(a.labels), state: strategyv1.AlertResolved}, "other")
		if h.name != again.name || !cmp.Equal(h.labels, again.labels) {
			t.Fatalf("%s %v, and then %s %v", h.name, h.labels, again.name, again.labels)
		}
		size := 0
		for name, value := range h.labels {
			size += len(name) + len(value)
		}
		if size > maxLabelBytes+len("alertname")+len(unnamed) {
			t.Fatalf("%d bytes of labels", size)
		}
		first, _ := merge(nil, h, noon)
		storable(t, &first, nil)
	})
}
