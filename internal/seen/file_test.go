package seen_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/seen"
)

// closed returns a folder and a state that names files in it: ids 0 … 599 and as many tokens.
func closed(t testing.TB) (dir string, state []byte) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, seen.Options{Dir: dir, Segment: 300})
	at := start
	for n := range 600 {
		at = at.Add(time.Second)
		must(t, s.Advance(at))
		add(t, s, n)
		_, err := s.Once(key(-n), start, seen.OnceView)
		must(t, err)
		s.Gap(uuid.UUID{byte(n % 3)}, int64(n))
	}
	state = stateOf(t, s)
	must(t, s.Close())
	must(t, s.Keep(nil))
	return dir, state
}

// largest returns the path of the largest file of a kind.
func largest(t failer, dir, kind string) string {
	t.Helper()
	var best string
	var size int64
	for _, name := range filesIn(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if strings.HasPrefix(name, kind) && info.Size() > size {
			best, size = filepath.Join(dir, name), info.Size()
		}
	}
	return best
}

func TestDamagedFilesAreRefused(t *testing.T) {
	t.Parallel()
	flip := func(at func(b []byte) int) func([]byte) []byte {
		return func(b []byte) []byte {
			b[at(b)] ^= 0x10
			return b
		}
	}
	for name, damage := range map[string]func([]byte) []byte{
		"gone":          nil,
		"empty":         func(b []byte) []byte { return nil },
		"torn":          func(b []byte) []byte { return b[:len(b)-1] },
		"torn early":    func(b []byte) []byte { return b[:100] },
		"grown":         func(b []byte) []byte { return append(b, 0) },
		"foreign":       func(b []byte) []byte { return append([]byte("PAR1    "), b[8:]...) },
		"all zeros":     func(b []byte) []byte { return make([]byte, len(b)) },
		"header":        flip(func([]byte) int { return 20 }),
		"other version": flip(func([]byte) int { return 8 }),
		"fences":        flip(func(b []byte) int { return 4096 * ((len(b) - 1) / 4096) }),
		"filter":        flip(func(b []byte) int { return len(b) - 1 }),
	} {
		t.Run(name, func(t *testing.T) {
			dir, state := closed(t)
			path := largest(t, dir, "ids")
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, os.Remove(path))
			if damage != nil {
				must(t, os.WriteFile(path, damage(b), 0o600))
			}
			s := open(t, seen.Options{Dir: dir, Segment: 300})
			err = s.Restore(state)
			if !errors.Is(err, seen.ErrFile) || !strings.Contains(err.Error(), filepath.Base(path)) {
				t.Fatalf("restoring says %v", err)
			}
			if add(t, s, 1) {
				t.Fatal("a state that was refused is half taken up")
			}
		})
	}
}

func TestFileUnderAnothersNameIsRefused(t *testing.T) {
	dir, state := closed(t)
	names, err := seen.FilesOf(state)
	must(t, err)
	b, err := os.ReadFile(filepath.Join(dir, names[0]))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, names[1]), b, 0o600))
	if err := open(t, seen.Options{Dir: dir}).Restore(state); !errors.Is(err, seen.ErrFile) {
		t.Fatalf("restoring says %v", err)
	}
}

// A block is read when it is needed: its damage is found then, and never passes for an answer.
func TestDamagedBlockIsNeverAnAnswer(t *testing.T) {
	t.Parallel()
	dir, state := closed(t)
	path := largest(t, dir, "ids")
	b, err := os.ReadFile(path)
	must(t, err)
	b[4096+100] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
	s := open(t, seen.Options{Dir: dir, Segment: 300})
	must(t, s.Restore(state))
	if err := s.Verify(); !errors.Is(err, seen.ErrFile) {
		t.Errorf("verifying says %v", err)
	}
	failed := 0
	for n := range 600 {
		switch repeat, err := s.Add(key(n)); {
		case errors.Is(err, seen.ErrFile):
			failed++
		case err != nil || !repeat:
			t.Fatalf("id %d: %t %v", n, repeat, err)
		}
	}
	if failed == 0 {
		t.Error("the damage was not noticed")
	}
}

