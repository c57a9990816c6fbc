package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/internal/audit"
	"tradeops.dev/strategy-operator/internal/show"
)

// verifiedCodes are the exit codes of everything that verifies.
const verifiedCodes = `Exit codes: 0 verified; 1 it could not be done (usage, unreadable files, no cluster, no right, nothing that could be verified); 2 broken:
something is not as it was signed or written.`

// verifies has a command tell by its exit code what is not verified from what could not be done.
func verifies(cmd *cobra.Command) *cobra.Command {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return notDone(fmt.Errorf("%w; see %s --help", err, cmd.CommandPath()))
	})
	return cmd
}

func newLogVerify(a *app) *cobra.Command {
	var flags trustFlags
	cmd := &cobra.Command{
		Use:   "verify [INCIDENT|ROLLBACK|DIR|PROOF]",
		Short: "Verify the decision logs of a namespace, a copy of them, or the proof of one entry",
		Long: `Verify decision logs: that no entry, and no whole log, was rewritten, reordered, cut off, removed or put in since a checkpoint over them was
signed. What is verified:

  nothing named       all logs of the namespace (-n), as the operator serves them
  INCIDENT|ROLLBACK   the log of one, as the operator serves it
  DIR                 a copy: the folder of a namespace, or that of one incident or rollback, in a copy of the namespace or alone. Alone it
                      needs the proof of its last entry beside that (log/*.tlog-proof), or the secret key
  PROOF               a proof that "log prove" made

An argument that is a folder or a file here is read here, without a cluster; say incident/NAME or rollback/NAME where one has the name of a folder.
What is served is read at 20 objects a second at most: of many entries make a copy.

An older copy of a whole folder is whole in itself: name a checkpoint that was kept elsewhere (--checkpoint), such as the newest one, in the cluster.

` + verifiedCodes,
		Example: `  kubectl strategy log verify -n trading --public public-keys.pem --checkpoint trading.checkpoint
  kubectl strategy log verify incident/pnl-1 -n trading --public public-keys.pem
  kubectl strategy log verify evidence/trading --public public-keys.pem --checkpoint trading.checkpoint
  kubectl strategy log verify 000007.tlog-proof --public public-keys.pem`,
		Args: takes(0, 1, "an incident, a rollback, a folder or a proof, or nothing"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return notDone(a.verifyLog(cmd.Context(), strings.Join(args, ""), flags))
		},
	}
	cmd.Flags().StringVar(&flags.public, "public", "", "File with the public keys of checkpoints, as PEM: the data public-keys.pem of ConfigMap strategy-operator-checkpoints")
	cmd.Flags().StringArrayVar(&flags.checkpoints, "checkpoint", nil, "File with a checkpoint that was kept elsewhere, from which the copy must go on (repeatable)")
	cmd.Flags().StringArrayVar(&flags.keys, "key", nil, "File with a secret key of the logs, to check the signature of each entry, too; ID=FILE if there are several (repeatable)")
	return cmd
}

func newLogProve(a *app) *cobra.Command {
	var flags trustFlags
	cmd := &cobra.Command{
		Use:   "prove [DIR] ENTRY",
		Short: "Make the proof of one entry",
		Long: `Make the proof that an entry is in the tree over the decision logs of a namespace, in the form C2SP tlog-proof, and print it. It has the entry
itself, and needs nothing else but the public keys to be verified. DIR is a copy of the folder of the namespace, ENTRY a file in it. Without DIR the
entry is read as the operator serves it, of the namespace (-n), by its key as "evidence ls" shows it.

` + verifiedCodes,
		Example: `  kubectl strategy log prove evidence/trading 2026/11/23/pnl-1-5f0e8a11/log/000007.json --public public-keys.pem > 000007.tlog-proof
  kubectl strategy log prove trading/2026/11/23/pnl-1-5f0e8a11/log/000007.json -n trading --public public-keys.pem`,
		Args: takes(1, 2, "an entry, or a folder and an entry in it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return notDone(a.proveEntry(cmd.Context(), args, flags))
		},
	}
	cmd.Flags().StringVar(&flags.public, "public", "", "File with the public keys of checkpoints, as PEM")
	return cmd
}

// takes is a usage that the exit code does not take for a broken log.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return notDone(fmt.Errorf("%s takes %s, not %d arguments; see %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath()))
		}
		return nil
	}
}

func (a *app) verifyLog(ctx context.Context, argument string, flags trustFlags) error {
	trust, err := flags.read()
	if err != nil {
		return err
	}
	about, missing := os.Stat(argument)
	if missing == nil && !about.IsDir() {
		return a.verifyProof(argument, trust)
	}
	if missing == nil {
		report, err := verifyFolder(argument, trust)
		if err != nil {
			return err
		}
		return a.tellVerified(argument, report, trust)
	}
	if looksLikeAPath(argument) {
		return missing
	}
	report, of, err := a.verifyServed(ctx, argument, trust)
	if err != nil {
		return err
	}
	return a.tellVerified(of, report, trust)
}

// looksLikeAPath: it means no incident, and nobody is asked for one.
func looksLikeAPath(argument string) bool {
	return filepath.IsAbs(argument) || strings.HasPrefix(argument, ".") || strings.HasSuffix(argument, "/") || strings.HasSuffix(argument, audit.ProofSuffix)
}

