package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// event is what the API server's audit log says of one request.
type event struct {
	Stage      string
	Verb       string
	RequestURI string
	User       struct{ Username string }
	ObjectRef  struct{ Namespace, Resource, Subresource string }
	Response   struct{ Code int } `json:"responseStatus"`
	Received   time.Time          `json:"requestReceivedTimestamp"`
	Answered   time.Time          `json:"stageTimestamp"`
}

// request is one kind of request; the count of each is what the table is made of.
type request struct {
	user, verb, resource, subresource string
	code                              int
}

// Verbs that the audit log does not tell from others.
const (
	verbLog    = "log"
	verbDryRun = "dry-run"
)

// readAudit reads the finished requests of an audit log, in the order in which they were received. Watches are left out: each
// lasts, and is renewed when the API server ends it, whatever there is to do.
func readAudit(path string) ([]event, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	events, err := decodeAudit(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return events, nil
}

func decodeAudit(from io.Reader) ([]event, error) {
	decoder := json.NewDecoder(bufio.NewReaderSize(from, 1<<20))
	var events []event
	for {
		var one event
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			slices.SortStableFunc(events, func(a, b event) int { return a.Received.Compare(b.Received) })
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", len(events)+1, err)
		}
		// A log read has an event when it begins, too; a request that panicked was one all the same.
		if one.Verb != "watch" && (one.Stage == "ResponseComplete" || one.Stage == "Panic") {
			events = append(events, one)
		}
	}
}

func (e event) kind() request {
	kind := request{e.User.Username, e.Verb, e.ObjectRef.Resource, e.ObjectRef.Subresource, e.Response.Code}
	switch {
	case kind.verb == "get" && kind.resource == "pods" && kind.subresource == "log":
		kind.verb = verbLog
	case dryRun(e.RequestURI):
		kind.verb = verbDryRun
	}
	return kind
}

func dryRun(uri string) bool {
	_, query, _ := strings.Cut(uri, "?")
	values, err := url.ParseQuery(query)
	return err == nil && values.Get("dryRun") != ""
}

// tally is how often each kind of request was made.
type tally map[request]int

// count counts what was received in a time.
func count(events []event, from, to time.Time) tally {
	counts := tally{}
	for _, one := range between(events, from, to) {
		counts[one.kind()]++
	}
	return counts
}

// between are the events from a time on and before another.
func between(events []event, from, to time.Time) []event {
	var found []event
	for _, one := range events {
		if !one.Received.Before(from) && one.Received.Before(to) {
			found = append(found, one)
		}
	}
	return found
}

// within are the events about objects of one namespace.
func within(events []event, namespace string) []event {
	return slices.DeleteFunc(slices.Clone(events), func(e event) bool { return e.ObjectRef.Namespace != namespace })
}

// sum adds up the kinds that all conditions hold for.
func (t tally) sum(conditions ...func(request) bool) int {
	total := 0
	for kind, n := range t {
		if !slices.ContainsFunc(conditions, func(holds func(request) bool) bool { return !holds(kind) }) {
			total += n
		}
	}
	return total
}

func by(user string) func(request) bool { return func(r request) bool { return r.user == user } }

func verb(verbs ...string) func(request) bool {
	return func(r request) bool { return slices.Contains(verbs, r.verb) }
}

func on(resource, subresource string) func(request) bool {
	return func(r request) bool { return r.resource == resource && r.subresource == subresource }
}

func answered(code int) func(request) bool { return func(r request) bool { return r.code == code } }

func not(condition func(request) bool) func(request) bool {
	return func(r request) bool { return !condition(r) }
}

// writes change something, or try to: the lease of the leader apart, whose renewals are no work.
func writes(r request) bool {
	return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, r.verb) && !leases(r)
}

func leases(r request) bool { return r.resource == "leases" }

// reactions are the times from each incident that a user created, answered, to the answer of the first Job that another
// created after it. It is for incidents that come one by one.
func reactions(events []event, creator, operator string) []time.Duration {
	var found []time.Duration
	var incident *event
	for i, one := range events {
		switch {
		case one.Verb != "create" || one.Response.Code >= 400:
		case one.ObjectRef.Resource == "strategyincidents" && one.User.Username == creator:
			incident = &events[i]
		case one.ObjectRef.Resource == "jobs" && one.User.Username == operator && incident != nil:
			found = append(found, one.Answered.Sub(incident.Answered))
			incident = nil
		}
	}
	return found
}
