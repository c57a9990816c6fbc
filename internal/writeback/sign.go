package writeback

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/pem"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"golang.org/x/crypto/ssh"
)

// signer makes the signature of a commit.
type signer func(message io.Reader) (string, error)

// newSigner reads a private key; nil without one.
func newSigner(key string) (signer, error) {
	switch {
	case strings.TrimSpace(key) == "":
		return nil, nil //nolint:nilnil // nothing is signed
	case strings.Contains(key, "BEGIN PGP PRIVATE KEY BLOCK"):
		return pgpSigner(key)
	}
	private, err := ssh.ParsePrivateKey([]byte(key))
	if err != nil { // it may repeat parts of the key
		return nil, failf(Invalid, "the Secret's key signing-key holds neither a private key of OpenPGP nor one of SSH that can be used without a passphrase")
	}
	return func(message io.Reader) (string, error) { return signSSH(private, message) }, nil
}

func pgpSigner(key string) (signer, error) {
	ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(key))
	if err != nil || len(ring) == 0 || ring[0].PrivateKey == nil || ring[0].PrivateKey.Encrypted {
		return nil, failf(Invalid, "the Secret's key signing-key holds no private key of OpenPGP that can be used without a passphrase")
	}
	return func(message io.Reader) (string, error) {
		var text bytes.Buffer
		err := openpgp.ArmoredDetachSign(&text, ring[0], message, nil)
		return text.String(), err
	}, nil
}

// What a signature of SSH is of: see PROTOCOL.sshsig of OpenSSH.
const (
	sshMagic = "SSHSIG"
	sshFor   = "git"
	sshHash  = "sha512"
)

func signSSH(key ssh.Signer, message io.Reader) (string, error) {
	hash := sha512.New()
	if _, err := io.Copy(hash, message); err != nil {
		return "", err
	}
	signed := append([]byte(sshMagic), ssh.Marshal(struct {
		Namespace, Reserved, Algorithm string
		Hash                           []byte
	}{sshFor, "", sshHash, hash.Sum(nil)})...)
	signature, err := signed512(key, signed)
	if err != nil {
		return "", err
	}
	envelope := append([]byte(sshMagic), ssh.Marshal(struct {
		Version                        uint32
		Key                            []byte
		Namespace, Reserved, Algorithm string
		Signature                      []byte
	}{1, key.PublicKey().Marshal(), sshFor, "", sshHash, ssh.Marshal(signature)})...)
	return string(pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: envelope})), nil
}

// signed512: keys of RSA sign by SHA-1 unless they are asked not to, and nobody accepts that.
func signed512(key ssh.Signer, data []byte) (*ssh.Signature, error) {
	if strong, ok := key.(ssh.AlgorithmSigner); ok && key.PublicKey().Type() == ssh.KeyAlgoRSA {
		return strong.SignWithAlgorithm(rand.Reader, data, ssh.KeyAlgoRSASHA512)
	}
	return key.Sign(rand.Reader, data)
}
