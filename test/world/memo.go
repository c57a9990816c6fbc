package world

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"sync"
)

// memo is the API server's answers to reads, each as long as nobody wrote to that resource of that namespace. Nothing but
// requests through it changes anything there, as no controller runs beside this API server; so an answer is what the
// server would say again. Four reads of five are repeated ones, and most of a test's time.
type memo struct {
	sync.Mutex
	scopes map[scope]*answers
}

// scope is what one write may change.
type scope struct{ namespace, resource string }

type answers struct {
	writes int // that began or ended so far
	byURL  map[string]answer
}

type answer struct {
	status http.Response
	body   []byte
}

// transport answers from memory where it can.
func (m *memo) transport(next http.RoundTripper) http.RoundTripper {
	return remembering{m, next}
}

type remembering struct {
	memo *memo
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (r remembering) RoundTrip(request *http.Request) (*http.Response, error) {
	parts := resourcePath.FindStringSubmatch(request.URL.Path)
	if parts == nil || parts[1] == "" || request.URL.Query().Get("watch") != "" {
		return r.next.RoundTrip(request)
	}
	at := scope{parts[1], parts[2]}
	if request.Method != http.MethodGet {
		r.memo.forget(at)
		defer r.memo.forget(at) // what was read meanwhile may be older
		return r.next.RoundTrip(request)
	}
	key := request.URL.RequestURI() + " " + request.Header.Get("Accept")
	known, writes := r.memo.recall(at, key)
	if known == nil {
		response, err := r.next.RoundTrip(request)
		if err != nil || response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNotFound {
			return response, err
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return nil, err
		}
		known = &answer{*response, body}
		r.memo.keep(at, key, *known, writes)
	}
	response := known.status
	response.Header, response.Request = maps.Clone(known.status.Header), request
	response.Body = io.NopCloser(bytes.NewReader(known.body))
	return &response, nil
}

func (m *memo) forget(at scope) {
	m.Lock()
	defer m.Unlock()
	known := m.at(at)
	known.writes++
	known.byURL = map[string]answer{}
}

func (m *memo) recall(at scope, key string) (*answer, int) {
	m.Lock()
	defer m.Unlock()
	known := m.at(at)
	if found, ok := known.byURL[key]; ok {
		return &found, known.writes
	}
	return nil, known.writes
}

// keep remembers an answer, unless somebody wrote while it was on its way.
func (m *memo) keep(at scope, key string, found answer, writes int) {
	m.Lock()
	defer m.Unlock()
	if known := m.at(at); known.writes == writes {
		known.byURL[key] = found
	}
}

func (m *memo) at(at scope) *answers {
	known := m.scopes[at]
	if known == nil {
		known = &answers{byURL: map[string]answer{}}
		m.scopes[at] = known
	}
	return known
}

// forgetWorld frees the memory of a namespace.
func (m *memo) forgetWorld(namespace string) {
	m.Lock()
	defer m.Unlock()
	maps.DeleteFunc(m.scopes, func(at scope, _ *answers) bool { return at.namespace == namespace })
}