// verifyServed verifies what the manager serves of a namespace, or of one object in it.
func (a *app) verifyServed(ctx context.Context, argument string, trust audit.Trust) (report audit.Report, of string, err error) {
	if len(trust.Public) == 0 {
		return report, "", errNoPublic
	}
	c, err := a.connect()
	if err != nil {
		return report, "", err
	}
	of, only := "namespace "+c.namespace, ""
	if argument != "" {
		found, err := a.recordOf(ctx, argument, "")
		if err != nil {
			return report, "", fmt.Errorf("%w (nor is there a folder or a file of this name)", err)
		}
		of, only = argument, strings.TrimPrefix(found.folders[0], c.namespace+"/")+"/"
	}
	files, err := namespaceOf(ctx, c)
	if err != nil {
		return report, "", err
	}
	report, err = audit.Namespace(files, only, trust)
	return report, of, err
}

var errNoPublic = errors.New("nothing is verified of what is served without public keys; name them with --public")

// namespaceOf is the folder of the namespace in what the manager serves.
func namespaceOf(ctx context.Context, c cluster) (fs.FS, error) {
	files, err := filesOf(ctx, c.evidence, c.namespace)
	if err != nil {
		return nil, err
	}
	return fs.Sub(files, c.namespace)
}

func (a *app) tellVerified(of string, report audit.Report, trust audit.Trust) error {
	for _, one := range report.Notes {
		fmt.Fprintf(a.Out, "note: %s\n", show.Line(one))
	}
	for _, one := range report.Findings {
		fmt.Fprintf(a.Out, "broken: %s\n", show.Line(one.String()))
	}
	if n := len(report.Findings); n > 0 {
		return &brokenError{fmt.Sprintf("%s: %d %s not as signed", of, n, map[bool]string{true: "thing is", false: "things are"}[n == 1])}
	}
	fmt.Fprintf(a.Out, "verified: %s, %s\n", count(report.Logs, "log"), entries(report.Entries))
	if report.Newest.Page > 0 {
		fmt.Fprintf(a.Out, "newest checkpoint: %s, page %d, %s, signed at %s\n", show.Line(report.Newest.Origin), report.Newest.Page, entries(int(report.Newest.Size)), report.Newest.Time)
	}
	if len(trust.Earlier) == 0 {
		fmt.Fprintln(a.Out, "note: no checkpoint that was kept elsewhere was named (--checkpoint), so that an older copy of it all is not found")
	}
	return nil
}

// verifyFolder finds out what the folder is of.
func verifyFolder(path string, trust audit.Trust) (audit.Report, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return audit.Report{}, err
	}
	if hasFolder(whole, "tree") || !hasFolder(whole, "log") {
		return inFolder(whole, func(files fs.FS) (audit.Report, error) { return audit.Namespace(files, "", trust) })
	}
	namespace := filepath.Join(whole, "..", "..", "..", "..") // of <namespace>/<yyyy>/<mm>/<dd>/<name>
	if !hasFolder(namespace, "tree") {
		return inFolder(whole, func(files fs.FS) (audit.Report, error) { return audit.Object(files, trust) })
	}
	only, err := filepath.Rel(namespace, whole)
	if err != nil {
		return audit.Report{}, err
	}
	return inFolder(namespace, func(files fs.FS) (audit.Report, error) {
		return audit.Namespace(files, filepath.ToSlash(only)+"/", trust)
	})
}

func hasFolder(path, name string) bool {
	about, err := os.Stat(filepath.Join(path, name))
	return err == nil && about.IsDir()
}

// inFolder reads no file outside of a folder, whatever links are in it.
func inFolder[T any](path string, do func(fs.FS) (T, error)) (T, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		var none T
		return none, err
	}
	defer func() { _ = root.Close() }()
	return do(root.FS())
}

func (a *app) verifyProof(path string, trust audit.Trust) error {
	if len(trust.Public) == 0 {
		return errors.New("a proof needs public keys; name them with --public")
	}
	text, err := readSmall(path)
	if err != nil {
		return err
	}
	entry, newest, err := audit.Proof(string(text), trust)
	if err != nil {
		return &brokenError{fmt.Sprintf("%s: %v", path, err)}
	}
	fmt.Fprintf(a.Out, "%s\nverified: it is in the tree of %s, signed at %s\n", show.Line(string(entry)), show.Line(newest.Origin), newest.Time)
	return nil
}

func (a *app) proveEntry(ctx context.Context, args []string, flags trustFlags) error {
	trust, err := flags.read()
	if err != nil {
		return err
	}
	if len(trust.Public) == 0 {
		return errors.New("nothing is proved without public keys; name them with --public")
	}
	entry := filepath.ToSlash(filepath.Clean(args[len(args)-1]))
	var proof string
	if len(args) == 2 {
		proof, err = inFolder(args[0], func(files fs.FS) (string, error) { return audit.Prove(files, entry, trust) })
	} else {
		proof, err = a.proveServed(ctx, entry, trust)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(a.Out, proof)
	return err
}

func (a *app) proveServed(ctx context.Context, entry string, trust audit.Trust) (string, error) {
	c, err := a.connect()
	if err != nil {
		return "", err
	}
	files, err := namespaceOf(ctx, c)
	if err != nil {
		return "", err
	}
	return audit.Prove(files, strings.TrimPrefix(entry, c.namespace+"/"), trust)
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// brokenError says that something is not as it was signed.
type brokenError struct{ message string }

func (e *brokenError) Error() string { return e.message }

// notDoneError says that nothing was verified, for whatever reason: a script must not take it for a broken log.
type notDoneError struct{ error }

// Unwrap gives the reason.
func (e *notDoneError) Unwrap() error { return e.error }

// notDone tells what could not be done from what is broken.
func notDone(err error) error {
	if err == nil {
		return nil
	}
	if _, broken := errors.AsType[*brokenError](err); broken {
		return err
	}
	return &notDoneError{err}
}
