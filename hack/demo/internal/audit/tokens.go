package audit

import (
	"strings"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

// Token is what an audit tells about an RBAC token; never its value.
type Token struct {
	ID         string   `json:"token_id"`
	Env        string   `json:"token_env,omitempty"`
	EnvPresent bool     `json:"env_present"`
	HasHash    bool     `json:"has_hash"`
	HasPlain   bool     `json:"has_plain"`
	Scopes     []string `json:"scopes"`
	Source     string   `json:"source"`
}

// usable tells whether anyone could present the token.
func (t Token) usable() bool { return t.HasHash || t.HasPlain || t.EnvPresent }

// tokensOf reads the rbac_tokens of a section: a list, or a mapping from the token's id.
func tokensOf(section coreconfig.Node, lookup func(string) (string, bool)) []Token {
	node := section.At("rbac_tokens")
	tokens := []Token{}
	if node.IsMap() && !node.First("token_id", "id").Exists() {
		for _, id := range node.Keys() {
			token := readToken(node.At(id), lookup)
			token.ID = id
			tokens = append(tokens, token)
		}
		return tokens
	}
	for _, item := range node.Items() {
		tokens = append(tokens, readToken(item, lookup))
	}
	return tokens
}

func readToken(node coreconfig.Node, lookup func(string) (string, bool)) Token {
	t := Token{
		ID:       node.First("token_id", "id").Text(),
		Env:      node.First("token_env", "env", "token_env_var").Text(),
		HasHash:  node.First("token_hash", "hash").Text() != "",
		HasPlain: node.First("token_value", "value").Text() != "",
		Scopes:   node.At("scopes").Texts(),
	}
	if t.Scopes == nil {
		t.Scopes = []string{}
	}
	if value, set := lookup(t.Env); t.Env != "" && set && strings.TrimSpace(value) != "" {
		t.EnvPresent = true
	}
	switch {
	case t.HasHash:
		t.Source = "hash"
	case t.HasPlain:
		t.Source = "value"
	case t.Env != "":
		t.Source = "env"
	}
	return t
}
