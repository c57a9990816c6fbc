package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/facts"
)

// unavailable makes a fact of a bucket that cannot be read: deadlines, people and signals go on meanwhile. What ends the pass is only
// that the operator itself ends.
func (r *reader) unavailable(ctx context.Context, err error) (*facts.Problem, error) {
	if ctx.Err() != nil {
		return nil, err
	}
	return &facts.Problem{
		Reason: strategyv1.ReasonEvidenceUnavailable, Retry: r.Pauses.Evidence,
		Message: fmt.Sprintf("%v. Nothing is started or changed until it can be read; deadlines go on", err),
	}, nil
}

// evidenceError is an error of the bucket, or of what it holds.
type evidenceError struct{ error }

// Unwrap is the bucket's own error.
func (e evidenceError) Unwrap() error { return e.error }

// unread makes a fact of an error of the bucket; any other one ends the pass.
func (r *reader) unread(ctx context.Context, err error) (*facts.Problem, error) {
	var ofBucket evidenceError
	if !errors.As(err, &ofBucket) {
		return nil, err
	}
	return r.unavailable(ctx, err)
}

// decodedBytes is how much memory a report takes, for each byte that is stored: usual ones 9 or 10, hostile ones up to 24.
const decodedBytes = 10

// observeOutcomes reads the reports that rules may ask for.
func (r *reader) observeOutcomes(ctx context.Context, judged []strategyv1.CheckStatus) (map[checks.ID]checks.Outcome, error) {
	outcomes := make(map[checks.ID]checks.Outcome, len(judged))
	for _, record := range judged {
		if record.Report == nil {
			continue
		}
		outcome, err := r.recordedOutcome(ctx, *record.Report)
		if err != nil {
			return nil, err
		}
		outcomes[checks.IDOf(record)] = outcome
	}
	return outcomes, nil
}

// storedOutcome is the outcome of an attempt, and where it is. Until the attempt is judged, nobody knows its hash.
func (r *reader) storedOutcome(ctx context.Context, id checks.ID, judged []strategyv1.CheckStatus, key string) (checks.Outcome, strategyv1.EvidenceReference, error) {
	for _, record := range judged {
		if record.Report != nil && checks.IDOf(record) == id {
			outcome, err := r.recordedOutcome(ctx, *record.Report)
			return outcome, *record.Report, err
		}
	}
	return r.readStored(ctx, key)
}

// stored is an outcome, and where it is.
type stored struct {
	checks.Outcome
	reference strategyv1.EvidenceReference
}

// readStored is the outcome under a key; evidence.ErrNotFound if there is none yet. What is there never changes.
func (r *reader) readStored(ctx context.Context, key string) (checks.Outcome, strategyv1.EvidenceReference, error) {
	if known, found := r.stored.get(key); found {
		return known.Outcome, known.reference, nil
	}
	outcome, reference, err := r.readOutcome(ctx, key)
	if err == nil {
		r.stored.put(key, stored{outcome, reference}, decodedBytes*int(*reference.Bytes))
	}
	return outcome, reference, err
}

// recordedOutcome is the one whose hash a status has. What is remembered under that hash was verified when this process read
// it from the bucket, and evidence never changes. One that has another hash now was changed: that is found when it is read
// for the first time.
func (r *reader) recordedOutcome(ctx context.Context, recorded strategyv1.EvidenceReference) (checks.Outcome, error) {
	if outcome, found := r.outcomes.get(recorded.SHA256); found {
		return outcome, nil
	}
	outcome, read, err := r.readOutcome(ctx, recorded.Key)
	if err == nil && read.SHA256 != recorded.SHA256 {
		err = evidenceError{fmt.Errorf("evidence %s was changed: its sha256 is %s, not %s; put the original back", recorded.Key, read.SHA256, recorded.SHA256)}
	}
	return outcome, err
}

// readOutcome reads an outcome from the bucket, and says where it is.
func (r *reader) readOutcome(ctx context.Context, key string) (checks.Outcome, strategyv1.EvidenceReference, error) {
	data, err := r.Evidence.Get(ctx, key)
	if err != nil {
		return checks.Outcome{}, strategyv1.EvidenceReference{}, evidenceError{err}
	}
	var outcome checks.Outcome
	if err := json.Unmarshal(data, &outcome); err != nil {
		return checks.Outcome{}, strategyv1.EvidenceReference{}, evidenceError{fmt.Errorf("evidence %s cannot be decoded: %w", key, err)}
	}
	sum := decisionlog.Hash(data)
	r.outcomes.put(sum, outcome, decodedBytes*len(data))
	return outcome, strategyv1.EvidenceReference{Key: key, SHA256: sum, Bytes: new(int64(len(data)))}, nil
}
