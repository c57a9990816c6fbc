package api_test

import (
	"maps"
	"net/http"
	"regexp"
	"sync"
)

// requests counts what the operator asks of the API server.
type requests struct {
	// Namespace limits the counting to one namespace, and to what is asked of all of them at once; empty counts everything.
	Namespace string

	sync.Mutex
	counts map[asked]int
	writes int
}

// asked is one kind of request.
type asked struct {
	Verb     string // GET, LIST, WATCH, DRY-RUN, or the method of a write
	Resource string // "jobs", or "strategyincidents/status"
	Code     int    // of the response; 0 without one
}

// Transport counts every request that passes.
func (r *requests) Transport(next http.RoundTripper) http.RoundTripper {
	return counting{r, next}
}

// Writes is how many requests could change anything. Events are no change.
func (r *requests) Writes() int {
	r.Lock()
	defer r.Unlock()
	return r.writes
}

// Counts are the requests of each kind since Reset.
func (r *requests) Counts() map[asked]int {
	r.Lock()
	defer r.Unlock()
	return maps.Clone(r.counts)
}

// Reset forgets what was counted.
func (r *requests) Reset() {
	r.Lock()
	defer r.Unlock()
	r.counts, r.writes = nil, 0
}

type counting struct {
	requests *requests
	next     http.RoundTripper
}

// resourcePath splits /api/v1/namespaces/NAMESPACE/RESOURCE/NAME/SUBRESOURCE, with or without group and namespace.
var resourcePath = regexp.MustCompile(`^/apis?/(?:[^/]+\.[^/]+/|apps/|batch/)?v[0-9a-z]+/(?:namespaces/([^/]+)/)?([a-z]+)(?:/([^/]+))?(/[a-z]+)?$`)

// RoundTrip implements http.RoundTripper.
func (c counting) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(request)
	kind := asked{Verb: request.Method, Resource: request.URL.Path}
	parts := resourcePath.FindStringSubmatch(request.URL.Path)
	if parts != nil {
		kind.Resource = parts[2] + parts[4]
		if c.requests.Namespace != "" && parts[1] != "" && parts[1] != c.requests.Namespace {
			return response, err
		}
	}
	query := request.URL.Query()
	switch {
	case query.Get("watch") != "":
		kind.Verb = "WATCH"
	case request.Method == http.MethodGet && parts != nil && parts[3] == "":
		kind.Verb = "LIST"
	case query.Get("dryRun") != "":
		kind.Verb = "DRY-RUN"
	}
	if response != nil {
		kind.Code = response.StatusCode
	}
	c.requests.Lock()
	defer c.requests.Unlock()
	if c.requests.counts == nil {
		c.requests.counts = map[asked]int{}
	}
	c.requests.counts[kind]++
	if request.Method != http.MethodGet && kind.Verb != "DRY-RUN" && kind.Resource != "events" {
		c.requests.writes++
	}
	return response, err
}
