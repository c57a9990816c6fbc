package writeback

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // names of hosts are hashed with it in known_hosts; it proves nothing
	"encoding/base64"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// knownHosts are the keys of servers, as in the file known_hosts. The library's own reader takes files alone.
type knownHosts []knownHost

type knownHost struct {
	names   []string
	key     ssh.PublicKey
	revoked bool
}

func parseHosts(text string) (all knownHosts, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, failf(Invalid, "the Secret has no key known_hosts, and the operator talks to no server that it cannot recognise: put the line of `ssh-keyscan HOST` there, after you compared it")
	}
	rest := []byte(text)
	for {
		marker, names, key, _, next, err := ssh.ParseKnownHosts(rest)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, failf(Invalid, "the Secret's key known_hosts cannot be read as such a file")
		}
		rest = next
		if marker != "cert-authority" { // a certificate of a host is not asked for
			all = append(all, knownHost{names, key, marker == "revoked"})
		}
	}
}

// of is how a host is recognised.
func (k knownHosts) of(host, port string) (ssh.HostKeyCallback, []string, error) {
	name := strings.ToLower(host)
	if port != "22" {
		name = "[" + name + "]:" + port
	}
	var known []ssh.PublicKey
	var algorithms []string
	for _, one := range k {
		if slices.ContainsFunc(one.names, func(pattern string) bool { return isHost(pattern, name) }) && !one.revoked {
			known = append(known, one.key)
			algorithms = append(algorithms, algorithmsOf(one.key.Type())...)
		}
	}
	if len(known) == 0 {
		return nil, nil, failf(Invalid, "the Secret's key known_hosts has no key for %s", bounded(name))
	}
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		same := func(other ssh.PublicKey) bool { return bytes.Equal(other.Marshal(), key.Marshal()) }
		revoked := slices.ContainsFunc(k, func(one knownHost) bool { return one.revoked && same(one.key) })
		if revoked || !slices.ContainsFunc(known, same) {
			return failf(Invalid, "the Git server has another key than known_hosts of the Secret says: it may be somebody else's; ask who runs it, then fix known_hosts")
		}
		return nil
	}, algorithms, nil
}

// algorithmsOf are how a server may prove that a key is its own.
func algorithmsOf(kind string) []string {
	if kind == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{kind}
}

// isHost: names are whole or hashed. Patterns are no names: whoever wants to be sure of a server names it.
func isHost(pattern, name string) bool {
	hashed, is := strings.CutPrefix(pattern, "|1|")
	if !is {
		return strings.ToLower(pattern) == name
	}
	salt, sum, _ := strings.Cut(hashed, "|")
	key, err := base64.StdEncoding.DecodeString(salt)
	want, bad := base64.StdEncoding.DecodeString(sum)
	if err != nil || bad != nil {
		return false
	}
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte(name))
	return hmac.Equal(mac.Sum(nil), want)
}
