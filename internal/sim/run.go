package sim

import (
	"context"
	"math"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/rank"
	"mezzo/internal/seen"
)

// Sizes of a visit.
const (
	pageLength = 10
	fullPages  = 2    // of a visit where a viewer has all their traffic
	leaves     = 0.02 // the chance to leave after each place
)

// visitPages returns how many pages a visit has at most. Visits shrink as traffic does, to no less than one page:
// who comes more than twice a day at scale 1 would otherwise come twice in three weeks at the smallest, and nothing
// that is learned of anybody could ever be of use to them.
func (o *Options) visitPages() int {
	return max(int(math.Round(fullPages*o.Traffic/fullTraffic)), 1)
}

// Run is one policy in one world: a log, the production ranking as its fold, and what came of it.
type Run struct {
	*World
	policy string
	fold   *rank.Fold
	book   book
	queue  queue
	now    int64
	plays  []int // of every creator, videos that were played: what the engagement policy goes by
	places []int // of every viewer, places of the feed so far
	from   int64 // results count from here
	Tally  Tally
	each   func(*Run, *seenItem)
	silent map[int]bool // creators whose follow edges are not told
	done   func(*Run) bool
	sold   func(*Run, *sale)
}

// runOptions are what differs from run to run of a world.
type runOptions struct {
	policy  string
	from    int // day from which results count
	silent  map[int]bool
	each    func(*Run, *seenItem)
	done    func(*Run) bool   // asked at the end of every day whether to stop
	sold    func(*Run, *sale) // told of every order when it is paid
	weights *rank.Policy      // nil: production's
}

// seenItem is a video on somebody's screen, for those who watch a run.
type seenItem struct {
	*shown
	item     *item
	number   int
	truth    *truth
	response *response
	chosen   *rank.Chosen
	at       int64
}

// newRun prepares a run.
func newRun(w *World, o runOptions) (*Run, error) {
	// What is repeated here is repeated at once, so a short memory is enough.
	counted, err := seen.Open(seen.Options{Horizon: 10 * time.Minute, TokenLife: 10 * time.Minute})
	if err != nil {
		return nil, err
	}
	f, err := rank.New(rank.Options{Size: 18, Seen: counted})
	if err != nil {
		return nil, err
	}
	r := &Run{World: w, policy: o.policy, fold: f, book: book{seed: w.Seed}, from: int64(o.from) * day, each: o.each, done: o.done, sold: o.sold, silent: o.silent}
	r.plays, r.places = make([]int, len(w.creators)), make([]int, len(w.viewers))
	r.Tally = newTally(w, w.Days-o.from)
	in := weights(w.Budgets)
	if o.weights != nil {
		in = *o.weights
	}
	r.book.inForce(in)
	if err := r.flush(); err != nil {
		return nil, err
	}
	if err := r.introduce(); err != nil {
		return nil, err
	}
	for i := range w.items {
		r.queue.push(job{at: w.items[i].at, kind: jobPost, a: i})
	}
	for d := range w.Days {
		r.queue.push(job{at: int64(d) * day, kind: jobDay, a: d})
	}
	return r, nil
}

// introduce tells the ranking who follows whom.
func (r *Run) introduce() error {
	at := 0
	for v := range r.viewers {
		for _, c := range r.viewers[v].follow {
			record := r.prologue[at]
			at++
			if r.silent[c] {
				continue
			}
			r.book.relay++
			record.Relay = r.book.relay
			r.book.records = append(r.book.records, record)
		}
	}
	return r.flush()
}

// flush hands the ranking what was written.
func (r *Run) flush() error {
	records, err := r.book.take()
	if err != nil {
		return err
	}
	return r.fold.Apply(records)
}

