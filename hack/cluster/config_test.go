package main

import (
	"encoding/json"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestVersionsAreThoseOfTheModule(t *testing.T) {
	module, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(module), "\tk8s.io/kubernetes "+kubernetesVersion) {
		t.Errorf("go.mod has another version of Kubernetes than %s", kubernetesVersion)
	}
	for _, target := range slices.Concat(clusterTargets, benchTargets) {
		if target.version == "" && !strings.HasPrefix(target.pkg, modulePath) && !strings.Contains(string(module), "\t"+target.pkg+"\n") {
			t.Errorf("go.mod has no tool %s: tidy would drop it", target.pkg)
		}
	}
}

func TestAddressesAgree(t *testing.T) {
	for prefix, address := range map[string]string{nodeCIDR: nodeIP, serviceCIDR: apiServiceIP} {
		if !netip.MustParsePrefix(prefix).Contains(netip.MustParseAddr(address)) {
			t.Errorf("%s is not in %s", address, prefix)
		}
	}
	if !isOwnAddress("veth12345678", netip.MustParsePrefix("10.98.0.1/32")) || isOwnAddress("tun0", netip.MustParsePrefix("10.98.0.1/24")) {
		t.Error("the cluster's own links are not told from others")
	}
}

func TestConfigFilesRender(t *testing.T) {
	for file, text := range configFiles {
		content, err := render(file, text, settings{ResolvConf: "/etc/resolv.conf", PodCIDR: podCIDR, CNINetwork: cniNetwork})
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if strings.Contains(string(content), "{{") || strings.Contains(string(content), "\t") {
			t.Errorf("%s is not rendered, or has tabs:\n%s", file, content)
		}
		if strings.HasSuffix(file, ".conflist") && !json.Valid(content) {
			t.Errorf("%s is no JSON:\n%s", file, content)
		}
	}
}

func TestNamesReachableServer(t *testing.T) {
	for content, want := range map[string]bool{
		"search a\nnameserver 192.0.2.1\n":               true,
		"nameserver 127.0.0.53\noptions edns0\n":         false,
		"nameserver 192.0.2.1\nnameserver 127.0.0.1\n":   false,
		"nameserver ::1\n":                               false,
		"# nameserver 192.0.2.1\n":                       false,
		"":                                               false,
		"nameserver 192.0.2.1\nnameserver 2001:db8::1\n": true,
	} {
		if got := namesReachableServer(content); got != want {
			t.Errorf("namesReachableServer(%q) = %v", content, got)
		}
	}
}

func TestMountsBelow(t *testing.T) {
	const mountinfo = `21 1 0:19 / /proc rw - proc proc rw
30 1 0:40 / /var/lib/x/kubelet/pods/1/volumes/token rw - tmpfs tmpfs rw
31 1 0:41 / /run/x/rootfs rw - overlay overlay rw
32 1 0:42 / /var/lib/xy rw - tmpfs tmpfs rw
33 1 0:43 / /run/x/with\040blank rw - tmpfs tmpfs rw
34 1 0:44 / /run/x rw - tmpfs tmpfs rw
`
	want := []string{"/var/lib/x/kubelet/pods/1/volumes/token", "/run/x/rootfs", "/run/x/with blank"}
	if got := mountsBelow(mountinfo, "/run/x", "/var/lib/x"); !reflect.DeepEqual(got, want) {
		t.Errorf("mountsBelow = %q", got)
	}
}

func TestSplitRule(t *testing.T) {
	got := splitRule("-A POSTROUTING -m comment --comment \"CNI portfwd requiring masquerade\" -j CNI-HOSTPORT-MASQ\n")
	want := []string{"-A", "POSTROUTING", "-m", "comment", "--comment", "CNI portfwd requiring masquerade", "-j", "CNI-HOSTPORT-MASQ"}
	if !slices.Equal(got, want) {
		t.Errorf("splitRule = %q", got)
	}
}

func TestRuntimeConfigHoldsWhatIsDeclared(t *testing.T) {
	pod := attachment{Capabilities: map[string]json.RawMessage{"portMappings": json.RawMessage(`[1]`), "dns": json.RawMessage(`{}`)}}
	got := pod.runtimeConfig(json.RawMessage(`{"portMappings":true,"bandwidth":true}`))
	if len(got) != 1 || string(got["portMappings"]) != "[1]" {
		t.Errorf("runtimeConfig = %s", got)
	}
	if got := pod.runtimeConfig(nil); len(got) != 0 {
		t.Errorf("a plugin that declares nothing got %s", got)
	}
}

func TestWithoutDownloads(t *testing.T) {
	if got := withoutDownloads("go: downloading a v1\n# pkg\nx.go:1: wrong\n"); got != "# pkg\nx.go:1: wrong" {
		t.Errorf("withoutDownloads = %q", got)
	}
}

// Each world is scraped, and has its alerts sent to the alert intake of its own namespace.
func TestEachWorldIsWatched(t *testing.T) {
	values := settings{Worlds: worlds, Intake: alertsServiceIP + ":9443", Metrics: metricServiceIP + ":8443", Alertmanager: nodeIP + ":" + alertsPort}
	for file, line := range map[string]string{"prometheus.yaml": "namespace: %,", "alertmanager.yaml": "https://10.97.0.90:9443/v1/namespaces/%/alerts"} {
		content, err := render(file, configFiles[file], values)
		if err != nil {
			t.Fatal(err)
		}
		for _, world := range worlds {
			if wanted := strings.ReplaceAll(line, "%", world); strings.Count(string(content), wanted) != 1 {
				t.Errorf("%s has %q not once:\n%s", file, wanted, content)
			}
		}
	}
}
