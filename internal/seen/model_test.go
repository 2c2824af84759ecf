package seen_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"mezzo/internal/seen"
)

// small makes every limit small, so that a short log passes all of them.
func small(dir string) seen.Options {
	return seen.Options{
		Dir: dir, Exact: 3 * time.Minute, ExactIDs: 60, Horizon: 60 * time.Minute, Budget: 300 << 10, Segment: 8,
		TokenLife: 30 * time.Minute, TokenBudget: 200 << 10, ExactTokens: 20, Sessions: 3,
	}
}

// op is one thing a fold asks, as of a stamp of its log.
type op struct {
	stamp     time.Time
	what      int
	n         int // of the id
	token     int // of the token
	once      seen.Once
	at        time.Time
	add, most int64
}

const sessions = 5

func drawOps(t *rapid.T) []op {
	ops := make([]op, rapid.IntRange(1, 300).Draw(t, "ops"))
	stamp := start
	for i := range ops {
		stamp = stamp.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 20, 100, 3000}).Draw(t, "s")) * time.Second)
		ops[i] = op{
			stamp: stamp, what: rapid.IntRange(0, 5).Draw(t, "what"), n: rapid.IntRange(0, 400).Draw(t, "n"),
			token: int(stamp.Sub(start)/time.Minute) - rapid.IntRange(0, 40).Draw(t, "token"),
			once:  seen.Once(rapid.IntRange(0, 4).Draw(t, "once")),
			at:    stamp.Add(time.Duration(rapid.IntRange(-300, 5).Draw(t, "at")) * time.Second),
			add:   rapid.Int64Range(0, 60_000).Draw(t, "add"), most: rapid.Int64Range(0, 100_000).Draw(t, "most"),
		}
	}
	return ops
}

