package signals

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// UsualAllow is whom the operator may ask where nobody says otherwise, beside the Services of the playbook's own namespace.
const UsualAllow = "*.monitoring"

// Allow is which servers the operator may ask for signals: whoever writes a playbook chooses among them. The Services of the playbook's own
// namespace are always among them.
type Allow struct {
	hosts    []hostPort
	prefixes []netip.Prefix
}

// hostPort is a name or an address, or with *. before it all names under it; an empty port is any.
type hostPort struct{ host, port string }

// ParseAllow reads host[:port], *.domain[:port], address[:port] and address/bits, separated by commas. *.namespace stands for the Services of a
// namespace.
func ParseAllow(text string) (Allow, error) {
	var allow Allow
	for part := range strings.SplitSeq(text, ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		switch {
		case part == "":
			continue
		case strings.Contains(part, "/"):
			prefix, err := netip.ParsePrefix(part)
			if err != nil {
				return Allow{}, fmt.Errorf("%q is no range of addresses; write it like 10.0.0.0/8", part)
			}
			allow.prefixes = append(allow.prefixes, prefix.Masked())
			continue
		}
		parsed, err := url.Parse("http://" + part)
		if address, bad := netip.ParseAddr(part); bad == nil && address.Is6() { // an address alone, without brackets
			parsed, err = &url.URL{Host: "[" + part + "]"}, nil
		}
		if err != nil || parsed.Hostname() == "" || parsed.Path != "" || parsed.User != nil || parsed.RawQuery != "" {
			return Allow{}, fmt.Errorf("%q is no server; write it like prometheus.example.com:9090, *.monitoring or 10.0.0.0/8", part)
		}
		allow.hosts = append(allow.hosts, hostPort{service(parsed.Hostname()), parsed.Port()})
	}
	return allow, nil
}

// Check says why the server of a URL may not be asked for a playbook of a namespace; nil: it may.
func (a Allow) Check(text, namespace string) error {
	where, err := url.Parse(text)
	if err != nil {
		return errors.New("its URL cannot be read") // err would repeat parts of it
	}
	return a.check(where, namespace)
}

// check says why a server may not be asked for a playbook of a namespace; nil: it may.
func (a Allow) check(where *url.URL, namespace string) error {
	host := service(where.Hostname())
	if address, err := netip.ParseAddr(host); err == nil {
		for _, prefix := range a.prefixes {
			if prefix.Contains(address.Unmap()) {
				return nil
			}
		}
	}
	if a.named(host, portOf(where)) || within(host, namespace) {
		return nil
	}
	return errors.New("the operator does not ask this server: it is no Service of the playbook's namespace, and not in the manager's --prometheus-allow (of notifications: --webhook-allow; of repositories: --git-allow); " +
		"write the Service as NAME.NAMESPACE, or have the server allowed")
}

func (a Allow) named(host, port string) bool {
	for _, one := range a.hosts {
		domain, all := strings.CutPrefix(one.host, "*.")
		if (one.port == "" || one.port == port) && (host == one.host || all && strings.HasSuffix(host, "."+domain)) {
			return true
		}
	}
	return false
}

// dialled is the name to look up for a host: of a Service its full one, since NAME.NAMESPACE alone may also be a name on the Internet.
// A host that is allowed by itself stays as it is written.
func (a Allow) dialled(host, port string) string {
	name := service(host)
	for _, one := range a.hosts {
		if one.host == name && (one.port == "" || one.port == port) {
			return host
		}
	}
	if _, err := netip.ParseAddr(name); err != nil && strings.Count(name, ".") == 1 {
		return name + ".svc"
	}
	return host
}

// within says whether a host is a Service of a namespace.
func within(host, namespace string) bool {
	name, of, found := strings.Cut(host, ".")
	return found && name != "" && of == namespace
}

// service is a host in its shortest form: of a Service NAME.NAMESPACE.
func service(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, domain := range []string{".svc.cluster.local", ".svc"} {
		if short, is := strings.CutSuffix(host, domain); is && strings.Count(short, ".") == 1 {
			return short
		}
	}
	return host
}

func portOf(where *url.URL) string {
	if port := where.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443", "ssh": "22"}[where.Scheme]
}

// disguised is an address in another form than the usual ones, decimal, octal, hexadecimal or with parts left out, which some programs read.
func disguised(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	host = strings.TrimRight(host, ".")
	last := host[strings.LastIndex(host, ".")+1:]
	return last != "" && strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
}
