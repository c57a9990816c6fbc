package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// attachment is how the network library remembers one pod on the network.
type attachment struct {
	ContainerID  string                     `json:"containerId"`
	IfName       string                     `json:"ifName"`
	Config       []byte                     `json:"config"`
	Capabilities map[string]json.RawMessage `json:"capabilityArgs"`
	Result       json.RawMessage            `json:"result"`
}

// cniNotes is where the network library keeps its notes, whatever it is told.
const cniNotes = "/var/lib/cni/results"

// detachPods takes every pod off the network by the plugins that put it on:
// they know what they made, host ports among it. The containers are gone by
// then, so no kubelet and no containerd will do it.
func detachPods(ctx context.Context) {
	notes, _ := filepath.Glob(filepath.Join(cniNotes, cniNetwork+"-*"))
	for _, note := range notes {
		content, err := os.ReadFile(note)
		if err != nil {
			continue
		}
		var pod attachment
		if json.Unmarshal(content, &pod) != nil {
			continue
		}
		if err := pod.detach(ctx); err != nil {
			progress("warning: taking pod %.12s off the network: %v", pod.ContainerID, err)
		}
		_ = os.Remove(note)
		_ = os.Remove(filepath.Join(cniNotes, "cni-loopback-"+pod.ContainerID+"-lo"))
	}
}

// detach calls the plugins of the pod's network in reverse order, as the
// network plugins' specification asks.
func (a attachment) detach(ctx context.Context) error {
	var list struct {
		CNIVersion string                       `json:"cniVersion"`
		Name       string                       `json:"name"`
		Plugins    []map[string]json.RawMessage `json:"plugins"`
	}
	if err := json.Unmarshal(a.Config, &list); err != nil {
		return err
	}
	for _, plugin := range slices.Backward(list.Plugins) {
		var kind string
		if err := json.Unmarshal(plugin["type"], &kind); err != nil {
			return err
		}
		for key, value := range map[string]any{
			"name": list.Name, "cniVersion": list.CNIVersion, "prevResult": a.Result,
			"runtimeConfig": a.runtimeConfig(plugin["capabilities"]),
		} {
			encoded, err := json.Marshal(value)
			if err != nil {
				return err
			}
			plugin[key] = encoded
		}
		input, err := json.Marshal(plugin)
		if err != nil {
			return err
		}
		if err := a.callPlugin(ctx, kind, string(input)); err != nil {
			return err
		}
	}
	return nil
}

// runtimeConfig are the pod's own settings, its host ports say, as far as a
// plugin declares that it can use them.
func (a attachment) runtimeConfig(declared json.RawMessage) map[string]json.RawMessage {
	var capabilities map[string]bool
	_ = json.Unmarshal(declared, &capabilities)
	config := map[string]json.RawMessage{}
	for name, used := range capabilities {
		if value, given := a.Capabilities[name]; used && given {
			config[name] = value
		}
	}
	return config
}

// callPlugin names no network namespace: the pod's is gone or about to, and
// with it the pod's end of every link.
func (a attachment) callPlugin(ctx context.Context, kind, input string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	plugin := exec.CommandContext(ctx, filepath.Join(cniPlugins, filepath.Base(kind)))
	plugin.Stdin = strings.NewReader(input)
	plugin.Env = append(plainEnv(),
		"CNI_COMMAND=DEL", "CNI_CONTAINERID="+a.ContainerID, "CNI_IFNAME="+a.IfName, "CNI_NETNS=", "CNI_PATH="+cniPlugins)
	output, err := plugin.CombinedOutput()
	if err != nil && len(output) > 0 {
		return &pluginError{kind: kind, output: string(output)}
	}
	return err
}

type pluginError struct{ kind, output string }

func (e *pluginError) Error() string { return e.kind + ": " + strings.TrimSpace(e.output) }
