package writeback

import (
	"context"

	"github.com/go-git/go-git/v5/plumbing/object"
)

// waiting are the rollback's own commits on the branches that people are to merge, where they are not merged yet; nil: there is none. Commits of people on
// top of them, such as a merge of the main branch, change nothing about that.
type waiting struct{ pushed, other *object.Commit }

func (s *seen) waiting(ctx context.Context, job Job) (found waiting, err error) {
	if found.pushed, err = s.unmerged(ctx, s.pushed, job); err != nil {
		return found, err
	}
	found.other, err = s.unmerged(ctx, s.other, job)
	return found, err
}

// unmerged is the newest commit of the rollback that leads to a tip, if it is newer than what the branch has: a branch may be kept after its merge.
func (s *seen) unmerged(ctx context.Context, tip *object.Commit, job Job) (*object.Commit, error) {
	if tip == nil || job.Repository.PushBranch == "" {
		return nil, nil
	}
	own, err := newest(ctx, tip, job)
	if err != nil || numberOf(own) <= numberOf(s.own) {
		return nil, err
	}
	return own, nil
}

// replaceable: a branch of the rollback's name may be pushed over where its tip is the rollback's own commit, and never what people did there.
func (s *seen) replaceable(job Job) error {
	if s.pushed == nil || is(s.pushed, job, changeApplied) || is(s.pushed, job, changeUndone) {
		return nil
	}
	return failf(Differs, "branch %s has commits of somebody else; delete it, or merge it", bounded(job.pushRef().Short()))
}

// withdrawal deletes the branch with the opposite of what is wanted, which nobody merged, and nobody shall: it would bring about what is over.
func (s *seen) withdrawal(job Job, waiting waiting) (*pushed, error) {
	if waiting.other.Hash != s.other.Hash {
		return nil, failf(Differs, "branch %s, which nobody merged, holds the opposite of what is wanted now, and commits of somebody else: close it without merging it, and delete it", bounded(job.otherRef().Short()))
	}
	return &pushed{ref: job.otherRef(), old: s.other.Hash}, nil
}
