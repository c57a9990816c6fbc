package main

import (
	"path/filepath"
)

// Versions of what the cluster runs. kubernetesVersion must be the one in
// go.mod; a test compares them.
const (
	kubernetesVersion = "v1.37.2"
	coreDNSVersion    = "v1.12.4"
	kwokVersion       = "v0.8.0"
)

// The addresses of the cluster. They are fixed, so there is one such cluster a
// machine; all of them exist on this machine only.
const (
	nodeName        = "so-node"
	nodeBridge      = "br-so-node"
	nodeIP          = "10.99.0.1"
	nodeCIDR        = "10.99.0.0/24"
	nodePrefix      = "/24"
	prometheusPort  = "9490" // not its usual one, which the system's own may have
	alertsPort      = "9493" // of Alertmanager; the same
	podCIDR         = "10.98.0.0/16"
	serviceCIDR     = "10.97.0.0/16"
	apiServiceIP    = "10.97.0.1"
	alertsServiceIP = "10.97.0.90" // of the operator's alert intake, and of its metrics: hack/demo/local/monitoring.yaml
	metricServiceIP = "10.97.0.91"
	clusterDomain   = "cluster.local"
	apiServerPort   = "6443"
	etcdClientPort  = "23790"
	etcdPeerPort    = "23800"
	apiServerURL    = "https://" + nodeIP + ":" + apiServerPort
	cniNetwork      = "strategy-operator"
	nftTable        = "strategy_operator_cluster"
	cgroupName      = "strategy-operator-cluster"
	pauseImage      = "localhost/strategy-operator-pause:1"
	firewallComment = "strategy-operator-cluster"
)

// worlds are the namespaces whose schedulers Prometheus scrapes, and to whose alert intake Alertmanager sends: the demo's, and those of the
// end-to-end stories.
var worlds = []string{"trading", "trading-1", "trading-2", "trading-3", "trading-4"}

// Folders outside the cluster's own one. Sockets cannot be in a path of any
// length (108 bytes), and mounts must not be in a folder that a developer may
// delete at any time, so both have short, fixed places.
const (
	runDir = "/run/strategy-operator-cluster"
	varDir = "/var/lib/strategy-operator-cluster"

	containerdSocket = runDir + "/containerd.sock"
	containerdState  = runDir + "/containerd"
	pidDir           = runDir + "/pids"
	lockFile         = runDir + ".lock"

	containerdRoot = varDir + "/containerd"
	kubeletRoot    = varDir + "/kubelet"
	podLogs        = varDir + "/pod-logs"
	cniData        = varDir + "/cni"
	ownerFile      = varDir + "/owner.json"
)

// layout names the files in the folder given with --dir.
type layout struct {
	dir string
}

func newLayout(dir string) (layout, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return layout{}, err
	}
	return layout{dir: abs}, nil
}

func (l layout) binDir() string              { return filepath.Join(l.dir, "bin") }
func (l layout) bin(name string) string      { return filepath.Join(l.dir, "bin", name) }
func (l layout) logDir() string              { return filepath.Join(l.dir, "logs") }
func (l layout) log(component string) string { return filepath.Join(l.dir, "logs", component+".log") }
func (l layout) auditLog() string            { return filepath.Join(l.dir, "logs", "audit.log") }
func (l layout) pkiDir() string              { return filepath.Join(l.dir, "pki") }
func (l layout) pki(file string) string      { return filepath.Join(l.dir, "pki", file) }
func (l layout) configDir() string           { return filepath.Join(l.dir, "config") }
func (l layout) config(file string) string   { return filepath.Join(l.dir, "config", file) }
func (l layout) etcdData() string            { return filepath.Join(l.dir, "etcd") }
func (l layout) prometheusData() string      { return filepath.Join(l.dir, "prometheus") }
func (l layout) alertmanagerData() string    { return filepath.Join(l.dir, "alertmanager") }
func (l layout) rulesDir() string            { return filepath.Join(l.dir, "config", "rules") }
func (l layout) kubeconfig() string          { return filepath.Join(l.dir, "kubeconfig") }

// data lists what is deleted when the cluster ends: all but binaries and logs.
func (l layout) data() []string {
	return []string{l.etcdData(), l.prometheusData(), l.alertmanagerData(), l.pkiDir(), l.configDir(), l.kubeconfig()}
}
