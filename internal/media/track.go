package media

import (
	"encoding/binary"
	"errors"

	"github.com/Eyevinn/mp4ff/avc"
)

// Codecs by the names Info gives them.
const (
	codecH264 = "h264"
	codecHEVC = "hevc"
	codecAAC  = "aac"
)

// entryCodecs names what the four letters of a sample entry mean.
// What is not here keeps its letters.
var entryCodecs = map[string]string{
	"avc1": codecH264, "avc3": codecH264,
	"hvc1": codecHEVC, "hev1": codecHEVC, "dvh1": codecHEVC, "dvhe": codecHEVC,
	"av01": "av1", "vp09": "vp9", "vp08": "vp8", "mp4v": "mpeg4", "s263": "h263", "jpeg": "mjpeg", "mjpa": "mjpeg", "mjpb": "mjpeg",
	"apch": "prores", "apcn": "prores", "apcs": "prores", "apco": "prores", "ap4h": "prores", "ap4x": "prores",
	"encv": "encrypted", "enca": "encrypted", "drmi": "encrypted", "drms": "encrypted",
	"mp4a": codecAAC, "Opus": "opus", "fLaC": "flac", "alac": "alac", "ac-3": "ac3", "ec-3": "eac3", ".mp3": "mp3",
	"lpcm": "pcm", "sowt": "pcm", "twos": "pcm", "ipcm": "pcm", "in24": "pcm", "samr": "amr", "sawb": "amr",
}

// track is what one track of the index says. Its slices point into the index.
type track struct {
	handler   string // "vide", "soun", or what else the file holds
	codec     string // by entryCodecs
	entry     box    // the sample entry
	tkhd      box
	edts      box
	mdhd      box
	tables    []box // the children of stbl
	timescale uint32
	width     int // as stored, before rotation
	height    int
	rotation  int  // degrees clockwise
	tenBit    bool // H.264 of a profile browsers do not decode
	elsewhere bool // its samples are in another file
	clean     bool // holds nothing but what playing needs
}

var errTrack = errors.New("a track lacks what is needed to play it")

// readTrack reads a trak box.
func readTrack(trak box) (track, error) {
	t := track{clean: true}
	parts, err := children(trak.body)
	if err != nil {
		return t, err
	}
	var mdia box
	for _, p := range parts {
		switch p.kind {
		case "tkhd":
			t.tkhd = p
		case "edts":
			t.edts = p
		case "mdia":
			mdia = p
		default:
			t.clean = false
		}
	}
	if err := t.readHeader(); err != nil {
		return t, err
	}
	return t, t.readMedia(mdia)
}

// readHeader takes the rotation from the track header's matrix (ISO/IEC 14496-12 §8.3.2).
func (t *track) readHeader() error {
	at := 4 + 16 + 4 + 16 // version and flags, times and id, reserved, layer to volume
	if len(t.tkhd.body) > 0 && t.tkhd.body[0] == 1 {
		at += 12
	}
	if len(t.tkhd.body) < at+36+8 {
		return errTrack
	}
	matrix := t.tkhd.body[at:]
	sign := func(i int) int {
		v := int32(binary.BigEndian.Uint32(matrix[4*i:]))
		switch {
		case v > 0:
			return 1
		case v < 0:
			return -1
		}
		return 0
	}
	switch [4]int{sign(0), sign(1), sign(3), sign(4)} {
	case [4]int{0, 1, -1, 0}:
		t.rotation = 90
	case [4]int{-1, 0, 0, -1}:
		t.rotation = 180
	case [4]int{0, -1, 1, 0}:
		t.rotation = 270
	}
	return nil
}

func (t *track) readMedia(mdia box) error {
	parts, err := children(mdia.body)
	if err != nil {
		return err
	}
	hdlr, ok := child(parts, "hdlr")
	if !ok || len(hdlr.body) < 12 {
		return errTrack
	}
	t.handler = string(hdlr.body[8:12])
	t.mdhd, ok = child(parts, "mdhd")
	if !ok {
		return errTrack
	}
	switch b := t.mdhd.body; {
	case len(b) >= 24 && b[0] == 0:
		t.timescale = binary.BigEndian.Uint32(b[12:])
	case len(b) >= 36 && b[0] == 1:
		t.timescale = binary.BigEndian.Uint32(b[20:])
	default:
		return errTrack
	}
	minf, _ := child(parts, "minf")
	inner, err := children(minf.body)
	if err != nil {
		return err
	}
	dinf, _ := child(inner, "dinf")
	if err := t.readReferences(dinf); err != nil {
		return err
	}
	stbl, _ := child(inner, "stbl")
	if t.tables, err = children(stbl.body); err != nil {
		return err
	}
	if t.handler != "vide" && t.handler != "soun" {
		return nil
	}
	if t.timescale == 0 {
		return errTrack
	}
	return t.readEntry()
}

// readReferences notes whether the samples are said to be in another file, which is never followed.
func (t *track) readReferences(dinf box) error {
	parts, err := children(dinf.body)
	if err != nil {
		return err
	}
	dref, ok := child(parts, "dref")
	if !ok || len(dref.body) < 8 {
		return nil
	}
	entries, err := children(dref.body[8:])
	if err != nil {
		return err
	}
	for _, e := range entries {
		if len(e.body) < 4 || e.body[3]&1 == 0 {
			t.elsewhere = true
		}
	}
	return nil
}

