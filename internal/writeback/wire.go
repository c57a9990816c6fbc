package writeback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// What a server may send: more is not read.
const (
	maxRefsBytes   = 16 << 20
	maxPackBytes   = 32 << 20
	maxReportBytes = 64 << 10
)

// The two services of a Git server.
const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

// Service is a conversation with one of the services: it tells what it has, gets a request, and answers.
type Service interface {
	Refs() (io.Reader, error)
	Ask(request []byte) (io.Reader, error)
	Close()
}

// Dial begins a conversation with the service of a name.
type Dial func(ctx context.Context, name string) (Service, error)

// advertised are the references of a repository, by their full names, and what the service can do.
func advertised(one Service) (*packp.AdvRefs, error) {
	reader, err := one.Refs()
	if err != nil {
		return nil, err
	}
	refs := packp.NewAdvRefs()
	err = refs.Decode(&limited{reader, maxRefsBytes, "its list of branches"})
	if err != nil && !errors.Is(err, packp.ErrEmptyAdvRefs) {
		return nil, err
	}
	if format := refs.Capabilities.Get("object-format"); len(format) > 0 && format[0] != "sha1" {
		return nil, failf(Invalid, "the repository names its objects by %s, which the operator cannot write; it writes repositories of SHA-1", bounded(format[0]))
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	return refs, nil
}

// fetch gets everything that the hashes lead to, as one pack; zero ones lead nowhere.
func fetch(one Service, refs *packp.AdvRefs, tips []plumbing.Hash) ([]byte, error) {
	request := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	for _, tip := range tips {
		if !tip.IsZero() && !slices.Contains(request.Wants, tip) {
			request.Wants = append(request.Wants, tip)
		}
	}
	var body bytes.Buffer
	if err := request.UploadRequest.Encode(&body); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(&body).EncodeString("done\n"); err != nil {
		return nil, err
	}
	answer, err := one.Ask(body.Bytes())
	if err != nil {
		return nil, err
	}
	response := packp.NewUploadPackResponse(request)
	if err := response.Decode(io.NopCloser(&limited{answer, maxPackBytes, "the history of its branch"})); err != nil {
		return nil, err
	}
	return io.ReadAll(demuxed(request.Capabilities, response))
}

// demuxed is the pack alone, where the server sends other things beside it.
func demuxed(capabilities *capability.List, reader io.Reader) io.Reader {
	switch {
	case capabilities.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, reader)
	case capabilities.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, reader)
	}
	return reader
}

// push has the server move a reference from one commit to another, if it is still there. A *Failure is the server's word, or that there is none;
// after any other error it may have been done or not.
func push(one Service, refs *packp.AdvRefs, command packp.Command, pack []byte) error {
	request := packp.NewReferenceUpdateRequestFromCapabilities(refs.Capabilities)
	request.Capabilities.Delete(capability.Sideband64k)
	request.Capabilities.Delete(capability.Sideband)
	if !request.Capabilities.Supports(capability.ReportStatus) {
		return failf(Invalid, "the Git server cannot say what becomes of a push; the operator needs a server with report-status")
	}
	if command.New.IsZero() && !refs.Capabilities.Supports(capability.DeleteRefs) {
		return failf(Refused, "the Git server lets nobody delete branches; delete %s", bounded(command.Name.Short()))
	}
	request.Commands = []*packp.Command{&command}
	var body bytes.Buffer
	if err := request.Encode(&body); err != nil {
		return err
	}
	body.Write(pack)
	answer, err := one.Ask(body.Bytes())
	if err != nil {
		return err
	}
	report := packp.NewReportStatus()
	if err := report.Decode(&limited{answer, maxReportBytes, "its answer to a push"}); err != nil {
		return fmt.Errorf("the answer to a push cannot be read: %w", err)
	}
	for _, status := range report.CommandStatuses {
		if status.Status != "ok" {
			return refusal(status.Status)
		}
	}
	if report.UnpackStatus != "ok" {
		return refusal(report.UnpackStatus)
	}
	if len(report.CommandStatuses) != 1 || report.CommandStatuses[0].ReferenceName != command.Name {
		return errors.New("the answer to a push says nothing of the branch")
	}
	return nil
}

// limited is a reader that fails where it would become too much; what says of what.
type limited struct {
	io.Reader
	left int64
	what string
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, failf(Invalid, "the Git server sends more than the operator reads of %s; use a smaller repository", l.what)
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.Reader.Read(p)
	l.left -= int64(n)
	return n, err
}
