package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/template"
)

// capSysResource is the number of the capability that lowering an
// out-of-memory score needs; some virtual machines come without.
const capSysResource = 24

// settings are the values in the configuration files that depend on the
// machine.
type settings struct {
	PKI, Config                       string
	NodeName, NodeIP, NodeCIDR        string
	PodCIDR, ServiceCIDR              string
	ClusterDomain                     string
	RunDir, VarDir, ContainerdRoot    string
	ContainerdState, ContainerdSocket string
	PauseImage, CNIPlugins            string
	CNINetwork, CNIData               string
	KubeletRoot, PodLogs, CgroupRoot  string
	KubeletClientUser, CoreDNSUser    string
	ResolvConf, APIServerPort         string
	Alertmanager, Intake, Metrics     string
	Worlds                            []string
	LowerOOMScore                     bool
}

// configFiles are written anew at every start, so that a changed program takes
// effect; nothing in them is state.
var configFiles = map[string]string{
	"audit-policy.yaml": `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
`,

	"scheduler.yaml": `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: {{.Config}}/scheduler.kubeconfig
  qps: 300
  burst: 600
leaderElection:
  leaderElect: false
`,

	"kube-proxy.yaml": `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: {{.PodCIDR}}
hostnameOverride: {{.NodeName}}
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
clientConnection:
  kubeconfig: {{.Config}}/proxy.kubeconfig
# The connection table is the machine's: leave its limits as they are.
conntrack:
  maxPerCore: 0
  min: 0
  tcpEstablishedTimeout: 0s
  tcpCloseWaitTimeout: 0s
`,

	// Debian's Prometheus cannot find pods by itself. It asks the API server for the metrics of each world's scheduler instead,
	// which needs no address that changes. A world that is not there is a target that is down.
	"prometheus.yaml": `global:
  scrape_interval: 2s
  scrape_timeout: 2s
  evaluation_interval: 2s
rule_files: ["{{.Config}}/rules/*.yaml"]
alerting:
  alertmanagers: [{static_configs: [{targets: ["{{.Alertmanager}}"]}]}]
scrape_configs:
# The operator's own series say which namespace they are about.
- job_name: strategy-operator-metrics
  scheme: https
  honor_labels: true
  enable_http2: false # so a connection to a pod that is gone is given up with its first request
  authorization: {credentials_file: {{.Config}}/prometheus.token}
  tls_config: {insecure_skip_verify: true}
  static_configs: [{targets: ["{{.Metrics}}"]}]
- job_name: bot-core-scheduler
  scheme: https
  tls_config: {ca_file: {{.PKI}}/ca.crt, cert_file: {{.PKI}}/admin.crt, key_file: {{.PKI}}/admin.key}
  static_configs:
{{- range .Worlds}}
  - targets: ["{{$.NodeIP}}:{{$.APIServerPort}}"]
    labels: {namespace: {{.}}, __metrics_path__: "/api/v1/namespaces/{{.}}/services/bot-core-scheduler:http/proxy/metrics"}
{{- end}}
`,

	// The alerts of each world go to its alert intake; what the operator says of itself would go to people. A demo is short, and so are
	// the waits.
	"alertmanager.yaml": `route:
  receiver: nobody
  group_by: [alertname, namespace]
  group_wait: 1s
  group_interval: 5s
  repeat_interval: 1m
  routes:
  - receiver: nobody
    matchers: [team = "strategy-operator"]
  # Their windows are longer than a demo: they would still fire about the loss of the one before. Its own rules stand in for them.
  - receiver: nobody
    matchers: [alertname =~ "MultiStrategy.*|BotCore.*"]
{{- range .Worlds}}
  - receiver: {{.}}
    matchers: [namespace = "{{.}}"]
{{- end}}
receivers:
- name: nobody
{{- range .Worlds}}
- name: {{.}}
  webhook_configs:
  - url: https://{{$.Intake}}/v1/namespaces/{{.}}/alerts
    send_resolved: true
    max_alerts: 0
    http_config:
      enable_http2: false
      authorization: {credentials_file: {{$.Config}}/alertmanager.token}
      tls_config: {ca_file: {{$.PKI}}/ca.crt}
{{- end}}
`,

	"kubelet.yaml": `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: {{.NodeIP}}
healthzBindAddress: 127.0.0.1
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: {{.PKI}}/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: {{.PKI}}/kubelet-server.crt
tlsPrivateKeyFile: {{.PKI}}/kubelet-server.key
clusterDNS: [{{.NodeIP}}]
clusterDomain: {{.ClusterDomain}}
{{- if .ResolvConf}}
resolvConf: {{.ResolvConf}}
{{- end}}
containerRuntimeEndpoint: unix://{{.ContainerdSocket}}
# Machines with version 1 of control groups are still about.
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: {{.CgroupRoot}}
failSwapOn: false
oomScoreAdj: 0
maxPods: 250
podLogsDir: {{.PodLogs}}
volumePluginDir: {{.VarDir}}/volume-plugins
# Its rules would stay in the machine's tables; nothing here needs them.
makeIPTablesUtilChains: false
registryPullQPS: 0
kubeAPIQPS: 200
kubeAPIBurst: 400
# Images come from load-image and cannot be had again: never delete one. A disk
# that is rather full is the developer's matter, not a reason to evict pods.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard:
  memory.available: 50Mi
  nodefs.available: 100Mi
  nodefs.inodesFree: "0%"
  imagefs.available: 100Mi
  imagefs.inodesFree: "0%"
`,

	"containerd.toml": `version = 2
root = "{{.ContainerdRoot}}"
state = "{{.ContainerdState}}"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]
[grpc]
  address = "{{.ContainerdSocket}}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{{.VarDir}}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{{.PauseImage}}"
  restrict_oom_score_adj = {{not .LowerOOMScore}}
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{{.RunDir}}/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{{.CNIPlugins}}"
    conf_dir = "{{.Config}}/cni"
`,

	// A link of its own for each pod, and not one bridge for all: pods on a
	// bridge answer each other past the machine's address translation, so a
	// service's reply would come from the wrong address.
	"cni/10-" + cniNetwork + ".conflist": `{
  "cniVersion": "0.4.0",
  "name": "{{.CNINetwork}}",
  "plugins": [
    {
      "type": "ptp",
      "ipam": {
        "type": "host-local",
        "ranges": [[{"subnet": "{{.PodCIDR}}"}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": "{{.CNIData}}"
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`,

	"Corefile": `.:53 {
    bind {{.NodeIP}}
    errors
    kubernetes {{.ClusterDomain}} in-addr.arpa ip6.arpa {
        kubeconfig {{.Config}}/coredns.kubeconfig
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 5
    }
{{- if .ResolvConf}}
    forward . {{.ResolvConf}}
{{- end}}
    cache 5
}
`,

	"addons.yaml": `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: strategy-operator-cluster:kubelet-api}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:kubelet-api-admin"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: {{.KubeletClientUser}}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{{.CoreDNSUser}}"}
rules:
- {apiGroups: [""], resources: [services, pods, namespaces], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "{{.CoreDNSUser}}"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "{{.CoreDNSUser}}"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: "{{.CoreDNSUser}}"}]
`,
}

