package writeback

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"tradeops.dev/strategy-operator/internal/config"
)

// maxCommits is how far back a rollback looks for its own commits.
const maxCommits = 20_000

// seen is a repository as it was fetched.
type seen struct {
	store  storer.Storer
	branch *object.Commit
	file   *file          // on the branch
	pushed *object.Commit // tip of the branch that is pushed to, where that is another; nil: there is none
	other  *object.Commit // tip of the branch that the opposite was pushed to; nil: there is none
	own    *object.Commit // newest commit of the job's object on the branch; nil: there is none
}

// tips are those of the branch, of the branch that is pushed to and of the one that the opposite was pushed to.
type tips [3]plumbing.Hash

// fetched is what a job is decided on, as it came.
type fetched struct {
	tips tips
	pack []byte
	same bool // nobody pushed to these branches since the job came to what it did: there is no pack
}

// get fetches it. What waits for people for days is fetched once, and not each minute.
func get(ctx context.Context, to Dial, job Job) (*fetched, error) {
	refs, one, err := listening(ctx, to, uploadPack)
	if err != nil {
		return nil, err
	}
	defer one.Close()
	branch := refs.References[branchRef(job.Repository.Branch).String()]
	if branch.IsZero() {
		return nil, failf(Invalid, "the repository has no branch %s; fix writeBack.branch in the playbook", bounded(job.Repository.Branch))
	}
	got := &fetched{tips: tips{branch}}
	if job.Repository.PushBranch != "" {
		if taken := inTheWay(refs, job.pushRef()); taken != "" {
			return nil, failf(Invalid, "there is a branch %s, so there can be none %s; set another writeBack.pushBranch in the playbook", bounded(taken), bounded(job.pushRef().Short()))
		}
		got.tips[1] = refs.References[job.pushRef().String()]
	}
	if job.Repository.PushBranch != "" && job.Proposal == nil {
		got.tips[2] = refs.References[job.otherRef().String()]
	}
	if got.same = job.Last.State == Open && job.Last.tips == got.tips; got.same {
		return got, nil
	}
	got.pack, err = fetch(one, refs, got.tips[:])
	return got, err
}

// inTheWay is a branch that is a folder of another one's name: Git has either; empty: none is.
func inTheWay(refs *packp.AdvRefs, name plumbing.ReferenceName) string {
	for parent := path.Dir(name.String()); strings.HasPrefix(parent, "refs/heads/"); parent = path.Dir(parent) {
		if _, is := refs.References[parent]; is {
			return plumbing.ReferenceName(parent).Short()
		}
	}
	return ""
}

// see looks into it.
func see(ctx context.Context, got *fetched, job Job) (s *seen, err error) {
	s = &seen{}
	if s.store, err = unpack(ctx, got.pack); err != nil {
		return nil, err
	}
	for i, tip := range []**object.Commit{&s.branch, &s.pushed, &s.other} {
		if got.tips[i].IsZero() {
			continue
		}
		if *tip, err = object.GetCommit(s.store, got.tips[i]); err != nil {
			return nil, err
		}
	}
	if s.file, err = s.open(s.branch, job); err != nil {
		return nil, err
	}
	s.own, err = newest(ctx, s.branch, job)
	return s, err
}

func (s *seen) open(commit *object.Commit, job Job) (*file, error) {
	content, err := read(commit, job.Repository.Path)
	if err != nil {
		return nil, err
	}
	return open(job.Repository.Path, content, job.Key)
}

// newest is the last commit of a rollback, or incident, that leads to a commit; nil: there is none. They are numbered: times may be wrong, or the same.
func newest(ctx context.Context, from *object.Commit, job Job) (own *object.Commit, err error) {
	walk := object.NewCommitIterCTime(from, nil, nil)
	defer walk.Close()
	for range maxCommits {
		commit, err := walk.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err = cmp.Or(ctx.Err(), err); err != nil {
			return nil, err
		}
		if trailer(commit.Message, job.owner()) == job.of() && numberOf(commit) > numberOf(own) {
			own = commit
		}
	}
	return own, nil
}

