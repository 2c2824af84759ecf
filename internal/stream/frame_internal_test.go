package stream

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"pgregory.net/rapid"
)

// Frames are not reachable from outside, so they are tested from within.

type pair struct {
	kind byte
	data []byte
}

func sealed(stamp, relay int64, records []pair) []byte {
	b := make([]byte, frameHead)
	for _, r := range records {
		b = appendRecord(b, r.kind, r.data)
	}
	return seal(b, stamp, relay, len(records))
}

func opened(f frame) []pair {
	var records []pair
	rest := f.body
	for range f.count {
		var p pair
		p.kind, p.data, rest, _ = cut(rest)
		records = append(records, p)
	}
	return records
}

func TestFrameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stamp := rapid.Int64Min(0).Draw(t, "stamp")
		relay := rapid.Int64Range(0, 1<<62).Draw(t, "relay")
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pair {
			return pair{rapid.ByteMin(1).Draw(t, "kind"), rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data")}
		}), 0, 20).Draw(t, "records")
		b := sealed(stamp, relay, records)
		size := frameHead + frameTail
		for _, r := range records {
			size += recordSize(r.data)
		}
		if len(b) != size {
			t.Fatalf("%d bytes, reckoned %d", len(b), size)
		}
		f, err := openFrame(b)
		if err != nil || f.stamp != stamp || f.relay != relay || f.count != len(records) {
			t.Fatalf("%+v, %v", f, err)
		}
		for i, r := range opened(f) {
			if r.kind != records[i].kind || !bytes.Equal(r.data, records[i].data) {
				t.Fatalf("record %d is %v, want %v", i, r, records[i])
			}
		}
	})
}

// Every way to tear or flip a frame is noticed.
func TestFrameDamage(t *testing.T) {
	b := sealed(1_700_000_000_000_000, 42, []pair{{1, []byte("one")}, {2, nil}, {3, bytes.Repeat([]byte("x"), 200)}})
	for n := range len(b) {
		if _, err := openFrame(b[:n]); err != ErrCorrupt {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		for bit := range 8 {
			torn := bytes.Clone(b)
			torn[n] ^= 1 << bit
			if _, err := openFrame(torn); err != ErrCorrupt {
				t.Errorf("bit %d of byte %d flipped: %v", bit, n, err)
			}
		}
	}
	if _, err := openFrame(append(bytes.Clone(b), 0)); err != ErrCorrupt {
		t.Errorf("a byte more: %v", err)
	}
}

// Whatever stands between a good head and a good checksum, opening neither panics nor lies.
func FuzzFrame(f *testing.F) {
	for _, records := range [][]pair{nil, {{1, nil}}, {{1, []byte("one")}, {2, []byte("two")}}} {
		b := sealed(7, 3, records)
		f.Add(b[:len(b)-frameTail], true)
		f.Add(b, false)
	}
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, b []byte, mend bool) {
		if mend {
			b = binary.LittleEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, castagnoli))
		}
		fr, err := openFrame(b)
		if err != nil {
			return
		}
		records := opened(fr)
		n := 0
		for _, r := range records {
			if r.kind == 0 {
				t.Fatal("a record without a kind")
			}
			n += len(r.data)
		}
		if fr.stamp < 0 || fr.relay < 0 || fr.lastRelay() < fr.relay-1 || n > len(fr.body) {
			t.Fatalf("%+v", fr)
		}
		again, err := openFrame(sealed(fr.stamp, fr.relay, records))
		if err != nil || again.count != fr.count {
			t.Fatalf("%+v wrote itself as %+v, %v", fr, again, err)
		}
	})
}
