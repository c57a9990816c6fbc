package controllers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
)

func TestTheLastBytesOfALog(t *testing.T) {
	var log bytes.Buffer
	for i := range 50_000 {
		fmt.Fprintf(&log, "line %d\n", i)
	}
	for _, size := range []int{0, 1, 99, 100, 101, 199, 200, 201, 4096, 10_000, log.Len()} {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
			"half of what is asked": iotest.HalfReader, "the end with the last bytes": iotest.DataErrReader,
		} {
			all := log.Bytes()[:size]
			got, err := lastBytes(reader(bytes.NewReader(all)), 100, log.Len()+1)
			if want := all[max(0, size-100):]; err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %s: got %q and %v, want %q", size, name, got, err, want)
			}
			if cap(got) > len(got)+64 {
				t.Errorf("%d bytes, %s: %d bytes are held for %d", size, name, cap(got), len(got))
			}
		}
	}
}

// TestALogThatBreaksOffIsNoReport: what came before the break may look like a whole report.
func TestALogThatBreaksOffIsNoReport(t *testing.T) {
	broken := errors.New("connection reset")
	got, err := lastBytes(io.MultiReader(bytes.NewReader([]byte("{}")), iotest.ErrReader(broken)), 100, 1000)
	if !errors.Is(err, broken) || got != nil {
		t.Errorf("got %q and %v", got, err)
	}
}

// TestALogWhoseEndIsOutOfReachIsNoReport: a kubelet that is asked for some bytes gives the first ones.
func TestALogWhoseEndIsOutOfReachIsNoReport(t *testing.T) {
	got, err := lastBytes(bytes.NewReader(bytes.Repeat([]byte("x"), 1000)), 100, 1000)
	if err == nil || got != nil {
		t.Errorf("got %q and %v", got, err)
	}
}
