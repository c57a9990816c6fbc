package writeback

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1" //nolint:gosec // names of objects in Git
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// hostilePack is as large as a pack may be, mostly of what cannot be compressed, with a chain of deltas each of which makes as large an object as may be.
func hostilePack(t *testing.T, size int) []byte {
	t.Helper()
	var pack bytes.Buffer
	count := uint32(0)
	add := func(kind plumbing.ObjectType, base *plumbing.Hash, content []byte) {
		length := uint64(len(content))
		head := []byte{byte(kind)<<4 | byte(length&15)}
		for length >>= 4; length > 0; length >>= 7 {
			head[len(head)-1] |= 0x80
			head = append(head, byte(length&0x7f))
		}
		pack.Write(head)
		if base != nil {
			pack.Write(base[:])
		}
		packed := zlib.NewWriter(&pack)
		_, _ = packed.Write(content)
		_ = packed.Close()
		count++
	}
	content := make([]byte, maxObjectBytes-64)
	add(plumbing.BlobObject, nil, content)
	for i := range uint64(24) { // each is the one before it, and one byte
		base := plumbing.ComputeHash(plumbing.BlobObject, content)
		delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(content))), uint64(len(content))+1)
		for at := 0; at < len(content); at += 0xffffff {
			n := min(0xffffff, len(content)-at)
			delta = append(delta, 0xff, byte(at), byte(at>>8), byte(at>>16), byte(at>>24), byte(n), byte(n>>8), byte(n>>16))
		}
		delta = append(delta, 1, byte(i))
		content = append(content, byte(i))
		add(plumbing.REFDeltaObject, &base, delta)
	}
	random, noise := rand.NewChaCha8([32]byte{}), make([]byte, 1<<20)
	for pack.Len() < size-2<<20 {
		_, _ = random.Read(noise)
		add(plumbing.BlobObject, nil, noise)
	}
	whole := append(binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), count), pack.Bytes()...)
	sum := sha1.Sum(whole) //nolint:gosec // as above
	return append(whole, sum[:]...)
}

// peak is how much memory is in use at most while something runs, as far as a collector that is asked all the time can tell.
func peak(run func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	runtime.GC()
	done, highest := make(chan struct{}), make(chan uint64)
	go func() {
		most := uint64(0)
		var now runtime.MemStats
		for {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
			select {
			case <-done:
				highest <- most
				return
			default:
				<-time.After(5 * time.Millisecond)
			}
		}
	}()
	run()
	close(done)
	return <-highest
}

// Of what others push into a repository the manager, which may take 512 MiB, does not die: a pack at every bound takes less than half of it. Only one that
// is large is unpacked at a time.
func TestWhatAHostileRepositoryTakes(t *testing.T) {
	pack := hostilePack(t, maxPackBytes)
	got := peak(func() {
		if _, err := unpack(t.Context(), pack); err != nil {
			t.Error(err)
		}
	})
	t.Logf("%d MiB of a pack of %d MiB", got>>20, len(pack)>>20)
	if got > 256<<20 {
		t.Errorf("it takes %d MiB", got>>20)
	}
}

func TestOneLargeRepositoryAtATime(t *testing.T) {
	one := make(room, 1)
	large, small := &fetched{pack: make([]byte, smallPack+1)}, &fetched{pack: make([]byte, smallPack)}
	leave, err := one.enter(t.Context(), large)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.enter(t.Context(), small); err != nil {
		t.Errorf("a small one waits: %v", err)
	}
	over, end := context.WithCancel(t.Context())
	end()
	if _, err := one.enter(over, large); err == nil {
		t.Error("there are two of them")
	}
	leave()
	if _, err := one.enter(t.Context(), large); err != nil {
		t.Errorf("it never leaves: %v", err)
	}
}
