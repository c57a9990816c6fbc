package controllers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/incident"
	"tradeops.dev/strategy-operator/internal/report"
)

// reading bounds how long a folder is read for one report: a worker waits for it.
const reading = 30 * time.Second

// observeReport is the report of a closed incident, as its folder in the bucket makes it.
func (r *reader) observeReport(ctx context.Context, object *strategyv1.StrategyIncident, observed *incident.Observed) (facts.Report, error) {
	limited, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	source := bucketSource{limited, r.Evidence}
	folder, err := report.Look(source, observed.Prefix, object.Name)
	if err != nil {
		return r.noReport(ctx, err)
	}
	closed := object.Status.ClosedTime
	if !folder.Closed || folder.Snapshot.Incident.Status.ClosedTime.Before(closed) { // a folder has one of each closing
		signals, err := source.Names(observed.Prefix + "signals")
		if err != nil {
			return r.noReport(ctx, err)
		}
		return facts.Report{Signals: signals}, nil
	}
	keys, wrong, err := r.keys.of(ctx, observed.Log.SigningKey)
	if err != nil || wrong != nil {
		return facts.Report{Problem: wrong}, err
	}
	_, err = decisionlog.Unseal(folder.Stored, decisionlog.Sealed{Kind: report.SnapshotKind, ObjectUID: string(object.UID)}, keys)
	if errors.Is(err, decisionlog.ErrUnknownKey) {
		return facts.Report{Problem: unknownKey("the snapshot of this incident in folder "+observed.Prefix, err, observed.Log.SigningKey)}, nil
	}
	if err == nil && !folder.Snapshot.Incident.Status.ClosedTime.Equal(closed) {
		err = fmt.Errorf("it is of a later closing than this object tells of, as after restoring a backup")
	}
	if err != nil {
		return facts.Report{Problem: problem(strategyv1.ReasonEvidenceForged,
			"folder %s has a snapshot of this incident that is not the one to be reported: %v. Find out who wrote it, and move it away", observed.Prefix, err)}, nil
	}
	pages, err := r.pages(source, folder, object.Spec.PlaybookName)
	if err != nil {
		return r.noReport(ctx, err)
	}
	stored, err := source.has(pages)
	if err != nil {
		return r.noReport(ctx, err)
	}
	return facts.Report{Snapshot: true, Pages: pages, Stored: stored}, nil
}

// noReport makes a fact of a bucket that cannot be read.
func (r *reader) noReport(ctx context.Context, err error) (facts.Report, error) {
	if ctx.Err() != nil {
		return facts.Report{}, err
	}
	return facts.Report{Problem: problem(strategyv1.ReasonEvidenceUnavailable, "%v", err)}, nil
}

// pages are made once of each snapshot: it is what tells two reports of one folder apart.
func (r *reader) pages(source bucketSource, folder *report.Folder, playbook string) ([]facts.Page, error) {
	of := folder.Prefix + hashOf(folder.Stored)
	if known, found := r.made.get(of); found {
		return known, nil
	}
	if err := folder.Read(source); err != nil {
		return nil, err
	}
	made := report.Make(folder)
	html, err := made.HTML()
	if err != nil {
		return nil, err
	}
	text := made.Markdown()
	pages := []facts.Page{
		page(evidence.PageKey(folder.Prefix, short(html), "html"), html),
		page(evidence.PageKey(folder.Prefix, short(text), "md"), text),
		page(evidence.DatedKey(folder.Prefix, folder.Day(), playbook, short(text)), text),
	}
	r.made.put(of, pages, len(html)+len(text))
	return pages, nil
}

func page(key string, data []byte) facts.Page {
	return facts.Page{At: strategyv1.EvidenceReference{Key: key, SHA256: hashOf(data), Bytes: new(int64(len(data)))}, Data: data}
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func short(data []byte) string { return hashOf(data)[:12] }

// bucketSource is the bucket as a report reads it.
type bucketSource struct {
	ctx    context.Context
	bucket Stored
}

// ReadFile implements report.Source.
func (b bucketSource) ReadFile(key string) ([]byte, error) {
	data, err := b.bucket.Get(b.ctx, key)
	if errors.Is(err, evidence.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return data, err
}

// Names implements report.Source.
func (b bucketSource) Names(folder string) ([]string, error) { return b.bucket.Names(b.ctx, folder) }

// has says whether all pages lie in the bucket, as they are.
func (b bucketSource) has(pages []facts.Page) (bool, error) {
	for _, one := range pages {
		stored, err := b.bucket.Get(b.ctx, one.At.Key)
		if err != nil && !errors.Is(err, evidence.ErrNotFound) {
			return false, err
		}
		if !bytes.Equal(stored, one.Data) { // one that is not there has no bytes
			return false, nil
		}
	}
	return true, nil
}
