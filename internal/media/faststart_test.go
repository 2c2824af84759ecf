package media_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"mezzo/internal/fault"
	"mezzo/internal/media"
)

// samples returns the bytes of every sample of every track of the kind, as another library reads them.
func samples(t *testing.T, content []byte, handler string) [][]byte {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, trak := range f.Moov.Traks {
		if trak.Mdia.Hdlr.HandlerType != handler {
			continue
		}
		stbl := trak.Mdia.Minf.Stbl
		for n := uint32(1); n <= stbl.Stsz.SampleNumber; n++ {
			ranges, err := trak.GetRangesForSampleInterval(n, n)
			if err != nil || len(ranges) != 1 {
				t.Fatal(ranges, err)
			}
			r := ranges[0]
			all = append(all, content[r.Offset:r.Offset+r.Size])
		}
	}
	return all
}

// top lists the boxes at the top of a file.
func top(content []byte) (kinds []string) {
	for at := 0; at+8 <= len(content); {
		kinds = append(kinds, string(content[at+4:at+8]))
		at += int(binary.BigEndian.Uint32(content[at:]))
	}
	return kinds
}

func faststart(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := media.Faststart(bytes.NewReader(content), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rewrite changes a decoded file and encodes it again.
func rewrite(t *testing.T, content []byte, change func(*mp4.File)) []byte {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	change(f)
	var out bytes.Buffer
	for _, b := range f.Children {
		if err := b.Encode(&out); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// withLongOffsets turns stco into co64; the index is behind the samples, so that nothing moves.
func withLongOffsets(t *testing.T, content []byte) []byte {
	return rewrite(t, content, func(f *mp4.File) {
		for _, trak := range f.Moov.Traks {
			stbl := trak.Mdia.Minf.Stbl
			long := &mp4.Co64Box{}
			for _, at := range stbl.Stco.ChunkOffset {
				long.ChunkOffset = append(long.ChunkOffset, uint64(at))
			}
			for i, b := range stbl.Children {
				if b.Type() == "stco" {
					stbl.Children[i] = long
				}
			}
		}
	})
}

func TestFaststartKeepsEverySampleAndPutsTheIndexFirst(t *testing.T) {
	tail := read(t, "tail.mp4")
	spaced := append(append([]byte(nil), tail...), "\x00\x00\x00\x10free12345678"...)
	for name, content := range map[string][]byte{
		"index at the end": tail,
		"quicktime":        read(t, "turned.mov"),
		"silent":           read(t, "silent.mp4"),
		"several tracks":   read(t, "tracks.mp4"),
		"co64":             withLongOffsets(t, tail),
		"free at the end":  spaced,
	} {
		before, err := media.Probe(bytes.NewReader(content))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if before.Faststart {
			t.Fatalf("%s: already has its index in front", name)
		}
		out := faststart(t, content)
		if got := strings.Join(top(out), " "); got != "ftyp moov mdat" {
			t.Errorf("%s: boxes %s", name, got)
		}
		after, err := media.Probe(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := before
		want.Container, want.Faststart, want.Clean = "mp4", true, true
		want.Bytes, want.BitrateBPS = after.Bytes, after.BitrateBPS
		if after != want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, after, want)
		}
		for _, handler := range []string{"vide", "soun"} {
			original := content
			if name == "quicktime" { // the same samples, in a form that the other library cannot read
				original = tail
			}
			a, b := samples(t, original, handler), samples(t, out, handler)
			if name == "several tracks" && handler == "soun" {
				a = a[:len(a)/2] // the first language is the one that plays
			}
			if len(a) != len(b) || (len(a) == 0) != (handler == "soun" && name == "silent") {
				t.Fatalf("%s: %d %s samples became %d", name, len(a), handler, len(b))
			}
			for i := range a {
				if !bytes.Equal(a[i], b[i]) {
					t.Fatalf("%s: %s sample %d changed", name, handler, i)
				}
			}
		}
		if again := faststart(t, out); !bytes.Equal(again, out) {
			t.Errorf("%s: a second pass changed it", name)
		}
	}
}

func TestFaststartLeavesAGoodFileAlone(t *testing.T) {
	front := read(t, "front.mp4")
	if !bytes.Equal(faststart(t, front), front) {
		t.Error("it was rewritten")
	}
}

func TestFaststartTakesOutPlaceAndNames(t *testing.T) {
	for _, name := range []string{"tail.mp4", "turned.mov", "tracks.mp4"} {
		content := read(t, name)
		out := faststart(t, content)
		for _, secret := range []string{"+38.7139", "Kitchen"} {
			if !bytes.Contains(content, []byte(secret)) {
				t.Fatalf("%s lacks %q, so this proves nothing", name, secret)
			}
			if bytes.Contains(out, []byte(secret)) {
				t.Errorf("%s: still says %q", name, secret)
			}
		}
	}
}

func TestFaststartRefusesWhatNeedsTranscoding(t *testing.T) {
	for _, name := range []string{"fragmented.mp4", "hevc.mp4", "opus.mp4", "vp9.webm", "deep.mp4"} {
		var out bytes.Buffer
		if err := media.Faststart(bytes.NewReader(read(t, name)), &out); !fault.Is(err, fault.Invalid) || out.Len() > 0 {
			t.Errorf("%s: %v after %d bytes", name, err, out.Len())
		}
	}
}

// Chunks that overlap would let a small file ask for an endless one.
func TestFaststartRefusesSamplesThatShareBytes(t *testing.T) {
	content := rewrite(t, read(t, "tail.mp4"), func(f *mp4.File) {
		for _, trak := range f.Moov.Traks {
			offsets := trak.Mdia.Minf.Stbl.Stco.ChunkOffset
			for i := range offsets {
				offsets[i] = 48
			}
		}
	})
	if err := media.Faststart(bytes.NewReader(content), io.Discard); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "damaged") {
		t.Error(err)
	}
}

// failing writes nothing after n bytes: a full disk.
type failing struct{ n int }

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestFaststartReportsAFullDisk(t *testing.T) {
	for _, name := range []string{"tail.mp4", "front.mp4"} {
		if err := media.Faststart(bytes.NewReader(read(t, name)), &failing{1000}); err == nil || fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v; it is not the sender's fault", name, err)
		}
	}
}