// writeConfigs writes the configuration of every component and the kubeconfig
// files.
func writeConfigs(l layout, cniPlugins string) error {
	values := settings{
		PKI: l.pkiDir(), Config: l.configDir(),
		NodeName: nodeName, NodeIP: nodeIP, NodeCIDR: nodeCIDR,
		PodCIDR: podCIDR, ServiceCIDR: serviceCIDR, ClusterDomain: clusterDomain,
		RunDir: runDir, VarDir: varDir, ContainerdRoot: containerdRoot,
		ContainerdState: containerdState, ContainerdSocket: containerdSocket,
		PauseImage: pauseImage, CNIPlugins: cniPlugins,
		CNINetwork: cniNetwork, CNIData: cniData,
		KubeletRoot: kubeletRoot, PodLogs: podLogs, CgroupRoot: "/" + cgroupName,
		KubeletClientUser: kubeletClientUser, CoreDNSUser: coreDNSUser,
		APIServerPort: apiServerPort, Worlds: worlds,
		Alertmanager: nodeIP + ":" + alertsPort, Intake: alertsServiceIP + ":9443", Metrics: metricServiceIP + ":8443",
		ResolvConf: resolvConf(), LowerOOMScore: hasCapability(capSysResource),
	}
	for file, text := range configFiles {
		content, err := render(file, text, values)
		if err != nil {
			return err
		}
		if err := writeFile(l.config(file), content, 0o644); err != nil {
			return err
		}
	}
	for _, user := range []string{"controller-manager", "scheduler", "proxy", "kubelet", "coredns"} {
		if err := writeKubeconfig(l, l.config(user+".kubeconfig"), user); err != nil {
			return err
		}
	}
	return writeKubeconfig(l, l.kubeconfig(), "admin")
}

func render(name, text string, values settings) ([]byte, error) {
	parsed, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, values)
	return out.Bytes(), err
}

// writeKubeconfig writes a kubeconfig that holds its certificates itself, so
// that it can be copied.
func writeKubeconfig(l layout, path, user string) error {
	encoded := map[string]string{}
	for _, file := range []string{"ca.crt", user + ".crt", user + ".key"} {
		content, err := os.ReadFile(l.pki(file))
		if err != nil {
			return err
		}
		encoded[file] = base64.StdEncoding.EncodeToString(content)
	}
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: strategy-operator
  cluster: {server: "%s", certificate-authority-data: %s}
users:
- name: %s
  user: {client-certificate-data: %s, client-key-data: %s}
contexts:
- name: strategy-operator
  context: {cluster: strategy-operator, user: %s}
current-context: strategy-operator
`, apiServerURL, encoded["ca.crt"], user, encoded[user+".crt"], encoded[user+".key"], user)
	return writeFile(path, []byte(text), 0o600)
}

// resolvConf is the file with the machine's name servers, or nothing when it
// names none that pods could reach: a resolver on loopback is the machine's
// only, and asking it from a pod, or from CoreDNS for one, may go in a circle.
func resolvConf() string {
	for _, file := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		content, err := os.ReadFile(file)
		if err == nil && namesReachableServer(string(content)) {
			return file
		}
	}
	return ""
}

func namesReachableServer(content string) bool {
	reachable := false
	for line := range strings.Lines(content) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if strings.HasPrefix(fields[1], "127.") || fields[1] == "::1" {
			return false
		}
		reachable = true
	}
	return reachable
}

// hasCapability tells whether this process has a capability.
func hasCapability(number uint) bool {
	content, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(content)) {
		value, found := strings.CutPrefix(line, "CapEff:")
		if !found {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		return err == nil && mask&(1<<number) != 0
	}
	return false
}
