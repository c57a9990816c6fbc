package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/internal/audit"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/show"
)

func newEvidenceVerify(a *app) *cobra.Command {
	var from string
	var keys []string
	cmd := &cobra.Command{
		Use: "verify [INCIDENT|ROLLBACK]", Short: "Verify the seals and the hashes of evidence beside the logs",
		Long: `Verify evidence beside the decision logs, of an incident with its rollbacks, of one rollback, or of the whole namespace or copy: the seals of
what came of checks, of snapshots, and of what the history forgot, with the playbook's key (--key); and every hash that a seal, a snapshot, an entry of a log or the
name of an object has. Without a key only the hashes are checked, and it says so: whoever may write to the bucket may have written it all anew.
Of a check the log has the hash, too, so one that was removed is found. Logs are verified by "log verify".

` + evidenceHelp + "\n\n" + verifiedCodes,
		Example: `  kubectl strategy evidence verify pnl-1 -n trading --key hmac-key
  kubectl strategy evidence verify --from ./copy-of-the-bucket --key 1=key-of-last-year --key 2=hmac-key`,
		Args: takes(0, 1, "an incident or rollback, or nothing"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return notDone(a.verifyEvidence(cmd.Context(), strings.Join(args, ""), from, keys))
		},
	}
	addFrom(cmd, &from)
	cmd.Flags().StringArrayVar(&keys, "key", nil, "File with a secret key of the logs; ID=FILE if there are several (repeatable)")
	return verifies(cmd)
}

func (a *app) verifyEvidence(ctx context.Context, argument, from string, keys []string) error {
	secret, err := secretKeys(keys)
	if err != nil {
		return err
	}
	files, folders, err := a.evidenceIn(ctx, argument, from)
	if err != nil {
		return err
	}
	found, err := audit.CheckObjects(files, folders, secret)
	if err != nil {
		return err
	}
	return a.tellObjects(found, secret)
}

// evidenceIn are the folders that are meant, and the files of the bucket that they are in.
func (a *app) evidenceIn(ctx context.Context, argument, from string) (fs.FS, []string, error) {
	if argument != "" {
		found, err := a.recordOf(ctx, argument, from)
		if err != nil {
			return nil, nil, err
		}
		namespace, _, _ := strings.Cut(found.folders[0], "/")
		files, err := filesOf(ctx, found.source, namespace)
		return files, found.folders, err
	}
	if from != "" {
		copied, err := openFolder(from)
		if within := *a.flags.Namespace; within != "" {
			return copied.FS, []string{within}, err
		}
		return copied.FS, []string{"."}, err
	}
	c, err := a.connect()
	if err != nil {
		return nil, nil, err
	}
	files, err := filesOf(ctx, c.evidence, c.namespace)
	return files, []string{c.namespace}, err
}

func (a *app) tellObjects(found audit.Objects, secret decisionlog.Keys) error {
	for _, kind := range []struct {
		word string
		all  []audit.Finding
	}{{"note", found.Strange}, {"not verified", found.Unproved}, {"broken", found.Findings}} {
		for _, one := range kind.all {
			fmt.Fprintf(a.Out, "%s: %s\n", kind.word, show.Line(one.String()))
		}
	}
	switch {
	case len(found.Findings) > 0:
		return &brokenError{fmt.Sprintf("%s of evidence with something not as sealed or written", count(len(found.Findings), "object"))}
	case len(found.Unproved) > 0:
		return fmt.Errorf("%s could not be checked with the keys that were given", count(len(found.Unproved), "seal"))
	case found.Seals+found.Hashes == 0:
		return errors.New("there is no evidence that has a seal or a hash")
	}
	if secret == nil {
		fmt.Fprintf(a.Out, "verified: hashes of %s; no seal, since no key was given (--key)\n", count(found.Hashes, "object"))
		return nil
	}
	fmt.Fprintf(a.Out, "verified: %s, hashes of %s\n", count(found.Seals, "seal"), count(found.Hashes, "object"))
	return nil
}
