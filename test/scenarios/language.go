package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/datadriven"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// words are what a story can say. Each does one thing in the world; the operator then works until nothing happens any more.
// CONTRIBUTING.md has them in a table.
var words = map[string]func(*sim.World, *datadriven.TestData) error{
	"playbook": changePlaybook, "configuration": configure, "edit": edit, "report": report, "signal": signal, "stale": stale, "reloader": reloader, "flux": flux, "git": repository,
	"incident": reportIncident, "rollback": askRollback, "hold": hold, "delete": remove, "pass": pass,
	"approve": decideOn(strategyv1.DecisionApprove), "deny": decideOn(strategyv1.DecisionDeny), "override": decideOn(strategyv1.DecisionOverride),
	"renew": decideOn(strategyv1.DecisionRenew), "restore": decideOn(strategyv1.DecisionRestore),
	"acknowledge": decideOn(strategyv1.DecisionAcknowledge), "escalate": decideOn(strategyv1.DecisionEscalate),
	"resolve": decideOn(strategyv1.DecisionResolve), "false-alarm": decideOn(strategyv1.DecisionFalseAlarm), "reopen": decideOn(strategyv1.DecisionReopen),
}

// say does what a line of a story says.
func say(w *sim.World, line *datadriven.TestData) error {
	do, known := words[line.Cmd]
	if !known {
		return fmt.Errorf("%s: no such word; there are %v", line.Pos, slices.Sorted(maps.Keys(words)))
	}
	if err := do(w, line); err != nil {
		return fmt.Errorf("%s: %s: %w", line.Pos, line.Cmd, err)
	}
	return nil
}

// changePlaybook merges the input, YAML, into the playbook's spec.
func changePlaybook(w *sim.World, line *datadriven.TestData) error {
	change, err := yaml.YAMLToJSON([]byte("spec:\n  " + strings.ReplaceAll(line.Input, "\n", "\n  ")))
	if err != nil {
		return err
	}
	object := &strategyv1.StrategyPlaybook{}
	w.Get(sim.Playbook, object)
	return w.API.As("carol").Patch(background, object, client.RawPatch(types.MergePatchType, change))
}

// configure makes the input the configuration that the scheduler runs.
func configure(w *sim.World, line *datadriven.TestData) error {
	w.Configure(line.Input + "\n")
	return nil
}

// edit is carol, who replaces one text of the configuration by another: the two lines of the input. "edit by=kustomize-controller" is a tool.
func edit(w *sim.World, line *datadriven.TestData) error {
	before, after, two := strings.Cut(line.Input, "\n")
	if !two {
		return fmt.Errorf("want two lines: what is replaced, and by what")
	}
	manager := "kubectl-edit"
	set(line, "by", &manager)
	w.EditAs(manager, before, after)
	return nil
}

// report says how a check ends from now on: "report smoke fail", "report After/smoke ok", "report load exit=1".
func report(w *sim.World, line *datadriven.TestData) error {
	if len(line.CmdArgs) != 2 {
		return fmt.Errorf("want a check and how it ends")
	}
	name, how := line.CmdArgs[0].Key, line.CmdArgs[1]
	if how.Key == "exit" {
		exit, err := strconv.Atoi(how.Vals[0])
		w.Reports[name] = sim.Ended{Log: line.Input, Exit: int32(exit)}
		return err
	}
	ended, known := map[string]sim.Ended{"ok": sim.OK, "fail": sim.Fail, "mute": sim.Mute, "killed": sim.Killed, "evicted": sim.Evicted, "prints": {Log: line.Input}}[how.Key]
	if !known {
		return fmt.Errorf("a check does not end %q", how.Key)
	}
	w.Reports[name] = ended
	return nil
}

