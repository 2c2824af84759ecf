package metric

import (
	"errors"
	"sync"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/seen"
	"mezzo/internal/stream"
)

// sliceRecords is how many records are applied under one lock, so that a reader need not wait for a whole
// batch. A fact is a slice by itself.
const sliceRecords = 128

// Options say what a fold stands on.
type Options struct {
	// Seen remembers what was counted already, and belongs to this fold alone; nil: one in memory.
	Seen *seen.Seen
	// Load fills in the states of entities that Away let go; nil when none ever is. Apply and all that reads
	// call it, several at a time and mostly outside of any lock. It must return what Cold handed out under
	// that sum, or an error.
	Load func(gone []Gone) error
}

// Fold is the numbers of everything as of one position of the log. One goroutine calls Apply, AppendState,
// Restore and Checksum; the others' methods may be called by many at any time.
//
// Its only clock is the append stamp of the records. Everything it answers depends on the records up to its
// position alone: not on how they were cut into calls, nor on when it was stopped and gone on from a state.
type Fold struct {
	opt   Options
	seen  *seen.Seen
	blank []byte // what seen says of itself when it has seen nothing

	mu      sync.RWMutex
	pos     stream.Position
	stamp   time.Time
	now     int64 // stamp in microseconds
	reach   reach
	applied uint64 // records since the beginning
	stats   Stats

	things
	catalogue
	clicks   cohorts
	visits   cohorts
	waiting  *shards[[16]byte, *waiting] // by order
	joins    joins
	lastFact int64
	edge     reach
	floor    uint32     // of buckets that begin before this second SQL knows more; 0: of none
	aged     uint32     // what is counted before this second may be in a bucket that leaves the rings soon
	restated []restated // oldest first
	dropped  int        // of restated, since this fold was made

	*cutting

	steps   []step
	aims    []*thing
	looking bool   // aim looks for what is missing, and nothing is changed
	missing []Gone // what the steps will change, and is away
	sought  map[Entity]struct{}
	broken  error // why the state is not that of any position; until Restore

	lately lately
	ranked scores
}

// Stats is what a fold has met since the beginning of the log.
type Stats struct {
	Records      int64
	Events       int64 // of clients, repeats left out
	Counted      int64 // of them counted
	Repeats      int64 // events that had been told before
	Spent        int64 // events whose token allowed no more of their kind
	Unshown      int64 // impressions, views and watches without a token that counts: nothing shows they happened
	Late         int64
	Own          int64
	Flagged      int64
	Forged       int64 // of the flagged: tokens not ours or another viewer's
	Foreign      int64 // of the flagged: about things that are not there
	Robots       int64 // of the flagged
	Told         int64 // of the flagged: purchases and refunds told by clients
	Lost         int64 // events that never came, by the gaps in clients' numbers
	Facts        int64
	FactRepeats  int64
	Unread       int64     // records that no version of Mezzo wrote
	Entities     int64     // held now
	Away         int64     // of them not in memory
	LastFact     int64     // number of the last fact
	CohortsSince time.Time // clicks and visits since then are remembered for their orders; zero: all
	JoinsSince   time.Time // viewers that joined a person since then are known as that person's; zero: all
	Joins        int64     // viewers known as another's
	Products     int64     // known, and what they belong to
	Videos       int64     // known, and what they show
	Programs     int64     // known, and what they cover
	Unlisted     int64     // told of products, videos and programs beyond what is known at most
}

// New returns a fold of nothing: its position is the beginning of the log.
func New(opt Options) *Fold {
	f := &Fold{opt: opt, seen: opt.Seen, sought: map[Entity]struct{}{}}
	if f.seen == nil {
		f.seen, _ = seen.Open(seen.Options{}) // in memory there is nothing that could fail
	}
	f.blank, _ = f.seen.AppendState(nil) // nothing is on disk yet
	f.empty()
	return f
}

// empty forgets everything but what was seen.
func (f *Fold) empty() {
	f.pos, f.stamp, f.now, f.reach, f.applied, f.stats = stream.Position{}, time.Time{}, 0, reach{}, 0, Stats{}
	f.cutting = &cutting{}
	f.things, f.catalogue = newThings(), newCatalogue(f.cutting)
	f.clicks = newCohorts(f.cutting, clickLife, itemYoungClick, itemOldClick)
	f.visits = newCohorts(f.cutting, visitLife, itemYoungVisit, itemOldVisit)
	f.waiting, f.joins = byID(f.cutting, itemWaiting, (*writer).waiting), newJoins(f.cutting)
	f.lastFact, f.restated, f.broken = 0, nil, nil
}

