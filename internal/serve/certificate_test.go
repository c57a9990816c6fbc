package serve

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/util/cert"
	clocktesting "k8s.io/utils/clock/testing"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A Secret that comes later, is renewed, or is broken, needs no restart.
func TestTheCertificateIsReadAgain(t *testing.T) {
	dir, now := t.TempDir(), clocktesting.NewFakeClock(noon)
	made, err := newCertificate(dir, "manager.svc", now, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	serial := func() string {
		t.Helper()
		served, err := made.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(served.Certificate[0])
	}
	write := func(text, key []byte) string {
		t.Helper()
		for name, data := range map[string][]byte{"tls.crt": text, "tls.key": key} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return ""
		}
		return string(block.Bytes)
	}
	madeUp := serial()
	for _, host := range []string{"first", "renewed"} {
		text, key, err := cert.GenerateSelfSignedCertKey(host, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		before, want := serial(), write(text, key)
		if serial() != before {
			t.Error("the files are read each time")
		}
		now.Step(certificateLife)
		if serial() != want {
			t.Errorf("%s is not served", host)
		}
	}
	good := serial()
	write([]byte("half of a"), []byte("certificate"))
	now.Step(certificateLife)
	if serial() != good || good == madeUp {
		t.Error("a broken one is served, or none")
	}
}
