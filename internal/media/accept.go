package media

import (
	"fmt"

	"mezzo/internal/fault"
)

// What a video may be.
const (
	MaxUploadBytes = 500_000_000 // of one upload (API.md §5)
	MinDurationMS  = 200
	MaxDurationMS  = 10 * 60 * 1000
	MaxSide        = 4096 // pixels of the longer side: what H.264 level 5.2 and phones decode
	MinSide        = 16
)

// PlaysAsIs reports whether browsers play the file without transcoding, once it is repackaged:
// H.264 of 8 bits in MP4 or QuickTime, with AAC or no sound.
func (i Info) PlaysAsIs() bool {
	return (i.Container == "mp4" || i.Container == "mov") && !i.Fragmented && !i.DeepColour &&
		i.VideoCodec == codecH264 && (i.AudioCodec == codecAAC || i.AudioCodec == "")
}

// Accept returns nil when Mezzo can make a playable video of the file, with a transcoder or
// without one; otherwise an Invalid fault that says what was found and what to do.
func (i Info) Accept(transcoder bool) error {
	if i.VideoCodec == "encrypted" || i.AudioCodec == "encrypted" {
		return fault.New(fault.Invalid, "This video is copy-protected, so nobody but its player can read it. Upload a video you recorded yourself.")
	}
	if i.Width > 0 {
		if err := i.acceptShape(); err != nil {
			return err
		}
	}
	if transcoder || i.PlaysAsIs() {
		return nil
	}
	const ask = "Save it as an MP4 with H.264 video and AAC sound (“Most compatible” in most apps), then upload it again."
	switch {
	case i.Fragmented:
		return fault.New(fault.Invalid, "This MP4 is in pieces (fragmented), as streaming and some screen recorders write it. %s", ask)
	case i.Container != "mp4" && i.Container != "mov":
		return fault.New(fault.Invalid, "This is a %s file, which phones cannot all play. %s", containerName(i.Container), ask)
	case i.VideoCodec == codecHEVC:
		return fault.New(fault.Invalid, "This is HEVC video, as an iPhone set to High Efficiency and many new phones record it, and not every phone can play it. On an iPhone: Settings, Camera, Formats, Most Compatible. Elsewhere: %s", lowerFirst(ask))
	case i.VideoCodec != codecH264:
		return fault.New(fault.Invalid, "This video is coded as %s, which not every phone can play. %s", i.VideoCodec, ask)
	case i.DeepColour:
		return fault.New(fault.Invalid, "This video has more colour than browsers can show (10 bits or 4:2:2, as editing apps and HDR cameras make it). %s", ask)
	default:
		return fault.New(fault.Invalid, "The sound of this video is coded as %s, which not every phone can play. %s", i.AudioCodec, ask)
	}
}

func (i Info) acceptShape() error {
	switch {
	case max(i.Width, i.Height) > MaxSide:
		return fault.New(fault.Invalid, "This video is %d × %d pixels; at most %d on the longer side can be taken. Export it at 1080 × 1920.", i.Width, i.Height, MaxSide)
	case min(i.Width, i.Height) < MinSide:
		return fault.New(fault.Invalid, "This video is only %d × %d pixels. Export it at 720 × 1280 or more.", i.Width, i.Height)
	case i.Fragmented || i.Container != "mp4" && i.Container != "mov":
		return nil // the index does not say how long it is
	case i.DurationMS < MinDurationMS:
		return fault.New(fault.Invalid, "This video lasts no time at all (%d ms). Upload one of at least a second.", i.DurationMS)
	case i.DurationMS > MaxDurationMS:
		return fault.New(fault.Invalid, "This video lasts %s; at most %s can be taken. Cut it to its best part.", minutes(i.DurationMS), minutes(MaxDurationMS))
	}
	return nil
}

func containerName(c string) string {
	switch c {
	case "webm":
		return "WebM"
	case "matroska":
		return "Matroska (MKV)"
	case "avi", "flv":
		return map[string]string{"avi": "AVI", "flv": "Flash"}[c]
	case "asf":
		return "Windows Media"
	case "mpeg", "mpegts":
		return "MPEG stream"
	case "ogg":
		return "Ogg"
	}
	return c
}

func minutes(ms int64) string {
	s := ms / 1000
	return fmt.Sprintf("%d:%02d minutes", s/60, s%60)
}

func lowerFirst(s string) string { return string(s[0]|0x20) + s[1:] }
