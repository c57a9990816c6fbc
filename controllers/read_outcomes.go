package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
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

// forgedError: an outcome lies in the bucket that this operator did not sign.
type forgedError struct{ error }

// Unwrap is what is wrong with it.
func (e forgedError) Unwrap() error { return e.error }

// keyProblem: there is no key to prove an outcome with.
type keyProblem struct{ facts.Problem }

// Error implements error.
func (e keyProblem) Error() string { return e.Message }

// unread makes a fact of an error of the bucket, or of what it holds; any other one ends the pass.
func (r *reader) unread(ctx context.Context, err error) (*facts.Problem, error) {
	if noKey, is := errors.AsType[keyProblem](err); is {
		return &noKey.Problem, nil
	}
	if forged, is := errors.AsType[forgedError](err); is {
		return &facts.Problem{Reason: strategyv1.ReasonEvidenceForged, Message: forged.Error(), Retry: r.Pauses.Evidence}, nil
	}
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
func (r *reader) storedOutcome(ctx context.Context, of attempts, id checks.ID) (checks.Outcome, strategyv1.EvidenceReference, error) {
	for _, record := range of.judged {
		if record.Report != nil && checks.IDOf(record) == id {
			outcome, err := r.recordedOutcome(ctx, *record.Report)
			return outcome, *record.Report, err
		}
	}
	return r.readStored(ctx, of, id)
}

// stored is an outcome, and where it is.
type stored struct {
	checks.Outcome
	reference strategyv1.EvidenceReference
}

// readStored is the outcome of an attempt, as the operator signed it; evidence.ErrNotFound if there is none yet. What is there never
// changes.
func (r *reader) readStored(ctx context.Context, of attempts, id checks.ID) (checks.Outcome, strategyv1.EvidenceReference, error) {
	at := of.reportKey(id)
	if known, found := r.stored.get(at); found {
		return known.Outcome, known.reference, nil
	}
	data, err := r.Evidence.Get(ctx, at)
	if err != nil {
		return checks.Outcome{}, strategyv1.EvidenceReference{}, evidenceError{err}
	}
	keys, problem, err := r.keys.of(ctx, of.signingKey)
	if err == nil && problem != nil {
		err = keyProblem{*problem}
	}
	if err != nil {
		return checks.Outcome{}, strategyv1.EvidenceReference{}, err
	}
	_, err = decisionlog.Unseal(data, of.sealed(id), keys)
	if errors.Is(err, decisionlog.ErrUnknownKey) {
		return checks.Outcome{}, strategyv1.EvidenceReference{}, keyProblem{*unknownKey("evidence "+at, err, of.signingKey)}
	}
	if err != nil {
		return checks.Outcome{}, strategyv1.EvidenceReference{}, forgedError{fmt.Errorf(
			"evidence %s is not the outcome of check %s that this operator stores (%w), so it is not judged from it: somebody else wrote there, or Secret %s has a new key. Find out who, and move it away; the true one is then stored",
			at, id.Check, err, of.signingKey)}
	}
	outcome, reference, err := r.decoded(at, data)
	if err == nil {
		r.stored.put(at, stored{outcome, reference}, decodedBytes*len(data))
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
	data, err := r.Evidence.Get(ctx, recorded.Key)
	if errors.Is(err, evidence.ErrNotFound) {
		err = fmt.Errorf("%w; a check was judged from it: put it back, with the sha256 %s", err, recorded.SHA256)
	}
	if err != nil {
		return checks.Outcome{}, evidenceError{err}
	}
	outcome, read, err := r.decoded(recorded.Key, data)
	if err == nil && read.SHA256 != recorded.SHA256 {
		err = evidenceError{fmt.Errorf("evidence %s was changed: its sha256 is %s, not %s; put the original back", recorded.Key, read.SHA256, recorded.SHA256)}
	}
	return outcome, err
}

// decoded is an outcome that was read from the bucket, and where it is.
func (r *reader) decoded(key string, data []byte) (checks.Outcome, strategyv1.EvidenceReference, error) {
	var outcome checks.Outcome
	if err := json.Unmarshal(data, &outcome); err != nil {
		return checks.Outcome{}, strategyv1.EvidenceReference{}, evidenceError{fmt.Errorf("evidence %s cannot be decoded: %w", key, err)}
	}
	sum := decisionlog.Hash(data)
	r.outcomes.put(sum, outcome, decodedBytes*len(data))
	return outcome, strategyv1.EvidenceReference{Key: key, SHA256: sum, Bytes: new(int64(len(data)))}, nil
}
