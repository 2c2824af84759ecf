package rank

import (
	"bytes"
	"testing"
	"time"

	"mezzo/internal/event"
)

// between calls with before every part that is written.
type between struct {
	bytes.Buffer
	with func()
}

func (b *between) Write(p []byte) (int, error) {
	b.with()
	return b.Buffer.Write(p)
}

// millOfChanges is a world in which, from a record on, everything comes and goes.
func millOfChanges(t *testing.T) (m *mill, before int) {
	t.Helper()
	m = newMill(t, 61, 60, 8, 900)
	for k := range 200 {
		m.fact(event.CreatorFollowed{Creator: m.creators[k%8], Viewer: m.viewers[k%60]})
	}
	m.run(3)
	before = len(m.log)
	m.run(2)
	m.tick(11 * time.Minute)
	for k := range 100 {
		m.fact(event.CreatorUnfollowed{Creator: m.creators[k%8], Viewer: m.viewers[k%60]})
		m.add(k%len(slugs), m.creators[k%8], 1)
		m.fact(event.VideoDeleted{Video: m.videos[3*k], Creator: m.creators[0]})
	}
	m.fact(event.ViewerErased{Viewer: m.viewers[7]})
	m.flush()
	return m, before
}

// A cut is the state at its position, to the byte, whatever the fold takes in while it is written: videos
// that come and go, people erased, impressions that close.
func TestACutIsTheStateAtItsPosition(t *testing.T) {
	m, before := millOfChanges(t)
	rest := m.log[before:]

	f, err := New(Options{Size: 14})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Apply(m.log[:before]); err != nil {
		t.Fatal(err)
	}
	want, err := f.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	sumWant := sum(t, f)
	cut, err := f.Cut()
	if err != nil {
		t.Fatal(err)
	}
	cut.most = 2 << 10
	writes := 0
	to := &between{with: func() {
		writes++
		n := min(len(rest), 60)
		if err := f.Apply(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}}
	got, err := cut.Encode(to)
	if err != nil || got != sumWant {
		t.Errorf("the cut is named %x, the state at its position %x; %v", got, sumWant, err)
	}
	if writes < 10 {
		t.Fatalf("the state was written in %d parts: nothing came between", writes)
	}
	if err := f.Apply(rest); err != nil {
		t.Fatal(err)
	}
	restored, err := New(Options{Size: 14})
	if err != nil {
		t.Fatal(err)
	}
	if err := restored.RestoreFrom(&to.Buffer); err != nil {
		t.Fatal(err)
	}
	if again, err := restored.AppendState(nil); err != nil || !bytes.Equal(again, want) {
		t.Errorf("what was cut is restored as something else: %v", err)
	}
	if err := restored.Apply(m.log[before:]); err != nil {
		t.Fatal(err)
	}
	if a, b, c := sum(t, restored), sum(t, f), sum(t, m.fold); a != b || b != c {
		t.Errorf("at the end the restored is %x, the one that was cut %x, the one that never was %x", a, b, c)
	}
	cutAgainAndEmptied(t, f)
}

// cutAgainAndEmptied cuts a second time, and goes back to nothing.
func cutAgainAndEmptied(t *testing.T, f *Fold) {
	t.Helper()
	cut, err := f.Cut()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := cut.Encode(&bytes.Buffer{}); err != nil || got != sum(t, f) {
		t.Errorf("the second cut is named %x, the state %x; %v", got, sum(t, f), err)
	}
	if err := f.Restore(nil); err != nil {
		t.Fatal(err)
	}
	if empty, err := New(Options{Size: 14}); err != nil || sum(t, f) != sum(t, empty) {
		t.Errorf("emptied, it is not the state before the first record: %v", err)
	}
}
