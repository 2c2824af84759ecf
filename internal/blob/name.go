package blob

import (
	"encoding/hex"
	"strings"

	"mezzo/internal/fault"
)

// hashLen is the length of a SHA-256 in hex.
const hashLen = 64

// ContentType returns the media type of a name or an extension on the allow list, and
// application/octet-stream for anything else. Nothing on the list can run scripts in a page.
func ContentType(name string) string {
	_, ext, found := strings.Cut(name, ".")
	if !found {
		ext = name
	}
	if t := mediaType(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// mediaType is the allow list: "" means that the extension is not on it.
func mediaType(ext string) string {
	switch ext {
	case "mp4", "m4s":
		return "video/mp4"
	case "mov":
		return "video/quicktime"
	case "webm":
		return "video/webm"
	case "m4a":
		return "audio/mp4"
	case "m3u8":
		return "application/vnd.apple.mpegurl"
	case "vtt":
		return "text/vtt; charset=utf-8"
	case "jpg":
		return "image/jpeg"
	case "png":
		return "image/png"
	case "webp":
		return "image/webp"
	case "avif":
		return "image/avif"
	case "gif":
		return "image/gif"
	case "csv":
		return "text/csv; charset=utf-8"
	case "json":
		return "application/json"
	case "zip":
		return "application/zip"
	case "parquet":
		return "application/vnd.apache.parquet"
	case "snap", "bin":
		return "application/octet-stream"
	}
	return ""
}

// Allowed reports whether blobs may have the extension, given without its dot.
func Allowed(ext string) bool { return mediaType(ext) != "" }

// Valid reports whether name has the form of a blob's name.
func Valid(name string) bool {
	hash, ext, found := strings.Cut(name, ".")
	if !found || len(hash) != hashLen || !Allowed(ext) {
		return false
	}
	for _, c := range []byte(hash) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func checkExt(ext string) error {
	if !Allowed(ext) {
		return fault.New(fault.Invalid, "Files of the type %q are not kept here.", ext)
	}
	return nil
}

func checkName(name string) error {
	if !Valid(name) {
		return missing()
	}
	return nil
}

func missing() error { return fault.New(fault.Missing, "This file is not here.") }

func nameOf(sum []byte, ext string) string { return hex.EncodeToString(sum) + "." + ext }
