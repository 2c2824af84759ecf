package seen

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

func randomKeys(n int) []Key {
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]Key, n)
	for i := range keys {
		binary.LittleEndian.PutUint64(keys[i][:], r.Uint64())
		binary.LittleEndian.PutUint64(keys[i][8:], r.Uint64())
	}
	return keys
}

// The table grows, forgets whole chunks and shrinks, and at each instant finds what the chunks hold
// and nothing else; also when all keys want one place.
func TestTableHoldsWhatItsChunksHold(t *testing.T) {
	keys := randomKeys(30_000)
	for i := range 300 { // as an attacker who knew the scatter would choose them
		binary.BigEndian.PutUint64(keys[i*7][:], 5<<40+uint64(i))
	}
	m := newMemory(KeyBytes, 1, 0)
	held := func(from, to int) {
		t.Helper()
		for i, k := range keys {
			if record, _ := m.find(k[:]); (record != nil) != (i >= from && i < to) {
				t.Fatalf("key %d: found %t, held are %d to %d", i, record != nil, from, to)
			}
		}
		if m.used != to-from || m.records != to-from {
			t.Fatalf("%d used and %d records, held are %d", m.used, m.records, to-from)
		}
	}
	const chunk = 1000
	for i, k := range keys {
		_, slot := m.find(k[:])
		m.put(k[:], slot)
		if (i+1)%chunk == 0 {
			m.seal(int64(i), uint64(i))
		}
		if i == 8_500 {
			held(0, i+1)
		}
		if i == 20_500 {
			for range 15 {
				m.drop()
			}
			held(15_000, i+1)
		}
	}
	grown := len(m.slots)
	for range len(keys)/chunk - 15 {
		m.drop()
	}
	held(0, 0)
	if len(m.slots) >= grown {
		t.Errorf("the empty table has %d slots", len(m.slots))
	}
}

// A filter never denies what was put in, and rarely holds possible what was not.
func TestFilterNeverDenies(t *testing.T) {
	keys := randomKeys(200_000)
	half := len(keys) / 2
	f := newFilter(half)
	for _, k := range keys[:half] {
		p := probeOf(k[:])
		f.add(&p)
	}
	wrong := 0
	for i, k := range keys {
		p := probeOf(k[:])
		switch may := f.may(&p); {
		case i < half && !may:
			t.Fatal("a key that was put in is denied")
		case i >= half && may:
			wrong++
		}
	}
	if rate := float64(wrong) / float64(half); rate > 0.008 || wrong == 0 {
		t.Errorf("%.2f %% of other keys are held possible", 100*rate)
	}
}
