package prometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tool is a program of Debian's packages prometheus and prometheus-alertmanager. `make test-rules` demands it.
func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("RULES_TOOLS") == "required" {
		t.Fatalf("%s is missing: make cluster-up installs it, or apt-get install %s", name, pkg)
	}
	t.Skipf("%s is missing (Debian package %s); make test-rules demands it", name, pkg)
	return ""
}

// Prometheus' own tool runs the cases beside this file, on the rules as they are shipped.
func TestPromtool(t *testing.T) {
	promtool := tool(t, "promtool", "prometheus")
	cases, _ := filepath.Glob("*_test.yaml")
	for _, arguments := range [][]string{append([]string{"check", "rules"}, ruleFiles...), append([]string{"test", "rules"}, cases...)} {
		if output, err := exec.Command(promtool, arguments...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", arguments[:2], err, output)
		}
	}
}

func TestAmtool(t *testing.T) {
	amtool := tool(t, "amtool", "prometheus-alertmanager")
	if output, err := exec.Command(amtool, "check-config", shipped+"alertmanager.yaml").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
