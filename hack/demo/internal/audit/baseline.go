package audit

import (
	"net"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

// BaselineReport is the security baseline's report.
type BaselineReport struct {
	Status      string   `json:"status"`
	Warnings    []string `json:"warnings"`
	Errors      []string `json:"errors"`
	TLS         TLS      `json:"tls"`
	Tokens      Tokens   `json:"tokens"`
	GeneratedAt string   `json:"generated_at"`
	ConfigPath  string   `json:"config_path"`
}

// TLS is what the baseline says about encrypted services.
type TLS struct {
	Services map[string]TLSService `json:"services"`
	Warnings []string              `json:"warnings"`
	Errors   []string              `json:"errors"`
}

// TLSService is one service with its certificate files and whether they exist.
type TLSService struct {
	Enabled    bool            `json:"enabled"`
	TLSEnabled bool            `json:"tls_enabled"`
	Files      map[string]bool `json:"files"`
}

// Tokens is what the baseline says about access.
type Tokens struct {
	Services []TokenService `json:"services"`
	Warnings []string       `json:"warnings"`
	Errors   []string       `json:"errors"`
}

// TokenService is one service with its tokens and which of them grant each scope it needs.
type TokenService struct {
	Service        string              `json:"service"`
	Configured     bool                `json:"configured"`
	Enabled        bool                `json:"enabled"`
	TokenCount     int                 `json:"token_count"`
	Tokens         []Token             `json:"tokens"`
	RequiredScopes []string            `json:"required_scopes"`
	Coverage       map[string][]string `json:"coverage"`
	Findings       []TokenFinding      `json:"findings"`
}

// TokenFinding is a finding about a service's tokens.
type TokenFinding struct {
	Level   string            `json:"level"`
	Message string            `json:"message"`
	Details map[string]string `json:"details"`
}

// BaselineOptions are the audit's switches.
type BaselineOptions struct {
	// Scopes are the scopes that each scheduler must be able to grant; "scheduler:scope" asks one scheduler only.
	Scopes    []string
	LookupEnv func(string) (string, bool)
	Now       time.Time
}

// Baseline checks encryption and tokens of the services that the configuration describes.
func Baseline(config *coreconfig.Config, options BaselineOptions) BaselineReport {
	report := BaselineReport{
		GeneratedAt: options.Now.UTC().Format(time.RFC3339Nano), ConfigPath: config.Path,
		TLS:    metricsTLS(config),
		Tokens: Tokens{Services: []TokenService{}, Warnings: []string{}, Errors: []string{}},
	}
	for _, name := range config.SchedulerNames() {
		section, err := config.SchedulerNode(name)
		if err != nil {
			continue
		}
		service := schedulerTokens(name, section, options)
		report.Tokens.Services = append(report.Tokens.Services, service)
		for _, finding := range service.Findings {
			if finding.Level == "error" {
				report.Tokens.Errors = append(report.Tokens.Errors, finding.Message)
			} else {
				report.Tokens.Warnings = append(report.Tokens.Warnings, finding.Message)
			}
		}
	}
	report.Warnings = append(append([]string{}, report.TLS.Warnings...), report.Tokens.Warnings...)
	report.Errors = append(append([]string{}, report.TLS.Errors...), report.Tokens.Errors...)
	report.Status = "ok"
	if len(report.Warnings) > 0 {
		report.Status = "warning"
	}
	if len(report.Errors) > 0 {
		report.Status = "error"
	}
	return report
}

func metricsTLS(config *coreconfig.Config) TLS {
	result := TLS{Services: map[string]TLSService{}, Warnings: []string{}, Errors: []string{}}
	section := metricsService(config)
	if !section.IsMap() {
		return result
	}
	tls := section.At("tls")
	service := TLSService{Enabled: section.At("enabled").True(), TLSEnabled: tls.At("enabled").True(), Files: map[string]bool{}}
	if service.Enabled && !service.TLSEnabled && !loopback(section.At("host").Text()) {
		result.Warnings = append(result.Warnings, "metrics_service listens beyond this host without TLS")
	}
	for _, key := range []string{"certificate_path", "private_key_path", "client_ca_path"} {
		path := tls.At(key).Text()
		if path == "" {
			continue
		}
		service.Files[path] = exists(config, path)
		switch {
		case service.Files[path]:
		case service.TLSEnabled:
			result.Errors = append(result.Errors, "metrics_service: "+key+" "+path+" does not exist")
		default:
			result.Warnings = append(result.Warnings, "metrics_service: "+key+" "+path+" does not exist")
		}
	}
	result.Services["metrics_service"] = service
	return result
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func schedulerTokens(name string, section coreconfig.Node, options BaselineOptions) TokenService {
	service := TokenService{
		Service: "multi_strategy_scheduler:" + name, Enabled: true,
		Tokens: tokensOf(section, options.LookupEnv), RequiredScopes: []string{},
		Coverage: map[string][]string{}, Findings: []TokenFinding{},
	}
	service.TokenCount = len(service.Tokens)
	service.Configured = service.TokenCount > 0
	for _, token := range service.Tokens {
		if !token.usable() {
			service.find("warning", "nobody can present token "+token.ID+": no hash, no value, environment variable not set", "token_id", token.ID)
		}
	}
	for _, asked := range options.Scopes {
		scheduler, scope, targeted := strings.Cut(asked, ":")
		if !targeted {
			scope = asked
		}
		if targeted && scheduler != name {
			continue
		}
		service.RequiredScopes = append(service.RequiredScopes, scope)
		service.Coverage[scope] = granting(service.Tokens, scope)
		if len(service.Coverage[scope]) == 0 {
			service.find("error", "no usable token grants scope "+scope, "scope", scope)
		}
	}
	return service
}

func (s *TokenService) find(level, message, key, value string) {
	details := map[string]string{"service": s.Service, key: value}
	s.Findings = append(s.Findings, TokenFinding{Level: level, Message: message, Details: details})
}

// granting are the tokens that someone could present and that carry the scope.
func granting(tokens []Token, scope string) []string {
	ids := []string{}
	for _, token := range tokens {
		if !token.usable() {
			continue
		}
		for _, has := range token.Scopes {
			if has == scope {
				ids = append(ids, token.ID)
			}
		}
	}
	return ids
}
