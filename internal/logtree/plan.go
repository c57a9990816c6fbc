package logtree

import (
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"tradeops.dev/strategy-operator/internal/decisionlog"
)

// Wanted are entries of a log that the tree does not have yet: those after Known, up to Last.
type Wanted struct {
	Log   string
	Known Head
	Last  int64
	Hash  string // of entry Last, where the object's status tells it; else empty
}

// maxRun is how many entries of one log come at once. Only a longer one comes in parts, of which the earlier are not compared with its head yet.
const maxRun = 4096

// Missing says which entries are not in the tree yet, the oldest logs first: as many as fit, but one log whole at least, and which logs  are not those that the tree has. heads are as the statuses of the objects say.
func Missing(known, heads map[string]Head) (wanted []Wanted, conflicts []string) {
	most := int64(MaxLeaves)
	for _, log := range slices.Sorted(maps.Keys(heads)) {
		has, head := known[log], heads[log]
		switch {
		case head.Entries < has.Entries:
			conflicts = append(conflicts, fmt.Sprintf("%s: the tree has %d entries, and the status of its object says %d, as after restoring a backup", log, has.Entries, head.Entries))
		case head.Entries == has.Entries && head.Hash != has.Hash:
			conflicts = append(conflicts, fmt.Sprintf("%s: entry %d in the tree is another one than the status of its object says", log, has.Entries))
		case head.Entries > has.Entries && most > 0:
			one := Wanted{Log: log, Known: has, Last: head.Entries, Hash: head.Hash}
			if end := has.Entries + maxRun; one.Last > end {
				one.Last, one.Hash = end, ""
			}
			if most -= one.Last - has.Entries; most >= 0 || len(wanted) == 0 {
				wanted = append(wanted, one)
			}
		}
	}
	return wanted, conflicts
}

// RunOf makes leaves of the entries that are wanted, in order, if they are those that the object tells of: each has the hash that the next one
// was signed with, and the last one that of the status. So nothing comes into the tree that somebody put into the bucket.
func RunOf(wanted Wanted, lines [][]byte) (Run, error) {
	run := Run{Log: wanted.Log, First: wanted.Known.Entries + 1, Head: wanted.Known.Hash, Leaves: make([]tlog.Hash, len(lines))}
	for i, line := range lines {
		seq := run.First + int64(i)
		identity, err := decisionlog.Read(line)
		if err != nil || identity.Seq != seq || identity.PrevHash != run.Head {
			return Run{}, fmt.Errorf("%s: entry %d in the bucket does not follow entry %d", wanted.Log, seq, seq-1)
		}
		run.Leaves[i], run.Head = tlog.RecordHash(line), decisionlog.Hash(line)
	}
	if wanted.Hash != "" && wanted.Hash != run.Head {
		return Run{}, fmt.Errorf("%s: entry %d in the bucket is not the one whose hash is in the status", wanted.Log, wanted.Last)
	}
	return run, nil
}
