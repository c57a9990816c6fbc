package scenarios

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/evidence"
	pages "tradeops.dev/strategy-operator/internal/report"
	"tradeops.dev/strategy-operator/internal/sim"
)

// report: a closed incident has its report in the bucket, and made again from the bucket it is the same.
func (e *End) report(w *sim.World, incident *strategyv1.StrategyIncident, name string) {
	status := incident.Status.Report
	if status == nil || status.Problem != "" || len(status.Pages) != 3 {
		e.Problem("the report of %s is %+v", name, status)
		return
	}
	folder, err := pages.Read(source{w}, prefixOf(incident), incident.Name)
	if err != nil {
		e.Problem("the folder of %s: %v", name, err)
		return
	}
	if wrong := folder.Unverified(); wrong > 0 {
		e.Problem("of the evidence of %s %d objects are not as written", name, wrong)
	}
	made := pages.Make(folder)
	html, err := made.HTML()
	if err != nil {
		e.Problem("the report of %s: %v", name, err)
	}
	for i, again := range [][]byte{html, made.Markdown(), made.Markdown()} {
		stored, err := w.Bucket.Get(context.Background(), status.Pages[i].Key)
		if err != nil || !bytes.Equal(stored, again) {
			e.Problem("page %s of %s is not what its folder makes (%v): %s", status.Pages[i].Key, name, err, firstDifference(stored, again))
		}
	}
}

// firstDifference is the first line in which two pages differ.
func firstDifference(stored, again []byte) string {
	before, after := strings.Split(string(stored), "\n"), strings.Split(string(again), "\n")
	for i := range min(len(before), len(after)) {
		if before[i] != after[i] {
			return fmt.Sprintf("%q is %q when made again", before[i], after[i])
		}
	}
	return fmt.Sprintf("%d lines, %d when made again", len(before), len(after))
}

// source is the bucket of a world as a report reads it.
type source struct{ *sim.World }

// ReadFile implements report.Source.
func (s source) ReadFile(key string) ([]byte, error) {
	data, err := s.Bucket.Get(context.Background(), key)
	if errors.Is(err, evidence.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s", fs.ErrNotExist, key)
	}
	return data, err
}

// Names implements report.Source.
func (s source) Names(folder string) ([]string, error) {
	return s.Bucket.Names(context.Background(), folder)
}
