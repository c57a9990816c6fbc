package rules

// Vars are the variables of one evaluation. An empty field is an empty object, so has(before.x) is false and report.x an error.
type Vars struct {
	Owner string // whose rule it is, the playbook's namespace: it pays for what is remembered of it

	Report   Value          // the check's report
	ExitCode *int32         // of the check's container; nil: it never ended by itself, which a rule sees as -1
	Before   Value          // the earlier report of the same check
	Incident map[string]any // see internal/subject; a verdict sees no level and no alerts
	Rollback map[string]any // what the running scheduler must have in force; the fields are in docs/rules.md
	Checks   []Check        // judged checks of the current stage
	Signals  map[string]any // known numbers by name; an unknown one is not in it, so using it is an error
	Limits   map[string]any // runtime.resource_limits as doubles, by the names and in the units there: cpu_percent of one core, memory_mb
	Risk     map[string]any // the risk profile: profile, its name; max_daily_loss_pct, a double and a fraction: 0.015 is 1.5 %

	Spent *uint64 // what evaluations cost is added to it; those that share it cost [SharedLimit] at most together. Nil: nobody asks
}

// Check is one judged check as rules see it.
type Check struct {
	Name     string
	Verdict  string
	ExitCode *int32
	Report   Value
}

func (v Vars) activation(spent *meter) map[string]any {
	checks := make([]any, len(v.Checks))
	for i, c := range v.Checks {
		checks[i] = map[string]any{
			"name": c.Name, "verdict": c.Verdict, "exitCode": number(c.ExitCode), "report": object(c.Report.decoded),
		}
	}
	return map[string]any{
		"report": object(v.Report.decoded), "exitCode": number(v.ExitCode), "before": object(v.Before.decoded),
		"incident": object(v.Incident), "rollback": object(v.Rollback), "checks": checks,
		"signals": object(v.Signals), "limits": object(v.Limits), "risk": object(v.Risk),
		meterName: spent,
	}
}

// number is -1 for a container that never ended by itself.
func number(code *int32) float64 {
	if code == nil {
		return -1
	}
	return float64(*code)
}

func object(v any) any {
	switch typed := v.(type) {
	case nil:
		return map[string]any{}
	case map[string]any:
		if typed == nil {
			return map[string]any{}
		}
	}
	return v
}
