//go:build unix

package stream_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
	"mezzo/internal/stream"
)

func init() { children["full"] = appendUntilFull }

// A file that may not grow stands for a full disk: writes fail in the middle of a message.
func TestFullDiskRefusesAndRecovers(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childMode+"=full", childDir+"="+t.TempDir())
	out, err := child.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "\nfull and well again\n") {
		t.Fatalf("%v:\n%s", err, out)
	}
	t.Logf("%s", out)
}

func appendUntilFull(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	l, err := stream.Open(ctx, stream.Options{Dir: dir, Clock: clock.System{}})
	if err != nil {
		return err
	}
	defer l.Close()
	var mu sync.Mutex
	seen := map[string]int{}
	last := make(chan struct{})
	go l.Follow(ctx, stream.Position{}, 10, func(rs []stream.Record) error {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range rs {
			if seen[string(r.Data[:8])]++; r.Kind == 9 {
				close(last)
			}
		}
		return nil
	})
	var acked []string
	n := 0
	appendOne := func(kind byte) error {
		n++
		key := fmt.Sprintf("%08d", n)
		_, err := l.Append(ctx, kind, append([]byte(key), make([]byte, 100<<10)...))
		if err == nil {
			acked = append(acked, key)
		}
		return err
	}
	limit, err := limitFiles(2 << 20)
	if err != nil {
		return err
	}
	for err == nil {
		err = appendOne(1)
	}
	fmt.Printf("after %d appends: %v\n", len(acked), err)
	if !fault.Is(err, fault.Unavailable) || len(acked) == 0 {
		return fmt.Errorf("a full disk gave %w", err)
	}
	if _, err := limitFiles(limit); err != nil {
		return err
	}
	for err = appendOne(9); err != nil; err = appendOne(9) {
		if ctx.Err() != nil || !fault.Is(err, fault.Unavailable) {
			return fmt.Errorf("with room again: %w", err)
		}
	}
	select {
	case <-last:
	case <-ctx.Done():
		return fmt.Errorf("the follower did not reach the end: it saw %d", len(seen))
	}
	mu.Lock()
	defer mu.Unlock()
	return exactlyOnce(seen, acked)
}

func exactlyOnce(seen map[string]int, acked []string) error {
	for key, times := range seen {
		if times != 1 {
			return fmt.Errorf("record %s came %d times", key, times)
		}
	}
	for _, key := range acked {
		if seen[key] != 1 {
			return fmt.Errorf("record %s was acknowledged and did not come", key)
		}
	}
	fmt.Println("full and well again")
	return nil
}

// limitFiles sets the largest size of a file this process may write and returns what it was.
func limitFiles(to uint64) (uint64, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		return 0, err
	}
	was := l.Cur
	l.Cur = to
	return was, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
}
