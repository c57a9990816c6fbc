package controllers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"tradeops.dev/strategy-operator/internal/checks"
)

// maxRead bounds what is asked of the kubelet, in bytes. It leaves out what is behind them, which is where a report is.
const maxRead = 64 << 20

// PodLogs reads logs of containers through the API server.
type PodLogs struct{ Clientset kubernetes.Interface }

// Tail streams the last lines and keeps the last bytes: a limit on the bytes alone would keep the first ones, and a
// report is the last thing a check writes.
func (l PodLogs) Tail(ctx context.Context, namespace, pod, container string) ([]byte, error) {
	stream, err := l.Clientset.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{
		Container: container, TailLines: new(int64(checks.MaxOutputLines)), LimitBytes: new(int64(maxRead)),
	}).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }() // what was read is all that is needed
	return lastBytes(stream, checks.MaxOutputBytes, maxRead)
}

// lastBytes reads to the end and returns at most the last n bytes, holding at most twice that. What it returns holds no more memory than
// its length: thousands of reports may be waiting for the bucket. Of a log as long as most, the end is not there.
func lastBytes(stream io.Reader, n, most int) ([]byte, error) {
	kept, all := make([]byte, 0, 4<<10), 0
	for {
		if len(kept) >= 2*n {
			kept = append(kept[:0], kept[len(kept)-n:]...)
		}
		if len(kept) == cap(kept) {
			kept = slices.Grow(kept, min(len(kept), 2*n-len(kept)))
		}
		size, err := stream.Read(kept[len(kept):min(cap(kept), 2*n)])
		kept, all = kept[:len(kept)+size], all+size
		if all >= most {
			return nil, fmt.Errorf("the end of the log is out of reach: its last %d lines have more than %d bytes; let the check write less", checks.MaxOutputLines, most)
		}
		if err == io.EOF {
			return bytes.Clone(kept[max(0, len(kept)-n):]), nil
		}
		if err != nil {
			return nil, fmt.Errorf("read log: %w", err)
		}
	}
}
