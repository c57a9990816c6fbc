package controllers

import (
	"fmt"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tradeops.dev/strategy-operator/internal/writeback"
)

// The keys of a Secret for a repository, besides its URL. Those that a key of Flux's Secrets is the same as have its name.
const (
	gitUsername    = "username"
	gitPassword    = "password"
	gitBearerToken = "bearerToken"
	gitIdentity    = "identity"
	gitKnownHosts  = "known_hosts"
	gitCA          = "ca.crt"
	gitSigningKey  = "signing-key"
)

// maxGitKey bounds each of them, in bytes: a Secret may hold a megabyte, and none of them has a use for it.
const maxGitKey = 64 << 10

// credentialsIn are what a Secret has for a repository. What is there and cannot be meant is said before a server is asked, which would have other
// words for it. No error repeats a value.
func credentialsIn(secret *corev1.Secret) (writeback.Credentials, error) {
	for _, key := range []string{gitUsername, gitPassword, gitBearerToken, gitIdentity, gitKnownHosts, gitCA, gitSigningKey} {
		if problem := valueProblem(key, secret.Data); problem != "" {
			return writeback.Credentials{}, &writeback.Failure{Kind: writeback.Invalid, Problem: fmt.Sprintf("Secret %s, key %q, %s", client.ObjectKeyFromObject(secret), key, problem)}
		}
	}
	word := func(key string) string { return strings.TrimSpace(string(secret.Data[key])) }
	text := func(key string) string { return string(secret.Data[key]) }
	return writeback.Credentials{
		Username: word(gitUsername), Password: word(gitPassword), BearerToken: word(gitBearerToken),
		Identity: text(gitIdentity), KnownHosts: text(gitKnownHosts), CA: text(gitCA), SigningKey: text(gitSigningKey),
	}, nil
}

// valueProblem says what is wrong with a value without looking into it; empty: nothing is.
func valueProblem(key string, data map[string][]byte) string {
	value, given := data[key]
	isWord := key == gitUsername || key == gitPassword || key == gitBearerToken
	switch {
	case !given:
		return ""
	case len(value) > maxGitKey:
		return fmt.Sprintf("has %d bytes; at most %d are read", len(value), maxGitKey)
	case strings.TrimSpace(string(value)) == "":
		return "is empty; put its value there, or leave the key out"
	case isWord && strings.ContainsFunc(strings.TrimSpace(string(value)), unicode.IsControl):
		return "has several lines, or characters that cannot be typed; put the bare value there"
	case key == gitUsername && len(data[gitPassword])+len(data[gitBearerToken])+len(data[gitIdentity]) == 0:
		return fmt.Sprintf("has no key %q beside it", gitPassword)
	}
	return ""
}
