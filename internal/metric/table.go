package metric

import "math/bits"

// The fields of which things are counted in buckets; their numbers are part of snapshots.
const (
	fImpressions = iota
	fViews
	fWatch
	fClicks
	fVisits
	fCarts
	fOrders
	fSKUOrders
	fUnits
	fNetUnits
	fRefunds
	fUnitsBack
	fClicksOfImpressions
	fOrdersOfClicks
	fOrdersOfVisits
	fLate
	fFlagged
	fOwn
	fHourUniques // of an hour that has ended, in its last bucket
	fDayUniques  // of a day that has ended, in its last bucket
	fields
)

// The fields of a purse: what is counted in money of one currency.
const (
	mOrders = iota
	mGMV
	mNet
	mRefunded
	mCommission
	mSettled
	moneyFields
)

// together is how many of the first fields of a table, of either sort, come together and get their columns
// at once: impressions, views and watching; orders, GMV and net GMV.
const together = 3

// Steps of time, in seconds.
const (
	minute  = 60
	quarter = 15 * minute
	hour    = 60 * minute
	sixth   = 6 * hour
	day     = 24 * hour
)

// reach says, for one second of log time, where each window begins.
type reach struct {
	now uint32          // log time in seconds
	low [windows]uint32 // the start of the oldest bucket each window covers
}

// steps are the buckets of the windows in seconds.
var steps = [windows]uint32{Minute: 1, Hour: minute, Day: quarter, Week: hour, FourWeeks: sixth}

// reachAt returns where the windows begin at a second of log time: a window of N buckets covers the
// current one and the N−1 before it, so the oldest starts at floor(now, bucket) − span + bucket.
func reachAt(now uint32) reach {
	r := reach{now: now}
	for w, step := range steps {
		if span := uint32(Window(w).Span().Seconds()); now >= span {
			r.low[w] = now - now%step - span + step
		}
	}
	return r
}

// slot returns the start of the bucket in which a table keeps what happened at a second, which depends on
// how long ago that is: a bucket of a window that still holds a part of the next longer one's bucket stays
// as fine as it is. ok is false when no window of any entity holds the second any more.
func (r *reach) slot(s uint32) (start uint32, ok bool) {
	switch {
	case s-s%minute+minute > r.low[Minute]:
		return s, true
	case s-s%quarter+quarter > r.low[Hour]:
		return s - s%minute, true
	case s-s%hour+hour > r.low[Day]:
		return s - s%quarter, true
	case s-s%sixth+sixth > r.low[Week]:
		return s - s%hour, true
	}
	return s - s%sixth, s-s%day+day > r.low[FourWeeks]
}

// holds reports whether a table still tells the buckets of the grain that began at start apart, and has
// all of what happened in it.
func (r *reach) holds(g Grain, start uint32) bool {
	switch g {
	case GrainMinute:
		return start-start%quarter+quarter > r.low[Hour]
	case GrainHour:
		return start-start%sixth+sixth > r.low[Week]
	}
	return start-start%day+day > r.low[FourWeeks]
}

// table counts what happened in buckets by event time. The five windows share it: their buckets nest, so
// each thing is counted in one bucket only, as fine as the shortest window that still holds it needs, and
// buckets are joined as they leave it. A window is the sum of the buckets from its beginning on; there are
// at most some 500. Only the fields that were ever counted have columns.
type table struct {
	mask uint32
	rows []int64 // each: start<<32 | second of log time of its last change; then the columns. In order of start.
}

func (t *table) stride() int { return 1 + bits.OnesCount32(t.mask) }

func (t *table) start(at int) uint32 { return uint32(uint64(t.rows[at]) >> 32) }

func (t *table) changed(at int) uint32 { return uint32(t.rows[at]) }

// column returns where in a row the field is, 0 when it has no column.
func (t *table) column(field uint) int {
	if t.mask&(1<<field) == 0 {
		return 0
	}
	return 1 + bits.OnesCount32(t.mask&(1<<field-1))
}

