package checks

import "regexp"

// redacted is what stands in place of a secret.
const redacted = "[redacted]"

// secrets are what a check should not have printed, and what is left of each. They know what tokens and keys look like, and by which names they
// go; a secret that looks like nothing is not found. What is valid JSON stays so, and the work is linear in what was printed.
var secrets = []struct {
	looks *regexp.Regexp
	left  string
}{
	{regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[^-"]*(-----END [A-Z ]*PRIVATE KEY-----)?`), redacted},
	{regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@"'\\]+@`), "${1}" + redacted + "@"},
	{regexp.MustCompile(`(?i)\b(bearer|basic) [a-z0-9._~+/-]{16,}={0,2}`), "${1} " + redacted},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`), redacted},
	{regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bgh[opsur]_[A-Za-z0-9]{30,}`), redacted},
	{regexp.MustCompile(`(?i)("[a-z0-9_.-]*(password|passwd|passphrase|secret|token|api_?-?key|private_?-?key)" ?: ?")([^"\\]|\\.)+"`), "${1}" + redacted + `"`},
	{regexp.MustCompile(`(?i)\b([a-z0-9_.-]*(password|passwd|passphrase|secret|token|api_?-?key|private_?-?key)=)[^\s&,;"'\\]+`), "${1}" + redacted},
}

// Redact takes out of what a check printed what looks like a secret, before it is stored or judged. The same bytes give the same bytes.
func Redact(printed []byte) []byte {
	for _, one := range secrets {
		if one.looks.Match(printed) {
			printed = one.looks.ReplaceAll(printed, []byte(one.left))
		}
	}
	return printed
}
