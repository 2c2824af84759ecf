package seen_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"mezzo/internal/seen"
)

var start = time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)

func open(t testing.TB, opt seen.Options) *seen.Seen {
	t.Helper()
	s, err := seen.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t interface {
	Helper()
	Fatal(...any)
}, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key is the nth of some keys, spread as real ones are.
func key(n int) seen.Key {
	var event uuid.UUID
	binary.BigEndian.PutUint64(event[8:], uint64(n))
	return seen.KeyOf([16]byte{1}, event)
}

func stateOf(t interface {
	Helper()
	Fatal(...any)
}, s *seen.Seen) []byte {
	t.Helper()
	b, err := s.AppendState(nil)
	must(t, err)
	return b
}

// small makes every limit small, so that a short log passes all of them.
func small(dir string) seen.Options {
	return seen.Options{
		Dir: dir, Exact: 3 * time.Minute, ExactIDs: 60, Horizon: 60 * time.Minute, Budget: 300 << 10, Segment: 8,
		TokenLife: 30 * time.Minute, TokenBudget: 200 << 10, ExactTokens: 20, Sessions: 3,
	}
}

// model is the same kept in maps: everything, for ever.
type model struct {
	stamp    time.Time
	ids      map[int]time.Time // when added
	tokens   map[int]*modelToken
	sessions []int // the one heard of last at the end
	highest  map[int]int64
	missing  map[int]map[int64]bool
}

type modelToken struct {
	once  map[seen.Once]bool
	watch int64
	first time.Time
}

func newModel() *model {
	return &model{ids: map[int]time.Time{}, tokens: map[int]*modelToken{}, highest: map[int]int64{}, missing: map[int]map[int64]bool{}}
}

func (m *model) token(n int) *modelToken {
	if m.tokens[n] == nil {
		m.tokens[n] = &modelToken{once: map[seen.Once]bool{}}
	}
	return m.tokens[n]
}

func (m *model) gap(session int, seq int64, most int) int64 {
	at := slices.Index(m.sessions, session)
	if at < 0 {
		if len(m.sessions) == most {
			gone := m.sessions[0]
			m.sessions = m.sessions[1:]
			delete(m.missing, gone)
		}
		m.sessions = append(m.sessions, session)
		m.highest[session], m.missing[session] = seq, map[int64]bool{}
		return 0
	}
	m.sessions = append(slices.Delete(m.sessions, at, at+1), session)
	lost := int64(0)
	if high := m.highest[session]; seq > high {
		for n := high + 1; n < seq; n++ {
			m.missing[session][n] = true
		}
		m.highest[session], lost = seq, seq-high-1
	} else if m.missing[session][seq] && m.highest[session]-seq <= seen.Reorder {
		lost = -1
	}
	delete(m.missing[session], seq)
	return lost
}

// issued is when the nth token was handed out: some minutes before the log begins or after.
func issued(n int) time.Time { return start.Add(time.Duration(n-5) * time.Minute) }

// step does one random thing to both and compares the answers. It returns what was answered.
func step(t *rapid.T, s *seen.Seen, m *model, opt seen.Options) string {
	m.stamp = m.stamp.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 20, 100, 3000}).Draw(t, "s")) * time.Second)
	must(t, s.Advance(m.stamp))
	switch n := rapid.IntRange(0, 400).Draw(t, "n"); rapid.IntRange(0, 5).Draw(t, "what") {
	case 0, 1:
		repeat, err := s.Add(key(n))
		must(t, err)
		added, known := m.ids[n]
		if known && !repeat && !added.Before(s.Horizon().Add(-seen.Ahead)) {
			t.Fatalf("id %d, added %s, is not known: the horizon is %s", n, added, s.Horizon())
		}
		if !known && repeat {
			t.Fatalf("id %d is taken for a repeat", n)
		}
		if !repeat {
			m.ids[n] = m.stamp
		}
		return fmt.Sprint("add", n, repeat)
	case 2:
		n %= 40
		what := seen.Once(rapid.IntRange(0, 4).Draw(t, "once"))
		first, err := s.Once(key(-n), issued(n), what)
		must(t, err)
		want := !issued(n).Before(s.TokenHorizon()) && !m.token(n).once[what]
		if first != want {
			t.Fatalf("token %d, issued %s, does %d: first is %t; the horizon is %s", n, issued(n), what, first, s.TokenHorizon())
		}
		if want {
			m.token(n).once[what] = true
		}
		return fmt.Sprint("once", n, what, first)
	case 3:
		n %= 40
		at := m.stamp.Add(time.Duration(rapid.IntRange(-300, 5).Draw(t, "at")) * time.Second)
		add, most := rapid.Int64Range(0, 60_000).Draw(t, "add"), rapid.Int64Range(0, 100_000).Draw(t, "most")
		got, err := s.Watch(key(-n), issued(n), at, add, most)
		must(t, err)
		limit := min(at.UnixMilli(), m.stamp.UnixMilli()) - issued(n).UnixMilli()
		if most > 0 {
			limit = min(limit, most)
		}
		want := max(0, min(add, limit-m.token(n).watch))
		if issued(n).Before(s.TokenHorizon()) {
			want = 0
		}
		if got != want {
			t.Fatalf("token %d: %d of %d ms count, want %d", n, got, add, want)
		}
		m.token(n).watch += got
		return fmt.Sprint("watch", n, got)
	case 4:
		n %= 40
		gone := issued(n).Before(s.TokenHorizon())
		at, ok, err := s.FirstAt(key(-n), issued(n))
		must(t, err)
		if want := m.token(n).first; ok == (want.IsZero() || gone) || ok && !at.Equal(want) {
			t.Fatalf("token %d: impression at %s %t, want %s", n, at, ok, want)
		}
		must(t, s.SetFirst(key(-n), issued(n), m.stamp))
		if !ok && !gone {
			m.token(n).first = m.stamp
		}
		return fmt.Sprint("first", n, at, ok)
	default:
		return stepGap(t, s, m, n%5, opt.Sessions)
	}
}

