package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// sysctls are the kernel settings that the kubelet or the pod network change.
var sysctls = []string{
	"net.ipv4.ip_forward",
	"net.ipv6.conf.all.forwarding",
	"net.ipv4.conf.all.route_localnet",
	"vm.overcommit_memory",
	"vm.panic_on_oom",
	"kernel.panic",
	"kernel.panic_on_oops",
	"kernel.keys.root_maxkeys",
	"kernel.keys.root_maxbytes",
}

func sysctlPath(name string) string {
	return filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/"))
}

func readSysctls() map[string]string {
	values := map[string]string{}
	for _, name := range sysctls {
		if content, err := os.ReadFile(sysctlPath(name)); err == nil {
			values[name] = strings.TrimSpace(string(content))
		}
	}
	return values
}

func restoreSysctls(values map[string]string) {
	now := readSysctls()
	for name, value := range values {
		if now[name] != value {
			_ = os.WriteFile(sysctlPath(name), []byte(value), 0o644)
		}
	}
}

// nftRules let pods reach what the machine reaches: their addresses mean
// nothing outside of it. A table of its own is put up and deleted as one.
var nftRules = fmt.Sprintf(`table ip %[1]s
delete table ip %[1]s
table ip %[1]s {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr %[2]s ip daddr != { %[2]s, %[3]s, %[4]s } masquerade
	}
}
`, nftTable, podCIDR, serviceCIDR, nodeCIDR)

// setupNetwork makes the node's bridge and the rules for pods. It may run on a
// cluster that is up.
func setupNetwork(ctx context.Context) error {
	if err := checkAddresses(); err != nil {
		return err
	}
	if _, err := net.InterfaceByName(nodeBridge); err != nil {
		if _, err := command(ctx, "ip", "link", "add", nodeBridge, "type", "bridge"); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"address", "replace", nodeIP + nodePrefix, "dev", nodeBridge},
		{"link", "set", nodeBridge, "up"},
		// Each pod has a route of its own. What is meant for one that is gone would leave the machine, and whoever answers there would be
		// taken for the pod.
		{"route", "replace", "unreachable", podCIDR},
	} {
		if _, err := command(ctx, "ip", args...); err != nil {
			return err
		}
	}
	if err := os.WriteFile(sysctlPath("net.ipv4.ip_forward"), []byte("1"), 0o644); err != nil {
		return err
	}
	if err := feed(ctx, nftRules, "nft", "-f", "-"); err != nil {
		return err
	}
	return acceptForwarding(ctx)
}

// checkAddresses refuses to start where the addresses are in use for something
// else, for example a VPN.
func checkAddresses() error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, device := range interfaces {
		addresses, err := device.Addrs()
		if err != nil {
			continue
		}
		for _, address := range addresses {
			taken, err := netip.ParsePrefix(address.String())
			if err != nil || isOwnAddress(device.Name, taken) {
				continue
			}
			for _, wanted := range []string{nodeCIDR, podCIDR, serviceCIDR} {
				if netip.MustParsePrefix(wanted).Overlaps(taken) {
					return fmt.Errorf("the cluster's addresses %s are in use by %s (%s); %s", wanted, device.Name, taken, useExisting)
				}
			}
		}
	}
	return nil
}

// isOwnAddress knows the node's bridge, the pods' links (each has the pods'
// gateway) and the links a service address may be put on.
func isOwnAddress(device string, address netip.Prefix) bool {
	if device == nodeBridge {
		return true
	}
	return strings.HasPrefix(device, "veth") && netip.MustParsePrefix(podCIDR).Contains(address.Addr())
}

// forwardRules let pods' packets through on machines whose firewall drops what
// it is not told of, as Docker's does.
var forwardRules = [][]string{
	{"FORWARD", "-s", podCIDR, "-m", "comment", "--comment", firewallComment, "-j", "ACCEPT"},
	{"FORWARD", "-d", podCIDR, "-m", "comment", "--comment", firewallComment, "-j", "ACCEPT"},
}

func acceptForwarding(ctx context.Context) error {
	rules, err := command(ctx, "iptables-save", "-t", "filter")
	if err != nil {
		return err
	}
	if !strings.Contains(rules, ":FORWARD DROP") {
		return nil
	}
	for _, rule := range forwardRules {
		if _, err := command(ctx, "iptables", append([]string{"-w", "-C"}, rule...)...); err == nil {
			continue
		}
		if _, err := command(ctx, "iptables", append([]string{"-w", "-I"}, rule...)...); err != nil {
			return err
		}
	}
	return nil
}

