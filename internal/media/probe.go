package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"mezzo/internal/fault"
)

// Info is what a video file is, by its content.
type Info struct {
	Container  string `json:"container"`             // mp4, mov, webm, matroska, avi, mpegts, …
	VideoCodec string `json:"video_codec,omitempty"` // h264, hevc, …; "" when not known or none
	AudioCodec string `json:"audio_codec,omitempty"` // aac, …; "" when not known or silent
	Width      int    `json:"width"`                 // pixels as stored, before rotation
	Height     int    `json:"height"`
	Rotation   int    `json:"rotation"` // degrees clockwise that a player turns it: 0, 90, 180, 270
	DurationMS int64  `json:"duration_ms"`
	FrameRate  int    `json:"frame_rate"` // frames in a thousand seconds
	BitrateBPS int64  `json:"bitrate_bps"`
	Bytes      int64  `json:"bytes"`
	Faststart  bool   `json:"faststart"`             // the index comes before the samples
	Fragmented bool   `json:"fragmented"`            // in pieces, each with an index of its own
	DeepColour bool   `json:"deep_colour,omitempty"` // H.264 of more than 8 bits or less subsampling than browsers decode
	HDR        bool   `json:"hdr,omitempty"`         // brighter than ordinary screens show; known of what is transcoded
	// Clean is true when nothing but what playing needs is in the file: no place, no device,
	// no tracks of other kinds.
	Clean bool `json:"clean"`
}

// Shown returns the size a viewer sees, after rotation.
func (i Info) Shown() (width, height int) {
	if i.Rotation == 90 || i.Rotation == 270 {
		return i.Height, i.Width
	}
	return i.Width, i.Height
}

// Probe says what a file is, by its content and never by its name. What is not a video, or is
// one that cannot be read to its end, is an Invalid fault with a sentence for the person who
// sent it. What it returns may still be no use without transcoding: see Info.Accept.
func Probe(r io.ReadSeeker) (Info, error) {
	f, err := open(r)
	if err != nil {
		return Info{}, err
	}
	return f.info, nil
}

// file is a video file that has been looked into. Of MP4 it holds the index.
type file struct {
	info   Info
	top    []topBox
	index  []box   // the boxes inside moov
	tracks []track // H.264 and AAC only, in the order of the index
	chunks []chunk // of these tracks, in the order of the file
}

func open(r io.ReadSeeker) (*file, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	head := make([]byte, min(size, 1024))
	if err := readAt(r, 0, head); err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	container, err := sniff(head)
	if err != nil {
		return nil, err
	}
	f := &file{info: Info{Container: container, Bytes: size}}
	if container != "mp4" && container != "mov" {
		return f, nil
	}
	if f.top, err = scanTop(r, size); err != nil {
		return nil, damaged(err)
	}
	if err := f.readIndex(r, size); err != nil {
		return nil, err
	}
	return f, f.readTracks(size)
}

// damaged is what a person is told of a file whose parts do not fit together.
func damaged(cause error) error {
	return fault.Wrap(fault.Invalid, cause, "This video file is damaged: its parts do not fit together. Save or export it again, then upload it once more.")
}

// readIndex finds the moov box and reads it.
func (f *file) readIndex(r io.ReadSeeker, size int64) error {
	f.info.Faststart, f.info.Clean = true, f.info.Container == "mp4"
	var moov *topBox
	samples := false
	for i, b := range f.top {
		if b.end() > size || b.end() < b.start {
			return fault.New(fault.Invalid, "This video file is cut short: %s of it are missing. Upload it again from the device it was made on.", megabytes(b.end()-size))
		}
		switch b.kind {
		case "moov":
			if moov == nil {
				moov = &f.top[i]
				f.info.Faststart = !samples
			}
		case "mdat":
			samples = true
		case "moof":
			f.info.Fragmented = true
		case "ftyp", "free", "skip", "wide":
		default:
			f.info.Clean = false
		}
	}
	switch {
	case moov == nil && samples:
		return fault.New(fault.Invalid, "This video file has no index: the recording or the copy stopped before its end. Export it again from the app that made it.")
	case moov == nil:
		return fault.New(fault.Invalid, "This file says it is a video and holds none. Choose the video itself.")
	case moov.size > maxIndexBytes:
		return fault.New(fault.Invalid, "The index of this video is %s, more than any video Mezzo takes needs. Export it again as MP4.", megabytes(moov.size))
	}
	raw := make([]byte, moov.size-moov.head)
	if err := readAt(r, moov.start+moov.head, raw); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	var err error
	if f.index, err = children(raw); err != nil {
		return damaged(err)
	}
	for _, b := range f.index {
		switch b.kind {
		case "mvex":
			f.info.Fragmented = true
		case "mvhd", "trak":
		default:
			f.info.Clean = f.info.Clean && harmless(b)
		}
	}
	return nil
}

// harmless reports whether the box is user data that names the encoder at most, as ffmpeg leaves it.
func harmless(udta box) bool {
	if udta.kind != "udta" {
		return false
	}
	parts, err := children(udta.body)
	if err != nil || len(parts) != 1 || parts[0].kind != "meta" || len(parts[0].body) < 4 {
		return false
	}
	parts, err = children(parts[0].body[4:])
	if err != nil || len(parts) != 2 || parts[0].kind != "hdlr" || len(parts[0].raw) > 64 || parts[1].kind != "ilst" {
		return false
	}
	items, err := children(parts[1].body)
	return err == nil && (len(items) == 0 || len(items) == 1 && items[0].kind == "\xa9too" && len(items[0].raw) < 64)
}