// issued is when the nth token was handed out: one a minute, some before the log begins.
func issued(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

func tokenKey(n int) seen.Key { return key(-1000 - n) }

// ask puts the question and returns the answer as text.
func (o op) ask(s *seen.Seen) (string, error) {
	if err := s.Advance(o.stamp); err != nil {
		return "", err
	}
	switch o.what {
	case 0, 1:
		repeat, err := s.Add(key(o.n))
		return fmt.Sprint(repeat), err
	case 2:
		first, err := s.Once(tokenKey(o.token), issued(o.token), o.once)
		return fmt.Sprint(first), err
	case 3:
		ms, err := s.Watch(tokenKey(o.token), issued(o.token), o.at, o.add, o.most)
		return fmt.Sprint(ms), err
	case 4:
		at, ok, err := s.FirstAt(tokenKey(o.token), issued(o.token))
		if err == nil {
			err = s.SetFirst(tokenKey(o.token), issued(o.token), o.stamp)
		}
		return fmt.Sprint(at.Unix(), ok), err
	default:
		return fmt.Sprint(s.Gap(uuid.UUID{15: byte(o.n % sessions)}, o.add%300)), nil
	}
}

// model is the same kept in maps: everything, for ever.
type model struct {
	ids      map[int]time.Time // when added
	tokens   map[int]*modelToken
	sessions []int // the one heard of last at the end
	highest  [sessions]int64
	missing  [sessions]map[int64]bool
}

type modelToken struct {
	once  [5]bool
	watch int64
	first time.Time
}

func (m *model) token(n int) *modelToken {
	if m.tokens[n] == nil {
		m.tokens[n] = &modelToken{}
	}
	return m.tokens[n]
}

// want returns the answers that are right, given how far back is known; said is what was answered
// where both are.
func (m *model) want(o op, horizon, tokenHorizon time.Time, said bool) []string {
	k, gone := m.token(o.token), issued(o.token).Before(tokenHorizon)
	switch o.what {
	case 0, 1:
		added, known := m.ids[o.n]
		switch {
		case !known:
			m.ids[o.n] = o.stamp
			return []string{"false"}
		case added.Before(horizon.Add(-seen.Ahead)):
			if !said {
				m.ids[o.n] = o.stamp
			}
			return []string{"true", "false"}
		}
		return []string{"true"}
	case 2:
		first := !gone && !k.once[o.once]
		k.once[o.once] = k.once[o.once] || first
		return []string{fmt.Sprint(first)}
	case 3:
		limit := min(o.at.UnixMilli(), o.stamp.UnixMilli()) - issued(o.token).UnixMilli()
		if o.most > 0 {
			limit = min(limit, o.most)
		}
		ms := max(0, min(o.add, limit-k.watch))
		if gone {
			ms = 0
		}
		k.watch += ms
		return []string{fmt.Sprint(ms)}
	case 4:
		was := k.first
		if was.IsZero() && !gone {
			k.first = o.stamp
		}
		if gone {
			was = time.Time{}
		}
		return []string{fmt.Sprint(was.Unix(), !was.IsZero())}
	default:
		return []string{fmt.Sprint(m.gap(o.n%sessions, o.add%300, 3))}
	}
}

func (m *model) gap(session int, seq int64, most int) int64 {
	at := slices.Index(m.sessions, session)
	if at < 0 {
		if len(m.sessions) == most {
			m.sessions = m.sessions[1:]
		}
		m.sessions = append(m.sessions, session)
		m.highest[session], m.missing[session] = seq, map[int64]bool{}
		return 0
	}
	m.sessions = append(slices.Delete(m.sessions, at, at+1), session)
	high := m.highest[session]
	if seq > high {
		for n := high + 1; n < seq; n++ {
			m.missing[session][n] = true
		}
		m.highest[session] = seq
		return seq - high - 1
	}
	if !m.missing[session][seq] || high-seq > seen.Reorder {
		return 0
	}
	delete(m.missing[session], seq)
	return -1
}

// A fold that dies at any instant goes on from one of its last two snapshots: it asks again what
// came since.
type mortal struct {
	*seen.Seen
	dir    string
	states [][]byte
	at     []int // how many ops each state has seen
}

func (m *mortal) snapshot(t failer, at int) {
	m.states, m.at = append(m.states, stateOf(t, m.Seen)), append(m.at, at)
	if len(m.states) > 2 {
		m.states, m.at = m.states[1:], m.at[1:]
	}
	var names []string
	for _, state := range m.states {
		more, err := seen.FilesOf(state)
		must(t, err)
		names = append(names, more...)
	}
	must(t, m.Keep(names))
}

// die gives up everything and takes up the nth state; it returns how many ops that one has seen.
func (m *mortal) die(t failer, n int) int {
	must(t, m.Close())
	s, err := seen.Open(small(m.dir))
	must(t, err)
	m.Seen = s
	must(t, s.Restore(m.states[n]))
	if again := stateOf(t, s); !bytes.Equal(again, m.states[n]) {
		t.Fatal("a state taken up gives other bytes")
	}
	m.states, m.at = m.states[:n+1], m.at[:n+1]
	return m.at[n]
}

// Whatever happens, in whatever order, what is remembered is what maps would remember; and a fold
// that was killed at any instants answers as one that was not, to the byte of its state. One log
// in ten runs on disk, where each epoch waits for it.
func TestAnswersAreThoseOfMaps(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var dirs [2]string
		if rapid.IntRange(0, 9).Draw(t, "disk") == 0 {
			for i := range dirs {
				var err error
				dirs[i], err = os.MkdirTemp(base, "")
				must(t, err)
				defer os.RemoveAll(dirs[i])
			}
		}
		compareWithMaps(t, dirs)
	})
}

func compareWithMaps(t *rapid.T, dirs [2]string) {
	ops := drawOps(t)
	steady, err := seen.Open(small(dirs[0]))
	must(t, err)
	defer steady.Close()
	m := &model{ids: map[int]time.Time{}, tokens: map[int]*modelToken{}}
	answers := make([]string, len(ops))
	for i, o := range ops {
		must(t, steady.Advance(o.stamp))
		answers[i], err = o.ask(steady)
		must(t, err)
		want := m.want(o, steady.Horizon(), steady.TokenHorizon(), answers[i] == "true")
		if !slices.Contains(want, answers[i]) {
			t.Fatalf("%d: %+v is answered %s, want %v", i, o, answers[i], want)
		}
	}
	s, err := seen.Open(small(dirs[1]))
	must(t, err)
	killed := &mortal{Seen: s, dir: dirs[1]}
	defer func() { killed.Close() }()
	killed.snapshot(t, 0)
	deaths := 6
	for i := 0; i < len(ops); i++ {
		got, err := ops[i].ask(killed.Seen)
		must(t, err)
		if got != answers[i] {
			t.Fatalf("%d: %+v is answered %s after a restart, %s without", i, ops[i], got, answers[i])
		}
		switch rapid.IntRange(0, 40).Draw(t, "then") {
		case 0, 1, 2:
			killed.snapshot(t, i+1)
		case 3:
			if deaths--; deaths > 0 {
				i = killed.die(t, rapid.IntRange(0, len(killed.states)-1).Draw(t, "state")) - 1
			}
		}
	}
	if !bytes.Equal(stateOf(t, steady), stateOf(t, killed.Seen)) {
		t.Fatal("the same log gives two states")
	}
	must(t, killed.Verify())
}
