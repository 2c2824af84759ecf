package media

import (
	"bytes"
	"encoding/binary"
)

// maxExif bounds how much of a file is searched for its orientation.
const maxExif = 256 << 10

// orientation returns how a camera held the picture, 1 to 8 by EXIF 2.3 §4.6.4 tag 274;
// 1, upright, when the file does not say or says it badly.
func orientation(file []byte) int {
	file = file[:min(len(file), maxExif)]
	var tiff []byte
	switch {
	case bytes.HasPrefix(file, []byte("\xff\xd8")):
		tiff = jpegExif(file)
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		tiff = pngExif(file)
	case bytes.HasPrefix(file, []byte("RIFF")):
		tiff = webpExif(file)
	}
	return tiffOrientation(tiff)
}

// jpegExif finds the APP1 segment with EXIF among those before the picture.
func jpegExif(file []byte) []byte {
	for b := file[2:]; len(b) >= 4 && b[0] == 0xff && b[1] != 0xda; {
		size := int(binary.BigEndian.Uint16(b[2:])) + 2
		if size < 4 || size > len(b) {
			return nil
		}
		if rest, ok := bytes.CutPrefix(b[4:size], []byte("Exif\x00\x00")); ok && b[1] == 0xe1 {
			return rest
		}
		b = b[size:]
	}
	return nil
}

// pngExif finds the eXIf chunk, which comes before the picture or after it.
func pngExif(file []byte) []byte {
	for b := file[8:]; len(b) >= 12; {
		size := uint64(binary.BigEndian.Uint32(b))
		if size+12 > uint64(len(b)) {
			return nil
		}
		if string(b[4:8]) == "eXIf" {
			return b[8 : 8+size]
		}
		b = b[size+12:]
	}
	return nil
}

// webpExif finds the EXIF chunk, which WebP puts at the end of the file.
func webpExif(file []byte) []byte {
	if len(file) < 12 {
		return nil
	}
	for b := file[12:]; len(b) >= 8; {
		size := uint64(binary.LittleEndian.Uint32(b[4:]))
		if size+8 > uint64(len(b)) {
			return nil
		}
		if string(b[:4]) == "EXIF" {
			return bytes.TrimPrefix(b[8:8+size], []byte("Exif\x00\x00"))
		}
		b = b[min(size+8+size%2, uint64(len(b))):]
	}
	return nil
}

// tiffOrientation reads the tag from the first directory of a TIFF structure.
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return 1
	}
	count := uint64(order.Uint16(b[at:]))
	for i := range count {
		entry := at + 2 + 12*i
		if entry+12 > uint64(len(b)) {
			return 1
		}
		if order.Uint16(b[entry:]) == 274 {
			if v := int(order.Uint16(b[entry+8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
	}
	return 1
}
