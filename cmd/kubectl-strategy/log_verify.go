package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/internal/audit"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/show"
)

const logExitCodes = `Exit codes: 0 verified; 1 it could not be done (usage, unreadable files, nothing that could be verified); 2 broken: something is not as it
was signed.`

// trustFlags are what a copy is checked with, as files.
type trustFlags struct {
	public      string
	checkpoints []string
	keys        []string
}

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
		Use:   "verify DIR|PROOF",
		Short: "Verify a copy of decision logs, or the proof of one entry",
		Long: `Verify a copy of decision logs: that no entry, and no whole log, was rewritten, reordered, cut off, removed or put in since a checkpoint over
them was signed. DIR is the folder of a namespace, or that of one incident or rollback, in a copy of the namespace or alone. Alone it needs
the proof of its last entry beside that (log/*.tlog-proof), or the secret key. PROOF is a proof that "log prove" made.

An older copy of a whole folder is whole in itself: name a checkpoint that was kept elsewhere (--checkpoint), such as the newest one, in the cluster.

` + logExitCodes,
		Example: `  kubectl strategy log verify evidence/trading --public public-keys.pem --checkpoint trading.checkpoint
  kubectl strategy log verify 000007.tlog-proof --public public-keys.pem`,
		Args: takes(1, "a folder or a proof"),
		RunE: func(_ *cobra.Command, args []string) error { return notDone(a.verifyLog(args[0], flags)) },
	}
	cmd.Flags().StringVar(&flags.public, "public", "", "File with the public keys of checkpoints, as PEM: the data public-keys.pem of ConfigMap strategy-operator-checkpoints")
	cmd.Flags().StringArrayVar(&flags.checkpoints, "checkpoint", nil, "File with a checkpoint that was kept elsewhere, from which the copy must go on (repeatable)")
	cmd.Flags().StringArrayVar(&flags.keys, "key", nil, "File with a secret key of the logs, to check the signature of each entry, too; ID=FILE if there are several (repeatable)")
	return cmd
}

func newLogProve(a *app) *cobra.Command {
	var flags trustFlags
	cmd := &cobra.Command{
		Use:   "prove DIR ENTRY",
		Short: "Make the proof of one entry",
		Long: `Make the proof that an entry is in the tree over the decision logs of a namespace, in the form C2SP tlog-proof, and print it. It has the entry
itself, and needs nothing else but the public keys to be verified. DIR is a copy of the folder of the namespace, ENTRY a file in it.

` + logExitCodes,
		Example: `  kubectl strategy log prove evidence/trading 2026/11/23/pnl-1-5f0e8a11/log/000007.json --public public-keys.pem > 000007.tlog-proof`,
		Args:    takes(2, "a folder and an entry in it"),
		RunE:    func(_ *cobra.Command, args []string) error { return notDone(a.proveEntry(args[0], args[1], flags)) },
	}
	cmd.Flags().StringVar(&flags.public, "public", "", "File with the public keys of checkpoints, as PEM")
	return cmd
}

// takes is a usage that the exit code does not take for a broken log.
func takes(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return notDone(fmt.Errorf("%s takes %s, not %d arguments; see %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath()))
		}
		return nil
	}
}

func (a *app) verifyLog(path string, flags trustFlags) error {
	trust, err := flags.read()
	if err != nil {
		return err
	}
	about, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !about.IsDir() {
		return a.verifyProof(path, trust)
	}
	report, err := verifyFolder(path, trust)
	if err != nil {
		return err
	}
	for _, one := range report.Notes {
		fmt.Fprintf(a.Out, "note: %s\n", show.Line(one))
	}
	for _, one := range report.Findings {
		fmt.Fprintf(a.Out, "broken: %s\n", show.Line(one.String()))
	}
	if n := len(report.Findings); n > 0 {
		return &brokenError{fmt.Sprintf("%s: %d %s not as signed", path, n, map[bool]string{true: "thing is", false: "things are"}[n == 1])}
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

func (a *app) proveEntry(path, entry string, flags trustFlags) error {
	trust, err := flags.read()
	if err != nil {
		return err
	}
	if len(trust.Public) == 0 {
		return errors.New("nothing is proved without public keys; name them with --public")
	}
	proof, err := inFolder(path, func(files fs.FS) (string, error) {
		return audit.Prove(files, filepath.ToSlash(filepath.Clean(entry)), trust)
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(a.Out, proof)
	return err
}

// read reads the files that the flags name.
func (f trustFlags) read() (trust audit.Trust, err error) {
	if f.public != "" {
		if trust.Public, err = publicKeys(f.public); err != nil {
			return trust, err
		}
	}
	for _, name := range f.checkpoints {
		text, err := readSmall(name)
		if err != nil {
			return trust, err
		}
		trust.Earlier = append(trust.Earlier, string(text))
	}
	for _, name := range f.keys {
		id, file, named := strings.Cut(name, "=")
		if !named {
			id, file = "", name
		}
		secret, err := readSmall(file)
		if err != nil {
			return trust, err
		}
		key, err := decisionlog.NewKey(id, secret)
		if err != nil {
			return trust, fmt.Errorf("%s: %w", file, err)
		}
		trust.Secret = append(trust.Secret, key)
	}
	return trust, nil
}

func publicKeys(file string) (keys []ed25519.PublicKey, err error) {
	text, err := readSmall(file)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		public, is := key.(ed25519.PublicKey)
		if err != nil || !is {
			return nil, fmt.Errorf("%s: a block of it is no Ed25519 public key; openssl pkey -pubout makes one", file)
		}
		keys = append(keys, public)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no public key as PEM in it", file)
	}
	return keys, nil
}

// readSmall reads a file of keys, a checkpoint or a proof.
func readSmall(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	const most = 1 << 20
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && len(data) > most {
		err = fmt.Errorf("%s is larger than %d bytes; it is none of these", name, most)
	}
	return data, err
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
