package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/config"
)

func TestUsageIsReadFromProc(t *testing.T) {
	stat := "12 (a) Z (manager) S 1 2 3 0 -1 4194560 1 2 3 4 150 25 7 8 20 0 9 0 987654 1 2"
	got, err := parseUsage(stat, "Name:\tmanager\nVmPeak:\t  999 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n")
	want := usage{cpu: 1750 * time.Millisecond, rss: 1 << 20, peak: 2 << 20}
	if err != nil || got != want {
		t.Errorf("usage %+v, %v; not %+v", got, err, want)
	}
	for _, status := range []string{"", "VmHWM:\t  2048 kB\n"} {
		if _, err := parseUsage(stat, status); err == nil {
			t.Errorf("status %q is no error", status)
		}
	}
}

func TestTheConfigurationIsOfRealSizeAndCanBeEdited(t *testing.T) {
	document := realSize()
	if lines := bytes.Count(document, []byte{'\n'}); lines != 2850 || len(document)/1000 != 84 {
		t.Errorf("%d lines and %d bytes, not 2,850 and 84 kB", lines, len(document))
	}
	if _, err := config.Parse(string(document)); err != nil {
		t.Error(err)
	}
}

func TestNoIncidentIsADuplicate(t *testing.T) {
	const incidents = 5000 + singles
	type identity struct{ playbook, kind, schedule string }
	seen := map[identity]int{}
	for i := range incidents {
		spec := newIncident(i).Spec
		id := identity{spec.PlaybookName, string(spec.Type), spec.Schedule}
		if before, taken := seen[id]; taken {
			t.Fatalf("incidents %d and %d are about the same %v", before, i, id)
		}
		seen[id] = i
	}
	text := newConfig(incidents).Data["core.yaml"]
	if _, err := config.Parse(text); err != nil {
		t.Fatal(err)
	}
	if last := scheduleName(incidents - 1); !strings.Contains(text, last+":") {
		t.Errorf("the configuration has no %s", last)
	}
}

func TestSizes(t *testing.T) {
	if got, err := parseSizes("100, 1000"); err != nil || !reflect.DeepEqual(got, []int{100, 1000}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "0", "-1", "x", "1000,100"} {
		if got, err := parseSizes(text); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
}
