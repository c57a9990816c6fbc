package writeback

import (
	"context"
	"errors"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/signals"
)

// Repository is where a configuration comes from.
type Repository struct {
	URL        string
	Branch     string // that the GitOps tool applies
	Path       string // of the file
	PushBranch string // empty: the branch itself; else commits are pushed to a branch under this name, which a person merges
	Author     Author
}

// Author is who commits.
type Author struct{ Name, Email string }

// Credentials are what a Secret has for a repository.
type Credentials struct {
	Username, Password, BearerToken string // over HTTP
	Identity, KnownHosts            string // over SSH
	CA                              string // certificates of who vouches for the server, as PEM; empty: whom the system trusts
	SigningKey                      string // of commits; empty: they are not signed
}

// Job is what is to be committed.
type Job struct {
	Repository  Repository
	Credentials Credentials
	Namespace   string // of the rollback, or incident, and its playbook
	Name, UID   string // of the rollback, or incident
	Key         string // of the ConfigMap that has the document
	Digest      string // of the plan
	Edits       []strategyv1.PlannedEdit
	Undo        bool      // commit the inverse
	Asked       time.Time // when it was asked for
	Proposal    *Proposal // nil: it is a rollback's
	Last        Result    // of the same job; the zero one: it is not known
	Message     Message
	Now         time.Time
}

// Proposal is what is different about the edits that an incident proposes. They are pushed once, to a branch that is never changed again: whatever
// becomes of it is for people to say.
type Proposal struct {
	Name  string // of its branch, under pushBranch: no other proposal has it
	Round int    // of the incident
	Known bool   // it was seen there, so where it is gone somebody deleted it, and it is not pushed again
}

// State is what became of a job.
type State string

// The states.
const (
	Committed State = "Committed" // the branch holds it
	Open      State = "Open"      // it was pushed, and waits for somebody to merge it
	Withdrawn State = "Withdrawn" // nobody had merged it, and what was pushed is taken back; of a proposal: somebody did that
	Left      State = "Left"      // nothing was to be done, or nothing of ours was there
)

// Result is what a job came to.
type Result struct {
	State     State
	Commit    string   // that holds it
	Branch    string   // that it is on
	Conflicts []string // paths that somebody changed since, which were left as they are

	tips tips // of the branches that it was decided on
}

// attempts is how often a branch that moves is tried again in one call.
const attempts = 3

// Writer commits to repositories, on servers that playbooks may have asked and no others: the policy is that of signals.
type Writer struct {
	options signals.Options
	client  *http.Client // of those without an authority of their own
	dial    signals.Dial
	only    Dial // nil: the repository that a job names
	room    room
}

// Over is a Writer to one repository, whatever a job names: the servers of simulated worlds listen nowhere.
func Over(dial Dial) *Writer { return &Writer{only: dial, room: make(room, 1)} }

// New makes a Writer.
func New(options signals.Options) *Writer {
	options.Pauses = options.Pauses.OrDefault()
	return &Writer{options: options, client: signals.NewClient(options), dial: signals.NewDial(options), room: make(room, 1)}
}

// Write does a job, or finds that it is done. After an error, always a *Failure, it may have been done or not.
func (w *Writer) Write(ctx context.Context, job Job) (Result, error) {
	client, done, err := w.clientFor(job.Credentials)
	if err != nil {
		return Result{}, asFailure(ctx, err)
	}
	defer done()
	to, err := w.dialler(job, client)
	if err != nil {
		return Result{}, asFailure(ctx, err)
	}
	sign, err := newSigner(job.Credentials.SigningKey)
	if err != nil {
		return Result{}, asFailure(ctx, err)
	}
	var result Result
	for range attempts {
		if result, err = w.once(ctx, to, job, sign); err == nil {
			return result, nil
		}
		if failure, ok := errors.AsType[*Failure](err); !ok || failure.Kind != Moved {
			break
		}
	}
	if w.options.Failed != nil {
		w.options.Failed(ctx, job.Repository.URL, signals.WithoutURL(err))
	}
	return Result{}, asFailure(ctx, err)
}

