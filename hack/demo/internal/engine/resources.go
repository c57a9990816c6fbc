package engine

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

// Resources is what the process used, against its budgets.
type Resources struct {
	Status     string             `json:"status"`
	CPUPercent float64            `json:"cpu_percent"`
	MemoryMB   float64            `json:"memory_mb"`
	Breaches   map[string]float64 `json:"breaches"`
	Warnings   map[string]float64 `json:"warnings"`
}

// warningRatio is fixed in the scheduler's own evaluation, whatever headroom_warning_threshold says.
const warningRatio = 0.85

// judge compares use with budgets as the scheduler's resource monitor does; a budget of zero is none.
func judge(used Resources, budget coreconfig.ResourceLimits, latencyMS, latencyBudgetMS float64) Resources {
	used.Status, used.Breaches, used.Warnings = "ok", map[string]float64{}, map[string]float64{}
	measured := []struct {
		name         string
		used, budget float64
	}{
		{"cpu_percent", used.CPUPercent, budget.CPUPercent},
		{"memory_mb", used.MemoryMB, budget.MemoryMB},
		{"latency_ms", latencyMS, latencyBudgetMS},
	}
	for _, m := range measured {
		if m.budget <= 0 {
			continue
		}
		switch ratio := m.used / m.budget; {
		case ratio >= 1:
			used.Breaches[m.name] = ratio
		case ratio >= warningRatio:
			used.Warnings[m.name] = ratio
		}
	}
	if len(used.Warnings) > 0 {
		used.Status = "warning"
	}
	if len(used.Breaches) > 0 {
		used.Status = "error"
	}
	return used
}

// snapshot is the process's use of the machine up to a moment.
type snapshot struct {
	at       time.Time
	cpu      time.Duration
	memoryMB float64
}

func processUsage() snapshot {
	s := snapshot{at: time.Now(), memoryMB: residentMB()}
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) == nil {
		s.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	return s
}

// since is the use between two moments; CPU in percent of one processor.
func (s snapshot) since(before snapshot) Resources {
	used := Resources{MemoryMB: s.memoryMB}
	if passed := s.at.Sub(before.at); passed > 0 {
		used.CPUPercent = float64(s.cpu-before.cpu) / float64(passed) * 100
	}
	return used
}

// residentMB reads the resident set from the kernel; zero where there is no such file.
func residentMB() float64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseFloat(string(fields[1]), 64)
	if err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

// usage keeps the process's use over about the last second for the metrics.
type usage struct {
	mu   sync.Mutex
	last snapshot
	now  Resources
}

func newUsage() *usage { return &usage{last: processUsage()} }

// sample measures again once enough time has passed for a meaningful share.
func (u *usage) sample() {
	u.mu.Lock()
	defer u.mu.Unlock()
	current := processUsage()
	if current.at.Sub(u.last.at) < time.Second/2 {
		return
	}
	u.now = current.since(u.last)
	u.last = current
}

func (u *usage) latest() Resources {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.now
}
