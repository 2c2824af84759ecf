package metric

import (
	"time"

	"mezzo/internal/stream"
)

// Grain is the length of a bucket in a series of the past. Buckets begin at whole grains of UTC.
type Grain uint8

// The grains; their numbers are part of rollups and never change.
const (
	GrainMinute Grain = iota + 1
	GrainHour
	GrainDay
)

var grains = [...]struct {
	name string
	span time.Duration
}{GrainMinute: {"minute", time.Minute}, GrainHour: {"hour", time.Hour}, GrainDay: {"day", 24 * time.Hour}}

// String returns the grain's name as the API spells it, "" for none.
func (g Grain) String() string {
	if int(g) < len(grains) {
		return grains[g].name
	}
	return ""
}

// Span returns how long a bucket is, 0 for no grain.
func (g Grain) Span() time.Duration {
	if int(g) < len(grains) {
		return grains[g].span
	}
	return 0
}

// GrainNamed returns the grain of the name; ok is false for a name that is none.
func GrainNamed(name string) (g Grain, ok bool) {
	for i, n := range grains {
		if n.name != "" && n.name == name {
			return Grain(i), true
		}
	}
	return 0, false
}

// Point is what happened in one bucket of a series.
type Point struct {
	Start time.Time // of the bucket, UTC
	Counts
	Uniques int64
	Money   []Money
}

// Row is one bucket of one entity as SQL keeps it: all that happened in it as of the fold's position.
type Row struct {
	Entity Entity
	Grain  Grain
	Point
	// Add marks what is added to a bucket that no ring of the fold holds any more, such as a refund that
	// restates the hour of an old order. Pos is the boundary behind the record that told of it: what SQL
	// has passed already is not added again. Of an absolute row Pos is zero.
	Add bool
	Pos stream.Position
}