// numberOf counts the commits of a rollback, or is the round of an incident; 0: there is none yet.
func numberOf(commit *object.Commit) int {
	if commit == nil {
		return 0
	}
	_, number, _ := strings.Cut(trailer(commit.Message, trailerChange), " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return n
}

// planned is what a job comes to, and what is to be pushed for it, in this order; nil: nothing.
type planned struct {
	Result
	withdraw, push *pushed
}

// pushed is a push: commits on top of the branch, or, without any, that a branch is deleted.
type pushed struct {
	ref   plumbing.ReferenceName
	old   plumbing.Hash
	texts []text
}

// text is the file in one commit.
type text struct{ content, message string }

func (s *seen) plan(ctx context.Context, job Job) (planned, error) {
	if job.Proposal != nil {
		return s.planProposal(ctx, job)
	}
	waiting, err := s.waiting(ctx, job)
	if err != nil {
		return planned{}, err
	}
	plan := s.planApply
	if job.Undo {
		plan = s.planUndo
	}
	what, err := plan(job, waiting)
	if err != nil || waiting.other == nil || len(what.Conflicts) > 0 && what.push == nil { // in doubt nothing is deleted
		return what, err
	}
	what.withdraw, err = s.withdrawal(job, waiting)
	return what, err
}

// planApply commits the edits, unless they are there. What somebody took out of the branch after us is not put back.
func (s *seen) planApply(job Job, waiting waiting) (planned, error) {
	same := func(commit *object.Commit) bool {
		return is(commit, job, changeApplied) && trailer(commit.Message, trailerDigest) == job.Digest
	}
	if holdsAll(s.file.document, job.Edits) {
		at := s.branch
		if same(s.own) {
			at = s.own
		}
		return planned{Result: s.on(Committed, job.Repository.Branch, at)}, nil
	}
	if same(s.own) {
		return planned{}, failf(Differs, "commit %.12s of this rollback is on branch %s, and the file does not hold it any more: somebody changed it since, and it is not written again",
			s.own.Hash, bounded(job.Repository.Branch))
	}
	if is(s.own, job, changeUndone) && s.own.Committer.When.After(job.Asked) { // the status came back from a backup: what it asks for is over
		return planned{}, failf(Differs, "commit %.12s of this rollback on branch %s undid the edits after they were asked to be committed, so they are not committed again; restore the rollback, or commit them by hand",
			s.own.Hash, bounded(job.Repository.Branch))
	}
	if same(waiting.pushed) {
		return planned{Result: s.on(Open, job.pushRef().Short(), waiting.pushed)}, nil
	}
	if err := s.replaceable(job); err != nil {
		return planned{}, err
	}
	document, texts, err := s.renewable(job)
	if err != nil {
		return planned{}, err
	}
	next, err := applied(document, job.Edits)
	if err != nil {
		return planned{}, err
	}
	content, err := s.file.with(next)
	if err != nil {
		return planned{}, err
	}
	return s.pushing(job, append(texts, text{content, job.text(changeApplied, numberOf(s.own)+len(texts)+1)})), nil
}

// renewable is the document without what the rollback committed before: of a renewal that goes first, in a commit of its own, so that the next one can be
// undone by itself.
func (s *seen) renewable(job Job) (*config.Document, []text, error) {
	if !is(s.own, job, changeApplied) {
		return s.file.document, nil, nil
	}
	before, conflicts, err := s.withoutOwn(job)
	if err != nil {
		return nil, nil, err
	}
	if len(conflicts) > 0 {
		return nil, nil, failf(Differs, "somebody changed what was committed before: %s", conflicting(conflicts))
	}
	if before.String() == s.file.document.String() {
		return before, nil, nil
	}
	content, err := s.file.with(before)
	return before, []text{{content, job.text(changeUndone, numberOf(s.own)+1)}}, err
}

// planUndo commits the inverse of what was committed, unless it is there.
func (s *seen) planUndo(job Job, waiting waiting) (planned, error) {
	switch {
	case is(s.own, job, changeUndone):
		return planned{Result: s.on(Committed, job.Repository.Branch, s.own)}, nil
	case s.own == nil:
		return s.planNothing(job, waiting), nil
	case is(waiting.pushed, job, changeUndone):
		return planned{Result: s.on(Open, job.pushRef().Short(), waiting.pushed)}, nil
	}
	if err := s.replaceable(job); err != nil {
		return planned{}, err
	}
	next, conflicts, err := s.withoutOwn(job)
	if err != nil {
		return planned{}, err
	}
	if next.String() == s.file.document.String() {
		return planned{Result: Result{State: Left, Branch: job.Repository.Branch, Commit: s.branch.Hash.String(), Conflicts: conflicts}}, nil
	}
	content, err := s.file.with(next)
	if err != nil {
		return planned{}, err
	}
	plan := s.pushing(job, []text{{content, job.text(changeUndone, numberOf(s.own)+1)}})
	plan.Conflicts = conflicts
	return plan, nil
}

// planNothing: no commit of the rollback is on the branch. Whoever wrote its values there wanted them, or merged them with a message of their own: it is not
// known which, so they stay, and are told.
func (s *seen) planNothing(job Job, waiting waiting) planned {
	result := Result{State: Left, Branch: job.Repository.Branch, Commit: s.branch.Hash.String()}
	for _, edit := range job.Edits {
		if held, err := s.file.document.Holds(edit.Path, edit.To); err == nil && held && (edit.From == nil || *edit.From != edit.To) {
			result.Conflicts = append(result.Conflicts, bounded(edit.Path))
		}
	}
	if len(result.Conflicts) == 0 && waiting.other != nil {
		result = Result{State: Withdrawn, Branch: job.applyRef().Short()}
	}
	return planned{Result: result}
}

// withoutOwn is the document of the branch without the rollback's newest commit.
func (s *seen) withoutOwn(job Job) (document *config.Document, conflicts []string, err error) {
	parent, err := s.own.Parent(0)
	if err != nil {
		return nil, nil, err
	}
	before, err := s.open(parent, job)
	if err != nil {
		return nil, nil, err
	}
	after, err := s.open(s.own, job)
	if err != nil {
		return nil, nil, err
	}
	return undone(s.file.document, before.document, after.document, job.Edits)
}

// is says whether a commit is the rollback's, and does this.
func is(commit *object.Commit, job Job, change string) bool {
	return commit != nil && trailer(commit.Message, job.owner()) == job.of() && strings.HasPrefix(trailer(commit.Message, trailerChange), change+" ")
}

func (s *seen) on(state State, branch string, at *object.Commit) Result {
	return Result{State: state, Branch: branch, Commit: at.Hash.String()}
}

// pushing is a push of commits on top of the branch.
func (s *seen) pushing(job Job, texts []text) planned {
	push := &pushed{ref: job.pushRef(), old: s.branch.Hash, texts: texts}
	state := Committed
	if job.Repository.PushBranch != "" {
		state, push.old = Open, plumbing.ZeroHash
		if s.pushed != nil {
			push.old = s.pushed.Hash
		}
	}
	return planned{Result: Result{State: state, Branch: push.ref.Short()}, push: push}
}

// make makes the commits.
func (p *pushed) make(s *seen, job Job, sign signer) (packp.Command, []byte, error) {
	command := packp.Command{Name: p.ref, Old: p.old}
	if len(p.texts) == 0 {
		return command, nil, nil
	}
	made, on := &made{store: s.store}, s.branch
	for _, one := range p.texts {
		commit, err := made.commit(on, job.Repository.Path, []byte(one.content), job.Repository.Author, job.Now, one.message, sign)
		if err != nil {
			return command, nil, err
		}
		on = commit
	}
	command.New = on.Hash
	pack, err := made.pack()
	return command, pack, err
}
