package seen_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/id"
	"mezzo/internal/seen"
)

var start = time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)

// failer is what a test and a property have in common.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func must(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, opt seen.Options) *seen.Seen {
	t.Helper()
	s, err := seen.Open(opt)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// key is the nth of some keys, spread as real ones are.
func key(n int) seen.Key {
	var event uuid.UUID
	binary.BigEndian.PutUint64(event[8:], uint64(n))
	return seen.KeyOf([16]byte{1}, event)
}

func stateOf(t failer, s *seen.Seen) []byte {
	t.Helper()
	b, err := s.AppendState(nil)
	must(t, err)
	return b
}

func add(t failer, s *seen.Seen, n int) (repeat bool) {
	t.Helper()
	repeat, err := s.Add(key(n))
	must(t, err)
	return repeat
}

// feed adds ids [from, to), so many a second of log time, beginning at the moment, and returns
// the moment after.
func feed(t failer, s *seen.Seen, at time.Time, from, to, perSecond int) time.Time {
	t.Helper()
	for n := from; n < to; n++ {
		at = at.Add(time.Second / time.Duration(perSecond))
		must(t, s.Advance(at))
		if add(t, s, n) {
			t.Fatalf("id %d is taken for a repeat", n)
		}
	}
	return at
}

// filesIn returns the names of the files in a folder.
func filesIn(t failer, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestRepeatsAreKnownForTheHorizonAndNoLonger(t *testing.T) {
	s := open(t, seen.Options{Dir: t.TempDir(), Segment: 100})
	at := feed(t, s, start, 0, 1000, 1)
	for at.Before(start.Add(seen.DefaultHorizon)) {
		at = at.Add(7 * time.Minute)
		must(t, s.Advance(at))
	}
	if h := s.Horizon(); h.Before(start.Add(seen.Ahead)) || at.Sub(h) < 72*time.Hour {
		t.Fatalf("after %s the horizon is %s: it is to lie 72 h and a margin back", at, h)
	}
	for n := 500; n < 1000; n++ {
		if !add(t, s, n) {
			t.Fatalf("id %d of %s ago is forgotten", n, at.Sub(start))
		}
	}
	for range 400 {
		at = at.Add(time.Minute)
		must(t, s.Advance(at))
	}
	if add(t, s, 0) {
		t.Fatal("an id from long before the horizon is still held")
	}
}

func TestFullBudgetShortensTheHorizon(t *testing.T) {
	t.Parallel()
	const budget = 1 << 20
	dir := t.TempDir()
	s := open(t, seen.Options{Dir: dir, Budget: budget, Segment: 500, ExactIDs: 100})
	at := feed(t, s, start, 0, 20_000, 50)
	if h := s.Horizon(); !h.Equal(at.Add(-seen.DefaultHorizon + seen.Ahead).UTC()) {
		t.Fatalf("with room left the horizon is %s at %s", h, at)
	}
	at = feed(t, s, at, 20_000, 120_000, 50)
	known := s.Horizon().Add(-seen.Ahead)
	if back := at.Sub(known); back > 25*time.Minute || back < 10*time.Minute {
		t.Fatalf("1 MiB of ids at 50 a second is known for %s", back)
	}
	must(t, s.Keep(nil))
	if st := s.Stats(); st.Bytes > budget || st.IDs < 30_000 || !st.Horizon.Before(at) {
		t.Fatalf("the figures are %+v", st)
	}
	size := int64(0)
	for _, name := range filesIn(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		size += info.Size()
	}
	if size > budget*3/2 {
		t.Fatalf("%d bytes are on disk, the budget is %d", size, budget)
	}
	for n := 119_999 - int(at.Sub(known).Seconds())*50 + 1; n < 120_000; n += 7 {
		if !add(t, s, n) {
			t.Fatalf("id %d is younger than the horizon and forgotten", n)
		}
	}
	if add(t, s, 10) {
		t.Fatal("the oldest id is still held: the budget is not what shortened the horizon")
	}
}

func TestTokenAllowsEachThingOnce(t *testing.T) {
	s := open(t, seen.Options{})
	must(t, s.Advance(start.Add(time.Minute)))
	token := seen.TokenOf([16]byte{7}, 3, [16]byte{9})
	for _, what := range []seen.Once{seen.OnceImpression, seen.OnceView, seen.OnceLike, seen.OnceHide, seen.OnceClick} {
		for try, want := range []bool{true, false, false} {
			if first, err := s.Once(token, start, what); err != nil || first != want {
				t.Errorf("%d the %dth time: first is %t %v", what, try+1, first, err)
			}
		}
	}
	for _, other := range []seen.Key{
		seen.TokenOf([16]byte{7}, 4, [16]byte{9}), seen.TokenOf([16]byte{8}, 3, [16]byte{9}), seen.TokenOf([16]byte{7}, 3, [16]byte{8}),
	} {
		if first, err := s.Once(other, start, seen.OnceView); err != nil || !first {
			t.Errorf("another slot, answer or viewer is taken for the same token: %v", err)
		}
	}
	if first, err := s.Once(token, start, 16); first || err != nil {
		t.Error("a thing beyond the sixteenth counts")
	}
	if first, _ := s.Once(token, start.Add(-25*time.Hour), seen.OnceView); first {
		t.Error("a token that ran out still counts")
	}
}

func TestWatchTimeIsBounded(t *testing.T) {
	s := open(t, seen.Options{})
	must(t, s.Advance(start.Add(time.Minute)))
	token := key(1)
	for i, c := range []struct {
		at              time.Duration
		add, most, want int64
	}{
		{10 * time.Second, 5_000, 45_000, 5_000},
		{10 * time.Second, 60_000, 45_000, 5_000},  // ten seconds have passed, five are counted
		{10 * time.Second, 1, 45_000, 0},           //
		{time.Hour, 60_000, 45_000, 35_000},        // three times the duration
		{time.Hour, 60_000, 0, 15_000},             // no duration known: the log's minute
		{-time.Hour, 60_000, 0, 0},                 // before it was issued
		{time.Hour, -5, 0, 0},                      // a negative delta
		{30 * time.Second, 60_000, 9_000_000_0, 0}, // an earlier moment takes nothing back
	} {
		got, err := s.Watch(token, start, start.Add(c.at), c.add, c.most)
		if err != nil || got != c.want {
			t.Errorf("case %d: %d ms count, want %d (%v)", i, got, c.want, err)
		}
	}
}

func TestTokenLimitsOutliveMemory(t *testing.T) {
	t.Parallel()
	opt := seen.Options{Dir: t.TempDir(), Segment: 40, ExactTokens: 10}
	s := open(t, opt)
	use := func(n int) (first bool, ms int64) {
		t.Helper()
		first, err := s.Once(key(n), start, seen.OnceClick)
		must(t, err)
		ms, err = s.Watch(key(n), start, start.Add(5*time.Second), 5_000, 0)
		must(t, err)
		must(t, s.SetFirst(key(n), start, start.Add(time.Duration(n)*time.Second)))
		return first, ms
	}
	at := start
	for n := range 2000 {
		at = at.Add(time.Second)
		must(t, s.Advance(at.Add(5*time.Second)))
		if first, ms := use(n); !first || n > 0 && ms != 5_000 {
			t.Fatalf("token %d is new and counts %t, %d ms", n, first, ms)
		}
	}
	state := stateOf(t, s)
	s = open(t, opt)
	must(t, s.Restore(state))
	for n := range 2000 {
		if first, ms := use(n); first || ms != 0 {
			t.Fatalf("token %d counts again: %t, %d ms", n, first, ms)
		}
		first, ok, err := s.FirstAt(key(n), start)
		if err != nil || !ok || !first.Equal(start.Add(time.Duration(n)*time.Second)) {
			t.Fatalf("token %d: its impression happened %s %t %v", n, first, ok, err)
		}
	}
	must(t, s.Advance(start.Add(25*time.Hour)))
	if _, ok, err := s.FirstAt(key(5), start); ok || err != nil {
		t.Fatal("a token that ran out is remembered")
	}
}

func TestFullTokenBudgetShortensTheirHorizon(t *testing.T) {
	t.Parallel()
	s := open(t, seen.Options{Dir: t.TempDir(), Segment: 200, TokenBudget: 300 << 10, ExactTokens: 10})
	at := start
	for n := range 20_000 {
		at = at.Add(100 * time.Millisecond)
		must(t, s.Advance(at))
		if first, err := s.Once(key(n), at, seen.OnceView); err != nil || !first {
			t.Fatalf("token %d, just issued, does not count: %v", n, err)
		}
	}
	h := s.TokenHorizon()
	if back := at.Sub(h); back > 15*time.Minute || back < time.Minute {
		t.Fatalf("300 KiB of tokens at 10 a second are known for %s", back)
	}
	for n := range 20_000 {
		if first, err := s.Once(key(n), start.Add(time.Duration(n+1)*100*time.Millisecond), seen.OnceView); err != nil || first {
			t.Fatalf("token %d counts twice: %v", n, err)
		}
	}
}

func TestLossIsTakenBackByLateArrivals(t *testing.T) {
	s := open(t, seen.Options{Sessions: 2})
	a, b, c := uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}
	for i, step := range []struct {
		session uuid.UUID
		seq     int64
		lost    int64
	}{
		{a, 1, 0}, {a, 2, 0}, {a, 5, 2}, {a, 4, -1}, {a, 4, 0}, {a, 3, -1}, {a, 3, 0},
		{b, 100, 0}, {b, 99, 0}, // what came before the first is not known to be missing
		{a, 200, 194}, {a, 72, -1}, {a, 71, 0}, {a, 199, -1}, // 128 back at most
		{a, 264, 63}, {a, 200, 0}, {a, 198, -1}, {a, 263, -1},
		{a, 1 << 53, 1<<53 - 265},
		{c, 1, 0},   // b was not heard of for longest and is forgotten …
		{b, 200, 0}, // … and so has lost nothing, and now a is forgotten
		{c, 3, 1},
	} {
		if got := s.Gap(step.session, step.seq); got != step.lost {
			t.Fatalf("step %d, number %d: the loss changes by %d, want %d", i, step.seq, got, step.lost)
		}
	}
}

