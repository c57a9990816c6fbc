package input

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
)

// TestTwoPlaybooksOfOneRevisionName: the name of a revision has ten digits of the digest, and an author finds two playbooks with the same ten in
// a second. The one that nobody approved does not run in the name of the other.
func TestTwoPlaybooksOfOneRevisionName(t *testing.T) {
	t.Parallel()
	s := twoPersons(t)
	good := s.playbook().Spec
	bad := *good.DeepCopy()
	for i := range bad.Remediations {
		bad.Remediations[i].Approval.Mode = strategyv1.ApprovalAutomatic
	}
	alike(t, &good, &bad)
	s.changePlaybook(func(spec *strategyv1.StrategyPlaybookSpec) { *spec = bad })
	s.settle()
	name := s.playbook().Status.Revision
	s.changePlaybook(func(spec *strategyv1.StrategyPlaybookSpec) { *spec = good })
	s.settle()
	s.approves()
	s.ReportIncident(nil)
	s.later(recheck)
	s.is(aPlaybook(), sim.Playbook, "NameConflict")
	s.is(anIncident(), "pnl", "PlaybookNotReady")
	s.noJobs()
	good.Dashboards = nil
	s.changePlaybook(func(spec *strategyv1.StrategyPlaybookSpec) { *spec = good })
	s.settle()
	s.approves()
	s.later(recheck)
	if s.is(anIncident(), "pnl", "LooksLikeFalseAlarm"); s.Incident().Status.PlaybookRevision == name {
		t.Errorf("the incident runs on %s, which was never approved", name)
	}
}

// alike gives two playbooks a first dashboard each, by which their digests begin with the same ten digits.
func alike(t *testing.T, good, bad *strategyv1.StrategyPlaybookSpec) {
	t.Helper()
	const nonce = "0123456789abcdef"
	digests := func(spec *strategyv1.StrategyPlaybookSpec) func(n uint32) (uint64, string) {
		spec.Dashboards = []strategyv1.Dashboard{{Name: "nonce-" + nonce, URL: "https://example.com"}}
		data, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		before, after, _ := bytes.Cut(data, []byte(nonce))
		begun := sha256.New()
		begun.Write(before)
		state, _ := begun.(encoding.BinaryMarshaler).MarshalBinary()
		return func(n uint32) (uint64, string) {
			hash, word := sha256.New(), fmt.Sprintf("%016x", n)
			_ = hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
			hash.Write([]byte(word))
			hash.Write(after)
			return binary.BigEndian.Uint64(hash.Sum(nil)) >> 24, word
		}
	}
	ofGood, ofBad := digests(good), digests(bad)
	known := map[uint64]string{}
	for n := range uint32(1 << 26) {
		digest, word := ofGood(n)
		known[digest] = word
		digest, word = ofBad(n)
		if other, found := known[digest]; found {
			good.Dashboards[0].Name, bad.Dashboards[0].Name = "nonce-"+other, "nonce-"+word
			return
		}
	}
	t.Fatal("no two alike")
}
