package writeback

import (
	"context"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// planProposal pushes the edits to a branch of their own, once, and sees what people made of it. They may add commits to that branch, change what they
// merge, or delete it: nothing of it is put right.
func (s *seen) planProposal(ctx context.Context, job Job) (planned, error) {
	if holdsAll(s.file.document, job.Edits) { // merged, in whatever way, or somebody else wrote the same
		at := s.branch
		if ofRound(s.own, job) {
			at = s.own
		}
		return planned{Result: s.on(Committed, job.Repository.Branch, at)}, nil
	}
	if ofRound(s.own, job) { // merged, and changed with it or since
		result := s.on(Committed, job.Repository.Branch, s.own)
		for _, edit := range job.Edits {
			if held, err := s.file.document.Holds(edit.Path, edit.To); err != nil || !held {
				result.Conflicts = append(result.Conflicts, bounded(edit.Path))
			}
		}
		return planned{Result: result}, nil
	}
	if s.pushed != nil {
		return s.planPushed(ctx, job)
	}
	if job.Proposal.Known {
		return planned{Result: Result{State: Withdrawn, Branch: job.pushRef().Short()}}, nil
	}
	next, err := applied(s.file.document, job.Edits)
	if err != nil {
		return planned{}, err
	}
	content, err := s.file.with(next)
	if err != nil {
		return planned{}, err
	}
	push := &pushed{ref: job.pushRef(), old: plumbing.ZeroHash, texts: []text{{content, job.text(changeApplied, job.Proposal.Round)}}}
	return planned{Result: Result{State: Open, Branch: push.ref.Short()}, push: push}, nil
}

// planPushed: the branch is there. It waits for its merge, also with commits that people added.
func (s *seen) planPushed(ctx context.Context, job Job) (planned, error) {
	own, err := newest(ctx, s.pushed, job)
	if err != nil {
		return planned{}, err
	}
	if !ofRound(own, job) {
		return planned{}, failf(Differs, "branch %s is somebody else's; rename it, or delete it", bounded(job.pushRef().Short()))
	}
	return planned{Result: s.on(Open, job.pushRef().Short(), own)}, nil
}

// ofRound says whether a commit is the proposal of the incident's round.
func ofRound(commit *object.Commit, job Job) bool {
	return is(commit, job, changeApplied) && numberOf(commit) == job.Proposal.Round
}
