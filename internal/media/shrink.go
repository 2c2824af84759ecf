package media

import (
	"image"
	"image/draw"
)

// bandRows is how many rows of a picture are converted at once.
const bandRows = 16

// share says which one or two target pixels a source pixel falls on, and how much of each it covers.
type share struct {
	first       int
	here, there float32 // the part of target pixel first and of the one after it
}

// shares returns the shares of from source pixels among to target pixels, to ≤ from.
func shares(from, to int) []share {
	all := make([]share, from)
	each := float32(to) / float32(from)
	for i := range all {
		first := i * to / from
		edge := (first+1)*from - i*to // how much of the source pixel lies before the next target pixel, in 1/to
		if edge >= to {
			all[i] = share{first, each, 0}
		} else {
			all[i] = share{first, each * float32(edge) / float32(to), each * float32(to-edge) / float32(to)}
		}
	}
	return all
}

// shrink paints the picture on white at width × height, no larger than it is, each target pixel
// the mean of what it covers. It converts the source in bands, so that a picture of 50 million
// pixels needs little more memory than it takes decoded.
func shrink(source image.Image, width, height int) *image.RGBA {
	bounds := source.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	across, down := shares(bounds.Dx(), width), shares(bounds.Dy(), height)
	band := image.NewRGBA(image.Rect(0, 0, bounds.Dx(), bandRows))
	row := make([]float32, 3*(width+1))
	sum, next := make([]float32, 3*width), make([]float32, 3*width)
	for y, s := range down {
		if y%bandRows == 0 {
			draw.Draw(band, band.Rect, image.White, image.Point{}, draw.Src)
			draw.Draw(band, band.Rect, source, bounds.Min.Add(image.Pt(0, y)), draw.Over)
		}
		narrow(row, band.Pix[(y%bandRows)*band.Stride:], across)
		for i := range sum {
			sum[i] += row[i] * s.here
			next[i] += row[i] * s.there
		}
		if y+1 == len(down) || down[y+1].first != s.first {
			settle(out.Pix[s.first*out.Stride:], sum)
			sum, next = next, sum
			clear(next)
		}
	}
	return out
}

// narrow adds up one row of the source into a row of the target.
func narrow(row []float32, pix []uint8, across []share) {
	clear(row)
	for x, s := range across {
		p, to := pix[4*x:4*x+3:4*x+3], row[3*s.first:3*s.first+6:3*s.first+6]
		for c := range 3 {
			v := float32(p[c])
			to[c] += v * s.here
			to[3+c] += v * s.there
		}
	}
}

// settle writes the finished sums of one row.
func settle(pix []uint8, sum []float32) {
	for x := range len(sum) / 3 {
		for c := range 3 {
			pix[4*x+c] = uint8(min(sum[3*x+c]+0.5, 255))
		}
		pix[4*x+3] = 255
	}
}
