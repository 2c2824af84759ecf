package id_test

import (
	"encoding/base32"
	"testing"

	"mezzo/internal/id"
	"pgregory.net/rapid"
)

// The text of an id is Crockford's base32 of the UUID, and only that text is read back.
func TestTextIsCrockfordBase32(t *testing.T) {
	encoding := base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	rapid.Check(t, func(t *rapid.T) {
		u := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
		var v id.Video
		v = v.From(u)
		if want := "vid_" + encoding.EncodeToString(u[:]); string(v) != want {
			t.Fatalf("id is %q, want %q", v, want)
		}
		if back, err := v.UUID(); err != nil || back != u {
			t.Fatalf("read back %x, %v; want %x", back, err, u)
		}
		b := []byte(v)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		other, err := id.Video(b).UUID()
		if err == nil && v.From(other) != id.Video(b) {
			t.Fatalf("%q was read as %x, which is written %q", b, other, v.From(other))
		}
	})
}

func TestMalformedIDs(t *testing.T) {
	good := "vid_01h455vb4pex5vsknk084sn02r"
	if !id.Video(good).Valid() {
		t.Fatalf("%q was not taken for an id", good)
	}
	for _, s := range []string{"", good[:29] + "q", "vid_", good[:29], good + "0", "prd_" + good[4:], "vid-" + good[4:], "vid_01h455vb4pex5vsknk084sn02i", "vid_01h455vb4pex5vsknk084sn0\x002"} {
		if id.Video(s).Valid() {
			t.Errorf("%q was taken for an id of a video", s)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	var v id.Video
	v = v.From([16]byte{1, 2, 3})
	for b.Loop() {
		if _, err := v.UUID(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	var v id.Video
	var buf []byte
	for b.Loop() {
		buf = v.AppendUUID(buf[:0], [16]byte{1, 2, 3})
	}
}
