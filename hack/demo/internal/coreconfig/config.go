package coreconfig

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Config is one reading of the file: what the process has in force until it is started again.
type Config struct {
	// Path is where the file was read.
	Path string
	// SHA256 is the hex digest of the bytes read.
	SHA256 string
	// DuplicateKey describes the first key given twice; empty if there is none.
	DuplicateKey string
	// Root is the whole document.
	Root Node
}

// Load reads the file once.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	config, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	config.Path = path
	return config, nil
}

// Parse is Load for bytes at hand.
func Parse(data []byte) (*Config, error) {
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(data)
	return &Config{SHA256: hex.EncodeToString(digest[:]), DuplicateKey: duplicateKey(data), Root: Node{root}}, nil
}

// SchedulerNames lists the schedulers of both places where they may stand.
func (c *Config) SchedulerNames() []string {
	names := append(c.Root.At("runtime", "multi_strategy_schedulers").Keys(), c.Root.At("multi_strategy_schedulers").Keys()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// SchedulerNode is the section of one scheduler; the one under runtime wins.
func (c *Config) SchedulerNode(name string) (Node, error) {
	for _, section := range []Node{c.Root.At("runtime", "multi_strategy_schedulers"), c.Root.At("multi_strategy_schedulers")} {
		if node := section.At(name); node.IsMap() {
			return node, nil
		}
	}
	return Node{}, fmt.Errorf("unknown scheduler %q; the configuration has: %s", name, listed(c.SchedulerNames()))
}

// Environment is the section of one environment.
func (c *Config) Environment(name string) (Node, error) {
	environments := c.Root.At("environments")
	if node := environments.At(name); node.IsMap() {
		return node, nil
	}
	return Node{}, fmt.Errorf("unknown environment %q; the configuration has: %s", name, listed(environments.Keys()))
}

// RiskProfile is the section of one risk profile.
func (c *Config) RiskProfile(name string) (Node, error) {
	profiles := c.Root.At("risk_profiles")
	if node := profiles.At(name); node.IsMap() {
		return node, nil
	}
	return Node{}, fmt.Errorf("unknown risk profile %q; the configuration has: %s", name, listed(profiles.Keys()))
}

// Allocations are risk_profiles.*.strategy_allocations: read and shown, never used for trading, as in the real scheduler.
func (c *Config) Allocations() map[string]map[string]float64 {
	allocations := map[string]map[string]float64{}
	profiles := c.Root.At("risk_profiles")
	for _, profile := range profiles.Keys() {
		buckets := profiles.At(profile, "strategy_allocations")
		weights := map[string]float64{}
		for _, bucket := range buckets.Keys() {
			weights[bucket] = buckets.At(bucket).NumberOr(0)
		}
		allocations[profile] = weights
	}
	return allocations
}

// ResourceLimits are the budgets of runtime.resource_limits; zero means no limit.
type ResourceLimits struct {
	CPUPercent   float64 `json:"cpu_percent"`
	MemoryMB     float64 `json:"memory_mb"`
	IOReadMBs    float64 `json:"io_read_mb_s"`
	IOWriteMBs   float64 `json:"io_write_mb_s"`
	WarningRatio float64 `json:"headroom_warning_threshold"`
}

// Limits reads runtime.resource_limits; false without such a section.
func (c *Config) Limits() (ResourceLimits, bool) {
	node := c.Root.At("runtime", "resource_limits")
	if len(node.Keys()) == 0 {
		return ResourceLimits{}, false
	}
	return ResourceLimits{
		CPUPercent:   node.First("cpu_percent", "cpu").NumberOr(0),
		MemoryMB:     node.First("memory_mb", "memory").NumberOr(0),
		IOReadMBs:    node.First("io_read_mb_s", "io_read").NumberOr(0),
		IOWriteMBs:   node.First("io_write_mb_s", "io_write").NumberOr(0),
		WarningRatio: node.First("headroom_warning_threshold", "warning_threshold").NumberOr(0.85),
	}, true
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
