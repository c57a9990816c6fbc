package main

import (
	"context"
	"net"
	"time"
)

// component is a program that the supervisor keeps running.
type component struct {
	name string
	path string
	args []string
	// stage is when it is stopped: the higher ones first, since they need the
	// lower ones to end in order.
	stage int
	// ready tells whether what the component needs at its start is there. It
	// only saves restarts and the alarming logs of a component that starts too
	// early; all of them would get there without.
	ready func(context.Context) bool
}

const (
	stageStorage = iota
	stageAPI
	stageClients
)

func components(l layout) []component {
	api := func(ctx context.Context) bool { return newAPIClient(l).check(ctx) == nil }
	return []component{
		{name: "etcd", path: l.bin("etcd"), args: etcdArgs(l), stage: stageStorage},
		{name: "containerd", path: containerdProgram, args: []string{"--config", l.config("containerd.toml")}, stage: stageStorage},
		{name: "kube-apiserver", path: l.bin("kube-apiserver"), args: apiServerArgs(l), stage: stageAPI,
			ready: func(ctx context.Context) bool { return accepts(ctx, "tcp", "127.0.0.1:"+etcdClientPort) }},
		{name: "kube-controller-manager", path: l.bin("kube-controller-manager"), args: controllerManagerArgs(l), stage: stageClients, ready: api},
		{name: "kube-scheduler", path: l.bin("kube-scheduler"), args: schedulerArgs(l), stage: stageClients, ready: api},
		{name: "kubelet", path: l.bin("kubelet"), args: kubeletArgs(l), stage: stageClients,
			ready: func(ctx context.Context) bool { return accepts(ctx, "unix", containerdSocket) && api(ctx) }},
		{name: "kube-proxy", path: l.bin("kube-proxy"), args: []string{"--config=" + l.config("kube-proxy.yaml")}, stage: stageClients, ready: api},
		{name: "coredns", path: l.bin("coredns"), args: []string{"-conf", l.config("Corefile")}, stage: stageClients, ready: api},
		{name: "prometheus", path: prometheusProgram, args: prometheusArgs(l), stage: stageClients, ready: api},
		{name: "alertmanager", path: alertmanagerProgram, args: alertmanagerArgs(l), stage: stageClients, ready: api},
	}
}

// accepts tells whether something takes connections at an address.
func accepts(ctx context.Context, network, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}

func etcdArgs(l layout) []string {
	client, peer := "https://127.0.0.1:"+etcdClientPort, "https://127.0.0.1:"+etcdPeerPort
	return []string{
		"--name=" + nodeName,
		"--data-dir=" + l.etcdData(),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=" + nodeName + "=" + peer,
		"--client-cert-auth", "--trusted-ca-file=" + l.pki("etcd-ca.crt"),
		"--cert-file=" + l.pki("etcd.crt"), "--key-file=" + l.pki("etcd.key"),
		"--peer-client-cert-auth", "--peer-trusted-ca-file=" + l.pki("etcd-ca.crt"),
		"--peer-cert-file=" + l.pki("etcd.crt"), "--peer-key-file=" + l.pki("etcd.key"),
		"--log-level=warn",
		// Data of a test cluster: it survives the death of any process, and
		// need not survive a power cut; waiting for the disk is most of the
		// time of a write.
		"--unsafe-no-fsync",
	}
}

func apiServerArgs(l layout) []string {
	return []string{
		"--bind-address=" + nodeIP,
		"--secure-port=" + apiServerPort,
		"--advertise-address=" + nodeIP,
		"--service-cluster-ip-range=" + serviceCIDR,
		"--allow-privileged=true",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--etcd-servers=https://127.0.0.1:" + etcdClientPort,
		"--etcd-cafile=" + l.pki("etcd-ca.crt"),
		"--etcd-certfile=" + l.pki("apiserver-etcd-client.crt"),
		"--etcd-keyfile=" + l.pki("apiserver-etcd-client.key"),
		"--client-ca-file=" + l.pki("ca.crt"),
		"--tls-cert-file=" + l.pki("apiserver.crt"),
		"--tls-private-key-file=" + l.pki("apiserver.key"),
		"--kubelet-certificate-authority=" + l.pki("ca.crt"),
		"--kubelet-client-certificate=" + l.pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + l.pki("apiserver-kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file=" + l.pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + l.pki("front-proxy-client.crt"),
		"--proxy-client-key-file=" + l.pki("front-proxy-client.key"),
		"--service-account-issuer=https://kubernetes.default.svc." + clusterDomain,
		"--service-account-key-file=" + l.pki("sa.pub"),
		"--service-account-signing-key-file=" + l.pki("sa.key"),
		"--audit-policy-file=" + l.config("audit-policy.yaml"),
		"--audit-log-path=" + l.auditLog(),
		"--audit-log-maxsize=50",
		"--audit-log-maxbackup=1",
	}
}

func controllerManagerArgs(l layout) []string {
	kubeconfig := l.config("controller-manager.kubeconfig")
	return []string{
		"--bind-address=127.0.0.1",
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + l.pki("sa.key"),
		"--root-ca-file=" + l.pki("ca.crt"),
		"--cluster-signing-cert-file=" + l.pki("ca.crt"),
		"--cluster-signing-key-file=" + l.pki("ca.key"),
		"--flex-volume-plugin-dir=" + varDir + "/volume-plugins",
		// One of its kind: a lease would only delay a restart.
		"--leader-elect=false",
		"--kube-api-qps=300",
		"--kube-api-burst=600",
		"--concurrent-job-syncs=20",
	}
}

func schedulerArgs(l layout) []string {
	kubeconfig := l.config("scheduler.kubeconfig")
	return []string{
		"--bind-address=127.0.0.1",
		"--config=" + l.config("scheduler.yaml"),
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
	}
}

func prometheusArgs(l layout) []string {
	return []string{
		"--config.file=" + l.config("prometheus.yaml"),
		"--storage.tsdb.path=" + l.prometheusData(),
		"--storage.tsdb.retention.time=2h",
		"--web.listen-address=" + nodeIP + ":" + prometheusPort, // pods reach the node's bridge, and nobody else does
		"--log.level=warn",
	}
}

func alertmanagerArgs(l layout) []string {
	return []string{
		"--config.file=" + l.config("alertmanager.yaml"),
		"--storage.path=" + l.alertmanagerData(),
		"--web.listen-address=" + nodeIP + ":" + alertsPort,
		"--cluster.listen-address=", // one of its kind
		"--log.level=warn",
	}
}

func kubeletArgs(l layout) []string {
	return []string{
		"--config=" + l.config("kubelet.yaml"),
		"--kubeconfig=" + l.config("kubelet.kubeconfig"),
		"--hostname-override=" + nodeName,
		"--node-ip=" + nodeIP,
		"--root-dir=" + kubeletRoot,
	}
}