func TestStateIsSmallAtFullRate(t *testing.T) {
	t.Parallel()
	s := open(t, seen.Options{Dir: t.TempDir()})
	most := 0
	for n := range 300_000 { // fifteen seconds at 20,000 a second
		at := start.Add(time.Duration(n) * 50 * time.Microsecond)
		must(t, s.Advance(at))
		add(t, s, n)
		if n%3 == 0 {
			_, err := s.Once(key(n), at, seen.OnceImpression)
			must(t, err)
			s.Gap(uuid.UUID{byte(n), byte(n >> 8)}, int64(n))
		}
		if n%50_000 == 49_999 {
			most = max(most, len(stateOf(t, s)))
		}
	}
	if most > 6<<20 {
		t.Fatalf("a state takes %d bytes", most)
	}
}

// Nobody's id can be read from what is kept, and no kind of key is another kind's.
func TestNothingKeptNamesAViewer(t *testing.T) {
	dir := t.TempDir()
	s := open(t, seen.Options{Dir: dir, Segment: 10})
	viewer, err := id.New[viewerKind](start).UUID()
	must(t, err)
	var secrets []string
	for n := range 45 {
		event, session := uuid.UUID{1, 2, 3, byte(n)}, uuid.UUID{4, 5, 6, byte(n)}
		must(t, s.Advance(start.Add(time.Duration(n)*time.Second)))
		_, err := s.Add(seen.KeyOf(viewer, event))
		must(t, err)
		_, err = s.Once(seen.TokenOf([16]byte{9, byte(n)}, 1, viewer), start, seen.OnceLike)
		must(t, err)
		s.Gap(session, 1)
		secrets = append(secrets, string(event[:]), string(session[:]))
	}
	kept := string(stateOf(t, s))
	for _, name := range filesIn(t, dir) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		kept += string(b)
	}
	for _, secret := range append(secrets, string(viewer[:])) {
		if strings.Contains(kept, secret) {
			t.Fatalf("%x is kept in clear", secret)
		}
	}
	if seen.KeyOf(viewer, viewer) == seen.TokenOf(viewer, 0, viewer) {
		t.Fatal("an event and a token have one key")
	}
}

type viewerKind struct{}

func (viewerKind) Prefix() string { return "vwr" }

// The horizons hold what ids and tokens promise.
func TestDefaultsKeepTheirPromises(t *testing.T) {
	if seen.DefaultTokenLife < id.ImpressionLife+seen.Ahead {
		t.Error("tokens are forgotten while they may still be used")
	}
	if seen.DefaultHorizon < 72*time.Hour+2*seen.Ahead {
		t.Error("ids are forgotten within the 72 hours")
	}
}
