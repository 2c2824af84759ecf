package media_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mezzo/internal/fault"
	"mezzo/internal/media"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestProbeReadsWhatPhonesAndAppsWrite(t *testing.T) {
	h264 := media.Info{Container: "mp4", VideoCodec: "h264", AudioCodec: "aac", Width: 108, Height: 192, DurationMS: 1000, FrameRate: 24000}
	for name, change := range map[string]func(*media.Info){
		"tail.mp4":   func(*media.Info) {},
		"front.mp4":  func(i *media.Info) { i.Faststart, i.Clean = true, true },
		"turned.mov": func(i *media.Info) { i.Container, i.Rotation = "mov", 90 },
		"silent.mp4": func(i *media.Info) { i.AudioCodec, i.Clean = "", true },
		"tracks.mp4": func(*media.Info) {},
		"hevc.mp4":   func(i *media.Info) { i.VideoCodec = "hevc" },
		"opus.mp4":   func(i *media.Info) { i.AudioCodec = "opus" },
		"deep.mp4":   func(i *media.Info) { i.DeepColour, i.Clean = true, true },
		"fragmented.mp4": func(i *media.Info) {
			i.Faststart, i.Fragmented, i.DurationMS, i.FrameRate = true, true, 0, 0
		},
	} {
		want := h264
		change(&want)
		got, err := media.Probe(bytes.NewReader(read(t, name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Bytes != int64(len(read(t, name))) || (got.BitrateBPS < 20_000) != got.Fragmented {
			t.Errorf("%s: %d bytes at %d bit/s", name, got.Bytes, got.BitrateBPS)
		}
		got.Bytes, got.BitrateBPS = 0, 0
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestShownTurnsTheSides(t *testing.T) {
	i, err := media.Probe(bytes.NewReader(read(t, "turned.mov")))
	if err != nil {
		t.Fatal(err)
	}
	if w, h := i.Shown(); w != 192 || h != 108 {
		t.Errorf("shown at %d × %d", w, h)
	}
}

func TestRefusalsSayWhatWasFoundAndWhatToDo(t *testing.T) {
	tail := read(t, "tail.mp4")
	for name, c := range map[string]struct {
		content    []byte
		transcoder bool
		says       string // "" when it is accepted
	}{
		"phone video":         {tail, false, ""},
		"silent":              {read(t, "silent.mp4"), false, ""},
		"quicktime":           {read(t, "turned.mov"), false, ""},
		"hevc":                {read(t, "hevc.mp4"), false, "High Efficiency"},
		"hevc, transcoder":    {read(t, "hevc.mp4"), true, ""},
		"webm":                {read(t, "vp9.webm"), false, "WebM"},
		"webm, transcoder":    {read(t, "vp9.webm"), true, ""},
		"opus":                {read(t, "opus.mp4"), false, "opus"},
		"10 bits":             {read(t, "deep.mp4"), false, "10 bits"},
		"fragmented":          {read(t, "fragmented.mp4"), false, "fragmented"},
		"sound only":          {read(t, "sound.mp4"), true, "no picture, only aac"},
		"nothing":             {nil, true, "empty"},
		"jpeg":                {[]byte("\xff\xd8\xff\xe0 and so on"), true, "a JPEG picture"},
		"heic":                {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1"), true, "a picture (heic)"},
		"web page":            {[]byte("<html><video src=x>"), true, "a web page"},
		"playlist":            {[]byte("#EXTM3U\nfile:///etc/passwd"), true, "a playlist"},
		"text":                {[]byte("hello"), true, "something else"},
		"copy cut short":      {tail[:len(tail)-100], true, "cut short: 100 bytes"},
		"recording cut short": {tail[:2000], true, "cut short"},
		"no index":            {tail[:bytes.Index(tail, []byte("moov"))-4], true, "no index"},
		"ftyp alone":          {tail[:32], true, "holds none"},
	} {
		i, err := media.Probe(bytes.NewReader(c.content))
		if err == nil {
			err = i.Accept(c.transcoder)
		}
		switch {
		case c.says == "":
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: %v; it should be invalid and say %q", name, err, c.says)
		}
	}
}

func TestAcceptBounds(t *testing.T) {
	good, err := media.Probe(bytes.NewReader(read(t, "tail.mp4")))
	if err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*media.Info){
		"at most 4096":        func(i *media.Info) { i.Height = 4097 },
		"only 8":              func(i *media.Info) { i.Width = 8 },
		"11:00 minutes":       func(i *media.Info) { i.DurationMS = 660_000 },
		"no time at all":      func(i *media.Info) { i.DurationMS = 0 },
		"copy-protected":      func(i *media.Info) { i.VideoCodec = "encrypted" },
		"coded as prores":     func(i *media.Info) { i.VideoCodec = "prores" },
		"sound of this video": func(i *media.Info) { i.AudioCodec = "pcm" },
	} {
		i := good
		change(&i)
		if err := i.Accept(false); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; it should say %q", err, says)
		}
	}
}

// FuzzProbe: whatever arrives, Probe answers without a panic, a hang or more memory than an
// index may take; and what Faststart accepts, it turns into something Faststart leaves alone.
func FuzzProbe(f *testing.F) {
	names, err := filepath.Glob("testdata/*.m*")
	if err != nil || len(names) < 8 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		if at := bytes.Index(b, []byte("moov")); at > 4 && len(b)-at > 300 {
			f.Add(append(append([]byte(nil), b[:40]...), b[at-4:]...))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := media.Probe(bytes.NewReader(b))
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("refused without a word for the sender: %v", err)
			}
			return
		}
		if i.Accept(false) != nil {
			return
		}
		var once, twice bytes.Buffer
		if err := media.Faststart(bytes.NewReader(b), &once); err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if once.Len() > len(b)+64<<10+len(b) {
			t.Fatalf("%d bytes became %d", len(b), once.Len())
		}
		if err := media.Faststart(bytes.NewReader(once.Bytes()), &twice); err != nil {
			t.Fatalf("its own output is refused: %v", err)
		}
		if !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatal("a second pass changed the file")
		}
	})
}
