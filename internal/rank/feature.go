package rank

import (
	"math"
	"math/bits"
	"time"
	"unsafe"
)

// Facts is what the catalogue says of a video, by number. Nobody's size is in it.
type Facts struct {
	Creator  uint32
	Product  uint32 // the first one it shows, 0 for none
	Brand    uint32
	Category uint16
	Top      uint16 // the branch of the category
	Seconds  float32
	Price    float32 // of that product, minor units
	Created  int64   // seconds since 1970
}

// Situation is what changes from one impression to the next, in few enough bits that it can be kept
// beside a click until the order comes days later: what was learned as a no is then made up for at
// exactly the same features.
type Situation struct {
	Hours    uint8 // of the day, UTC, in fours
	Slot     uint8 // 0 the first, by doubling; at serving always 0, so that places are trained out
	Device   uint8 // as event.Agent
	Surface  uint8 // as id.Surface
	Spend    uint8 // of the viewer's orders, by doubling; 0 has bought nothing
	Fit      uint8 // how well the factors say it suits, in 16 steps
	Together uint8 // how strongly it was watched together with what the viewer watched last, in 4 steps
	Past     Past  // what this viewer did with this creator before
	Affinity uint8 // place of the video's category among those the viewer leans to, 0 none
	Leaning  uint8 // how the viewer leans to the video's category, in 16 steps, 8 in the middle
	Streak   uint8 // of the last three engaged with, how many are of this category
	Age      uint8 // of the video, by doubling of hours
	Visits   uint8 // how much was shown to the viewer so far, by doubling
	Taste    uint8 // the viewer's first category
}

// Past is a viewer's own past with a creator: relationship, and nothing about how many others have one.
type Past uint8

// What a viewer did with a creator's videos.
const (
	PastWatched Past = 1 << iota
	PastClicked
	PastBought
	PastReturned
)

// widths of a situation's fields in its packed form, in their order.
var widths = [...]uint{3, 3, 3, 4, 4, 4, 2, 4, 4, 4, 2, 5, 4, 8}

func (s *Situation) fields() [14]*uint8 {
	return [14]*uint8{&s.Hours, &s.Slot, &s.Device, &s.Surface, &s.Spend, &s.Fit, &s.Together, (*uint8)(&s.Past), &s.Affinity, &s.Leaning, &s.Streak, &s.Age, &s.Visits, &s.Taste}
}

// Pack returns the situation in 54 bits; a field that is too large takes its largest value.
func (s Situation) Pack() uint64 {
	var packed uint64
	at := uint(0)
	for i, f := range s.fields() {
		packed |= uint64(min(*f, uint8(1<<widths[i]-1))) << at
		at += widths[i]
	}
	return packed
}

// Unpack returns what Pack packed.
func Unpack(packed uint64) Situation {
	var s Situation
	for i, f := range s.fields() {
		*f = uint8(packed & (1<<widths[i] - 1))
		packed >>= widths[i]
	}
	return s
}

// doubling returns the number of bits of n: 0, 1, 2-3, 4-7, …
func doubling(n uint64) uint8 { return uint8(bits.Len64(n)) }

// Weights is the table of what was learned of features: many, found by hash, so that no feature has to
// be known beforehand. Two features that share a cell are told apart by all others that come with them.
type Weights struct {
	cells []Cell
	mask  uint64
	kept  keeping
}

// NewWeights returns a table of 1 << size cells of 40 bytes; untouched pages of it take no memory.
func NewWeights(size int) *Weights { return newWeights(size, nil) }

func newWeights(size int, a *arena) *Weights {
	w := &Weights{mask: 1<<size - 1, kept: keeping{done: make([]uint32, 1<<size/weightsPiece)}}
	if a == nil {
		w.cells = make([]Cell, 1<<size)
	} else {
		memory := a.take((1 << size) * int(unsafe.Sizeof(Cell{})))
		w.cells = unsafe.Slice((*Cell)(unsafe.Pointer(unsafe.SliceData(memory))), 1<<size)
	}
	return w
}

