package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"strings"
	"testing"

	"mezzo/internal/fault"
)

var (
	red   = color.RGBA{220, 30, 30, 255}
	green = color.RGBA{20, 160, 40, 255}
	blue  = color.RGBA{30, 40, 200, 255}
	white = color.RGBA{255, 255, 255, 255}
)

// quarters is a picture whose corners are red, green, blue and white, clockwise from the top left.
func quarters(w, h int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := red
			switch {
			case x >= w/2 && y < h/2:
				c = green
			case x >= w/2:
				c = blue
			case y >= h/2:
				c = white
			}
			p.Set(x, y, c)
		}
	}
	return p
}

func asJPEG(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withExif puts an EXIF segment with the orientation and a place into a JPEG, as a phone does.
func withExif(file []byte, order binary.AppendByteOrder, turn uint16) []byte {
	mark := "II*\x00"
	if order.String() == "BigEndian" {
		mark = "MM\x00*"
	}
	tiff := order.AppendUint32([]byte(mark), 8)
	tiff = order.AppendUint16(tiff, 2)
	tiff = order.AppendUint16(order.AppendUint16(tiff, 271), 2) // the maker of the camera
	tiff = append(order.AppendUint32(tiff, 4), "Mkr\x00"...)
	tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, 274), 3), 1)
	tiff = order.AppendUint16(order.AppendUint16(tiff, turn), 0)
	tiff = append(tiff, "GPS 38.7139 N"...)
	segment := binary.BigEndian.AppendUint16([]byte("\xff\xe1"), uint16(len(tiff)+8))
	segment = append(append(segment, "Exif\x00\x00"...), tiff...)
	return append(append(append([]byte(nil), file[:2]...), segment...), file[2:]...)
}

func near(a, b color.Color) bool {
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	far := func(x, y uint32) bool { return max(x, y)-min(x, y) > 0x2000 }
	return !far(ar, br) && !far(ag, bg) && !far(ab, bb)
}

// corners returns the four corners, clockwise from the top left.
func corners(t *testing.T, file []byte) (p image.Image, at [4]color.Color) {
	t.Helper()
	p, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	w, h := p.Bounds().Dx(), p.Bounds().Dy()
	return p, [4]color.Color{p.At(w/8, h/8), p.At(w-1-w/8, h/8), p.At(w-1-w/8, h-1-h/8), p.At(w/8, h-1-h/8)}
}

func TestPicturesAreTurnedUprightAndStripped(t *testing.T) {
	file := asJPEG(t, quarters(1480, 1110))
	upright := [9][4]color.Color{ // by orientation, from EXIF's own drawings of the letter F
		1: {red, green, blue, white}, 2: {green, red, white, blue}, 3: {blue, white, red, green}, 4: {white, blue, green, red},
		5: {red, white, blue, green}, 6: {white, red, green, blue}, 7: {blue, green, red, white}, 8: {green, blue, white, red},
	}
	for turn := 1; turn <= 8; turn++ {
		orders := []binary.AppendByteOrder{binary.LittleEndian}
		if turn == 6 {
			orders = append(orders, binary.BigEndian)
		}
		for _, order := range orders {
			large, small, err := repaint(bytes.NewReader(withExif(file, order, uint16(turn))))
			if err != nil {
				t.Fatal(err)
			}
			for _, made := range []picture{large, small} {
				p, at := corners(t, made.jpeg)
				for i := range at {
					if !near(at[i], upright[turn][i]) {
						t.Errorf("orientation %d, %d wide: corner %d is %v, want %v", turn, made.width, i, at[i], upright[turn][i])
					}
				}
				if p.Bounds().Dx() != made.width || p.Bounds().Dy() != made.height {
					t.Errorf("orientation %d: %v and not %d × %d", turn, p.Bounds(), made.width, made.height)
				}
				for _, secret := range []string{"Exif", "GPS", "Mkr"} {
					if bytes.Contains(made.jpeg, []byte(secret)) {
						t.Errorf("orientation %d: %q is still in the file", turn, secret)
					}
				}
			}
			wantLarge, wantSmall := [2]int{1080, 810}, [2]int{320, 240}
			if turn >= 5 {
				wantLarge, wantSmall = [2]int{1080, 1440}, [2]int{320, 427}
			}
			if got := [2]int{large.width, large.height}; got != wantLarge {
				t.Errorf("orientation %d: large is %v, want %v", turn, got, wantLarge)
			}
			if got := [2]int{small.width, small.height}; got != wantSmall {
				t.Errorf("orientation %d: small is %v, want %v", turn, got, wantSmall)
			}
		}
	}
}

