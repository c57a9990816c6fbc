package rollback_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// reloaded is a rollback whose Deployment a tool restarts by itself when the ConfigMap changes.
func reloaded(t testkit.T) *story {
	s := newStory(t)
	s.Deployment.Annotations = map[string]string{"reloader.stakater.com/auto": "true"}
	s.Reloader = true
	return s
}

// Each way in which Reloader is told to restart a Deployment is understood: a second restart would stop trading twice.
func TestReloaderRestarts(t *testing.T) {
	for name, c := range map[string]struct {
		deployment, pods map[string]string
		restarts         int // by the operator
	}{
		"auto":                         {map[string]string{"reloader.stakater.com/auto": "true"}, nil, 0},
		"auto, on the pods":            {nil, map[string]string{"reloader.stakater.com/auto": "true"}, 0},
		"auto for ConfigMaps":          {map[string]string{"configmap.reloader.stakater.com/auto": "true"}, nil, 0},
		"by the ConfigMap's name":      {map[string]string{"configmap.reloader.stakater.com/reload": "other, bot-core-config"}, nil, 0},
		"for another ConfigMap":        {map[string]string{"configmap.reloader.stakater.com/reload": "bot-core-config-2"}, nil, 1},
		"switched off":                 {map[string]string{"reloader.stakater.com/auto": "false"}, nil, 1},
		"another tool's annotation":    {map[string]string{"example.com/auto": "true"}, nil, 1},
		"no annotations, no exception": {nil, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Deployment.Annotations, s.Deployment.Spec.Template.Annotations = c.deployment, c.pods
			s.Reloader = c.restarts == 0
			s.approved()
			expect(t, "Ready", s.ready(), "Verified")
			if s.Restarts != c.restarts || s.Deployment.Generation != 2 {
				t.Errorf("%d restarts by the operator, %d in all", s.Restarts, s.Deployment.Generation-1)
			}
		})
	}
}

func TestAReloaderThatIsNotThereIsWaitedFor(t *testing.T) {
	s := reloaded(t)
	s.Reloader = false
	s.approved()
	expect(t, "Ready", s.ready(), "RollingOut")
	if got := s.message(strategyv1.ConditionReady); !strings.Contains(got, "pod scheduler-1 still runs the old configuration") {
		t.Errorf("it says %q", got)
	}
	s.sinceWrite(29 * time.Second)
	s.quiet()
	if s.Restarts != 0 {
		t.Errorf("restarted before its time")
	}
	s.sinceWrite(30 * time.Second)
	s.quiet()
	expect(t, "after half a minute", s.ready(), "Verified")
	if s.Restarts != 1 {
		t.Errorf("%d restarts", s.Restarts)
	}
}

// Pods that Reloader made carry no hash, so only the scheduler itself can tell which configuration it has.
func TestWithReloaderTheReportMustHaveTheHash(t *testing.T) {
	for name, c := range map[string]struct {
		json  string
		ready string
		says  string
	}{
		"without it":    {`{"suspended":["fast"]}`, "Unproved", "Reloader restarts Deployment bot-core-scheduler, so only config_sha256 in the report of check running-plan can tell which configuration runs; it is missing"},
		"empty":         {`{"suspended":["fast"],"config_sha256":""}`, "Unproved", "it is missing"},
		"not a text":    {`{"suspended":["fast"],"config_sha256":7}`, "Unproved", "it is missing"},
		"not a mapping": {`["fast"]`, "Unproved", ""},
		"of another configuration, again and again": {`{"suspended":["fast"],"config_sha256":"` + strings.Repeat("0", 64) + `"}`, "Reverting", "still runs another configuration (000000000000) after one more restart"},
	} {
		t.Run(name, func(t *testing.T) {
			s := reloaded(t)
			s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK(), "Proof/running-plan": {JSON: c.json}})
			s.approved()
			if c.ready == "Reverting" {
				expect(t, "Ready", s.ready(), "Reverted")
				if s.Content != testkit.Document || s.Running != testkit.Document {
					t.Errorf("not reverted")
				}
			} else {
				expect(t, "Ready", s.ready(), c.ready)
				if s.Restarts > 0 || s.Content == testkit.Document {
					t.Errorf("%d restarts by the operator", s.Restarts)
				}
			}
			if !strings.Contains(s.logText(), c.says) {
				t.Errorf("the log does not say %q:\n%s", c.says, s.logText())
			}
		})
	}
}

// A stale copy is cured by the operator: for Reloader nothing has changed.
func TestAStaleCopyAfterReloader(t *testing.T) {
	for stale, c := range map[int]struct {
		ready    string
		restarts int
	}{1: {"Verified", 1}, 2: {"Reverted", 1}} {
		s := reloaded(t)
		s.Stale = stale
		s.approved()
		expect(t, "Ready", s.ready(), c.ready)
		if s.Restarts != c.restarts {
			t.Errorf("%d stale copies: %d restarts by the operator", stale, s.Restarts)
		}
	}
}

func TestReloaderRestartsForARestore(t *testing.T) {
	s := reloaded(t)
	s.approved()
	s.At(time.Minute)
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "Ready", s.ready(), "Restored")
	if s.Restarts != 0 || s.Running != testkit.Document {
		t.Errorf("%d restarts by the operator", s.Restarts)
	}
}