// A fold that met damage is not sent back to it: the snapshot that names the file is refused from
// then on, and folding the log again makes the file again.
func TestDamageThatWasMetIsNotTakenUpAgain(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"asking", "merging"} {
		t.Run(how, func(t *testing.T) {
			opt := seen.Options{Dir: t.TempDir(), Segment: 300, ExactIDs: 1}
			s := open(t, opt)
			blank := stateOf(t, s)
			at := feed(t, s, start, 0, 700, 100)
			state := stateOf(t, s)
			path := largest(t, opt.Dir, "ids")
			whole, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, append(append(slices.Clone(whole[:5000]), whole[5000]^1), whole[5001:]...), 0o600))
			for n := 0; err == nil && n < 3000; n++ {
				at = at.Add(time.Second / 100)
				if err = s.Advance(at); err == nil {
					_, err = s.Add(key(map[string]int{"asking": 0, "merging": 10_000}[how] + n))
				}
			}
			if !errors.Is(err, seen.ErrFile) {
				t.Fatalf("the damage was not met: %v", err)
			}
			if err := s.Restore(state); !errors.Is(err, seen.ErrFile) {
				t.Fatalf("the snapshot is taken up again: %v", err)
			}
			must(t, s.Restore(blank))
			feed(t, s, start, 0, 700, 100)
			if !slices.Equal(stateOf(t, s), state) {
				t.Fatal("the log folded again gives another state")
			}
			must(t, s.Restore(state))
			must(t, s.Verify())
		})
	}
}

func TestOnlyNamedFilesAreKept(t *testing.T) {
	t.Parallel()
	dir, old := closed(t)
	s := open(t, seen.Options{Dir: dir, Segment: 300})
	must(t, s.Restore(old))
	feed(t, s, start.Add(time.Hour), 1000, 3000, 20)
	oldNames, err := seen.FilesOf(old)
	must(t, err)
	for _, stranger := range []string{"notes.txt", "ids-1-2-00000000.seen", "tokens-9-9-00000000.seen"} {
		must(t, os.WriteFile(filepath.Join(dir, stranger), nil, 0o600))
	}
	must(t, s.Verify()) // nothing is being written now
	must(t, s.Keep(oldNames))
	state := stateOf(t, s)
	names := filesIn(t, dir)
	for _, name := range append(slices.Clone(oldNames), append(s.Files(), "notes.txt")...) {
		if !slices.Contains(names, name) {
			t.Errorf("%s is needed and was removed", name)
		}
	}
	if slices.Contains(names, "ids-1-2-00000000.seen") || slices.Contains(names, "tokens-9-9-00000000.seen") {
		t.Error("an orphan was kept")
	}
	must(t, os.WriteFile(filepath.Join(dir, "123.seen.tmp"), nil, 0o600))
	again := open(t, seen.Options{Dir: dir, Segment: 300})
	must(t, again.Restore(state))
	if slices.Contains(filesIn(t, dir), "123.seen.tmp") {
		t.Error("a file that was never finished outlives a start")
	}
	must(t, again.Restore(old))
	for n := range 600 {
		if !add(t, again, n) {
			t.Fatalf("id %d of the older snapshot is forgotten", n)
		}
	}
}

// A disk that fails costs no answer: the call says so, and made again it goes on.
func TestDiskThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir, calm := filepath.Join(t.TempDir(), "seen"), t.TempDir()
	s, steady := open(t, seen.Options{Dir: dir, Segment: 50}), open(t, seen.Options{Dir: calm, Segment: 50})
	at := feed(t, s, start, 0, 500, 10)
	feed(t, steady, start, 0, 500, 10)
	must(t, s.Verify())
	must(t, os.Rename(dir, dir+".away"))
	failed := 0
	for n := 500; n < 800; n++ {
		at = at.Add(time.Second / 10)
		for _, one := range []*seen.Seen{s, steady} {
			for try := 0; ; try++ {
				err := one.Advance(at)
				if err == nil {
					var repeat bool
					if repeat, err = one.Add(key(n)); err == nil && repeat {
						t.Fatalf("id %d is taken for a repeat", n)
					}
				}
				if err == nil {
					break
				}
				if _, stateErr := one.AppendState(nil); stateErr == nil || try > 0 {
					t.Fatalf("%v, and the state says %v", err, stateErr)
				}
				failed++
				must(t, os.Rename(dir+".away", dir))
			}
		}
		if n == 650 {
			must(t, s.Verify())
			must(t, os.Rename(dir, dir+".away"))
		}
	}
	if failed != 2 {
		t.Fatalf("the disk failed %d times, want 2", failed)
	}
	if !slices.Equal(stateOf(t, s), stateOf(t, steady)) {
		t.Error("a disk that failed left another state")
	}
}

