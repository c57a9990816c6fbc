package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"strings"

	"tradeops.dev/strategy-operator/internal/audit"
	"tradeops.dev/strategy-operator/internal/decisionlog"
)

// trustFlags are what a copy is checked with, as files.
type trustFlags struct {
	public      string
	checkpoints []string
	keys        []string
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
	trust.Secret, err = secretKeys(f.keys)
	return trust, err
}

// secretKeys are those that the files have, each named FILE or ID=FILE; nil without a name.
func secretKeys(names []string) (keys decisionlog.Keys, err error) {
	for _, name := range names {
		id, file, named := strings.Cut(name, "=")
		if !named {
			id, file = "", name
		}
		secret, err := readSmall(file)
		if err != nil {
			return nil, err
		}
		key, err := decisionlog.NewKey(id, secret)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
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
