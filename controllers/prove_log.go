package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
)

// What proving a log may cost: so many of its newest entries are read, once in a process. A log has some dozens.
const (
	maxProven     = 4096 // entries
	maxProvenLogs = 1 << 16
)

// proven are the logs that this process found as their objects say, by the object's UID.
type proven struct {
	sync.Mutex
	logs map[string]bool
}

func (p *proven) has(uid string) bool {
	p.Lock()
	defer p.Unlock()
	return p.logs[uid]
}

func (p *proven) put(uid string) {
	p.Lock()
	defer p.Unlock()
	if p.logs == nil || len(p.logs) >= maxProvenLogs {
		p.logs = map[string]bool{}
	}
	p.logs[uid] = true
}

// proveLog reads a log from the head that the status knows back to its beginning, when this process sees its object first. A shorter or
// older copy is a valid chain, too: only the head tells. It needs no key, and so does not mind that one was replaced: each entry has the hash
// that the next one was signed with, and the last one that of the status.
func (r *reader) proveLog(ctx context.Context, prefix, uid string, entries int64, head string) (*facts.Problem, error) {
	if r.proven.has(uid) {
		return nil, nil
	}
	wanted, named := head, "whose hash is in the status"
	for n := entries; n > 0 && n > entries-maxProven; n-- {
		line, err := r.Evidence.Get(ctx, evidence.LogKey(prefix, n))
		if errors.Is(err, evidence.ErrNotFound) {
			return r.shorterLog(ctx, prefix, entries, n)
		}
		if err != nil {
			return r.unavailable(ctx, err)
		}
		before, ours := follows(line, wanted, n, uid)
		if !ours {
			return changedLog(prefix, "entry %d is not the one %s", n, named), nil
		}
		wanted, named = before, fmt.Sprintf("that entry %d follows", n)
	}
	r.proven.put(uid)
	return nil, nil
}

// follows says whether a line is entry n of the log of an object, with this hash, and which hash the entry before it has.
func follows(line []byte, hash string, n int64, uid string) (before string, ours bool) {
	identity, err := decisionlog.Read(line)
	return identity.PrevHash, err == nil && decisionlog.Hash(line) == hash && identity.Seq == n && identity.ObjectUID == uid
}

// shorterLog says what is left of a log of which an entry is missing.
func (r *reader) shorterLog(ctx context.Context, prefix string, entries, missing int64) (*facts.Problem, error) {
	if missing < entries {
		return changedLog(prefix, "it has no entry %d, the status says %d", missing, entries), nil
	}
	left := missing - 1
	for ; left > 0 && left > entries-maxProven; left-- {
		_, err := r.Evidence.Get(ctx, evidence.LogKey(prefix, left))
		if err == nil {
			break
		}
		if !errors.Is(err, evidence.ErrNotFound) {
			return r.unavailable(ctx, err)
		}
	}
	word := "entries"
	if left == 1 {
		word = "entry"
	}
	return changedLog(prefix, "it has %d %s, the status says %d", left, word, entries), nil
}

func changedLog(prefix, format string, args ...any) *facts.Problem {
	return problem(strategyv1.ReasonLogConflict, "the decision log in the bucket (%s) is not the one that the status knows: %s. It is not continued: put the original back, from a copy of the bucket, and find out who changed it",
		prefix, fmt.Sprintf(format, args...))
}
