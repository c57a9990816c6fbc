package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"tradeops.dev/strategy-operator/internal/audit/audittest"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
)

const (
	objectUID = "12345678-aaaa"
	outcomeAt = "trading/2026/11/23/pnl-12345678/checks/triage-smoke-1.json"
)

// judged is a bucket with an incident that was judged by a check, closed, and forgotten.
func judged(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	prefix := evidence.Prefix("trading", "pnl", objectUID, audittest.Beginning)
	put := func(key string, data []byte) { files[key] = &fstest.MapFile{Data: data} }
	seal := func(value any, of decisionlog.Sealed) (data, sealed []byte) {
		data, err := json.Marshal(value)
		if err == nil {
			of.ObjectUID = objectUID
			sealed, err = decisionlog.Seal(data, of, audittest.Secret)
		}
		if err != nil {
			t.Fatal(err)
		}
		return data, sealed
	}
	output := []byte("all is well\n")
	_, outcome := seal(map[string]any{"stage": "Triage", "check": "smoke", "attempt": 1, "outputSHA256": sum(output)},
		decisionlog.Sealed{Kind: "outcome", Stage: "Triage", Check: "smoke", Attempt: 1})
	put(evidence.ReportKey(prefix, "Triage", "smoke", 1), outcome)
	put(evidence.OutputKey(prefix, "Triage", "smoke", 1, sum(output)[:12]), output)
	line, _, err := decisionlog.Sign(decisionlog.Entry{Seq: 1, Time: audittest.Beginning, ObjectUID: objectUID, Stage: "incident", Event: "check",
		Artefacts: map[string]string{"evidence": outcomeAt, "evidence_sha256": sum(outcome)}}, audittest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	put(evidence.LogKey(prefix, 1), line)
	report := map[string]any{"key": evidence.ReportKey(prefix, "Triage", "smoke", 1), "sha256": sum(outcome)}
	closed, snapshot := seal(map[string]any{"incident": map[string]any{"status": map[string]any{"checks": []any{map[string]any{"report": report}}}}}, decisionlog.Sealed{Kind: "incident"})
	put(evidence.SnapshotKey(prefix, sum(closed)[:12]), snapshot)
	past, forgotten := seal(map[string]any{"uid": objectUID, "name": "pnl"}, decisionlog.Sealed{Kind: "forgotten"})
	put(evidence.ForgottenKey("trading", "pnl", objectUID, sum(past)[:12]), forgotten)
	text := []byte("x")
	short := sum(text)[:12]
	for _, key := range []string{
		evidence.SignalsKey(prefix, short), evidence.SamplesKey(prefix, audittest.Beginning, short), evidence.ProposalKey(prefix, "less", short),
		evidence.ConfigKey(prefix, "before-"+short+".yaml"), evidence.ConfigKey(prefix, "2-"+short+".diff"), evidence.PageKey(prefix, short, "html"),
		evidence.DatedKey(prefix, "2026-11-23", "multi", short),
	} {
		put(key, text)
	}
	put("trading/tree/000000001.json", text) // of log verify
	put(".writing/half", text)               // of the store
	return files
}

func one(files fstest.MapFS, part string) string {
	for name := range files {
		if strings.Contains(name, part) {
			return name
		}
	}
	return part
}

func TestObjects(t *testing.T) {
	secret := decisionlog.Keys{audittest.Secret}
	replaced := func(part, old, new string) func(fstest.MapFS) {
		return func(f fstest.MapFS) {
			name := one(f, part)
			f[name] = &fstest.MapFile{Data: bytes.Replace(f[name].Data, []byte(old), []byte(new), 1)}
		}
	}
	moved := func(from, to string) func(fstest.MapFS) {
		return func(f fstest.MapFS) { f[to] = f[from]; delete(f, from) }
	}
	for name, c := range map[string]struct {
		damage                    func(fstest.MapFS)
		secret                    decisionlog.Keys
		broken, unproved, strange string // what is told
		seals, hashes             int
	}{
		"all is as written":         {secret: secret, seals: 3, hashes: 12},
		"without a key":             {hashes: 12},
		"with several keys":         {secret: decisionlog.Keys{{ID: "k0", Secret: audittest.Another}, audittest.Secret}, seals: 3, hashes: 12},
		"a false key":               {secret: decisionlog.Keys{{ID: "k1", Secret: audittest.Another}}, broken: "the signature does not match", strange: "no outcome beside it"},
		"the key is not there":      {secret: decisionlog.Keys{{ID: "k2", Secret: audittest.Another}}, unproved: "which is not there"},
		"no entry of the log":       {secret: secret, damage: func(f fstest.MapFS) { delete(f, one(f, "log/")) }, unproved: "no entry log/000001.json"},
		"an outcome is changed":     {secret: secret, damage: replaced(outcomeAt, `"smoke"`, `"smoke" `), broken: "the hash that was signed", strange: "no outcome beside it"},
		"the same without a key":    {damage: replaced(outcomeAt, `"smoke"`, `"smoke" `), broken: "it is not the one of which"},
		"an outcome without a seal": {secret: secret, damage: replaced(outcomeAt, `,"seal":`, `,"sale":`), broken: "no signature", strange: "no outcome beside it"},
		"an outcome is moved":       {damage: moved(outcomeAt, strings.Replace(outcomeAt, "-1.json", "-2.json", 1)), broken: "it was moved", strange: "no outcome beside it"},
		"an outcome is deleted":     {damage: func(f fstest.MapFS) { delete(f, outcomeAt) }, broken: "it is missing: ", strange: "no outcome beside it"},
		"a check is removed whole": {damage: func(f fstest.MapFS) {
			for _, part := range []string{".log", "/incident-"} {
				delete(f, one(f, part))
			}
			delete(f, outcomeAt)
		}, broken: "it is missing: trading/2026/11/23/pnl-12345678/log/000001.json has its hash"},
		"an outcome is no JSON":        {damage: func(f fstest.MapFS) { f[outcomeAt] = &fstest.MapFile{Data: []byte("{")} }, broken: "cannot be read", strange: "no outcome beside it"},
		"an outcome is of another":     {secret: secret, damage: moved(outcomeAt, strings.Replace(outcomeAt, "pnl-12345678", "pnl-22345678", 1)), broken: "it is missing", unproved: "no entry", strange: "no outcome beside it"},
		"an output is changed":         {damage: replaced(".log", "well", "ill"), broken: "it is not the one of which"},
		"an output is deleted":         {damage: func(f fstest.MapFS) { delete(f, one(f, ".log")) }, broken: "it is missing"},
		"a snapshot is changed":        {damage: replaced("/incident-", `"checks"`, `"cheeks"`), broken: "another one than its name says"},
		"a snapshot's seal is changed": {secret: secret, damage: replaced("/incident-", `"kind":"incident"`, `"kind":"outcome"`), broken: "does not match"},
		"the forgotten is changed":     {damage: replaced("forgotten/", `"pnl"`, `"risk"`), broken: "another one than its name says"},
		"the forgotten is not sealed":  {secret: secret, damage: replaced("forgotten/", `"algorithm"`, `"algorism"`), broken: "decision log was changed"},
		"signals are changed":          {damage: replaced("signals/", "x", "y"), broken: "another one than its name says"},
		"a configuration is changed":   {damage: replaced("config.before", "x", "y"), broken: "another one than its name says"},
		"a report is changed":          {damage: replaced("-multi-", "x", "y"), broken: "another one than its name says"},
		"something is put there":       {damage: func(f fstest.MapFS) { f["trading/readme"] = &fstest.MapFile{} }, strange: "stores no object of this name", hashes: 12},
		"an output without its outcome": {damage: func(f fstest.MapFS) {
			f[strings.Replace(outcomeAt, ".json", "-000000000000.log", 1)] = &fstest.MapFile{}
		}, strange: "no outcome", hashes: 12},
	} {
		t.Run(name, func(t *testing.T) {
			files := judged(t)
			if c.damage != nil {
				c.damage(files)
			}
			found, err := CheckObjects(files, []string{"."}, c.secret)
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range []struct {
				is   []Finding
				says string
			}{{found.Findings, c.broken}, {found.Unproved, c.unproved}, {found.Strange, c.strange}} {
				if (len(kind.is) > 0) != (kind.says != "") || !strings.Contains(fmt.Sprint(kind.is), kind.says) {
					t.Errorf("it says %v, want %q", kind.is, kind.says)
				}
			}
			if c.hashes > 0 && (found.Hashes != c.hashes || found.Seals != c.seals) {
				t.Errorf("%d seals, %d hashes", found.Seals, found.Hashes)
			}
		})
	}
}
