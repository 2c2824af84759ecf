package rank

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/seen"
	"mezzo/internal/stream"
)

// Options say what a fold is built over. What they hold must be the same from snapshot to snapshot.
type Options struct {
	Seen *seen.Seen // what was counted already; nil: in memory
	Size int        // cells of the table of weights, as a power of two; 0: 22, which is 168 MB when full
}

// Fold is the ranking as the log made it. Apply is for one goroutine; pages are read beside it.
type Fold struct {
	mu   sync.RWMutex
	seen *seen.Seen

	position stream.Position
	stamp    int64  // log time, microseconds since 1970
	relay    int64  // the last outbox number applied
	step     uint64 // events learned from: seeds what learning draws, and nothing else may move it

	weights    *Weights
	items      chunks[item]
	viewers    chunks[viewer]
	creators   chunks[creator]
	products   chunks[product]
	verdicts   chunks[verdict]
	categories []category
	brands     [][16]byte
	showing    [][]uint32   // of every product, the videos that show it, by number
	edges      chunks[edge] // of viewers to creators: one source of candidates, and nothing else
	freeEdge   uint32       // the first of those let go, + 1
	freed      []uint32     // viewers that were erased

	itemOf, viewerOf, creatorOf, productOf, brandOf map[[16]byte]uint32
	categoryOf                                      map[string]uint16

	opens     chunks[open] // impressions that may still be answered, the oldest first
	openOf    map[seen.Key]uint64
	due       []due   // videos whose stage is over, the oldest first
	trials    []trial // clicks waiting for their seventh day
	trialOf   map[uint64]int
	trialed   int
	durations Durations
	raw       [Heads]Progress // predictions before calibration
	served    [Heads]Progress // and after
	settled   uint64          // impressions closed
	calibrate [Heads]Calibration
	policies  []inForce
	clusters  []cluster
	scratch   []Term

	blank  []byte // of seen, before the first record
	arena  *arena
	cuts   uint32             // that were begun
	cut    *Cut               // being written
	asked  [askedMost]Request // what pages were asked for lately: for previews, and no part of the state
	askedN int                // ever
}

// edge is that a viewer follows a creator, with the viewer's next one.
type edge struct{ creator, next uint32 } // next: number + 1

// open is an impression of which more may be heard.
type open struct {
	key           [16]byte
	at            int64 // log time
	situation     uint64
	viewer, item  uint32
	logits        [Heads]float32
	label         [Heads]float32 // as learned so far
	watched       uint32         // milliseconds
	weight        float32        // how much this viewer is believed
	viewed, acted uint32         // 0 or 1
	learned       uint32         // bit set of the heads that have learned from it
	gone          uint32         // 1 when its viewer was erased
}

// due is a video whose budget was served at a moment.
type due struct {
	at   int64
	item uint32
	tier uint32 // stage and whether extended: a decision is made once
}

// trial is a click that is judged after a week: did an order come?
type trial struct {
	at           int64
	viewer, item uint32
	logit        float32
	bought       uint32
}

// inForce is a policy with the part of viewers it has, in basis points.
type inForce struct {
	id     [16]byte
	number uint32
	share  uint32
	policy Policy
	hash   uint64
	// chance marks the control: its viewers' pages are drawn evenly by the caller, without predictions.
	// Its policy then holds the built-in weights, which stages go by should it be alone.
	chance bool
}

// Times after which log time settles things.
const (
	closeAfter  = 10 * time.Minute   // an impression that was not answered was declined
	buyAfter    = 7 * 24 * time.Hour // a click that brought no order brings none
	mostTrials  = 1 << 16
	recalibrate = 5_000 // impressions between two calibrations
)

// base is the logit each head's weights are deviations from: the rates that the literature names.
var base = [Heads]float64{Watch: 0, Click: math.Log(0.03 / 0.97), Buy: math.Log(0.03 / 0.97), Engage: math.Log(0.03 / 0.97), Negative: math.Log(0.1 / 0.9)}