func TestPicturesOfEveryKindAndShape(t *testing.T) {
	asPNG := func(p image.Image) []byte {
		var b bytes.Buffer
		if err := png.Encode(&b, p); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	webp, err := os.ReadFile("testdata/quarters.webp")
	if err != nil {
		t.Fatal(err)
	}
	clear := image.NewRGBA(image.Rect(0, 0, 50, 50))
	for name, c := range map[string]struct {
		file          []byte
		width, height int
		corner        color.Color
	}{
		"png":         {asPNG(quarters(400, 300)), 400, 300, red},
		"webp":        {webp, 64, 48, red},
		"transparent": {asPNG(clear), 50, 50, white},
		"one pixel":   {asPNG(quarters(1, 1)), 1, 1, nil},
		"a ribbon":    {asPNG(quarters(100, 5000)), 43, 2160, red},
		"a hair":      {asPNG(quarters(4000, 1)), 1080, 1, nil},
		"not at 0,0":  {asPNG(quarters(500, 500).SubImage(image.Rect(250, 0, 500, 500))), 250, 500, green},
	} {
		large, small, err := repaint(bytes.NewReader(c.file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if large.width != c.width || large.height != c.height {
			t.Errorf("%s: %d × %d, want %d × %d", name, large.width, large.height, c.width, c.height)
		}
		if _, at := corners(t, small.jpeg); c.corner != nil && !near(at[0], c.corner) {
			t.Errorf("%s: its corner is %v, want %v", name, at[0], c.corner)
		}
	}
}

func TestPicturesRefused(t *testing.T) {
	good := asJPEG(t, quarters(200, 200))
	huge := asJPEG(t, quarters(16, 16))
	at := bytes.Index(huge, []byte("\xff\xc0")) // the frame header: claim 60,000 × 60,000
	huge = append([]byte(nil), huge...)
	copy(huge[at+5:], "\xea\x60\xea\x60")
	for name, c := range map[string]struct {
		file []byte
		kind fault.Kind
		says string
	}{
		"bomb":       {huge, fault.Invalid, "60000 × 60000"},
		"cut short":  {good[:len(good)/2], fault.Invalid, "damaged or cut short"},
		"over 10 MB": {append(good, make([]byte, MaxImageBytes)...), fault.TooLarge, "over 10 MB"},
		"gif":        {[]byte("GIF89a"), fault.Invalid, "not a JPEG"},
		"svg":        {[]byte("<svg onload=alert(1)>"), fault.Invalid, "not a JPEG"},
		"heic":       {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), fault.Invalid, "HEIC"},
		"video":      {[]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00mp41isom"), fault.Invalid, "video"},
		"nothing":    {nil, fault.Invalid, "not a JPEG"},
	} {
		_, _, err := repaint(bytes.NewReader(c.file))
		if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %s with %q", name, err, c.kind, c.says)
		}
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(withExif([]byte("\xff\xd8\xff\xda"), binary.BigEndian, 6))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x04eXIfMM\x00*\x00\x00\x00\x00"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPEXIF\x08\x00\x00\x00II*\x00\x08\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v := orientation(b); v < 1 || v > 8 {
			t.Fatal(v)
		}
	})
}

func BenchmarkRepaint12Megapixels(b *testing.B) {
	file := asJPEG(b, quarters(4000, 3000))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := repaint(bytes.NewReader(file)); err != nil {
			b.Fatal(err)
		}
	}
}
