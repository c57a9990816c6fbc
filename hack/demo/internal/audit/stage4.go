// Package audit checks a configuration file as the scheduler's two audit scripts do, and reports in their shapes. Every
// finding comes from the file and the machine at hand.
package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

// Finding is one thing that an audit found.
type Finding struct {
	Check   string `json:"check"`
	Message string `json:"message"`
}

// Stage4Report is the compliance audit's report.
type Stage4Report struct {
	CheckedAt string    `json:"checked_at"`
	Config    string    `json:"config"`
	Status    string    `json:"status"`
	Issues    []Finding `json:"issues"`
	Warnings  []Finding `json:"warnings"`
}

// Stage4Options are the audit's switches.
type Stage4Options struct {
	// MTLSBundle is the name that the files of execution.mtls must carry; empty asks for none.
	MTLSBundle string
	// AllowMissingEnv accepts tokens whose environment variable is not set.
	AllowMissingEnv bool
	// CheckPaths wants the files that the configuration names to exist.
	CheckPaths bool
	// LookupEnv reads the environment.
	LookupEnv func(string) (string, bool)
	Now       time.Time
}

// stage4 collects findings.
type stage4 struct {
	config  *coreconfig.Config
	options Stage4Options
	report  Stage4Report
}

// Stage4 checks that the configuration can run what it promises: known strategies and profiles, tokens with scopes,
// metrics, positive budgets, suspensions that reach something.
func Stage4(config *coreconfig.Config, options Stage4Options) Stage4Report {
	a := &stage4{config: config, options: options, report: Stage4Report{
		CheckedAt: options.Now.UTC().Format(time.RFC3339), Config: config.Path,
		Issues: []Finding{}, Warnings: []Finding{},
	}}
	a.metricsService()
	a.resourceLimits()
	a.schedulers()
	a.environments()
	a.mtls()
	if config.DuplicateKey != "" {
		a.warn("yaml.duplicate_keys", "a key is given twice, the last one counts: %s", config.DuplicateKey)
	}
	a.report.Status = "ok"
	if len(a.report.Warnings) > 0 {
		a.report.Status = "warn"
	}
	if len(a.report.Issues) > 0 {
		a.report.Status = "fail"
	}
	return a.report
}

func (a *stage4) issue(check, format string, values ...any) {
	a.report.Issues = append(a.report.Issues, Finding{check, fmt.Sprintf(format, values...)})
}

func (a *stage4) warn(check, format string, values ...any) {
	a.report.Warnings = append(a.report.Warnings, Finding{check, fmt.Sprintf(format, values...)})
}

func (a *stage4) metricsService() {
	service := metricsService(a.config)
	if !service.IsMap() {
		a.issue("metrics_service", "there is no metrics_service section")
		return
	}
	if !service.At("enabled").True() {
		a.warn("metrics_service", "the metrics service is not enabled")
	}
}

// metricsService is the section at either place where it may stand.
func metricsService(config *coreconfig.Config) coreconfig.Node {
	if service := config.Root.At("runtime", "metrics_service"); service.IsMap() {
		return service
	}
	return config.Root.At("metrics_service")
}

func (a *stage4) resourceLimits() {
	limits, present := a.config.Limits()
	if !present {
		a.issue("resource_limits", "there is no runtime.resource_limits section")
		return
	}
	if limits.CPUPercent <= 0 {
		a.issue("resource_limits.cpu_percent", "must be above zero, is %g", limits.CPUPercent)
	}
	if limits.MemoryMB <= 0 {
		a.issue("resource_limits.memory_mb", "must be above zero, is %g", limits.MemoryMB)
	}
	if limits.IOReadMBs < 0 || limits.IOWriteMBs < 0 {
		a.issue("resource_limits.io", "must not be below zero")
	}
	if limits.WarningRatio <= 0 || limits.WarningRatio >= 1 {
		a.warn("resource_limits.headroom_warning_threshold", "should lie between 0 and 1, is %g", limits.WarningRatio)
	}
}

func (a *stage4) schedulers() {
	names := a.config.SchedulerNames()
	if len(names) == 0 {
		a.issue("scheduler", "there is no scheduler")
	}
	for _, name := range names {
		section, err := a.config.SchedulerNode(name)
		if err != nil {
			a.issue("scheduler:"+name, "the section is not a mapping")
			continue
		}
		a.tokens(name, section)
		a.schedules(name, section)
	}
}