// New returns the fold of the empty log.
func New(o Options) (*Fold, error) {
	if o.Size == 0 {
		o.Size = 22
	}
	if o.Size < 8 || o.Size > 28 {
		return nil, fmt.Errorf("rank: a table of 2^%d weights; it takes 8 to 28", o.Size)
	}
	if o.Seen == nil {
		var err error
		if o.Seen, err = seen.Open(seen.Options{}); err != nil {
			return nil, err
		}
	}
	f := &Fold{seen: o.Seen, arena: &arena{}}
	f.weights = newWeights(o.Size, f.arena)
	f.items.part, f.items.arena = partItems, f.arena
	f.viewers.part, f.viewers.arena = partViewers, f.arena
	f.creators.part, f.creators.arena = partCreators, f.arena
	f.products.part, f.products.arena = partProducts, f.arena
	f.verdicts.part, f.verdicts.arena = partVerdicts, f.arena
	f.opens.part, f.opens.arena = partOpens, f.arena
	f.edges.part, f.edges.arena = partEdges, f.arena
	runtime.AddCleanup(f, func(a *arena) { a.free() }, f.arena)
	f.empty()
	var err error
	f.blank, err = o.Seen.AppendState(nil)
	return f, err
}

// builtIn is the policy in force until the log names another.
func builtIn() inForce {
	p := Value()
	return inForce{id: [16]byte{15: 3}, number: 1, share: 10_000, policy: p, hash: p.Hash()}
}

// Uniform is the name of the control policy. It stands in a split without weights.
const Uniform = "uniform"

// control is the control policy with its part of the viewers.
func control(id [16]byte, number, share uint32) inForce {
	p := Value()
	p.Name = Uniform
	return inForce{id: id, number: number, share: share, policy: p, hash: p.Hash(), chance: true}
}

// index makes the indexes of what the fold holds.
func (f *Fold) index() {
	f.itemOf, f.viewerOf, f.creatorOf = make(map[[16]byte]uint32, f.items.n), make(map[[16]byte]uint32, f.viewers.n), map[[16]byte]uint32{}
	f.productOf, f.brandOf, f.categoryOf = map[[16]byte]uint32{}, map[[16]byte]uint32{}, map[string]uint16{}
	f.openOf, f.trialOf = map[seen.Key]uint64{}, map[uint64]int{}
	for i := range uint32(f.items.n) {
		f.itemOf[f.items.look(i).id] = i
	}
	erased := map[uint32]bool{}
	for _, v := range f.freed {
		erased[v] = true
	}
	for i := range uint32(f.viewers.n) {
		if !erased[i] {
			f.viewerOf[f.viewers.look(i).id] = i
		}
	}
	for i := range uint32(f.creators.n) {
		f.creatorOf[f.creators.look(i).id] = i
	}
	for i := range uint32(f.products.n) {
		f.productOf[f.products.look(i).id] = i
	}
	for i, b := range f.brands {
		f.brandOf[b] = uint32(i)
	}
	for i := range f.categories {
		f.categoryOf[f.categories[i].name] = uint16(i)
	}
	at := f.opens.first
	f.opens.each(func(o *open) {
		if o.gone == 0 {
			f.openOf[o.key] = at
		}
		at++
	})
	for i := range f.trials {
		f.trialOf[pairOf(f.trials[i].viewer, f.trials[i].item)] = f.trialed + i
	}
}

func pairOf(viewer, item uint32) uint64 { return uint64(viewer)<<32 | uint64(item) }

// Position returns the position after the last record applied.
func (f *Fold) Position() stream.Position {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.position
}

// Stamp returns log time: the stamp of the last record applied.
func (f *Fold) Stamp() time.Time {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return time.UnixMicro(f.stamp).UTC()
}

// slice is how many records are looked at before the lock is taken for them, and holdMost how long it is held at
// once: a page need not wait for a whole batch, nor for the slow ones of a slice. Where a hold ends is no part of
// what is learned.
const (
	slice    = 24
	holdMost = 400 * time.Microsecond
)

// known is what has been found out about a record before anything is changed by it.
type known struct {
	kind     byte
	event    event.Bare
	fact     event.Fact
	served   event.Served
	key      seen.Key
	counts   bool  // it is no repeat, and its token allows it
	watched  int64 // of a Watch, the milliseconds that count
	position stream.Position
	stamp    int64
	relay    int64
}