// Apply counts the records, which follow the fold's position. Kinds it does not know only move the
// position on. It takes its lock for sliceRecords records at a time, and reads and writes the files
// of what was seen outside of it.
//
// After an error (the disk's, or Options.Load's) the position is behind the last record that was counted whole, but what was
// seen may be ahead of it: the fold must be restored, and until then applies nothing.
func (f *Fold) Apply(records []stream.Record) error {
	if f.broken == nil {
		f.broken = f.apply(records)
	}
	return f.broken
}

func (f *Fold) apply(records []stream.Record) error {
	for len(records) > 0 {
		n := 0
		f.steps = f.steps[:0]
		for n < len(records) && n < sliceRecords {
			fact := records[n].Kind == event.KindFact
			if fact && n > 0 {
				break
			}
			f.steps = append(f.steps, step{})
			if err := f.judge(&records[n], &f.steps[n]); err != nil {
				return errors.Join(err, f.count(records[:n]))
			}
			n++
			if fact {
				break
			}
		}
		if err := f.count(records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// count applies judged records, under the lock once what they change is here.
func (f *Fold) count(records []stream.Record) error {
	if len(records) == 0 || f.broken != nil {
		return f.broken
	}
	if err := f.fetch(len(records)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range records {
		before := f.pos
		f.turn(records[i].At)
		f.pos = records[i].Pos
		f.applied++
		f.stats.Records++
		if f.applyStep(&f.steps[i]); f.broken != nil {
			f.pos = before
			return f.broken
		}
	}
	return nil
}

// turn moves log time on.
func (f *Fold) turn(at time.Time) {
	micros := at.UnixMicro()
	if micros <= f.now {
		return
	}
	before := f.reach.now
	f.stamp, f.now = at, micros
	if second := uint32(micros / 1e6); second != before {
		f.reach = reachAt(second)
		f.edge, f.aged = f.edgeAt(second)
		f.dropIdle(second, f.keepBefore)
		if second/hour != before/hour {
			f.clicks.turn(second)
			f.visits.turn(second)
			f.dropWaiting()
			f.dropRestated()
		}
	}
}

// Position returns the boundary of the log behind the last record applied.
func (f *Fold) Position() stream.Position {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.pos
}

// Stamp returns log time: the append stamp of the last record applied, zero before the first.
func (f *Fold) Stamp() time.Time {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.stamp
}

// Stats returns what the fold has met.
func (f *Fold) Stats() Stats {
	f.mu.RLock()
	defer f.mu.RUnlock()
	s := f.stats
	s.Entities, s.Away, s.LastFact = int64(len(f.places)), int64(f.absent), f.lastFact
	if since := max(f.clicks.since, f.visits.since); since != 0 {
		s.CohortsSince = time.Unix(int64(since), 0).UTC()
	}
	if f.joins.since != 0 {
		s.JoinsSince = time.Unix(int64(f.joins.since), 0).UTC()
	}
	s.Joins = int64(f.joins.young.into.n + f.joins.old.into.n)
	s.Products, s.Videos, s.Programs = int64(f.brands.n), int64(f.films.n), int64(f.programs.n)
	s.Unlisted = f.unlisted
	return s
}

// Version returns the number of the last record that changed anything of the entity, 0 when nothing is held
// of it. Time passing changes no version: what slides out of a window shows in the next Read.
func (f *Fold) Version(e Entity) uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if t := f.find(e); t != nil && !f.idle(t) {
		return t.version
	}
	return 0
}

// held returns the thing of an entity to change it; made now if nothing was held of it.
func (f *Fold) held(e Entity) *thing {
	t := f.find(e)
	if t != nil && f.idle(t) {
		f.keepBefore(t)
		f.drop(t)
		t = nil
	}
	if t == nil {
		t = f.make(e)
		t.cut = f.no // it is no part of a snapshot that is being made
	}
	return t
}

// idle reports whether nothing of the thing counts any more: it is as good as not held.
func (f *Fold) idle(t *thing) bool { return f.reach.now-t.touched > idle }

// touch notes that the record being applied changes the thing.
func (f *Fold) touch(t *thing) {
	if t.away && !f.backNow(t) {
		return
	}
	f.keepBefore(t)
	t.version = f.applied
	if t.touched != f.reach.now {
		t.touched = f.reach.now
		f.renew(t)
	}
}

// backNow brings the thing back while readers wait. When that fails the fold is broken.
func (f *Fold) backNow(t *thing) bool {
	g := []Gone{{Entity: t.Entity, Sum: t.sum}}
	err := f.recall(g)
	if err == nil {
		err = f.bring(t, &g[0])
	}
	if err != nil && f.broken == nil {
		f.broken = err
	}
	return err == nil
}
