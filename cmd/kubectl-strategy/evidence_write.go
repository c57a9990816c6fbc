package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/show"
)

// Rights of what is written here: evidence is not for everybody.
const (
	writtenFile   = 0o600
	writtenFolder = 0o700
)

func newFolder(name string) (*os.Root, error) {
	if err := os.MkdirAll(name, writtenFolder); err != nil {
		return nil, err
	}
	return os.OpenRoot(name) // no key leads out of it
}

// writeOnce writes a file that is not there; the same bytes again are no error.
func writeOnce(into *os.Root, key string, data []byte) error {
	if err := evidence.CheckKey(key); err != nil {
		return err
	}
	if err := into.MkdirAll(path.Dir(key), writtenFolder); err != nil {
		return err
	}
	file, err := into.OpenFile(key, os.O_WRONLY|os.O_CREATE|os.O_EXCL, writtenFile)
	if errors.Is(err, fs.ErrExist) {
		there, err := into.ReadFile(key)
		if err == nil && !bytes.Equal(there, data) {
			err = refuse("%s is there already with other bytes; write into another folder", key)
		}
		return err
	}
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, into.Remove(key)) // the beginning of an object is none
	}
	return nil
}

func newBundle(a *app) *cobra.Command {
	var from, file string
	cmd := &cobra.Command{
		Use: "bundle INCIDENT|ROLLBACK", Short: "Pack all evidence of an incident into one archive",
		Long: `Pack all evidence of an incident with its rollbacks, or of one rollback, into one archive (tar), with the SHA-256 of each file in
SHA256SUMS. The same evidence is the same archive, byte for byte, whoever packs it and when. Unpacked, --from reads it.

` + evidenceHelp + "\n\n" + exitCodes,
		Example: `  kubectl strategy bundle pnl-1 -n trading
  tar -xf pnl-1.tar -C pnl-1 && (cd pnl-1 && sha256sum -c SHA256SUMS) && kubectl strategy log show pnl-1 --from pnl-1`,
		Args: named("incident or rollback"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.bundle(cmd.Context(), args[0], from, file)
		},
	}
	addFrom(cmd, &from)
	cmd.Flags().StringVarP(&file, "file", "f", "", "file to write, - for the output (default: NAME.tar)")
	return cmd
}

func (a *app) bundle(ctx context.Context, argument, from, file string) error {
	found, err := a.recordOf(ctx, argument, from)
	if err != nil {
		return err
	}
	objects, err := found.objects(ctx)
	if err != nil {
		return err
	}
	if file == "-" {
		return pack(ctx, a.Out, found, objects)
	}
	if file == "" {
		file = path.Base(found.name) + ".tar"
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, writtenFile)
	if errors.Is(err, fs.ErrExist) {
		return refuse("%s is there already; name another file with -f", file)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(pack(ctx, out, found, objects), out.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	_, err = fmt.Fprintf(a.Out, "%s of evidence of %s in %s\n", count(len(objects), "object"), show.Line(argument), file)
	return err
}

// sums is the file of hashes, in the form of sha256sum.
const sums = "SHA256SUMS"

// pack writes an archive in which nothing is of its writer: neither times, nor owners, nor an order.
func pack(ctx context.Context, out io.Writer, from source, objects []evidence.Object) error {
	archive := tar.NewWriter(out)
	add := func(name string, data []byte) error {
		err := archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644, ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = archive.Write(data)
		}
		return err
	}
	var list strings.Builder
	for _, one := range objects {
		data, err := from.get(ctx, one.Key)
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(data), one.Key)
		if err := add(one.Key, data); err != nil {
			return err
		}
	}
	return errors.Join(add(sums, []byte(list.String())), archive.Close())
}
