package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/show"
)

type inboxFlags struct {
	watch, everywhere bool
	output            string
}

const inboxHelp = `Without a command: the inbox, all that is open in the namespace. What waits for whom, since when, until when, and the command
for it; what waits for you comes first. You are one of those it waits for if the rotation of the playbook names you for the level,
or if you may approve and have not asked for the change yourself.

`

func (f *inboxFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&f.watch, "watch", "w", false, "show it again on each change")
	cmd.Flags().BoolVarP(&f.everywhere, "all-namespaces", "A", false, "of all namespaces that you may read")
	addOutput(cmd, &f.output)
}

func (a *app) inbox(ctx context.Context, flags inboxFlags) error {
	if err := knownOutput(flags.output); err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	if flags.everywhere {
		c.namespace = ""
	}
	me := a.whoLooks(ctx, c)
	if !flags.watch {
		return a.inboxOnce(ctx, c, me, flags.output)
	}
	if flags.output != "" {
		return fmt.Errorf("-w shows the inbox to people; for programs, leave out -w or -o")
	}
	return a.inboxWatch(ctx, c, me)
}

func (a *app) inboxOnce(ctx context.Context, c cluster, me *looker, output string) error {
	desk, tasks, err := c.tasks(ctx, me)
	if err != nil {
		return err
	}
	if output == "name" {
		for _, task := range tasks {
			fmt.Fprintf(a.Out, "%s/%s\n", singular(task.Kind), task.Name)
		}
		return nil
	}
	if output != "" {
		return a.printAs(output, map[string]any{"items": tasks})
	}
	_, err = io.WriteString(a.Out, show.Inbox(desk, tasks, where(c), me.says(), a.now(), a.layout(false)))
	return err
}

func where(c cluster) string {
	if c.namespace == "" {
		return "all namespaces"
	}
	return c.namespace
}

// inboxWatch shows the inbox again when something was changed. What cannot be read now may be readable soon.
func (a *app) inboxWatch(ctx context.Context, c cluster, me *looker) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := make(chan struct{}, 1)
	for _, list := range []client.ObjectList{&strategyv1.StrategyIncidentList{}, &strategyv1.StrategyRollbackList{}, &strategyv1.StrategyPlaybookList{}} {
		go a.trigger(ctx, c, list, changed)
	}
	desk, tasks, err := c.tasks(ctx, me)
	if err != nil {
		return err
	}
	screen := a.newScreen(false)
	var ticks <-chan time.Time
	if screen.redraws {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
		if err := screen.draw(show.Inbox(desk, tasks, where(c), me.says(), a.now(), a.layout(false))); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
			continue
		case <-changed:
		}
		newDesk, newTasks, err := c.tasks(ctx, me)
		if err != nil {
			if ctx.Err() == nil {
				fmt.Fprintf(a.ErrOut, "Warning: %s; still trying\n", messageOf(err))
			}
			continue
		}
		desk, tasks = newDesk, newTasks
	}
}

// tasks are what is open, sorted for whoever looks.
func (c cluster) tasks(ctx context.Context, me *looker) (show.Desk, []show.Task, error) {
	var incidents strategyv1.StrategyIncidentList
	var rollbacks strategyv1.StrategyRollbackList
	var books strategyv1.StrategyPlaybookList
	for _, of := range []struct {
		kind string
		list client.ObjectList
	}{{strategyv1.KindIncident, &incidents}, {strategyv1.KindRollback, &rollbacks}, {strategyv1.KindPlaybook, &books}} {
		if err := c.List(ctx, of.list, client.InNamespace(c.namespace)); err != nil {
			return show.Desk{}, nil, c.explain(err, of.kind, "")
		}
	}
	desk := show.Desk{Incidents: incidents.Items, Rollbacks: rollbacks.Items, Playbooks: books.Items}
	tasks := desk.Tasks()
	for i := range tasks {
		tasks[i].Mine = me.isAsked(ctx, c, tasks[i], desk)
	}
	show.Sort(tasks)
	return desk, tasks, nil
}

// looker is who looks, and what they may do, as far as the cluster tells.
type looker struct {
	name string
	may  map[string]bool // by namespace and verb
}

func (a *app) whoLooks(ctx context.Context, c cluster) *looker {
	name, err := a.user(ctx, c)
	if err != nil {
		name = ""
	}
	return &looker{name: name, may: map[string]bool{}}
}

func (l *looker) says() string {
	if l.name == "" {
		return "who you are is not known"
	}
	return l.name
}

// isAsked says whether it is known that a task waits for whoever looks.
func (l *looker) isAsked(ctx context.Context, c cluster, task show.Task, desk show.Desk) bool {
	if l.name == "" || task.Who == strategyv1.WhoMachine || task.Who == strategyv1.WhoNobody {
		return false
	}
	if task.Who == strategyv1.WhoApprover {
		return l.isSecondPerson(ctx, c, task)
	}
	for i := range desk.Playbooks {
		if book := &desk.Playbooks[i]; book.Namespace == task.Namespace && book.Name == task.Playbook && onDuty(book.Status.OnCall, task.Who, l.name) {
			return true
		}
	}
	for i := range desk.Incidents {
		if one := &desk.Incidents[i]; one.Namespace == task.Namespace && one.Name == task.Name && onDuty(one.Status.OnCall, task.Who, l.name) {
			return true
		}
	}
	return false
}

// isSecondPerson says whether it is known that whoever looks may agree to what somebody else asked for.
func (l *looker) isSecondPerson(ctx context.Context, c cluster, task show.Task) bool {
	may := func(verb string) bool { return l.mayDo(ctx, c, task.Namespace, verb, resources[task.Kind]) }
	switch {
	case task.Right == "": // what is to be decided is not known yet
		return false
	case task.Kind == strategyv1.KindPlaybook: // whoever may write it is not the second person
		return may(task.Right) && !may("author") && !may("create")
	}
	return (task.Asker != l.name || task.Right == "restore") && may(task.Right)
}

func onDuty(shifts []strategyv1.OnCallStatus, level strategyv1.Who, name string) bool {
	for _, shift := range shifts {
		if string(shift.Level) == string(level) && shift.Name == name {
			return true
		}
	}
	return false
}

// mayDo asks the API server once, and again where it gave no answer. What it does not tell is not known, and so not assumed.
func (l *looker) mayDo(ctx context.Context, c cluster, namespace, verb, resource string) bool {
	key := namespace + "/" + verb + "/" + resource
	if may, asked := l.may[key]; asked {
		return may
	}
	review := &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: strategyv1.GroupVersion.Group, Resource: resource,
		}},
	}
	if err := c.Create(ctx, review); err != nil {
		return false
	}
	l.may[key] = review.Status.Allowed
	return l.may[key]
}
