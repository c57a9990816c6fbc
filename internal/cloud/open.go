package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// scheme is a kind of bucket, by the first word of its URL.
type scheme struct {
	kind        string // for people
	example     string // how its URL is written, in errors
	credentials string // where they come from instead of the URL
	parameters  []string
	connect     func(context.Context, place) (server, error)
}

var schemes = map[string]scheme{
	"s3": {
		kind: "a bucket of S3", example: "s3://BUCKET/FOLDER?region=eu-central-1", credentials: "AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE",
		parameters: []string{"region", "endpoint", "path_style"}, connect: connectS3,
	},
	"gs": {
		kind: "a bucket of Google Cloud Storage", example: "gs://BUCKET/FOLDER", credentials: "GOOGLE_APPLICATION_CREDENTIALS, the metadata server",
		parameters: []string{"endpoint"}, connect: connectGoogle,
	},
	"azblob": {
		kind: "a container of Azure Blob Storage", example: "azblob://CONTAINER/FOLDER?account=NAME", credentials: "AZURE_FEDERATED_TOKEN_FILE, AZURE_STORAGE_KEY",
		parameters: []string{"account", "endpoint"}, connect: connectAzure,
	},
}

// Knows says whether a URL is one of a cloud, by its scheme.
func Knows(text string) bool {
	name, _, _ := strings.Cut(text, ":")
	_, known := schemes[name]
	return known
}

// place is what a URL says.
type place struct {
	scheme           string
	bucket, folder   string // the folder with the slash at its end, or empty
	region, endpoint string
	account          string
	pathStyle        bool
}

// Open makes a store of a URL like s3://BUCKET/FOLDER?region=...&endpoint=https://...&path_style=true. It reads the credentials in the environment, and
// asks the bucket nothing yet. No error repeats the URL, which somebody may have written a password into.
func Open(ctx context.Context, text string) (*Bucket, error) {
	at, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("evidence bucket: %w", err)
	}
	found := schemes[at.scheme]
	server, err := found.connect(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("evidence bucket: %w", err)
	}
	return &Bucket{server: server, kind: found.kind, folder: at.folder}, nil
}

func parse(text string) (place, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return place{}, errors.New("its URL cannot be read; write it like " + schemes["s3"].example) // err would repeat it
	}
	of, known := schemes[parsed.Scheme]
	switch {
	case !known:
		return place{}, errors.New("its URL is of no cloud; write it like " + schemes["s3"].example)
	case parsed.Hostname() == "" || parsed.Port() != "":
		return place{}, errors.New("its URL names no bucket; write it like " + of.example)
	case parsed.User != nil:
		return place{}, fmt.Errorf("its URL holds a user or a password; credentials come from the environment (%s, ...)", of.credentials)
	case parsed.Fragment != "":
		return place{}, errors.New("its URL holds a fragment (#...); leave it out")
	}
	at := place{scheme: parsed.Scheme, bucket: parsed.Host, folder: strings.Trim(parsed.Path, "/")}
	if at.folder != "" {
		if err := evidence.CheckKey(at.folder); err != nil {
			return place{}, fmt.Errorf("the folder in its URL: %w", err)
		}
		at.folder += "/"
	}
	parameters, err := url.ParseQuery(parsed.RawQuery)
	if err != nil {
		return place{}, errors.New("the parameters of its URL cannot be read")
	}
	for name, values := range parameters {
		if err := at.set(name, values, of.parameters); err != nil {
			return place{}, err
		}
	}
	if at.scheme == "azblob" && at.account == "" {
		return place{}, errors.New("its URL names no storage account; write it like " + of.example)
	}
	return at, nil
}

// set takes one parameter. What is not known is refused, without its name: a library would read passwords, files and roles out of others.
func (p *place) set(name string, values, known []string) (err error) {
	if !slices.Contains(known, name) {
		return fmt.Errorf("its URL has a parameter that is not known; of %s:// there are: %s", p.scheme, strings.Join(known, ", "))
	}
	if len(values) != 1 {
		return fmt.Errorf("the parameter %s of its URL is there %d times", name, len(values))
	}
	switch name {
	case "region":
		p.region = values[0]
	case "endpoint":
		p.endpoint, err = strings.TrimRight(values[0], "/"), checkEndpoint(values[0])
	case "account":
		p.account, err = values[0], checkAccount(values[0])
	case "path_style":
		if p.pathStyle, err = strconv.ParseBool(values[0]); err != nil {
			err = errors.New("the parameter path_style of its URL is to be true or false")
		}
	}
	return err
}

var accountName = regexp.MustCompile(`^[a-z0-9]{3,24}$`)

// checkAccount wants a name of Azure's: it becomes a part of a host's.
func checkAccount(text string) error {
	if !accountName.MatchString(text) {
		return errors.New("the parameter account of its URL is to be the name of a storage account: 3 to 24 small letters and digits")
	}
	return nil
}

// checkEndpoint wants TLS: evidence holds whole configurations. On this machine nobody listens in between.
func checkEndpoint(text string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return errors.New("the parameter endpoint of its URL is to be like https://s3.example.com, without a user, a password or parameters")
	}
	address, err := netip.ParseAddr(parsed.Hostname())
	local := parsed.Hostname() == "localhost" || err == nil && address.IsLoopback()
	if parsed.Scheme != "https" && (parsed.Scheme != "http" || !local) {
		return errors.New("the parameter endpoint of its URL must start with https://: evidence holds whole configurations")
	}
	return nil
}
