package evidence

import "strings"

// How evidence is asked for over HTTP: the manager answers (internal/reading), the plugin asks.

// ReadResource is what a Role grants with the verb get, so that its users may read all evidence of a namespace. It is a subresource that no API
// serves: whoever may see incidents has not been given the reports and configurations, too.
const ReadResource, ReadSubresource = "strategyincidents", "evidence"

// HeaderAuthorization holds what otherwise Authorization does. An API server that passes a request on keeps that one to itself.
const HeaderAuthorization = "Strategy-Authorization"

// Parameters of a list.
const (
	ParamFolder = "folder" // below the namespace; empty: all of it
	ParamAfter  = "after"  // the last key of the part before; empty: from the beginning
)

// Page is a part of a list.
type Page struct {
	Items []Object `json:"items"`
	// Next is what to ask for as ParamAfter; empty: this is the last part.
	Next string `json:"next,omitempty"`
	// Bucket says what kind of bucket it is, and whether something keeps its objects from being deleted.
	Bucket string `json:"bucket,omitempty"`
}

// PathOf is where the evidence of a namespace is listed.
func PathOf(namespace string) string { return "/v1/namespaces/" + namespace + "/evidence" }

// PathOfKey is where an object is read, by its whole key, which begins with the namespace. It is a path, not escaped.
func PathOfKey(namespace, key string) string {
	return PathOf(namespace) + strings.TrimPrefix(key, namespace)
}
