package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// Scheme is that of the URLs that Open reads.
const Scheme = "s3"

// example is how a URL is written, in errors.
const example = "s3://BUCKET/FOLDER?region=eu-central-1"

// place is what a URL says.
type place struct {
	bucket, folder   string
	region, endpoint string
	pathStyle        bool
}

// Open makes a store of a URL like s3://BUCKET/FOLDER?region=...&endpoint=https://...&path_style=true. It asks nobody yet. No error repeats the URL,
// which somebody may have written a password into.
func Open(ctx context.Context, text string) (*S3, error) {
	at, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("evidence bucket: %w", err)
	}
	var options []func(*config.LoadOptions) error
	if at.region != "" {
		options = append(options, config.WithRegion(at.region))
	}
	found, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("evidence bucket: read the credentials in the environment: %w", err)
	}
	if found.Region == "" {
		return nil, errors.New("evidence bucket: its region is not known; add ?region=..., or set AWS_REGION")
	}
	client := s3.NewFromConfig(found, func(o *s3.Options) {
		o.UsePathStyle = at.pathStyle
		if at.endpoint != "" {
			o.BaseEndpoint = &at.endpoint
		}
	})
	return &S3{client: client, bucket: at.bucket, folder: at.folder}, nil
}

func parse(text string) (place, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return place{}, fmt.Errorf("its URL cannot be read; write it like %s", example) // err would repeat it
	}
	at := place{bucket: parsed.Host, folder: strings.Trim(parsed.Path, "/")}
	switch {
	case parsed.Scheme != Scheme || parsed.Hostname() == "" || parsed.Port() != "":
		return place{}, fmt.Errorf("its URL names no bucket; write it like %s", example)
	case parsed.User != nil:
		return place{}, errors.New("its URL holds a user or a password; credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, ...)")
	case parsed.Fragment != "":
		return place{}, errors.New("its URL holds a fragment (#...); leave it out")
	}
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
		if err := at.set(name, values); err != nil {
			return place{}, err
		}
	}
	return at, nil
}

// set takes one parameter. What is not known is refused: a library would read passwords, files and roles out of others.
func (p *place) set(name string, values []string) (err error) {
	if len(values) != 1 {
		return fmt.Errorf("the parameter %s of its URL is there %d times", known(name), len(values))
	}
	switch name {
	case "region":
		p.region = values[0]
	case "endpoint":
		p.endpoint, err = values[0], checkEndpoint(values[0])
	case "path_style":
		if p.pathStyle, err = strconv.ParseBool(values[0]); err != nil {
			err = errors.New("the parameter path_style of its URL is to be true or false")
		}
	default:
		return errors.New("its URL has a parameter that is not known; there are region, endpoint and path_style")
	}
	return err
}

// known is a parameter's name where it is no secret that somebody put there.
func known(name string) string {
	switch name {
	case "region", "endpoint", "path_style":
		return name
	}
	return "(not known)"
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
