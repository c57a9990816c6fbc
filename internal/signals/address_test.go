package signals

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestCheckURL(t *testing.T) {
	cases := map[string]struct{ url, problem string }{
		"a Service":                               {"http://prometheus.monitoring:9090", ""},
		"https with a path":                       {"https://metrics.example.com/prometheus/", ""},
		"the tenant in the query":                 {"https://thanos.monitoring:9092?namespace=trading", ""},
		"an address of a private network":         {"http://10.0.0.1:9090", ""},
		"loopback is the operator's choice":       {"http://127.0.0.1:9090", ""},
		"a file":                                  {"file:///etc/passwd", "http:// or https://"},
		"no scheme":                               {"prometheus:9090", "http:// or https://"},
		"nothing":                                 {"", "http:// or https://"},
		"no host":                                 {"http://:9090", "names no host"},
		"no slashes":                              {"http:prometheus", "names no host"},
		"a user":                                  {"http://s3cret@prometheus", "a user or a password"},
		"a password":                              {"http://u:s3cret@prometheus", "a user or a password"},
		"a broken password":                       {"http://u:s3cret^@prometheus:x", "cannot be read"},
		"a broken port":                           {"http://prometheus:s3cret", "cannot be read"},
		"a fragment":                              {"http://prometheus#s3cret", "fragment"},
		"an empty fragment":                       {"http://prometheus#", "fragment"},
		"the whole API":                           {"http://prometheus/api/v1/query", "before /api/v1"},
		"the cloud's credentials":                 {"http://169.254.169.254/latest", "link-local"},
		"the same, as IPv6":                       {"http://[::ffff:169.254.169.254]", "link-local"},
		"link-local with a zone":                  {"http://[fe80::1%25eth0]:9090", "link-local"},
		"multicast":                               {"http://224.0.0.1", "multicast"},
		"an address of a cloud":                   {"http://[fd00:ec2::254]", "a cloud's metadata"},
		"an address in another one":               {"http://[64:ff9b::a9fe:a9fe]", "another way to write 169.254.169.254, a link-local address"},
		"a decimal address":                       {"http://2852039166/latest", "unusual form"},
		"a hexadecimal address":                   {"http://0xa9fea9fe", "unusual form"},
		"a hexadecimal one with dots":             {"http://0xA9.0xFE.0xA9.0xFE", "unusual form"},
		"an octal address":                        {"http://0251.0376.0251.0376", "unusual form"},
		"a short address":                         {"http://169.254.43518", "unusual form"},
		"an address with a dot behind":            {"http://169.254.169.254.:80", "unusual form"},
		"a name with a number in it":              {"http://prometheus-0.monitoring1:9090", ""},
		"the unspecified address":                 {"http://0.0.0.0:9090", "unspecified"},
		"the unspecified address in another form": {"http://[::]:9090", "unspecified"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := CheckURL(c.url)
			if c.problem == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Fatalf("error %v does not contain %q", err, c.problem)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error repeats the URL: %v", err)
			}
		})
	}
}

func TestAddressesThatAreNotDialled(t *testing.T) {
	cases := map[string]struct{ refused, refusedLocally bool }{
		"10.96.0.1":                {false, false},
		"8.8.8.8":                  {false, false},
		"fd00::1":                  {false, false},
		"127.0.0.1":                {true, false},
		"127.8.8.8":                {true, false},
		"::1":                      {true, false},
		"::ffff:127.0.0.1":         {true, false},
		"169.254.169.254":          {true, true},
		"::ffff:169.254.169.254":   {true, true},
		"fe80::1":                  {true, true},
		"fe80::1%eth0":             {true, true},
		"224.0.0.251":              {true, true},
		"ff02::1":                  {true, true},
		"ff01::1":                  {true, true},
		"0.0.0.0":                  {true, true},
		"::":                       {true, true},
		"::ffff:0.0.0.0":           {true, true},
		"febf:ffff::1":             {true, true},
		"2001:db8::7f00:1":         {false, false},
		"192.168.0.1":              {false, false},
		"::ffff:192.168.0.1":       {false, false},
		"ff0e::1":                  {true, true},
		"239.255.255.250":          {true, true},
		"169.253.255.255":          {false, false},
		"169.254.0.0":              {true, true},
		"127.255.255.254":          {true, false},
		"::ffff:127.255.255.254":   {true, false},
		"fd00:ec2::1":              {true, true},
		"::ffff:239.255.255.250":   {true, true},
		"2606:4700:4700::1111":     {false, false},
		"::ffff:169.254.170.2":     {true, true},
		"fe80::ffff:169.254.0.1":   {true, true},
		"fec0::1":                  {true, true},
		"255.255.255.255":          {true, true},
		"0.1.2.3":                  {true, true},
		"fd00:ec2::254":            {true, true},
		"fd20:ce::254":             {true, true},
		"100.100.100.200":          {true, true},
		"168.63.129.16":            {true, true},
		"192.0.0.192":              {true, true},
		"::ffff:100.100.100.200":   {true, true},
		"64:ff9b::a9fe:a9fe":       {true, true},
		"64:ff9b:1::a9fe:a9fe":     {true, true},
		"64:ff9b::a00:1":           {false, false},
		"::169.254.169.254":        {true, true},
		"::ffff:0:169.254.169.254": {true, true},
		"2002:a9fe:a9fe::1":        {true, true},
		"2002:a00:1::1":            {false, false},
		"2002:7f00:1::":            {true, true},
		"2001:0:1:2:3:4:5601:5601": {true, true},
		"fd00::5efe:a9fe:a9fe":     {true, true},
		"fd00::200:5efe:7f00:1":    {true, true},
		"fe80:0:0:0:0:0:0:1%lo":    {true, true},
		"0:0:0:0:0:0:0:1":          {true, false},
		"0:0:0:0:0:ffff:7f00:1":    {true, false},
		"0:0:0:0:0:ffff:a9fe:a9fe": {true, true},
	}
	for address, c := range cases {
		t.Run(address, func(t *testing.T) {
			parsed := netip.MustParseAddr(address)
			if err := checkAddress(parsed, false); (err != nil) != c.refused {
				t.Errorf("in a cluster: %v", err)
			}
			if err := checkAddress(parsed, true); (err != nil) != c.refusedLocally {
				t.Errorf("with loopback allowed: %v", err)
			}
		})
	}
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	transport := NewClient(Options{}).Transport.(*http.Transport)
	if transport.Proxy != nil {
		t.Error("a proxy would be sent the token, and would dial addresses that the dialer refuses")
	}
	if transport.TLSClientConfig != nil && transport.TLSClientConfig.InsecureSkipVerify {
		t.Error("certificates are not verified")
	}
}
