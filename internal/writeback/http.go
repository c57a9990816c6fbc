package writeback

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// overHTTP talks to a server over HTTP: one request for what it has, one for what is asked.
type overHTTP struct {
	ctx         context.Context //nolint:containedctx // a conversation is one call
	client      *http.Client
	url, name   string
	credentials Credentials
	bodies      []io.Closer
}

func dialHTTP(client *http.Client, repository Repository, credentials Credentials) Dial {
	return func(ctx context.Context, name string) (Service, error) {
		return &overHTTP{ctx: ctx, client: client, url: strings.TrimRight(repository.URL, "/"), name: name, credentials: credentials}, nil
	}
}

func (h *overHTTP) Refs() (io.Reader, error) {
	return h.do(http.MethodGet, "/info/refs?service="+h.name, nil, "advertisement")
}

func (h *overHTTP) Ask(request []byte) (io.Reader, error) {
	return h.do(http.MethodPost, "/"+h.name, request, "result")
}

func (h *overHTTP) do(method, path string, body []byte, answers string) (io.Reader, error) {
	request, err := http.NewRequestWithContext(h.ctx, method, h.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("no request can be made of the URL of the repository") // err would repeat the URL
	}
	request.Header.Set("User-Agent", "git/strategy-operator") // some servers answer programs of Git alone
	request.Header.Set("Accept", "application/x-"+h.name+"-"+answers)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-"+h.name+"-request")
	}
	switch {
	case h.credentials.BearerToken != "":
		request.Header.Set("Authorization", "Bearer "+h.credentials.BearerToken)
	case h.credentials.Password != "":
		request.SetBasicAuth(h.credentials.Username, h.credentials.Password)
	}
	response, err := h.client.Do(request) //nolint:bodyclose // Close does, after the answer was read
	if err != nil {
		return nil, ofTLS(err)
	}
	h.bodies = append(h.bodies, response.Body)
	if err := ofStatus(response.StatusCode); err != nil {
		return nil, err
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != "application/x-"+h.name+"-"+answers {
		return nil, failf(Invalid, "what answers at the URL is no Git server, or one of the old kind without %s; fix the URL of the write-back", h.name)
	}
	return response.Body, nil
}

func (h *overHTTP) Close() {
	for _, body := range h.bodies {
		_ = body.Close() // a reader has nothing left to lose
	}
}