// readTracks reads the tracks, fills Info from the first of each kind, and lays out the samples.
func (f *file) readTracks(size int64) error {
	count, heard := 0, false
	for _, b := range f.index {
		if b.kind != "trak" {
			continue
		}
		if count++; count > maxTracks {
			return damaged(errMany)
		}
		t, err := readTrack(b)
		if err != nil {
			return damaged(err)
		}
		if t.elsewhere {
			return fault.New(fault.Invalid, "This file only points to a video kept in another file. Export it as one self-contained MP4.")
		}
		wanted := false
		switch {
		case t.handler == "vide" && t.width > 0 && f.info.Width == 0:
			f.info.VideoCodec, f.info.Width, f.info.Height = t.codec, t.width, t.height
			f.info.Rotation, f.info.DeepColour = t.rotation, t.tenBit
			wanted = t.codec == codecH264
			if err := f.readTiming(&t); err != nil && !f.info.Fragmented {
				return damaged(err)
			}
		case t.handler == "soun" && (!heard || f.info.AudioCodec != codecAAC):
			heard = true
			f.info.AudioCodec = t.codec
			wanted = t.codec == codecAAC
		}
		f.info.Clean = f.info.Clean && wanted && t.clean
		if wanted {
			f.tracks = append(f.tracks, t)
		}
	}
	if f.info.Width == 0 || f.info.Height == 0 {
		return fault.New(fault.Invalid, "This file has no picture, only %s. Upload a video.", orWord(f.info.AudioCodec, "nothing to play"))
	}
	if f.info.Fragmented {
		return nil
	}
	var err error
	f.chunks, err = layout(f.tracks, size)
	switch {
	case errors.Is(err, errCut):
		return fault.Wrap(fault.Invalid, err, "This video file is cut short: part of its pictures or sound is missing. Upload it again from the device it was made on.")
	case err != nil:
		return damaged(err)
	}
	return nil
}

func (f *file) readTiming(t *track) error {
	samples, units, err := t.timing()
	if err != nil {
		return err
	}
	const longest = int64(1) << 40 // ms; keeps what follows within 64 bits
	seconds, rest := units/uint64(t.timescale), units%uint64(t.timescale)
	f.info.DurationMS = int64(min(seconds, uint64(longest/1000)))*1000 + int64(rest*1000/uint64(t.timescale))
	if f.info.DurationMS > 0 {
		f.info.FrameRate = int(samples * 1_000_000 / uint64(f.info.DurationMS))
		f.info.BitrateBPS = f.info.Bytes * 8 / f.info.DurationMS * 1000
	}
	return nil
}

// sniff names the container by its first bytes.
func sniff(head []byte) (string, error) {
	at := func(i int, s string) bool { return len(head) >= i+len(s) && string(head[i:i+len(s)]) == s }
	switch {
	case len(head) == 0:
		return "", fault.New(fault.Invalid, "The file is empty. Choose the video and upload it again.")
	case at(4, "ftyp"):
		return sniffBrand(head)
	case at(4, "moov"), at(4, "mdat"), at(4, "wide"), at(4, "free"), at(4, "skip"), at(4, "pnot"):
		return "mov", nil // QuickTime before it had brands
	case at(0, "\x1a\x45\xdf\xa3"):
		if bytes.Contains(head, []byte("webm")) {
			return "webm", nil
		}
		return "matroska", nil
	case at(0, "RIFF") && at(8, "AVI "):
		return "avi", nil
	case at(0, "FLV\x01"):
		return "flv", nil
	case at(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11"):
		return "asf", nil
	case at(0, "\x00\x00\x01\xba"):
		return "mpeg", nil
	case len(head) > 376 && head[0] == 0x47 && head[188] == 0x47 && head[376] == 0x47:
		return "mpegts", nil
	case at(0, "OggS"):
		return "ogg", nil
	}
	return "", notVideo(head)
}

// sniffBrand tells MP4, QuickTime and pictures apart by the brands of the ftyp box.
func sniffBrand(head []byte) (string, error) {
	size := min(int(binary.BigEndian.Uint32(head)), len(head))
	if len(head) < 12 || size < 12 {
		return "", damaged(errBroken)
	}
	switch brand := string(head[8:12]); brand {
	case "heic", "heix", "heim", "heis", "hevc", "mif1", "msf1", "avif", "avis":
		return "", fault.New(fault.Invalid, "This is a picture (%s), not a video. Choose the video itself.", brand)
	case "M4A ", "M4B ":
		return "", fault.New(fault.Invalid, "This is a sound file, not a video. Upload a video.")
	case "qt  ":
		return "mov", nil
	}
	return "mp4", nil
}

// notVideo names what people send by mistake.
func notVideo(head []byte) error {
	found := "something else"
	for _, known := range []struct{ magic, name string }{
		{"\xff\xd8\xff", "a JPEG picture"}, {"\x89PNG", "a PNG picture"}, {"GIF8", "a GIF"}, {"%PDF", "a PDF"},
		{"PK\x03\x04", "a zip archive or a document"}, {"ID3", "an MP3 sound file"}, {"fLaC", "a FLAC sound file"},
		{"RIFF", "a WebP picture or a WAV sound file"}, {"<", "a web page or XML"}, {"#EXTM3U", "a playlist"}, {"{", "JSON"},
	} {
		if bytes.HasPrefix(head, []byte(known.magic)) {
			found = known.name
			break
		}
	}
	return fault.New(fault.Invalid, "This is not a video but %s. Upload an MP4 as your phone records it.", found)
}

func megabytes(n int64) string {
	if n < 100_000 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d.%d MB", n/1_000_000, n%1_000_000/100_000)
}

func orWord(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