func stepGap(t *rapid.T, s *seen.Seen, m *model, session, most int) string {
	seq := int64(rapid.IntRange(0, 300).Draw(t, "seq"))
	got, want := s.Gap(uuid.UUID{15: byte(session)}, seq), m.gap(session, seq, most)
	if got != want {
		t.Fatalf("session %d, number %d: the loss changes by %d, want %d", session, seq, got, want)
	}
	return fmt.Sprint("gap", session, seq, got)
}

// Whatever happens, in whatever order, what is remembered is what maps would remember; and a fold
// that was killed at any instant and goes on from its last snapshot answers as one that was not,
// to the byte.
func TestAnswersAreThoseOfMaps(t *testing.T) {
	for _, where := range []string{"memory", "disk"} {
		t.Run(where, func(t *testing.T) {
			base := t.TempDir()
			rapid.Check(t, func(t *rapid.T) {
				dirs := [2]string{}
				if where == "disk" {
					for i := range dirs {
						dir, err := os.MkdirTemp(base, "")
						must(t, err)
						defer os.RemoveAll(dir)
						dirs[i] = dir
					}
				}
				steady, err := seen.Open(small(dirs[0]))
				must(t, err)
				defer steady.Close()
				killed, err := seen.Open(small(dirs[1]))
				must(t, err)
				defer func() { must(t, killed.Close()) }()
				m := newModel()
				m.stamp = start
				for range rapid.IntRange(1, 300).Draw(t, "steps") {
					if rapid.IntRange(0, 20).Draw(t, "kill") == 0 {
						state := stateOf(t, killed)
						must(t, killed.Close())
						killed, err = seen.Open(small(dirs[1]))
						must(t, err)
						must(t, killed.Restore(state))
						names, err := seen.FilesOf(state)
						must(t, err)
						must(t, killed.Keep(names))
						if again := stateOf(t, killed); !bytes.Equal(again, state) {
							t.Fatal("the state taken up gives other bytes")
						}
					}
					_ = step(t, steady, m, small(""))
				}
			})
		})
	}
}
