package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// leaseLimit is how long a kubelet may be silent: it reports every ten seconds.
const leaseLimit = 40 * time.Second

// health is what status says of one thing.
type health struct {
	name   string
	ok     bool
	detail string
}

func (h health) String() string {
	state := "ok  "
	if !h.ok {
		state = "DOWN"
	}
	return fmt.Sprintf("%s  %-24s %s", state, h.name, h.detail)
}

// status prints a line for each component and for what they do together.
func status(ctx context.Context, l layout) error {
	if owned, err := readOwner(); err == nil && owned != nil && owned.Dir != l.dir {
		progress("the cluster on this machine is that of %s", owned.Dir)
		l = layout{dir: owned.Dir}
	}
	var down []string
	for _, h := range inspect(ctx, l) {
		fmt.Println(h)
		if !h.ok {
			down = append(down, h.name)
		}
	}
	if len(down) > 0 {
		return errors.New("down: " + strings.Join(down, ", "))
	}
	fmt.Printf("KUBECONFIG=%s\n", l.kubeconfig())
	return nil
}

// problems is what status would complain of.
func problems(ctx context.Context, l layout) []health {
	var found []health
	for _, h := range inspect(ctx, l) {
		if !h.ok {
			found = append(found, h)
		}
	}
	return found
}

func inspect(ctx context.Context, l layout) []health {
	all := []health{inspectProcess(l, supervisorName)}
	for _, c := range components(l) {
		all = append(all, inspectProcess(l, c.name))
	}
	api := newAPIClient(l)
	all = append(all, inspectCheck("API server", "answers at "+apiServerURL, api.check(ctx)))
	if !all[len(all)-1].ok {
		// The rest could only say the same.
		return all
	}
	return append(all,
		inspectCheck("node "+nodeName, "ready", api.nodeReady(ctx, time.Now().Add(-leaseLimit))),
		inspectCheck("default service account", "exists", api.defaultAccount(ctx)),
		inspectCheck("service addresses", "in place", proxyReady(ctx)),
		inspectCheck("cluster DNS", "answers at "+nodeIP, dnsAnswers(ctx)))
}

func inspectProcess(l layout, name string) health {
	p := readPID(name)
	if !p.alive() {
		return health{name: name, detail: "not running; last log line: " + lastLine(l.log(name))}
	}
	detail := fmt.Sprintf("running, pid %d", p.PID)
	if p.Restarts > 0 {
		detail += fmt.Sprintf(", restarted %d times", p.Restarts)
	}
	return health{name: name, ok: true, detail: detail}
}

func inspectCheck(name, good string, err error) health {
	if err != nil {
		return health{name: name, detail: err.Error()}
	}
	return health{name: name, ok: true, detail: good}
}
