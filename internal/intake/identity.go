package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// How much of an alert is kept, in bytes where it is not said to be a number of them. Each is within what the schema allows.
const (
	maxLabels, maxLabelBytes           = 64, 8 << 10
	maxAnnotations, maxAnnotationBytes = 16, 4 << 10
	maxName, maxText                   = 128, 1024
	maxSlug                            = 40
	maxFingerprint                     = 64
	maxSender, maxLeftOut              = 512, 512
	// leastText is how much of an annotation must fit for it to be worth beginning.
	leastText = 16
	// widest is how many bytes cleaning makes of one, at most.
	widest = 4
)

// What is kept first where not everything can be.
var (
	firstLabels      = []string{"alertname", "severity", "schedule", "strategy", "namespace"}
	firstAnnotations = []string{"summary", "description", "runbook_url", "dashboard_url"}
)

// unnamed is the alertname of an alert that came without any labels: a schema without them would refuse it.
const unnamed = "unnamed"

// heard is an alert as it can be stored.
type heard struct {
	name                               string // of its object
	labels, annotations                map[string]strategyv1.AlertText
	leftOut, fingerprint, generatorURL string
	sender                             string
	state                              strategyv1.AlertState
	starts, ends                       time.Time // zero: not said
}

// fit makes an alert fit the schema. The same labels give the same name and the same kept labels, whatever else is said.
func fit(a alert, sender string) heard {
	h := heard{
		name: nameOf(a.labels, a.more), sender: bounded.Line(sender, maxSender), state: a.state, starts: a.starts, ends: a.ends,
		fingerprint: bounded.Line(a.fingerprint, maxFingerprint), generatorURL: bounded.Line(a.generatorURL, maxText),
	}
	var left []string
	if len(a.labels) == 0 {
		a.labels = map[string]string{"alertname": unnamed}
		left = append(left, "it came without labels")
	}
	var notes []string
	h.labels, notes = keepLabels(a.labels)
	left = append(left, notes...)
	h.annotations, notes = keepAnnotations(a.annotations)
	left = append(left, notes...)
	h.leftOut = bounded.Line(strings.Join(append(left, a.doubts...), "; "), maxLeftOut)
	return h
}

// nameOf is the name of the object of a set of labels: for people the alert's, for the API server a hash over all of them, each with its
// length, so that no two sets are written the same. More is how they came where not all are looked at; senders sort them.
func nameOf(labels map[string]string, more []byte) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(sum, "%d:%s=%d:%s\n", len(name), name, len(labels[name]), labels[name])
	}
	_, _ = sum.Write(more)
	return slug(labels["alertname"]) + "-" + hex.EncodeToString(sum.Sum(nil))[:16]
}

// slug is a text as a part of a name of Kubernetes.
func slug(text string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(text) {
		if out.Len() >= maxSlug {
			break
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			out.WriteRune(r)
		} else if kept := out.String(); kept != "" && !strings.HasSuffix(kept, "-") {
			out.WriteByte('-')
		}
	}
	if kept := strings.Trim(out.String(), "-"); kept != "" {
		return kept
	}
	return "alert"
}

// keepLabels never keeps a part of a label but where its value alone is too long: what a route matches must be what was said.
func keepLabels(all map[string]string) (kept map[string]strategyv1.AlertText, notes []string) {
	kept = map[string]strategyv1.AlertText{}
	var gone, short []string
	size := 0
	for _, name := range inOrder(all, firstLabels) {
		bite := bitten(all[name])
		whole := bounded.Line(bite, widest*len(bite)+leastText)
		value := bounded.Text(whole, maxText)
		if !fine(name) || len(kept) == maxLabels || size+len(name)+len(value) > maxLabelBytes {
			gone = append(gone, name)
			continue
		}
		if len(whole) > maxText || len(bite) < len(all[name]) {
			short = append(short, name)
		}
		size += len(name) + len(value)
		kept[name] = strategyv1.AlertText(value)
	}
	if len(kept) == 0 { // each of its names is too long
		kept["alertname"] = unnamed
	}
	return kept, notesOn("labels", gone, short)
}

func keepAnnotations(all map[string]string) (kept map[string]strategyv1.AlertText, notes []string) {
	kept = map[string]strategyv1.AlertText{}
	var gone, short []string
	size := 0
	for _, name := range inOrder(all, firstAnnotations) {
		room := min(maxText, maxAnnotationBytes-size-len(name))
		if !fine(name) || len(kept) == maxAnnotations || room < leastText {
			gone = append(gone, name)
			continue
		}
		bite := bitten(all[name])
		value := bounded.Clean(bite)
		if len(value) > room || len(bite) < len(all[name]) {
			short = append(short, name)
		}
		value = bounded.Text(value, room)
		size += len(name) + len(value)
		kept[name] = strategyv1.AlertText(value)
	}
	if len(kept) == 0 {
		kept = nil
	}
	return kept, notesOn("annotations", gone, short)
}

// bitten is as much of a text as can matter: cleaning all of one of megabytes takes many times its size.
func bitten(text string) string { return text[:min(len(text), widest*maxText)] }

// fine says whether a name can be kept as it is.
func fine(name string) bool {
	return name != "" && len(name) <= maxName && bounded.Line(name, maxName) == name
}

func inOrder(all map[string]string, first []string) (names []string) {
	for _, name := range first {
		if _, found := all[name]; found {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(first, name) {
			names = append(names, name)
		}
	}
	return names
}

func notesOn(what string, gone, short []string) (notes []string) {
	for _, one := range []struct {
		how   string
		names []string
	}{{"left out", gone}, {"cut", short}} {
		if len(one.names) > 0 {
			notes = append(notes, fmt.Sprintf("%d %s %s: %s", len(one.names), what, one.how, some(one.names)))
		}
	}
	return notes
}

// some names of many.
func some(names []string) string {
	const few, each = 4, 32
	var shown []string
	for _, name := range names[:min(few, len(names))] {
		shown = append(shown, bounded.Line(name, each))
	}
	if len(names) > few {
		shown = append(shown, "...")
	}
	return strings.Join(shown, ", ")
}
