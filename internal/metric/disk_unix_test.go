//go:build unix

package metric_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"mezzo/internal/fault"
	"mezzo/internal/stream"
)

// On a full disk appends are refused as unavailable, nothing is half done, and with room again all goes on.
func TestFullDiskLeavesNothingHalfDone(t *testing.T) {
	if testing.Short() {
		t.Skip("filling a disk takes a while")
	}
	dir := t.TempDir()
	w := &witness{sent: map[int]bool{}, acked: map[int]bool{}}
	w.watch(t, dir, "disk full", 0)
	n, err := openNode(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	refused := 0
	for batch := range w.sent {
		if !w.acked[batch] {
			refused++
			if _, err := n.log.Append(t.Context(), stream.KindEvent, visits(batch)...); err != nil {
				t.Fatal(err)
			}
		}
	}
	if refused == 0 || len(w.acked) == 0 {
		t.Fatalf("%d batches were taken and %d refused", len(w.acked), refused)
	}
	w.recount(t, n)
}

// liveOnFullDisk takes traffic in while no file may grow beyond a small size, and then with room again.
func liveOnFullDisk(dir string) error {
	n, err := openNode(dir, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	var busy sync.WaitGroup
	failed := make(chan error, 1)
	n.live(ctx, &busy, failed)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	was := limit.Cur
	limit.Cur = 300 << 10
	batch, refused := 0, 0
	send := func() error {
		batch++
		fmt.Println("sent", batch)
		_, err := n.log.Append(ctx, stream.KindEvent, visits(batch)...)
		if err == nil {
			fmt.Println("acked", batch)
		}
		return err
	}
	for range 20 {
		if err := send(); err != nil {
			return err
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	for refused < 5 {
		if err := send(); err != nil {
			if !fault.Is(err, fault.Unavailable) {
				return fmt.Errorf("a full disk gave %w", err)
			}
			refused++
		}
	}
	limit.Cur = was
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	for taken := 0; taken < 20; {
		if err := send(); err == nil {
			taken++
		} else if ctx.Err() != nil || !fault.Is(err, fault.Unavailable) {
			return fmt.Errorf("with room again: %w", err)
		}
	}
	cancel()
	busy.Wait()
	return n.close()
}