// teardownNetwork removes what setupNetwork, kube-proxy and the pod network
// made. The pods' links go with their network namespaces before.
func teardownNetwork(ctx context.Context, before *owner) {
	for _, table := range [][]string{{"ip", nftTable}, {"ip", "kube-proxy"}, {"ip6", "kube-proxy"}} {
		if _, err := command(ctx, "nft", "list", "table", table[0], table[1]); err != nil {
			continue
		}
		if _, err := command(ctx, "nft", "delete", "table", table[0], table[1]); err != nil {
			progress("warning: %v", err)
		}
	}
	if rules, err := command(ctx, "iptables-save"); err == nil {
		removeRules(ctx, rules)
	}
	if before != nil && before.BootID == bootID() {
		removeEmptyTables(ctx, before.Tables)
	}
	if route, err := command(ctx, "ip", "route", "show", "exact", podCIDR); err == nil && route != "" {
		if _, err := command(ctx, "ip", "route", "delete", "unreachable", podCIDR); err != nil {
			progress("warning: %v", err)
		}
	}
	if _, err := net.InterfaceByName(nodeBridge); err == nil {
		if _, err := command(ctx, "ip", "link", "delete", nodeBridge); err != nil {
			progress("warning: %v", err)
		}
	}
}

// removeRules removes the forwarding rules and, once no host port of anyone is
// left in them, the chains that the host port plugin keeps for all.
func removeRules(ctx context.Context, saved string) {
	if strings.Contains(saved, firewallComment) {
		for _, rule := range forwardRules {
			_, _ = command(ctx, "iptables", append([]string{"-w", "-D"}, rule...)...)
		}
	}
	const dnat = "CNI-HOSTPORT-DNAT"
	if !strings.Contains(saved, ":"+dnat+" ") || strings.Contains(saved, "-A "+dnat+" ") {
		return
	}
	for line := range strings.Lines(saved) {
		fields := splitRule(line)
		jumps := len(fields) > 2 && fields[0] == "-A" && strings.HasPrefix(fields[len(fields)-1], "CNI-HOSTPORT-")
		if jumps && !strings.HasPrefix(fields[1], "CNI-") {
			_, _ = command(ctx, "iptables", append([]string{"-w", "-t", "nat", "-D"}, fields[1:]...)...)
		}
	}
	for _, chain := range []string{dnat, "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"} {
		_, _ = command(ctx, "iptables", "-w", "-t", "nat", "-F", chain)
		_, _ = command(ctx, "iptables", "-w", "-t", "nat", "-X", chain)
	}
}

// nftTables lists the packet filter's tables, each as its family and name.
func nftTables(ctx context.Context) []string {
	list, err := command(ctx, "nft", "list", "tables")
	if err != nil {
		return nil
	}
	var tables []string
	for line := range strings.Lines(list) {
		if table, found := strings.CutPrefix(strings.TrimSpace(line), "table "); found {
			tables = append(tables, table)
		}
	}
	return tables
}

// removeEmptyTables removes iptables' tables that were not there before and
// that hold nothing: iptables makes them when first used and keeps them.
func removeEmptyTables(ctx context.Context, before []string) {
	for _, table := range nftTables(ctx) {
		family, name, _ := strings.Cut(table, " ")
		program, known := map[string]string{"ip": "iptables-save", "ip6": "ip6tables-save"}[family]
		if !known || slices.Contains(before, table) || !slices.Contains([]string{"nat", "filter", "mangle"}, name) {
			continue
		}
		saved, err := command(ctx, program, "-t", name)
		// A chain that somebody added has no policy.
		if err != nil || strings.Contains(saved, "\n-A ") || strings.Contains(saved, " - [") {
			continue
		}
		_, _ = command(ctx, "nft", "delete", "table", family, name)
	}
}

// splitRule splits a line of iptables-save into arguments; a comment in quotes
// is one of them.
func splitRule(line string) []string {
	var fields []string
	for i, part := range strings.Split(strings.TrimSpace(line), `"`) {
		if i%2 == 1 {
			fields = append(fields, part)
			continue
		}
		fields = append(fields, strings.Fields(part)...)
	}
	return fields
}

// feed runs a program with a text as its input.
func feed(ctx context.Context, input, name string, args ...string) error {
	program := exec.CommandContext(ctx, name, args...)
	program.Stdin = strings.NewReader(input)
	if output, err := program.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(string(output)))
	}
	return nil
}
