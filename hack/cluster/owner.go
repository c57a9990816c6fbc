package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// owner is what is remembered of the cluster on this machine: whose it is, and
// how the machine was before, so that down can put it back.
type owner struct {
	// Dir is the folder given with --dir.
	Dir string `json:"dir"`
	// BootID says to which boot Sysctls and Tables belong: a restart resets
	// them.
	BootID string `json:"bootID"`
	// Sysctls are the kernel settings as they were before.
	Sysctls map[string]string `json:"sysctls"`
	// Made are the folders of other programs that were not there before.
	Made []string `json:"made"`
	// Tables are the packet filter tables that were there before.
	Tables []string `json:"tables"`
}

// sharedFolders are folders outside the cluster's own ones that its components
// make when missing, whatever they are told.
var sharedFolders = []string{
	"/var/lib/kubelet", // the kubelet's device plugins have a fixed place
	"/var/log/containers",
	"/var/lib/cni",
	"/run/containerd",
	"/etc/cni",
	"/run/netns",
}

// readOwner gives no owner, and no error, when there is no cluster here.
func readOwner() (*owner, error) {
	text, err := os.ReadFile(ownerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	read := &owner{}
	return read, json.Unmarshal(text, read)
}

// claim records this folder as the machine's cluster, and what the machine was
// like if that is not recorded yet.
func claim(ctx context.Context, l layout, previous *owner) error {
	current := owner{Dir: l.dir, BootID: bootID()}
	if previous != nil {
		current.Made = previous.Made
	} else {
		for _, folder := range sharedFolders {
			if !exists(folder) {
				current.Made = append(current.Made, folder)
			}
		}
	}
	if previous != nil && previous.BootID == current.BootID {
		current.Sysctls, current.Tables = previous.Sysctls, previous.Tables
	} else {
		current.Sysctls, current.Tables = readSysctls(), nftTables(ctx)
	}
	text, err := json.MarshalIndent(current, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(ownerFile, text, 0o644)
}