// dialler refuses what the playbook must not ask for.
func (w *Writer) dialler(job Job, client *http.Client) (Dial, error) {
	repository := job.Repository
	if err := signals.CheckRepository(repository.URL); err != nil {
		return nil, failf(Invalid, "%s", err)
	}
	for _, name := range []plumbing.ReferenceName{branchRef(repository.Branch), job.pushRef()} {
		if name.Validate() != nil {
			return nil, failf(Invalid, "%q is no name of a branch", bounded(name.Short()))
		}
	}
	if (job.Proposal != nil || repository.PushBranch != "") && job.pushRef() == branchRef(repository.Branch) {
		return nil, failf(Invalid, "%s is the branch that is applied, and people are to merge what gets there; set another writeBack.pushBranch", bounded(repository.Branch))
	}
	if path.Clean("/"+repository.Path) != "/"+repository.Path || repository.Path == "" {
		return nil, failf(Invalid, "%q is no path of a file in a repository; write it like clusters/prod/core.yaml", bounded(repository.Path))
	}
	if w.only != nil {
		return w.only, nil
	}
	if err := w.options.Allow.Check(repository.URL, job.Namespace); err != nil {
		return nil, failf(Invalid, "%s", err)
	}
	if strings.HasPrefix(strings.ToLower(repository.URL), "ssh:") {
		return w.dialSSH(repository, job.Credentials), nil
	}
	return dialHTTP(client, repository, job.Credentials), nil
}

func branchRef(name string) plumbing.ReferenceName { return plumbing.NewBranchReferenceName(name) }

// pushRef is the branch that is pushed to.
func (j Job) pushRef() plumbing.ReferenceName {
	switch {
	case j.Repository.PushBranch == "":
		return branchRef(j.Repository.Branch)
	case j.Undo:
		return j.undoRef()
	}
	return j.applyRef()
}

// otherRef is the branch of its own that the opposite is pushed to.
func (j Job) otherRef() plumbing.ReferenceName {
	if j.Undo {
		return j.applyRef()
	}
	return j.undoRef()
}

func (j Job) undoRef() plumbing.ReferenceName { return j.applyRef() + "-undo" }

// applyRef is the branch of its own that a rollback's edits are pushed to, or a proposal's.
func (j Job) applyRef() plumbing.ReferenceName {
	name := j.Name
	if j.Proposal != nil {
		name = j.Proposal.Name
	}
	return branchRef(j.Repository.PushBranch + "/" + name)
}

// once fetches, decides and pushes.
func (w *Writer) once(ctx context.Context, to Dial, job Job, sign signer) (Result, error) {
	got, err := get(ctx, to, job)
	if err != nil {
		return Result{}, err
	}
	if got.same {
		return job.Last, nil
	}
	result, sends, err := w.decide(ctx, got, job, sign)
	if err != nil {
		return Result{}, err
	}
	if len(sends) == 0 { // after a push the branches are others, and to be looked at once more
		result.tips = got.tips
	}
	for _, one := range sends {
		if err := send(ctx, to, one.command, one.pack); err != nil {
			return Result{}, err
		}
	}
	return result, nil
}

// sent is one push, ready to be sent.
type sent struct {
	command packp.Command
	pack    []byte
}

// decide makes what is to be pushed of what was fetched. The room is left before a server is talked to, which may take its time.
func (w *Writer) decide(ctx context.Context, got *fetched, job Job, sign signer) (result Result, sends []sent, err error) {
	leave, err := w.room.enter(ctx, got)
	if err != nil {
		return result, nil, err
	}
	defer leave()
	seen, err := see(ctx, got, job)
	if err != nil {
		return result, nil, err
	}
	plan, err := seen.plan(ctx, job)
	if err != nil {
		return result, nil, err
	}
	for _, push := range []*pushed{plan.withdraw, plan.push} {
		if push == nil {
			continue
		}
		command, pack, err := push.make(seen, job, sign)
		if err != nil {
			return result, nil, err
		}
		if sends = append(sends, sent{command, pack}); !command.New.IsZero() {
			plan.Commit = command.New.String()
		}
	}
	return plan.Result, sends, nil
}

// send pushes. Servers have many words for a branch that moved, and an answer may be lost: so what the branch is now counts more.
func send(ctx context.Context, to Dial, command packp.Command, pack []byte) error {
	failed := pushOnce(ctx, to, command, pack)
	if failed == nil {
		return nil
	}
	refs, one, err := listening(ctx, to, uploadPack)
	if err != nil {
		return failed
	}
	one.Close()
	switch now := refs.References[command.Name.String()]; now {
	case command.New:
		return nil
	case command.Old:
		return failed
	}
	return failf(Moved, "the branch moved while it was pushed to")
}

func pushOnce(ctx context.Context, to Dial, command packp.Command, pack []byte) error {
	refs, one, err := listening(ctx, to, receivePack)
	if err != nil {
		return err
	}
	defer one.Close()
	return push(one, refs, command, pack)
}

// listening is a conversation with a service, after it told what it has.
func listening(ctx context.Context, to Dial, name string) (*packp.AdvRefs, Service, error) {
	one, err := to(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	refs, err := advertised(one)
	if err != nil {
		one.Close()
		return nil, nil, err
	}
	return refs, one, nil
}