// signal sets what Prometheus knows: "signal cpu=90", or "signal cpu" for no series.
func signal(w *sim.World, line *datadriven.TestData) error {
	for _, argument := range line.CmdArgs {
		if len(argument.Vals) == 0 {
			delete(w.Signals, argument.Key)
			continue
		}
		value, err := strconv.ParseFloat(argument.Vals[0], 64)
		if err != nil {
			return err
		}
		w.Signals[argument.Key] = value
	}
	return nil
}

// stale makes the next restarts read the configuration as it was before: "stale 1".
func stale(w *sim.World, line *datadriven.TestData) (err error) {
	w.Stale, err = strconv.Atoi(line.CmdArgs[0].Key)
	return err
}

// reloader installs Reloader for the scheduler.
func reloader(w *sim.World, _ *datadriven.TestData) error {
	w.Reloader = true
	sim.Change(w, sim.Deployment, &appsv1.Deployment{}, func(deployment *appsv1.Deployment) {
		deployment.Annotations = map[string]string{"reloader.stakater.com/auto": "true"}
	})
	return nil
}

// flux is the Kustomization apps, which applies the configuration; its annotations are the line's: "flux reconcile=disabled".
func flux(w *sim.World, line *datadriven.TestData) error {
	const group = "kustomize.toolkit.fluxcd.io/"
	sim.Change(w, sim.ConfigMap, &corev1.ConfigMap{}, func(configMap *corev1.ConfigMap) {
		configMap.Labels[group+"name"], configMap.Labels[group+"namespace"] = "apps", "flux-system"
		for _, argument := range line.CmdArgs {
			metav1.SetMetaDataAnnotation(&configMap.ObjectMeta, group+argument.Key, argument.Vals[0])
		}
	})
	return nil
}

// repository is the one that the configuration comes from, and to which the playbook writes back: "git on", "git on=ops" to branches that somebody
// merges, "git down", "git up", "git refuses", "git takes", "git moves", "git loses", "git merge=ops/less", "git edit" like edit, "git forbids" and "git
// allows": the Secret for it is gone, and back. With "git rules" it is the alert rules that come from one, and that the playbook proposes another of:
// "git merge" and "git delete" are about the one branch that is there.
func repository(w *sim.World, line *datadriven.TestData) error {
	what := line.CmdArgs[0]
	value := strings.Join(what.Vals, "")
	switch what.Key {
	case "on":
		w.HasGit()
		sim.Change(w, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(playbook *strategyv1.StrategyPlaybook) { sim.WrittenBack(value)(&playbook.Spec) })
	case "rules":
		CreateRules(w)
		w.HasGitWith("rules.yml", rules)
		sim.Change(w, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(playbook *strategyv1.StrategyPlaybook) { PushRules(&playbook.Spec) })
	case "down":
		w.Git.Down = errors.New("connection refused")
	case "up":
		w.Git.Down = nil
	case "refuses":
		w.Git.Refuses = "protected branch hook declined"
	case "takes":
		w.Git.Refuses, w.Git.Moves = "", false
	case "moves":
		w.Git.Moves = true
	case "loses":
		w.Git.Loses = 1
	case "forbids":
		return client.IgnoreNotFound(w.API.As("carol").Delete(background, w.GitSecret()))
	case "allows":
		w.Create(w.GitSecret())
	case "merge":
		return w.Git.Merge(cmp.Or(value, theBranch(w)))
	case "delete":
		return w.Git.Delete(theBranch(w))
	case "edit":
		before, after, _ := strings.Cut(line.Input, "\n")
		return w.Git.Edit(before, after)
	default:
		return fmt.Errorf("%q is nothing that a repository does", what.Key)
	}
	return nil
}

// theBranch is the newest one that people may merge, by its name.
func theBranch(w *sim.World) string {
	branches := w.Git.Branches()
	if len(branches) == 0 {
		return ""
	}
	return branches[len(branches)-1]
}

