package media

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"mezzo/internal/fault"
)

// Faststart writes the video of r to w as an MP4 that plays while it loads: the index before
// the samples, H.264 and AAC only, and nothing in it that tells where or with what it was made.
// A file that already is like that is written byte for byte. It streams: only the index is in
// memory. What cannot be repackaged without transcoding is an Invalid fault, as Info.Accept says.
func Faststart(r io.ReadSeeker, w io.Writer) error {
	f, err := open(r)
	if err != nil {
		return err
	}
	if err := f.info.Accept(false); err != nil {
		return err
	}
	if f.info.Faststart && f.info.Clean {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("faststart: %w", err)
		}
		_, err := io.Copy(w, r)
		return wrap(err, "faststart")
	}
	head, err := f.rebuild()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 256<<10)
	if _, err := out.Write(head); err != nil {
		return fmt.Errorf("faststart: %w", err)
	}
	if err := copyChunks(out, r, f.chunks); err != nil {
		return fmt.Errorf("faststart: %w", err)
	}
	return wrap(out.Flush(), "faststart")
}

func wrap(err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// copyChunks copies the chunks one after another, joining those that touch in the source.
func copyChunks(w io.Writer, r io.ReadSeeker, chunks []chunk) error {
	for i := 0; i < len(chunks); {
		from, size := chunks[i].from, chunks[i].size
		for i++; i < len(chunks) && chunks[i].from == from+size; i++ {
			size += chunks[i].size
		}
		if _, err := r.Seek(from, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(w, r, size); err != nil {
			return err
		}
	}
	return nil
}

// brands is the ftyp of what we write (ISO/IEC 14496-12 §4.3).
var brands = []byte("isom\x00\x00\x02\x00isomiso2avc1mp41")

// rebuild makes everything that comes before the samples: ftyp, moov and the header of mdat.
// The size of moov depends on how wide offsets are and not on their values, so it is built
// once to learn its size and once with the offsets.
func (f *file) rebuild() ([]byte, error) {
	total := int64(0)
	for _, c := range f.chunks {
		total += c.size
	}
	wide := total > math.MaxUint32-(64<<20)
	offsets := make([][]int64, len(f.tracks))
	for _, c := range f.chunks {
		for len(offsets[c.track]) <= c.index {
			offsets[c.track] = append(offsets[c.track], 0)
		}
	}
	draft, err := f.moov(offsets, wide)
	if err != nil {
		return nil, err
	}
	head := appendBox(nil, "ftyp", brands)
	mdatHead := int64(8)
	if wide {
		mdatHead = 16
	}
	at := int64(len(head)+len(draft)) + mdatHead
	for _, c := range f.chunks {
		offsets[c.track][c.index] = at
		at += c.size
	}
	moov, err := f.moov(offsets, wide)
	if err != nil {
		return nil, err
	}
	head = append(head, moov...)
	if wide {
		head = append(head, "\x00\x00\x00\x01mdat"...)
		return binary.BigEndian.AppendUint64(head, uint64(total+mdatHead)), nil
	}
	head = binary.BigEndian.AppendUint32(head, uint32(total+mdatHead))
	return append(head, "mdat"...), nil
}

// moov builds the index of the kept tracks around these chunk offsets.
func (f *file) moov(offsets [][]int64, wide bool) ([]byte, error) {
	mvhd, ok := child(f.index, "mvhd")
	if !ok {
		return nil, damaged(errTrack)
	}
	parts := [][]byte{mvhd.raw}
	for i := range f.tracks {
		trak, err := f.tracks[i].rebuild(offsets[i], wide)
		if err != nil {
			return nil, err
		}
		parts = append(parts, trak)
	}
	moov := appendBox(nil, "moov", parts...)
	if len(moov) > 2*maxIndexBytes {
		return nil, fault.New(fault.Invalid, "The index of this video is larger than any video Mezzo takes needs. Export it again as MP4.")
	}
	return moov, nil
}

// The parts of a track that we write the same for every file (ISO/IEC 14496-12 §8.4.3, §8.4.5, §8.7.2).
var (
	hdlrPicture = []byte("\x00\x00\x00\x00\x00\x00\x00\x00vide\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00Video\x00")
	hdlrSound   = []byte("\x00\x00\x00\x00\x00\x00\x00\x00soun\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00Sound\x00")
	vmhd        = []byte("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	smhd        = []byte("\x00\x00\x00\x00\x00\x00\x00\x00")
	drefSelf    = []byte("\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0curl \x00\x00\x00\x01")
)

// keptTables are the tables that playing needs, besides stsd and the chunk offsets.
var keptTables = map[string]bool{
	"stts": true, "ctts": true, "cslg": true, "stss": true, "sdtp": true, "stsc": true, "stsz": true, "stz2": true, "sgpd": true, "sbgp": true,
}

// rebuild writes the track anew with these chunk offsets.
func (t *track) rebuild(offsets []int64, wide bool) ([]byte, error) {
	stsd, err := t.description()
	if err != nil {
		return nil, err
	}
	tables := [][]byte{stsd}
	for _, b := range t.tables {
		if keptTables[b.kind] {
			tables = append(tables, b.raw)
		}
	}
	entries := make([]byte, 8, 8+8*len(offsets))
	binary.BigEndian.PutUint32(entries[4:], uint32(len(offsets)))
	kind := "stco"
	if wide {
		kind = "co64"
	}
	for _, at := range offsets {
		if wide {
			entries = binary.BigEndian.AppendUint64(entries, uint64(at))
		} else {
			entries = binary.BigEndian.AppendUint32(entries, uint32(at))
		}
	}
	stbl := appendBox(nil, "stbl", append(tables, appendBox(nil, kind, entries))...)
	dinf := appendBox(nil, "dinf", appendBox(nil, "dref", drefSelf))
	hdlr, header := appendBox(nil, "hdlr", hdlrPicture), appendBox(nil, "vmhd", vmhd)
	if t.handler == "soun" {
		hdlr, header = appendBox(nil, "hdlr", hdlrSound), appendBox(nil, "smhd", smhd)
	}
	minf := appendBox(nil, "minf", header, dinf, stbl)
	return appendBox(nil, "trak", t.tkhd.raw, t.edts.raw, appendBox(nil, "mdia", t.mediaHeader(), hdlr, minf)), nil
}

// mediaHeader returns the mdhd box with QuickTime's own language numbers turned to "und".
func (t *track) mediaHeader() []byte {
	raw := append([]byte(nil), t.mdhd.raw...)
	at := len(raw) - len(t.mdhd.body) + 20
	if t.mdhd.body[0] == 1 {
		at += 12
	}
	if binary.BigEndian.Uint16(raw[at:]) < 0x400 {
		binary.BigEndian.PutUint16(raw[at:], 0x55c4)
	}
	return raw
}

// description writes the stsd box with the one sample entry, in the form of ISO/IEC 14496-12:
// QuickTime's longer sound entries and its extra boxes become the plain ones.
func (t *track) description() ([]byte, error) {
	var parts [][]byte
	if t.handler == "vide" {
		parts = append(parts, t.entry.body[:pictureHead])
		inner, err := children(t.entry.body[pictureHead:])
		if err != nil {
			return nil, damaged(err)
		}
		for _, b := range inner {
			switch b.kind {
			case "avcC", "pasp", "btrt":
				parts = append(parts, b.raw)
			case "colr":
				switch {
				case len(b.body) >= 11 && string(b.body[:4]) == "nclx":
					parts = append(parts, b.raw)
				case len(b.body) >= 10 && string(b.body[:4]) == "nclc": // QuickTime: the same without the range
					parts = append(parts, appendBox(nil, "colr", []byte("nclx"), b.body[4:10], []byte{0}))
				}
			}
		}
	} else {
		head, err := t.soundEntry()
		if err != nil {
			return nil, damaged(err)
		}
		esds, err := t.esds()
		if err != nil {
			return nil, damaged(err)
		}
		parts = append(parts, head, esds.raw)
	}
	entry := appendBox(nil, t.entry.kind, parts...)
	return appendBox(nil, "stsd", []byte("\x00\x00\x00\x00\x00\x00\x00\x01"), entry), nil
}

// soundEntry returns the fixed part of the sound entry as version 0 has it.
func (t *track) soundEntry() ([]byte, error) {
	version, _, err := t.soundParts()
	if err != nil {
		return nil, err
	}
	head := append([]byte(nil), t.entry.body[:soundHead]...)
	if version == 0 {
		return head, nil
	}
	if version == 2 { // channels and rate are in the longer part, the rate as a float
		rate := math.Float64frombits(binary.BigEndian.Uint64(t.entry.body[32:]))
		if rate < 1 || rate > math.MaxUint16 {
			return nil, errTrack
		}
		binary.BigEndian.PutUint16(head[16:], uint16(min(binary.BigEndian.Uint32(t.entry.body[40:]), 8)))
		binary.BigEndian.PutUint32(head[24:], uint32(rate)<<16)
	}
	clear(head[8:16])                         // version, revision, vendor
	binary.BigEndian.PutUint16(head[18:], 16) // bits a sample
	binary.BigEndian.PutUint32(head[20:], 0)  // compression and packet
	return head, nil
}
