package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/server"
	gitmemory "github.com/go-git/go-git/v5/storage/memory"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/internal/writeback"
)

// The repository that the configuration of simulated worlds may come from.
const (
	GitURL    = "https://git.world:3000/team/config.git"
	GitSecret = "git"
	gitFile   = "core.yaml"
	gitMain   = plumbing.ReferenceName("refs/heads/main")
)

// Git is a server with that repository: a real one, but for the network.
type Git struct {
	// Down is what every call is answered with; nil: it answers.
	Down error
	// Refuses is what every push is answered with, in the words of a server; empty: it takes them.
	Refuses string
	// Moves: somebody else pushes to the branch right before each push.
	Moves bool
	// Loses is how many of the next pushes take effect and are not answered.
	Loses int
	// Path of the one file.
	Path string

	store *gitmemory.Storage
	now   func() time.Time
}

// WrittenBack has the playbook of a world commit its edits; push is the branch that a person merges, empty: they are pushed to main.
func WrittenBack(push string) func(*strategyv1.StrategyPlaybookSpec) {
	return func(spec *strategyv1.StrategyPlaybookSpec) {
		spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: strategyv1.GitOpsWriteBack, WriteBack: &strategyv1.WriteBackSpec{
			URL: GitURL, Branch: gitMain.Short(), Path: gitFile, PushBranch: push, SecretName: GitSecret, TimeoutSeconds: 120,
		}}
	}
}

// Pushed has a proposal pushed to a branch for people to merge.
func Pushed(proposal *strategyv1.ProposalSpec) {
	proposal.WriteBack = &strategyv1.WriteBackSpec{URL: GitURL, Branch: gitMain.Short(), Path: proposal.Document.Key, PushBranch: "alerts", SecretName: GitSecret}
}

// HasGit gives a world the repository, with the configuration in it, and the Secret for it.
func (w *World) HasGit() {
	w.T.Helper()
	var configMap corev1.ConfigMap
	w.Get(ConfigMap, &configMap)
	w.HasGitWith(gitFile, configMap.Data[testkit.DataKey])
}

// HasGitWith gives it a repository with another file.
func (w *World) HasGitWith(path, content string) {
	w.T.Helper()
	w.Git = &Git{store: gitmemory.NewStorage(), now: w.Clock.Now, Path: path}
	w.Create(w.GitSecret())
	if err := w.Git.commit(content, "begin"); err != nil {
		w.T.Fatalf("%v", err)
	}
}

// GitSecret is who may push to it.
func (w *World) GitSecret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: w.managed(GitSecret), Data: map[string][]byte{"url": []byte(GitURL), "username": []byte("bot"), "password": []byte("secret of git")}}
}

func (g *Git) fork(now func() time.Time) *Git {
	if g == nil {
		return nil
	}
	copied := *g
	copied.now, copied.store = now, gitmemory.NewStorage()
	maps.Copy(copied.store.ReferenceStorage, g.store.ReferenceStorage)
	maps.Copy(copied.store.Objects, g.store.Objects) // none of them ever changes
	maps.Copy(copied.store.Commits, g.store.Commits)
	maps.Copy(copied.store.Trees, g.store.Trees)
	maps.Copy(copied.store.Blobs, g.store.Blobs)
	return &copied
}

// Edit is carol, who commits to the main branch: one text of the file becomes another.
func (g *Git) Edit(before, after string) error {
	file := g.File()
	if !strings.Contains(file, before) {
		return fmt.Errorf("the file has no %q to edit: %s", before, file)
	}
	return g.commit(strings.Replace(file, before, after, 1), "mine")
}

// Merge is carol, who merges a branch.
func (g *Git) Merge(branch string) error {
	tip, err := g.store.Reference(plumbing.NewBranchReferenceName(branch))
	if err != nil {
		return err
	}
	return g.commit(g.at(tip.Hash()), "Merge branch "+branch, tip.Hash())
}

// Delete is carol, who deletes a branch.
func (g *Git) Delete(branch string) error {
	return g.store.RemoveReference(plumbing.NewBranchReferenceName(branch))
}

// Branches are the names of all but the main one, in order.
func (g *Git) Branches() (names []string) {
	for name := range g.store.ReferenceStorage {
		if name != gitMain && name.IsBranch() {
			names = append(names, name.Short())
		}
	}
	slices.Sort(names)
	return names
}

// File is what the main branch has.
func (g *Git) File() string {
	main, err := g.store.Reference(gitMain)
	if err != nil {
		return ""
	}
	return g.at(main.Hash())
}

func (g *Git) at(hash plumbing.Hash) string {
	commit, err := object.GetCommit(g.store, hash)
	if err != nil {
		return ""
	}
	file, err := commit.File(g.Path)
	if err != nil {
		return ""
	}
	content, _ := file.Contents() // it is in memory
	return content
}

