package bucket_test

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// azureAccount is the tests' storage account; as with other servers that are not Azure's own, it is the first part of a path.
const azureAccount = "tests"

// accountKey is the key of the tests' storage account.
var accountKey = base64.StdEncoding.EncodeToString([]byte("only-of-the-tests"))

// azureKind is a stand-in for Azure Blob Storage: there is no server of it as a Go module. It checks no signature.
var azureKind = kind{
	name: "Azure",
	serves: func(t *testing.T) string {
		return servesAzure(t, &azureContainer{})
	},
	url: func(endpoint, folder string) string {
		return "azblob://" + bucketName + folder + "?account=" + azureAccount + "&endpoint=" + url.QueryEscape(endpoint)
	},
	writes:  func(r *http.Request) bool { return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, key) },
	reads:   func(r *http.Request) bool { return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, key) },
	says:    sayXML,
	secrets: []string{accountKey},
	onlyNew: func(r *http.Request) bool { return r.Header.Get("If-None-Match") == "*" },
	unknown: "UnsupportedHeader",
	ignores: func(*testing.T, string) fault {
		return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			r.Header.Del("If-None-Match")
			return false
		}
	},
	remove: func(t *testing.T, endpoint string) {
		if code := asked(t, http.MethodDelete, endpoint+"/"+bucketName+"?restype=container", ""); code != http.StatusAccepted {
			t.Fatalf("delete the container: %d", code)
		}
	},
}

// servesAzure starts the stand-in on loopback, and gives the test the key of its account.
func servesAzure(t *testing.T, container *azureContainer) string {
	t.Helper()
	t.Setenv("AZURE_STORAGE_KEY", accountKey)
	container.blobs = map[string]string{}
	server := httptest.NewServer(container)
	t.Cleanup(server.Close)
	return server.URL + "/" + azureAccount
}

// azureContainer does as the documentation of Azure's REST API says of Put Blob, Get Blob, List Blobs, Get Container Properties and Delete Container.
type azureContainer struct {
	properties map[string]string // headers of the container
	fixed      bool              // a policy lets nobody replace what is there, and says so instead of that it is there

	mu    sync.Mutex
	blobs map[string]string // nil: there is no container
}

func (a *azureContainer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"+azureAccount+"/"), "/")
	query := r.URL.Query()
	signed := strings.HasPrefix(r.Header.Get("Authorization"), "SharedKey "+azureAccount+":") && r.Header.Get("x-ms-date") != "" && r.Header.Get("x-ms-version") != ""
	switch {
	case r.Method == http.MethodDelete && name == "": // which only the test asks for
		a.blobs = nil
		w.WriteHeader(http.StatusAccepted)
	case !signed:
		refuse(w, http.StatusForbidden, "AuthenticationFailed")
	case a.blobs == nil:
		refuse(w, http.StatusNotFound, "ContainerNotFound")
	case query.Get("comp") == "list":
		a.list(w, query)
	case query.Get("restype") == "container":
		for header, value := range a.properties {
			w.Header().Set(header, value)
		}
	case r.Method == http.MethodPut:
		a.put(w, r, name)
	default:
		a.get(w, r, name)
	}
}

func (a *azureContainer) put(w http.ResponseWriter, r *http.Request, name string) {
	body, err := io.ReadAll(r.Body)
	_, there := a.blobs[name]
	switch {
	case err != nil || r.ContentLength != int64(len(body)):
		refuse(w, http.StatusBadRequest, "IncompleteBody")
	case r.Header.Get("x-ms-blob-type") != "BlockBlob":
		refuse(w, http.StatusBadRequest, "InvalidHeaderValue")
	case there && a.fixed:
		refuse(w, http.StatusConflict, "BlobImmutableDueToPolicy")
	case there && r.Header.Get("If-None-Match") == "*":
		refuse(w, http.StatusConflict, "BlobAlreadyExists")
	default:
		a.blobs[name] = string(body)
		w.Header().Set("ETag", `"1"`)
		w.WriteHeader(http.StatusCreated)
	}
}

func (a *azureContainer) get(w http.ResponseWriter, r *http.Request, name string) {
	data, there := a.blobs[name]
	if !there {
		refuse(w, http.StatusNotFound, "BlobNotFound")
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != `"1"` {
		refuse(w, http.StatusPreconditionFailed, "ConditionNotMet")
		return
	}
	w.Header().Set("ETag", `"1"`)
	part, ranged := strings.CutPrefix(cmp.Or(r.Header.Get("x-ms-range"), r.Header.Get("Range")), "bytes=")
	if !ranged {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = io.WriteString(w, data)
		return
	}
	first, last, _ := strings.Cut(part, "-")
	from, err := strconv.Atoi(first)
	to := len(data) - 1
	if last != "" {
		to, err = strconv.Atoi(last)
	}
	if err != nil || from > to || to >= len(data) {
		refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
		return
	}
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(data)))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = io.WriteString(w, data[from:to+1])
}

// azureList is the answer of List Blobs.
type azureList struct {
	XMLName xml.Name    `xml:"EnumerationResults"`
	Blobs   []azureBlob `xml:"Blobs>Blob"`
	Folders []azureName `xml:"Blobs>BlobPrefix"`
	Next    string      `xml:"NextMarker"`
}

type azureName struct {
	Name string `xml:"Name"`
}

type azureBlob struct {
	Name  string `xml:"Name"`
	Bytes int    `xml:"Properties>Content-Length"`
}

// list is one page: sorted by name, from the marker or the start on, each folder behind a delimiter as one entry.
func (a *azureContainer) list(w http.ResponseWriter, query url.Values) {
	most, prefix := 5000, query.Get("prefix")
	if text := query.Get("maxresults"); text != "" {
		var err error
		if most, err = strconv.Atoi(text); err != nil || most < 1 {
			refuse(w, http.StatusBadRequest, "OutOfRangeQueryParameterValue")
			return
		}
	}
	var names []string
	for name := range a.blobs {
		if strings.HasPrefix(name, prefix) && name >= query.Get("marker") && name >= query.Get("startFrom") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var answer azureList
	for _, name := range names {
		if len(answer.Blobs)+len(answer.Folders) == min(most, 5000) {
			answer.Next = name
			break
		}
		if folder, _, deeper := strings.Cut(strings.TrimPrefix(name, prefix), "/"); deeper && query.Get("delimiter") == "/" {
			if folder := (azureName{prefix + folder + "/"}); !slices.Contains(answer.Folders, folder) {
				answer.Folders = append(answer.Folders, folder)
			}
			continue
		}
		answer.Blobs = append(answer.Blobs, azureBlob{name, len(a.blobs[name])})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(answer)
}

// refuse is an error as Azure tells it: in a header, too.
func refuse(w http.ResponseWriter, code int, name string) {
	w.Header().Set("x-ms-error-code", name)
	sayXML(w, code, name)
}
