package signals

import (
	"net/url"
	"strings"
	"testing"
)

func TestWhoMayBeAsked(t *testing.T) {
	for _, c := range []struct {
		allow, url string
		may        bool
		dialled    string // where it is not the host
	}{
		{UsualAllow, "http://prometheus.monitoring:9090", true, "prometheus.monitoring.svc"},
		{UsualAllow, "http://prometheus.monitoring.svc:9090", true, "prometheus.monitoring.svc"},
		{UsualAllow, "http://Prometheus.Monitoring.svc.cluster.local.:9090", true, "prometheus.monitoring.svc"},
		{UsualAllow, "http://prometheus.trading:9090", true, "prometheus.trading.svc"},
		{UsualAllow, "http://prometheus.other:9090", false, ""},
		{UsualAllow, "http://prometheus:9090", false, ""},
		{UsualAllow, "http://kubernetes.default.svc", false, ""},
		{UsualAllow, "http://trading:9090", false, ""},
		{UsualAllow, "http://evil.example.com/.monitoring", false, ""},
		{UsualAllow, "http://prometheus.monitoring.evil.com", false, ""},
		{UsualAllow, "http://a.b.trading", false, ""},
		{UsualAllow, "http://prometheus.trading.svc.evil.com", false, ""},
		{UsualAllow, "http://10.0.0.1:9090", false, ""},
		{"", "http://prometheus.monitoring:9090", false, ""},
		{"", "http://prometheus.trading:9090", true, "prometheus.trading.svc"},
		{"prometheus.corp", "https://prometheus.corp", true, ""},
		{"prometheus.corp:443", "https://prometheus.corp", true, ""},
		{"prometheus.corp:443", "https://prometheus.corp:8443", false, ""},
		{"*.example.com", "https://a.b.example.com", true, ""},
		{"*.example.com", "https://example.com", false, ""},
		{"10.0.0.0/8, fd00::/8", "http://10.1.2.3:9090", true, ""},
		{"10.0.0.0/8, fd00::/8", "http://[::ffff:10.1.2.3]:9090", true, ""},
		{"10.0.0.0/8, fd00::/8", "http://[fd00::1]:9090", true, ""},
		{"10.0.0.0/8", "http://11.1.2.3:9090", false, ""},
		{"10.99.0.1:9490", "http://10.99.0.1:9490", true, ""},
		{"10.99.0.1:9490", "http://10.99.0.1:22", false, ""},
		{"fd00::1", "http://[fd00::1]:9090", true, ""},
		{"[fd00::1]:9090", "http://[fd00::1]:9090", true, ""},
	} {
		t.Run(c.allow+" "+c.url, func(t *testing.T) {
			where, err := url.Parse(c.url)
			if err != nil {
				t.Fatal(err)
			}
			allow := allowed(c.allow)
			if err := allow.check(where, "trading"); (err == nil) != c.may {
				t.Fatalf("may it be asked: %v", err)
			}
			want := c.dialled
			if want == "" {
				want = where.Hostname()
			}
			if got := allow.dialled(where.Hostname(), portOf(where)); c.may && got != want {
				t.Errorf("it looks up %s, not %s", got, want)
			}
		})
	}
}

func TestWhatNobodyCanAllow(t *testing.T) {
	for text, says := range map[string]string{
		"10.0.0.0/33": "no range of addresses", "a b": "no server", "u:p@host": "no server", "host?x": "no server", "host:x": "no server", ":9090": "no server",
	} {
		if _, err := ParseAllow(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}