// add counts n of the field in the bucket of a second; false when the table holds that no more.
func (t *table) add(r *reach, second uint32, field uint, n int64) bool {
	start, ok := r.slot(second)
	if !ok {
		return false
	}
	if t.mask&(1<<field) == 0 {
		if t.mask == 0 && len(t.rows) == 0 && field < together {
			t.mask = 1<<together - 1
		} else {
			t.widen(field)
		}
	}
	at := t.find(r, start)
	t.rows[at] = int64(uint64(start)<<32 | uint64(r.now))
	t.rows[at+t.column(field)] += n
	return true
}

// find returns where the row of the bucket is, making it when there is none.
func (t *table) find(r *reach, start uint32) int {
	stride := t.stride()
	at := len(t.rows)
	for near := 8; at > 0; at -= stride {
		if s := t.start(at - stride); s == start {
			return at - stride
		} else if s < start {
			break
		}
		if near--; near == 0 {
			at = t.search(start, stride)
			if at < len(t.rows) && t.start(at) == start {
				return at
			}
			break
		}
	}
	if len(t.rows)+stride > cap(t.rows) {
		t.compact(r)
		t.grow(stride)
		for at = len(t.rows); at > 0 && t.start(at-stride) > start; at -= stride {
		}
	}
	t.rows = t.rows[:len(t.rows)+stride]
	copy(t.rows[at+stride:], t.rows[at:])
	clear(t.rows[at : at+stride])
	t.rows[at] = int64(uint64(start) << 32)
	return at
}

// search returns where the first row is that does not start before start.
func (t *table) search(start uint32, stride int) int {
	low, high := 0, len(t.rows)/stride
	for low < high {
		middle := (low + high) / 2
		if t.start(middle*stride) < start {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low * stride
}

// grow makes room for at least one row, and for an eighth more than there are.
func (t *table) grow(stride int) {
	n := len(t.rows)
	if n+stride <= cap(t.rows) && n < cap(t.rows)-cap(t.rows)/8 {
		return
	}
	want := n/stride + max(2, n/stride/2)
	rows := make([]int64, n, want*stride)
	copy(rows, t.rows)
	t.rows = rows
}

// widen gives a field its column.
func (t *table) widen(field uint) {
	old := t.stride()
	t.mask |= 1 << field
	if len(t.rows) == 0 {
		return
	}
	stride, at := old+1, t.column(field)
	n := len(t.rows) / old
	rows := make([]int64, n*stride, max(n, cap(t.rows)/old)*stride)
	for i := range n {
		from, to := t.rows[i*old:(i+1)*old], rows[i*stride:]
		copy(to, from[:at])
		copy(to[at+1:], from[at:])
	}
	t.rows = rows
}

// compact joins the buckets that no window tells apart any more, and drops those that none holds.
func (t *table) compact(r *reach) {
	stride := t.stride()
	out := 0
	for at := 0; at < len(t.rows); at += stride {
		start, ok := r.slot(t.start(at))
		if !ok {
			continue
		}
		changed := t.changed(at)
		if out > 0 && t.start(out-stride) == start {
			into := t.rows[out-stride : out]
			for i := 1; i < stride; i++ {
				into[i] += t.rows[at+i]
			}
			into[0] = int64(uint64(start)<<32 | uint64(max(changed, uint32(into[0]))))
			continue
		}
		copy(t.rows[out:out+stride], t.rows[at:at+stride])
		t.rows[out] = int64(uint64(start)<<32 | uint64(changed))
		out += stride
	}
	t.rows = t.rows[:out]
}

// sum adds up the buckets that start at from or later and, unless until is 0, before until: into[f] gets
// the sum of field f. It returns the latest change among them.
func (t *table) sum(from, until uint32, into []int64) (changed uint32) {
	stride := t.stride()
	for at := len(t.rows) - stride; at >= 0; at -= stride {
		start := t.start(at)
		if start < from {
			break
		}
		if until != 0 && start >= until {
			continue
		}
		changed = max(changed, t.changed(at))
		for mask, i := t.mask, at+1; mask != 0; mask, i = mask&(mask-1), i+1 {
			into[bits.TrailingZeros32(mask)] += t.rows[i]
		}
	}
	return changed
}