func (a *stage4) tokens(scheduler string, section coreconfig.Node) {
	check := "scheduler:" + scheduler
	tokens := tokensOf(section, a.options.LookupEnv)
	if len(tokens) == 0 {
		a.issue(check, "there are no RBAC tokens")
	}
	for _, token := range tokens {
		if len(token.Scopes) == 0 {
			a.issue(check+":"+token.ID+":scopes", "the token has no scopes")
		}
		if token.Source == "" {
			a.issue(check+":"+token.ID, "the token has neither a value, a hash nor an environment variable")
		}
		if token.Env != "" && !token.EnvPresent && !token.usable() && !a.options.AllowMissingEnv {
			a.issue("env:"+token.Env, "the environment variable of token %q is not set", token.ID)
		}
	}
}

func (a *stage4) schedules(scheduler string, section coreconfig.Node) {
	check := "scheduler:" + scheduler
	schedules := coreconfig.Schedules(section)
	if len(schedules) == 0 {
		a.issue(check+":schedules", "there are no schedules")
	}
	names, tags := map[string]bool{}, map[string]bool{}
	for _, s := range schedules {
		names[s.Name] = true
		if engine, _, err := a.config.EngineOf(s.Strategy); err == nil {
			for _, tag := range a.config.Tags(s.Strategy, engine) {
				tags[tag] = true
			}
		}
		if !a.config.HasStrategy(s.Strategy) {
			a.issue(check+":"+s.Name+":strategy", "unknown strategy %q", s.Strategy)
		}
		if _, err := a.config.RiskProfile(s.RiskProfile); err != nil {
			a.issue(check+":"+s.Name+":risk_profile", "unknown risk profile %q", s.RiskProfile)
		}
		if s.Cadence <= 0 {
			a.issue(check+":"+s.Name+":cadence_seconds", "must be above zero")
		}
	}
	for _, s := range coreconfig.Suspensions(section, a.options.Now) {
		known := names[s.Target]
		if s.Kind == coreconfig.KindTag {
			known = tags[strings.ToLower(s.Target)]
		}
		if !known {
			a.warn(check+":initial_suspensions", "the suspension of %s %q reaches no schedule", s.Kind, s.Target)
		}
	}
}

func (a *stage4) environments() {
	environments := a.config.Root.At("environments")
	for _, name := range environments.Keys() {
		node := environments.At(name)
		check := "environment:" + name
		if node.At("exchange").Text() == "" {
			a.issue(check+":exchange", "the environment names no exchange")
		}
		if profile := node.At("risk_profile").Text(); profile != "" {
			if _, err := a.config.RiskProfile(profile); err != nil {
				a.issue(check+":risk_profile", "unknown risk profile %q", profile)
			}
		}
		universe := node.At("instrument_universe").Text()
		if universe != "" && !a.config.Root.At("instrument_universes", universe).IsMap() {
			a.issue(check+":instrument_universe", "unknown universe %q", universe)
		}
	}
}

func (a *stage4) mtls() {
	section := a.config.Root.At("execution", "mtls")
	if !section.IsMap() {
		if a.options.MTLSBundle != "" {
			a.issue("execution.mtls", "there is no execution.mtls section for bundle %q", a.options.MTLSBundle)
		}
		return
	}
	for _, key := range []string{"ca_certificate", "server_certificate", "server_key", "client_certificate", "client_key"} {
		path := section.At(key).Text()
		if path == "" {
			a.issue("execution.mtls."+key, "is not set")
			continue
		}
		if !strings.HasPrefix(filepath.Base(path), a.options.MTLSBundle) {
			a.issue("execution.mtls."+key, "%s is not of bundle %q", path, a.options.MTLSBundle)
		}
		if a.options.CheckPaths && !exists(a.config, path) {
			a.issue("execution.mtls."+key, "%s does not exist", path)
		}
	}
}

// exists looks a path up from the directory of the configuration, as the scheduler does.
func exists(config *coreconfig.Config, path string) bool {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(config.Path), path)
	}
	_, err := os.Stat(path)
	return err == nil
}