// Go runs the world to its end, or until it is done.
func (r *Run) Go(ctx context.Context) error {
	for r.queue.len() > 0 {
		j := r.queue.pop()
		if j.at >= r.end() {
			break
		}
		r.now = j.at
		switch j.kind {
		case jobDay:
			if err := ctx.Err(); err != nil {
				return err
			}
			if r.done != nil && r.done(r) {
				return nil
			}
			r.visits(j.a)
			continue
		case jobPost:
			r.book.posted(j.at, &r.items[j.a], r.creators[r.items[j.a].creator].id)
		case jobPage:
			r.page(j)
		case jobPaid:
			r.book.paid(j.at, r.World, j.sale)
			if r.sold != nil {
				r.sold(r, j.sale)
			}
			if j.sale.refunds {
				r.queue.push(job{at: j.at + j.sale.back, kind: jobBack, sale: j.sale})
			}
		case jobBack:
			r.book.refunded(j.at, r.World, j.sale)
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
	return nil
}

// visits sets when every viewer comes on a day.
func (r *Run) visits(number int) {
	mean := 0.0
	for k, stays := 0, 1.0; k < pageLength*r.visitPages(); k++ {
		mean += stays
		stays *= 1 - leaves
	}
	for v := range r.viewers {
		d := roll(r.Seed, forSession, uint64(v), uint64(number))
		for left := r.Traffic / mean; left > 0; left-- {
			if at := int64(d.float() * float64(day)); d.float() < left {
				r.queue.push(job{at: int64(number)*day + at, kind: jobPage, a: v})
			}
		}
	}
}

// page draws a page for a viewer and lets them go through it.
func (r *Run) page(j job) {
	v := &r.viewers[j.a]
	d := roll(r.Seed, forPage, uint64(j.a), uint64(j.at))
	s := shown{viewer: v.id, request: d.id()}
	offset := r.places[j.a]
	page := r.fold.Page(rank.Request{ID: s.request, Viewer: v.id, Surface: id.SurfaceHome, Personal: true, Way: uint64(roll(r.Seed, uint64(j.a))), Offset: offset, N: pageLength})
	slots := r.choose(&page, offset)
	if len(slots) == 0 {
		return
	}
	r.places[j.a] += len(slots)
	r.book.served(j.at, &s, &page, slots)
	spent := 0.0
	for k, slot := range slots {
		c := &page.Candidates[slot.Candidate]
		s.video, s.slot, s.odds = c.Video, k, min(slot.Propensity, 1)
		number := r.itemOf[c.Video]
		i := &r.items[number]
		t := r.truth(v, i)
		again := 0
		if c.Sources&rank.FromAgain != 0 {
			again = 1
		}
		a := r.respond(j.a, number, again, &t)
		r.look(j, &s, number, &a)
		if j.at >= r.from {
			r.Tally.add(int((j.at-r.from)/day), i, &t, &a)
		}
		if r.each != nil {
			r.each(r, &seenItem{shown: &s, item: i, number: number, truth: &t, response: &a, chosen: c, at: j.at})
		}
		spent += max(a.watched, 0.5) + 0.5
		if d.float() < leaves {
			return
		}
	}
	if j.page+1 < r.visitPages() {
		r.queue.push(job{at: j.at + int64(spent*1e6), kind: jobPage, a: j.a, page: j.page + 1})
	}
}

// look writes what a viewer did with one place.
func (r *Run) look(j job, s *shown, number int, a *response) {
	b := &r.book
	b.event(j.at, s, event.Impression, 0, 0)
	b.event(j.at, s, event.Watch, a.watched, 0)
	if a.watched >= 2 {
		b.event(j.at, s, event.View, 0, 0)
		r.plays[r.items[number].creator]++
	}
	if a.like {
		b.event(j.at, s, event.Like, 0, 0)
	}
	if a.hide {
		b.event(j.at, s, event.Hide, 0, 0)
	}
	if !a.click {
		return
	}
	b.event(j.at, s, event.ProductClick, 0, 0)
	if a.buy {
		r.queue.push(job{at: j.at + a.after, kind: jobPaid, sale: &sale{
			viewer: j.a, item: number, request: s.request, slot: uint8(s.slot + 1), clicked: j.at, paid: j.at + a.after, refunds: a.refund, back: a.back,
		}})
	}
}