// A replay beside a running fold reads that one's files and writes its own.
func TestReplayReadsAnothersFiles(t *testing.T) {
	t.Parallel()
	dir, state := closed(t)
	before := filesIn(t, dir)
	s := open(t, seen.Options{Dir: t.TempDir(), Origin: dir, Segment: 300})
	must(t, s.Restore(state))
	feed(t, s, start.Add(time.Hour), 1000, 3000, 20)
	for n := range 600 {
		if !add(t, s, n) {
			t.Fatalf("id %d is forgotten", n)
		}
	}
	must(t, s.Close())
	if !slices.Equal(filesIn(t, dir), before) {
		t.Error("the other's folder was changed")
	}
}

func TestStateOfAnotherKindIsRefused(t *testing.T) {
	_, state := closed(t)
	for name, bad := range map[string][]byte{
		"empty": nil, "torn": state[:len(state)-1], "longer": append(slices.Clone(state), 0),
		"version": append([]byte{9}, state[1:]...), "in memory": stateOf(t, open(t, seen.Options{})),
	} {
		if err := open(t, seen.Options{Dir: t.TempDir()}).Restore(bad); err == nil {
			t.Errorf("%s: taken up", name)
		}
	}
}

// Whatever a state says, it is taken up whole or refused, and what was taken up can be gone on with.
func FuzzRestore(f *testing.F) {
	s, err := seen.Open(seen.Options{Segment: 4})
	must(f, err)
	f.Add(stateOf(f, s))
	for n := range 30 {
		must(f, s.Advance(start.Add(time.Duration(n*7)*time.Second)))
		add(f, s, n)
		_, err := s.Once(key(n), start, seen.OnceView)
		must(f, err)
		s.Gap(uuid.UUID{1}, int64(n*n))
	}
	f.Add(stateOf(f, s))
	f.Fuzz(func(t *testing.T, state []byte) {
		s, err := seen.Open(seen.Options{Segment: 4})
		must(t, err)
		defer s.Close()
		if s.Restore(signed(state)) != nil && s.Restore(state) != nil {
			return
		}
		for n := range 10 {
			_ = s.Advance(s.Horizon().Add(seen.DefaultHorizon + time.Duration(n)*time.Minute))
			_, _ = s.Add(key(n))
			_, _ = s.Once(key(n), start, seen.OnceClick)
			s.Gap(uuid.UUID{1}, int64(n))
		}
		_ = s.Verify()
		_, _ = s.AppendState(nil)
	})
}

// signed gives every file in a state the checksums its bytes have, so that what is behind the
// checksums is tried as well.
func signed(state []byte) []byte {
	state = slices.Clone(state)
	for at := 0; ; {
		next := strings.Index(string(state[at:]), "mezseen\x1a")
		if next < 0 || len(state)-at-next < 4096 {
			return state
		}
		file := state[at+next:]
		old := binary.LittleEndian.Uint32(file[120:])
		sign(file)
		for i := range len(state) - 4 { // where the state says it
			if binary.LittleEndian.Uint32(state[i:]) == old {
				copy(state[i:], file[120:124])
			}
		}
		at += next + 8
	}
}

func sign(file []byte) {
	table := crc32.MakeTable(crc32.Castagnoli)
	put := func(at int, of []byte) { binary.LittleEndian.PutUint32(file[at:], crc32.Checksum(of, table)) }
	blocks, filter := binary.LittleEndian.Uint64(file[84:]), binary.LittleEndian.Uint64(file[92:])
	if room := uint64(len(file)); blocks < room && filter < room && 4096+blocks*4104+filter*32 <= room {
		rest := file[4096:]
		for range blocks {
			binary.LittleEndian.PutUint32(rest[4092:], crc32.Checksum(rest[:4092], table))
			rest = rest[4096:]
		}
		put(104, rest[:blocks*8])
		put(108, rest[blocks*8:blocks*8+filter*32])
	}
	put(120, file[:120])
}