// readEntry reads the sample description: the codec, and for pictures their size.
func (t *track) readEntry() error {
	stsd, ok := child(t.tables, "stsd")
	if !ok || len(stsd.body) < 8 {
		return errTrack
	}
	entries, err := children(stsd.body[8:])
	if err != nil || len(entries) == 0 {
		return errTrack
	}
	t.entry = entries[0]
	if t.codec, ok = entryCodecs[t.entry.kind]; !ok {
		t.codec = t.entry.kind
	}
	if len(entries) > 1 { // a change of settings halfway: players give up there
		t.codec = "mixed"
	}
	if t.handler == "vide" {
		return t.readPicture()
	}
	return t.readSound()
}

// pictureHead is the fixed part of a visual sample entry (ISO/IEC 14496-12 §12.1.3).
const pictureHead = 78

func (t *track) readPicture() error {
	b := t.entry.body
	if len(b) < pictureHead {
		return errTrack
	}
	t.width, t.height = int(binary.BigEndian.Uint16(b[24:])), int(binary.BigEndian.Uint16(b[26:]))
	if t.codec != codecH264 {
		return nil
	}
	inner, err := children(b[pictureHead:])
	if err != nil {
		return err
	}
	avcC, ok := child(inner, "avcC")
	if !ok {
		return errTrack
	}
	config, err := avc.DecodeAVCDecConfRec(avcC.body)
	if err != nil || len(config.SPSnalus) == 0 {
		return errTrack
	}
	switch config.AVCProfileIndication {
	case 66, 77, 88, 100: // Baseline, Main, Extended, High: 8 bits, 4:2:0 (ITU-T H.264 Annex A)
	default:
		t.tenBit = true
	}
	return nil
}

// soundHead is the fixed part of an audio sample entry (ISO/IEC 14496-12 §12.2.3), and what
// QuickTime's versions 1 and 2 put after it (QuickTime File Format, "Sound Sample Descriptions").
const (
	soundHead   = 28
	soundExtra1 = 16
	soundExtra2 = 36
)

// soundParts returns QuickTime's version of the sound entry and the boxes inside it.
func (t *track) soundParts() (version int, parts []box, err error) {
	b := t.entry.body
	if len(b) < soundHead {
		return 0, nil, errTrack
	}
	version = int(binary.BigEndian.Uint16(b[8:]))
	head := soundHead
	switch version {
	case 1:
		head += soundExtra1
	case 2:
		head += soundExtra2
	}
	if len(b) < head {
		return 0, nil, errTrack
	}
	parts, err = children(b[head:])
	return version, parts, err
}

// esds finds the codec's configuration, which QuickTime puts inside a wave box.
func (t *track) esds() (box, error) {
	_, parts, err := t.soundParts()
	if err != nil {
		return box{}, err
	}
	if wave, ok := child(parts, "wave"); ok {
		if parts, err = children(wave.body); err != nil {
			return box{}, err
		}
	}
	esds, ok := child(parts, "esds")
	if !ok || len(esds.raw) > 4096 {
		return box{}, errTrack
	}
	return esds, nil
}

// readSound tells AAC from the other things an mp4a entry can hold, by the object type
// of its configuration (ISO/IEC 14496-1 §7.2.6.6).
func (t *track) readSound() error {
	if t.codec != codecAAC {
		return nil
	}
	e, err := t.esds()
	if err != nil {
		return err
	}
	object, ok := objectType(e.body)
	if !ok {
		return errTrack
	}
	switch object {
	case 0x40, 0x66, 0x67, 0x68: // MPEG-4 audio, MPEG-2 AAC main, low complexity, scalable
	case 0x69, 0x6b:
		t.codec = "mp3"
	default:
		t.codec = "mp4a"
	}
	return nil
}

// objectType finds the object type in the body of an esds box: an ES descriptor (tag 3)
// with a decoder configuration (tag 4) in it (ISO/IEC 14496-1 §7.2.6.5).
func objectType(b []byte) (byte, bool) {
	open := func(tag byte) bool {
		if len(b) < 2 || b[0] != tag {
			return false
		}
		b = b[1:]
		for i := 0; i < 4 && len(b) > 0; i++ { // the length, seven bits a byte
			more := b[0]&0x80 != 0
			b = b[1:]
			if !more {
				return true
			}
		}
		return false
	}
	if len(b) < 4 {
		return 0, false
	}
	b = b[4:]
	if !open(3) || len(b) < 3 {
		return 0, false
	}
	skip, flags := 3, b[2]
	if flags&0x80 != 0 {
		skip += 2
	}
	if flags&0x40 != 0 {
		if len(b) <= skip {
			return 0, false
		}
		skip += 1 + int(b[skip])
	}
	if flags&0x20 != 0 {
		skip += 2
	}
	if len(b) < skip {
		return 0, false
	}
	b = b[skip:]
	if !open(4) || len(b) == 0 {
		return 0, false
	}
	return b[0], true
}
