package media

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png" // PNG pictures are decoded
	"io"

	_ "golang.org/x/image/webp" // WebP pictures are decoded

	"mezzo/internal/fault"
)

// What a picture may be, and what is made of it.
const (
	MaxImageBytes  = 10_000_000 // as it is sent (API.md §5)
	MaxImagePixels = 50_000_000 // phones make up to 48 million; a decoded one takes 4 bytes each
	MaxImageSide   = 12_000
	LargeWidth     = 1080 // pixels; smaller pictures stay as they are
	SmallWidth     = 320
	tallest        = 2 // times the width: what is longer is made narrower
	largeQuality   = 84
	smallQuality   = 80
)

// picture is one size of a picture, as a JPEG file.
type picture struct {
	jpeg          []byte
	width, height int
}

// repaint decodes a JPEG, PNG or WebP picture and paints it anew in two sizes, upright and
// without anything but its pixels: no place, no camera, no thumbnail of what was cut away.
// What cannot be used is an Invalid or TooLarge fault.
func repaint(r io.Reader) (large, small picture, err error) {
	file, err := io.ReadAll(io.LimitReader(r, MaxImageBytes+1))
	if err != nil {
		return large, small, err
	}
	if len(file) > MaxImageBytes {
		return large, small, fault.New(fault.TooLarge, "This picture is over 10 MB. Make it smaller, then send it again.")
	}
	config, kind, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return large, small, notPicture(file)
	}
	if config.Width < 1 || config.Height < 1 || max(config.Width, config.Height) > MaxImageSide || config.Width*config.Height > MaxImagePixels {
		return large, small, fault.New(fault.Invalid, "This picture is %d × %d pixels; at most %d on a side and %d million in all can be taken. Make it smaller.",
			config.Width, config.Height, MaxImageSide, MaxImagePixels/1_000_000)
	}
	source, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return large, small, fault.Wrap(fault.Invalid, err, fmt.Sprintf("This %s picture is damaged or cut short. Save it again, then send it once more.", kind))
	}
	turn := orientation(file)
	painted := scale(source, turn, LargeWidth)
	if large, err = encode(upright(painted, turn), largeQuality); err != nil {
		return large, small, err
	}
	small, err = encode(upright(scale(painted, turn, SmallWidth), turn), smallQuality)
	return large, small, err
}

// notPicture says what was sent instead of a picture.
func notPicture(file []byte) error {
	if container, err := sniff(file[:min(len(file), 1024)]); err == nil {
		return fault.New(fault.Invalid, "This is a video (%s), not a picture. Send a JPEG, PNG or WebP.", container)
	}
	if len(file) > 12 && string(file[4:8]) == "ftyp" {
		return fault.New(fault.Invalid, "This is a %s picture, as new phones save them, and browsers cannot all show it. Send a JPEG, PNG or WebP.", bytes.ToUpper(bytes.TrimSpace(file[8:12])))
	}
	return fault.New(fault.Invalid, "This is not a JPEG, PNG or WebP picture. Send one of these.")
}

// scale paints the picture, on white where it is transparent, so that it is at most width wide
// once turned upright, and not taller than twice that.
func scale(source image.Image, turn, width int) *image.RGBA {
	size := source.Bounds().Size()
	shownWidth, shownHeight := size.X, size.Y
	if turn >= 5 {
		shownWidth, shownHeight = size.Y, size.X
	}
	// The share of the original that is kept, as a fraction: the lesser of both limits, never above 1.
	num, den := 1, 1
	if shownWidth > width {
		num, den = width, shownWidth
	}
	if shownHeight*num > width*tallest*den {
		num, den = width*tallest, shownHeight
	}
	return shrink(source, max(1, (size.X*num+den/2)/den), max(1, (size.Y*num+den/2)/den))
}

// upright turns and mirrors a picture as its orientation asks (EXIF 2.3 §4.6.4, tag 274).
func upright(p *image.RGBA, turn int) *image.RGBA {
	if turn < 2 || turn > 8 {
		return p
	}
	w, h := p.Rect.Dx(), p.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if turn >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			toX, toY := x, y
			switch turn {
			case 2:
				toX = w - 1 - x
			case 3:
				toX, toY = w-1-x, h-1-y
			case 4:
				toY = h - 1 - y
			case 5:
				toX, toY = y, x
			case 6:
				toX, toY = h-1-y, x
			case 7:
				toX, toY = h-1-y, w-1-x
			case 8:
				toX, toY = y, w-1-x
			}
			copy(out.Pix[out.PixOffset(toX, toY):][:4], p.Pix[p.PixOffset(x, y):][:4])
		}
	}
	return out
}

func encode(p *image.RGBA, quality int) (picture, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: quality}); err != nil {
		return picture{}, fmt.Errorf("encode a picture: %w", err)
	}
	return picture{b.Bytes(), p.Rect.Dx(), p.Rect.Dy()}, nil
}