// cell returns the cell of feature number ns with the value v.
func (w *Weights) cell(ns uint8, v uint64) *Cell {
	at := mix(uint64(ns)<<56^v*0x9e3779b97f4a7c15) & w.mask
	if w.kept.cut != nil {
		w.keep(w.kept.cut, at/weightsPiece)
	}
	return &w.cells[at]
}

// Term returns the term of a feature of a foreign table: column and value by hash, x how strongly it is there.
func (w *Weights) Term(column uint8, value uint64, x float64) Term {
	return ofMain.term(w.cell(column, value), float32(x))
}

// Learn takes in one row with its label and returns the prediction made before; base is the logit
// from which weights are deviations.
func (w *Weights) Learn(h Head, base float64, terms []Term, y float64) Score {
	return learn(h, base, terms, y, 1)
}

// Score returns the prediction for a row.
func (w *Weights) Score(h Head, base float64, terms []Term) Score { return score(h, base, terms) }

// The features that are crosses of the video and the situation, by number. Numbers are part of
// snapshots: add at the end.
const (
	fBias uint8 = iota + 1
	fCategory
	fTop
	fProduct
	fBrand
	fPrice
	fDuration
	fHour
	fSlot
	fDevice
	fSurface
	fTaste
	fAffinity
	fAffinityTop
	fStreak
	fSpend
	fAge
	fFit
	fTogether
	fPast
	fPastTop
	fVisits
	fPriceCategory
	fDurationCategory
	fFitAffinity
	fDeviceCategory
	fLeaning
)

// MaxTerms is how many terms an impression has at most.
const MaxTerms = 32

// terms appends the terms of a video in a situation: the bias, main effects, crosses, and the cells
// kept with the video, its creator and the viewer, any of which may be nil. own is how many
// impressions the video itself had: the creator's weight fades as record/(record+own), so that a
// record helps what is new and never carries it.
func (w *Weights) terms(dst []Term, f *Facts, s *Situation, item, creator, viewer *Cell, own, record float64) []Term {
	price, seconds := uint64(doubling(uint64(max(f.Price, 0)))), uint64(durationBin(time.Duration(f.Seconds*float32(time.Second)))/2)
	category, top := uint64(f.Category), uint64(f.Top)
	main := func(ns uint8, v uint64) { dst = append(dst, ofMain.term(w.cell(ns, v), 1)) }
	cross := func(ns uint8, a, b uint64) { dst = append(dst, ofCross.term(w.cell(ns, a<<20|b), 1)) }
	dst = append(dst, ofBias.term(w.cell(fBias, 0), 1))
	main(fCategory, category)
	main(fTop, top)
	main(fPrice, price)
	main(fDuration, seconds)
	main(fSlot, uint64(s.Slot))
	main(fDevice, uint64(s.Device))
	main(fSurface, uint64(s.Surface))
	main(fAffinity, uint64(s.Affinity))
	main(fStreak, uint64(s.Streak))
	main(fAge, uint64(s.Age))
	main(fFit, uint64(s.Fit))
	main(fTogether, uint64(s.Together))
	main(fPast, uint64(s.Past))
	main(fVisits, uint64(s.Visits))
	if f.Product != 0 {
		main(fProduct, uint64(f.Product))
		main(fBrand, uint64(f.Brand))
	}
	cross(fHour, uint64(s.Hours), top)
	cross(fTaste, uint64(s.Taste), category)
	cross(fAffinityTop, uint64(s.Affinity), top)
	cross(fSpend, uint64(s.Spend), price)
	cross(fPastTop, uint64(s.Past), top)
	cross(fPriceCategory, price, category)
	cross(fDurationCategory, seconds, category)
	cross(fFitAffinity, uint64(s.Fit), uint64(s.Affinity))
	cross(fDeviceCategory, uint64(s.Device), category)
	dst = append(dst, ofSlope.term(w.cell(fLeaning, 0), (float32(s.Leaning)-leanMiddle)/leanSteps))
	if item != nil {
		dst = append(dst, ofID.term(item, 1))
	}
	if creator != nil {
		dst = append(dst, ofID.term(creator, float32(record/(record+math.Max(own, 0)))))
	}
	if viewer != nil {
		dst = append(dst, ofID.term(viewer, 1))
	}
	return dst
}