// Apply takes in records in the order of the log. Kinds it does not know only move the position on. An
// error is the disk's or a record's that cannot be read: the fold then is not to be used any further
// and starts again from a snapshot.
func (f *Fold) Apply(records []stream.Record) error {
	ready := make([]known, 0, min(len(records), slice))
	for len(records) > 0 {
		n := min(len(records), slice)
		ready = ready[:n]
		for i := range n {
			if err := f.look(&records[i], &ready[i]); err != nil {
				return err
			}
		}
		for at := 0; at < n; {
			at += f.hold(ready[at:])
		}
		records = records[n:]
	}
	return nil
}

// hold takes in records under the lock, at least one, until it was held long enough, and returns how many.
func (f *Fold) hold(ready []known) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.guard(true)
	defer f.guard(false)
	held := clock.StartWatch()
	for i := range ready {
		f.apply(&ready[i])
		if held.Passed() >= holdMost {
			return i + 1
		}
	}
	return len(ready)
}

// look reads a record and asks what was counted before; it changes nothing that a page reads.
func (f *Fold) look(r *stream.Record, k *known) error {
	*k = known{kind: r.Kind, position: r.Pos, stamp: r.At.UnixMicro(), relay: r.Relay}
	if err := f.seen.Advance(r.At); err != nil {
		return err
	}
	switch r.Kind {
	case event.KindEvent:
		if err := k.event.Decode(r.Data); err != nil {
			return fmt.Errorf("rank: an event at %s: %w", r.Pos, err)
		}
		return f.count(k)
	case event.KindFact:
		if err := k.fact.Decode(r.Data); err != nil {
			return fmt.Errorf("rank: a fact at %s: %w", r.Pos, err)
		}
	case event.KindServed:
		if err := k.served.Decode(r.Data); err != nil {
			return fmt.Errorf("rank: a page at %s: %w", r.Pos, err)
		}
	}
	return nil
}

// onces are what a token allows once, by type of event; those from 5 on are ours.
var onces = map[event.Type]seen.Once{
	event.Impression: seen.OnceImpression, event.View: seen.OnceView, event.Like: seen.OnceLike, event.Hide: seen.OnceHide,
	event.ProductClick: seen.OnceClick, event.Comment: 5, event.Share: 6, event.Follow: 7, event.Report: 8, event.AddToCart: 9,
}

// count finds out whether an event may move the ranking: it earns, it is no repeat, and its token
// allows it once.
func (f *Fold) count(k *known) error {
	e := &k.event
	if !e.Flags.Earns() || e.Viewer == [16]byte{} || e.SubjectKind != id.SubjectVideo {
		return nil
	}
	repeat, err := f.seen.Add(seen.KeyOf(e.Viewer, e.ID))
	if err != nil || repeat {
		return err
	}
	k.key = seen.TokenOf(e.Request, e.Slot, e.Viewer)
	issued := time.UnixMicro(e.Issued)
	if e.Type == event.Watch {
		k.watched, err = f.seen.Watch(k.key, issued, time.UnixMicro(e.At), e.WatchMS, 0)
		k.counts = k.watched > 0
		return err
	}
	if what, once := onces[e.Type]; once {
		k.counts, err = f.seen.Once(k.key, issued, what)
	}
	return err
}

// apply takes in one record, under the lock.
func (f *Fold) apply(k *known) {
	f.stamp = max(f.stamp, k.stamp)
	f.settle()
	switch k.kind {
	case event.KindEvent:
		if k.counts {
			f.step++
			f.happened(k)
		}
	case event.KindFact:
		if k.relay == 0 || k.relay > f.relay {
			f.relay = max(f.relay, k.relay)
			f.told(&k.fact)
		}
	case event.KindServed:
		f.dealt(&k.served)
	}
	f.position = k.position
}

// seconds is log time in the form that things keep.
func (f *Fold) seconds() uint32 { return uint32(f.stamp / 1e6) }

// Stats is how much a fold holds.
type Stats struct {
	Videos, Viewers, Creators uint64
	Learned                   uint64 // events
	Open                      uint64 // impressions that may still be answered
	Bytes                     int    // of the numbers, beside the heap
}

// Stats returns how much the fold holds.
func (f *Fold) Stats() Stats {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return Stats{f.items.n, f.viewers.n - uint64(len(f.freed)), f.creators.n, f.step, f.opens.n - f.opens.first, f.arena.taken}
}
