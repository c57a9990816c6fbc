package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decisionlog"
)

// sample is one number of one signal.
type sample struct {
	Name  string
	Unit  string
	Time  time.Time
	Value float64
}

// series are the samples of one signal, in the order of time.
type series struct {
	Name, Unit string
	Points     []sample
}

// readSignals reads all samples that were stored: on each of them something was decided.
func (f *Folder) readSignals(source Source) error {
	folder := f.Prefix + "signals/"
	names, err := source.Names(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.Closed { // what came since is not in this report; what is gone since is missed in it
		names = f.Snapshot.Signals
	}
	for _, name := range f.most(slices.Sorted(slices.Values(names)), maxSignalFiles, "files of signals") {
		data, err := source.ReadFile(folder + name)
		if errors.Is(err, fs.ErrNotExist) {
			f.note(folder+name, nil, "it is gone")
			continue
		}
		if err != nil {
			return err
		}
		var read []strategyv1.SignalStatus
		problem := ""
		switch {
		case !namedByHash(name, data):
			problem = "it is not what was stored under this name"
		case json.Unmarshal(data, &read) != nil:
			problem = "it cannot be read"
		}
		f.note(folder+name, data, problem)
		if problem == "" {
			f.addSamples(read)
		}
	}
	return nil
}

// namedByHash says whether a file's name ends with the hash of what it holds: <hash12>.json, or <from>-<hash12>.json.
func namedByHash(name string, data []byte) bool {
	stem, isJSON := strings.CutSuffix(name, ".json")
	_, hash, _ := cutLast(stem, "-")
	return isJSON && (hash == short(data) || hash == short(decisionlog.WithoutSeal(data)))
}

// addSamples leaves out what came after the incident was closed: it belongs to the next round.
func (f *Folder) addSamples(read []strategyv1.SignalStatus) {
	end := f.Snapshot.Incident.Status.ClosedTime
	for _, signal := range read {
		value, err := strconv.ParseFloat(signal.Value, 64)
		if err != nil || math.IsInf(value, 0) || math.IsNaN(value) || signal.Time == nil || f.Closed && signal.Time.After(end.Time) {
			continue
		}
		f.samples = append(f.samples, sample{Name: signal.Name, Unit: signal.Unit, Time: signal.Time.UTC(), Value: value})
	}
}

// series are the samples by signal, by name. The same sample may stand in several files.
func (f *Folder) series() []series {
	samples := slices.Clone(f.samples)
	slices.SortFunc(samples, func(a, b sample) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Time.Compare(b.Time), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Unit, b.Unit))
	})
	var all []series
	for _, one := range slices.Compact(samples) {
		if len(all) == 0 || all[len(all)-1].Name != one.Name {
			all = append(all, series{Name: one.Name, Unit: one.Unit})
		}
		last := &all[len(all)-1]
		last.Points = append(last.Points, one)
	}
	return all
}
