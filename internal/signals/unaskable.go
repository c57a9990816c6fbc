package signals

import "net/netip"

// clouds are addresses outside of the link-local ones behind which a cloud hands out credentials.
var clouds = prefixes(
	"100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
	"fd00:ec2::/32", "fd20:ce::/32", "fd00:42::/32", "fd00:c1::/32",
)

// nobody are ranges where no server is: this network, those that are reserved, and site-local ones of old.
var nobody = prefixes("0.0.0.0/8", "192.0.0.0/24", "240.0.0.0/4", "fec0::/10")

// embeddings are ranges of IPv6 addresses that hold an IPv4 address, and where. A gateway or a kernel may take them for it.
var embeddings = []struct {
	prefix   netip.Prefix
	at       int
	inverted bool
}{
	{netip.MustParsePrefix("::/96"), 12, false},           // "compatible"
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12, false}, // translated
	{netip.MustParsePrefix("64:ff9b::/96"), 12, false},    // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12, false},  // NAT64 of a site
	{netip.MustParsePrefix("2002::/16"), 2, false},        // 6to4
	{netip.MustParsePrefix("2001::/32"), 12, true},        // Teredo
}

// unaskable says what an address is that no Prometheus has, or is empty. An address within another one counts like itself.
func unaskable(address netip.Addr, allowLoopback bool) string {
	address = address.Unmap().WithZone("")
	switch {
	case address.IsLoopback():
		if allowLoopback {
			return ""
		}
		return "a loopback address"
	case address.IsLinkLocalUnicast():
		return "a link-local address"
	case address.IsMulticast():
		return "a multicast address"
	case address.IsUnspecified():
		return "the unspecified address"
	case in(clouds, address):
		return "an address of a cloud's metadata"
	case in(nobody, address):
		return "a reserved address"
	}
	if within, found := embedded(address); found {
		if kind := unaskable(within, false); kind != "" {
			return "another way to write " + within.String() + ", " + kind
		}
	}
	return ""
}

func embedded(address netip.Addr) (netip.Addr, bool) {
	if !address.Is6() {
		return address, false
	}
	bytes := address.As16()
	for _, one := range embeddings {
		if !one.prefix.Contains(address) {
			continue
		}
		within := [4]byte(bytes[one.at : one.at+4])
		if one.inverted {
			for i := range within {
				within[i] = ^within[i]
			}
		}
		return netip.AddrFrom4(within), true
	}
	if isatap := bytes[8]&^2 == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe; isatap { // in the last half of any address
		return netip.AddrFrom4([4]byte(bytes[12:])), true
	}
	return address, false
}

func in(ranges []netip.Prefix, address netip.Addr) bool {
	for _, one := range ranges {
		if one.Contains(address) {
			return true
		}
	}
	return false
}

func prefixes(texts ...string) (parsed []netip.Prefix) {
	for _, text := range texts {
		parsed = append(parsed, netip.MustParsePrefix(text))
	}
	return parsed
}
