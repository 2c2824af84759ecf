package stream_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

// Variables that make this test binary do something else than test.
const (
	childMode = "MEZZO_TEST_STREAM_MODE"
	childDir  = "MEZZO_TEST_STREAM_DIR"
)

var children = map[string]func(dir string) error{"append": appendUntilKilled}

// appendUntilKilled appends from many goroutines and prints each record once it is acknowledged.
func appendUntilKilled(dir string) error {
	ctx := context.Background()
	l, err := stream.Open(ctx, stream.Options{Dir: dir, Clock: clock.System{}})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	acked := func(data []byte) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(string(data))
	}
	run := os.Getpid()
	for w := range 16 {
		go func() {
			for i := 0; ; i++ {
				data := fmt.Appendf(nil, "event %d %d %d", run, w, i)
				if _, err := l.Append(ctx, stream.KindEvent, data); err == nil {
					acked(data)
				}
			}
		}()
	}
	last, err := l.LastRelay(ctx)
	for n := last + 1; err == nil; n += 3 {
		facts := [][]byte{relayed(n), relayed(n + 1), relayed(n + 2)}
		if err = l.AppendRelay(ctx, n, stream.KindFact, facts); err == nil {
			acked(facts[2])
		}
	}
	return err
}

func relayed(n int64) []byte { return fmt.Appendf(nil, "fact %d", n) }

func TestKilledLosesAndRepeatsNothing(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]bool{}
	for round := range 3 {
		killAfter(t, dir, 400+150*round, acked)
		l, err := stream.Open(context.Background(), stream.Options{Dir: dir, Clock: clock.System{}})
		if err != nil {
			t.Fatal(err)
		}
		verifyStored(t, l, acked)
		l.Close()
	}
}

// killAfter runs a child on the folder, notes what it had acknowledged, and kills it.
func killAfter(t *testing.T, dir string, acks int, acked map[string]bool) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childMode+"=append", childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		if n == acks {
			child.Process.Kill() // what it wrote before it died is still in the pipe
		}
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a last line cut short was not printed whole, so it proves nothing
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "failed") {
			t.Fatal(line)
		}
		acked[line[:len(line)-1]] = true
	}
	child.Wait()
}

func verifyStored(t *testing.T, l *stream.Log, acked map[string]bool) {
	t.Helper()
	end, err := l.End(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var all []stream.Record
	err = l.Follow(context.Background(), stream.Position{}, 1000, func(rs []stream.Record) error {
		all = append(all, rs...)
		if rs[len(rs)-1].Pos == end {
			return errEnough
		}
		return nil
	})
	if err != errEnough {
		t.Fatal(err)
	}
	inOrder(t, all)
	stored := map[string]bool{}
	var last int64
	for _, r := range all {
		key := string(r.Data)
		if stored[key] {
			t.Fatalf("%q is stored twice", key)
		}
		stored[key] = true
		if r.Relay != 0 {
			if last++; r.Relay != last || key != string(relayed(last)) {
				t.Fatalf("fact %q has number %d, %d was due", key, r.Relay, last)
			}
		}
	}
	for key := range acked {
		if !stored[key] {
			t.Fatalf("%q was acknowledged and is not stored", key)
		}
	}
	if got, err := l.LastRelay(context.Background()); err != nil || got != last {
		t.Fatalf("the last outbox number is %d (%v), the log holds %d", got, err, last)
	}
	t.Logf("%d acknowledged, %d stored, %d facts", len(acked), len(stored), last)
}