// Log are the subjects of the commits on a branch, the newest first.
func (g *Git) Log(branch string) (subjects []string) {
	tip, err := g.store.Reference(plumbing.NewBranchReferenceName(branch))
	for err == nil {
		commit, missing := object.GetCommit(g.store, tip.Hash())
		if missing != nil {
			break
		}
		subject, _, _ := strings.Cut(commit.Message, "\n")
		if subjects = append(subjects, subject); len(commit.ParentHashes) == 0 {
			break
		}
		tip = plumbing.NewHashReference(tip.Name(), commit.ParentHashes[0])
	}
	return subjects
}

// commit is what people do.
func (g *Git) commit(content, message string, also ...plumbing.Hash) error {
	blob := g.store.NewEncodedObject()
	blob.SetType(plumbing.BlobObject)
	writer, _ := blob.Writer() // one in memory
	_, _ = writer.Write([]byte(content))
	file, err := g.store.SetEncodedObject(blob)
	if err != nil {
		return err
	}
	put := func(one interface {
		Encode(o plumbing.EncodedObject) error
	}) plumbing.Hash {
		encoded := g.store.NewEncodedObject()
		err = errors.Join(err, one.Encode(encoded))
		hash, bad := g.store.SetEncodedObject(encoded)
		err = errors.Join(err, bad)
		return hash
	}
	tree := put(&object.Tree{Entries: []object.TreeEntry{{Name: g.Path, Mode: 0o100644, Hash: file}}})
	var parents []plumbing.Hash
	if tip, none := g.store.Reference(gitMain); none == nil {
		parents = append(parents, tip.Hash())
	}
	who := object.Signature{Name: "carol", Email: "carol@example.com", When: g.now().UTC()}
	commit := put(&object.Commit{Author: who, Committer: who, Message: message + "\n", TreeHash: tree, ParentHashes: append(parents, also...)})
	return errors.Join(err, g.store.SetReference(plumbing.NewHashReference(gitMain, commit)))
}

// repositories are the server as operators call it.
func (w *World) repositories(writes *effects) *writeback.Writer {
	return writeback.Over(func(_ context.Context, name string) (writeback.Service, error) {
		switch {
		case w.Git == nil:
			return nil, errors.New("no route to host")
		case w.Git.Down != nil:
			return nil, w.Git.Down
		}
		return &gitService{Git: w.Git, name: name, writes: writes}, nil
	})
}

// gitService is one conversation.
type gitService struct {
	*Git
	name   string
	writes *effects
	fetch  transport.UploadPackSession
	push   transport.ReceivePackSession
}

// Refs implements writeback.Service.
func (s *gitService) Refs() (io.Reader, error) {
	endpoint := &transport.Endpoint{Protocol: "memory", Path: "/config.git"}
	sessions := server.NewServer(server.MapLoader{endpoint.String(): s.store})
	var refs *packp.AdvRefs
	var err error
	if s.name == "git-upload-pack" {
		if s.fetch, err = sessions.NewUploadPackSession(endpoint, nil); err == nil {
			refs, err = s.fetch.AdvertisedReferences()
		}
	} else if s.push, err = sessions.NewReceivePackSession(endpoint, nil); err == nil {
		refs, err = s.push.AdvertisedReferences()
	}
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	return &text, refs.Encode(&text)
}

// Ask implements writeback.Service.
func (s *gitService) Ask(request []byte) (io.Reader, error) {
	var answer bytes.Buffer
	if s.name == "git-upload-pack" {
		asked := packp.NewUploadPackRequest()
		if err := asked.Decode(bytes.NewReader(request)); err != nil {
			return nil, err
		}
		response, err := s.fetch.UploadPack(context.Background(), asked)
		if err != nil {
			return nil, err
		}
		return &answer, response.Encode(&answer)
	}
	asked := packp.NewReferenceUpdateRequest()
	if err := asked.Decode(bytes.NewReader(request)); err != nil {
		return nil, err
	}
	err := s.writes.do("push "+asked.Commands[0].Name.Short(), func() error { return s.take(asked, &answer) })
	return &answer, err
}

// take is one push. Like a real server it compares what the branch is.
func (s *gitService) take(asked *packp.ReferenceUpdateRequest, answer io.Writer) error {
	if s.Moves {
		if err := s.commit(s.File()+"# more\n", "faster"); err != nil {
			return err
		}
	}
	command := asked.Commands[0]
	status := &packp.CommandStatus{ReferenceName: command.Name, Status: s.Refuses}
	is := plumbing.ZeroHash
	if tip, err := s.store.Reference(command.Name); err == nil {
		is = tip.Hash()
	}
	if status.Status == "" && is != command.Old {
		status.Status = "failed to update ref"
	}
	if status.Status != "" {
		report := packp.NewReportStatus()
		report.UnpackStatus, report.CommandStatuses = "ok", []*packp.CommandStatus{status}
		return report.Encode(answer)
	}
	report, err := s.push.ReceivePack(context.Background(), asked)
	if err != nil {
		return err
	}
	if s.Loses > 0 {
		s.Loses--
		return context.DeadlineExceeded
	}
	return report.Encode(answer)
}

// Close implements writeback.Service.
func (s *gitService) Close() {}
