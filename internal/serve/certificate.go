package serve

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/util/cert"
	"k8s.io/utils/clock"
)

// certificateLife is how long a certificate that was read is used before the files are looked at again.
const certificateLife = 10 * time.Second

// certificate is that of the server: of the files, as they are now, or made up while there are none. So a Secret that comes later, or is
// renewed, needs no restart; one that is broken changes nothing.
type certificate struct {
	dir   string // empty: none
	clock clock.PassiveClock
	log   logr.Logger

	mu      sync.Mutex
	now     *tls.Certificate
	looked  time.Time
	problem string // that was told last
}

// newCertificate has a certificate at once.
func newCertificate(dir, name string, now clock.PassiveClock, log logr.Logger) (*certificate, error) {
	c := &certificate{dir: dir, clock: now, log: log}
	if _, err := c.get(nil); err == nil {
		return c, nil
	}
	text, key, err := cert.GenerateSelfSignedCertKey(name, []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"})
	if err != nil {
		return nil, err
	}
	made, err := tls.X509KeyPair(text, key)
	if err != nil {
		return nil, err
	}
	c.now = &made
	log.Info("Serving with a certificate that was made just now, which callers cannot check: put one into Secret strategy-operator-alerts-tls",
		"name", name, "folder", dir)
	return c, nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now != nil && (c.dir == "" || c.clock.Since(c.looked) < certificateLife) {
		return c.now, nil
	}
	c.looked = c.clock.Now()
	read, err := tls.LoadX509KeyPair(filepath.Join(c.dir, "tls.crt"), filepath.Join(c.dir, "tls.key"))
	if err == nil {
		c.now, c.problem = &read, ""
		return c.now, nil
	}
	if said := err.Error(); c.now != nil && said != c.problem { // once
		c.problem = said
		c.log.Error(err, "Read the certificate; the one before is used on", "folder", c.dir)
	}
	if c.now != nil {
		return c.now, nil
	}
	return nil, err
}