// reportIncident is alice: "incident pnl type=PnL schedule=fast"; the input is the summary.
func reportIncident(w *sim.World, line *datadriven.TestData) error {
	w.ReportAs(line.CmdArgs[0].Key, func(spec *strategyv1.StrategyIncidentSpec) {
		set(line, "type", &spec.Type)
		set(line, "severity", &spec.Severity)
		set(line, "schedule", &spec.Schedule)
		set(line, "mode", &spec.Mode)
		if line.Input != "" {
			spec.Summary = line.Input
		}
	})
	return nil
}

// askRollback is alice: "rollback less disable=slow allocate=(bold/trend, 0.5)".
func askRollback(w *sim.World, line *datadriven.TestData) error {
	var wrong error
	w.AskRollback(line.CmdArgs[0].Key, func(spec *strategyv1.StrategyRollbackSpec) {
		set(line, "remedy", &spec.RemediationName)
		set(line, "mode", &spec.Mode)
		set(line, "deletion", &spec.DeletionPolicy)
		spec.Actions = nil
		for _, argument := range line.CmdArgs[1:] {
			switch argument.Key {
			case "disable":
				spec.Actions = append(spec.Actions, disable(argument.Vals[0]))
			case "allocate":
				action := allocate(argument.Vals[1])
				action.RiskProfile, action.Bucket, _ = strings.Cut(argument.Vals[0], "/")
				spec.Actions = append(spec.Actions, action)
			case "limits":
				spec.Actions = append(spec.Actions, testkit.LimitResources(argument.Vals[0], argument.Vals[1]))
			case "for":
				box, err := time.ParseDuration(argument.Vals[0])
				spec.MaxDurationSeconds, wrong = new(int32(box.Seconds())), err
			}
		}
	})
	return wrong
}

func set[T ~string](line *datadriven.TestData, name string, field *T) {
	if argument, given := line.Arg(name); given && len(argument.Vals) == 1 {
		*field = T(argument.Vals[0])
	}
}

// decideOn is bob, or whom "by" names: "approve less", "deny pnl by=carol", "approve less digest=old".
func decideOn(verdict strategyv1.DecisionVerdict) func(*sim.World, *datadriven.TestData) error {
	return func(w *sim.World, line *datadriven.TestData) error {
		by, name := "bob", line.CmdArgs[0].Key
		set(line, "by", &by)
		if w.RollbackNamed(name) == nil && w.IncidentNamed(name) != nil && !aboutRollbacks(verdict) {
			w.DecideAbout(by, strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: name}, verdict)
			return nil
		}
		rollback := newestOf(w, name)
		if rollback == "" {
			return fmt.Errorf("there is no incident or rollback %s", name)
		}
		w.Decide(by, rollback, verdict, "")
		return nil
	}
}

func aboutRollbacks(verdict strategyv1.DecisionVerdict) bool {
	return slices.Contains([]strategyv1.DecisionVerdict{
		strategyv1.DecisionApprove, strategyv1.DecisionDeny, strategyv1.DecisionOverride, strategyv1.DecisionRenew, strategyv1.DecisionRestore,
	}, verdict)
}

// newestOf is the rollback of that name, or the newest one that the incident of that name asked for.
func newestOf(w *sim.World, name string) string {
	newest := ""
	for _, one := range w.EveryRollback() {
		if one.Name == name || strings.HasPrefix(one.Name, name+"-") {
			newest = one.Name
		}
	}
	return newest
}

// hold is dave, who puts the playbook on hold, and bob, who releases it: "hold on", "hold off".
func hold(w *sim.World, line *datadriven.TestData) error {
	if line.CmdArgs[0].Key == "on" {
		holds(w)
	} else {
		releases(w)
	}
	return nil
}

// remove is carol, who deletes a rollback.
func remove(w *sim.World, line *datadriven.TestData) error {
	w.DeleteRollback(newestOf(w, line.CmdArgs[0].Key))
	return nil
}

// pass lets time pass at once, as if the operator had been away: "pass 4h".
func pass(w *sim.World, line *datadriven.TestData) error {
	d, err := time.ParseDuration(line.CmdArgs[0].Key)
	w.Pass(d)
	return err
}
