package metric

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/seen"
	"mezzo/internal/stream"
)

// verdict is what becomes of a record.
type verdict uint8

const (
	nothing verdict = iota // moves the position on
	unread
	repeated
	spent
	unshown
	late
	flagged
	own
	counts
	fact
	factAgain
)

// step is a record and what was found about it before anything is counted.
type step struct {
	verdict verdict
	shown   bool // a good token that has not run out shows its content
	event   event.Bare
	viewer  [16]byte // who counts: the first viewer of that person
	second  uint32   // when it happened, by our clock and not later than it was logged
	first   uint32   // of a click: when its impression was, 0 when that is not known yet
	pinned  bool     // of a click in a room or on a shelf: its impression showed that very product
	watch   int64    // of a watch: how much of it counts
	lost    int64
	fact    event.Fact
	body    any
}

// judge reads a record and asks what was seen. It changes nothing that readers see.
func (f *Fold) judge(r *stream.Record, s *step) error {
	if err := f.seen.Advance(r.At); err != nil {
		return err
	}
	switch r.Kind {
	case event.KindEvent:
		if s.event.Decode(r.Data) != nil {
			s.verdict = unread
			return nil
		}
		return f.judgeEvent(r.At, s)
	case event.KindFact:
		f.judgeFact(r, s)
	}
	return nil
}

func (f *Fold) judgeEvent(stamp time.Time, s *step) error {
	b := &s.event
	now := stamp.UnixMicro()
	at := b.At
	if at <= 0 || at > now {
		at = now // nothing happens after it was logged
	}
	s.second = uint32(at / 1e6)
	owner := b.Viewer
	if owner == ([16]byte{}) {
		if owner = b.Anonymous; owner == ([16]byte{}) {
			owner = b.Namespace
		}
	}
	s.viewer = f.person(owner)
	if b.Flags.Has(event.Late) || at < f.seen.Horizon().UnixMicro() {
		s.verdict = late
		return nil
	}
	again, err := f.seen.Add(seen.KeyOf(owner, b.ID))
	if err != nil || again {
		s.verdict = repeated
		return err
	}
	if b.Session != ([16]byte{}) {
		s.lost = f.seen.Gap(b.Session, b.Seq)
	}
	switch {
	case !b.Flags.Counted():
		s.verdict = flagged
		return nil
	case b.Flags.Has(event.Own):
		s.verdict = own
		return nil
	}
	s.shown = b.SubjectKind != 0 && !b.Flags.Has(event.Expired) && b.Namespace == [16]byte{}
	s.verdict = counts
	return f.judgeToken(now, at, s)
}

// judgeToken asks what the event's token still allows. Events under a write key have none, and are worth
// what the brand believes of its own site.
func (f *Fold) judgeToken(now, at int64, s *step) (err error) {
	b := &s.event
	if b.Namespace != ([16]byte{}) {
		s.watch = min(b.WatchMS, event.MaxWatch.Milliseconds())
		return nil
	}
	key := seen.TokenOf(b.Request, b.Slot, b.Viewer)
	issued := time.UnixMicro(b.Issued)
	ok := true
	switch b.Type {
	case event.Impression, event.View, event.Watch:
		if !s.shown {
			s.verdict = unshown
			return nil
		}
	case event.ProductClick:
		if b.SubjectKind == 0 { // opened out of no content: else one stranger could click a program's rates away
			s.verdict = unshown
			return nil
		}
	case event.ProductView, event.AddToCart:
		if b.Product == ([16]byte{}) {
			return nil
		}
	default:
		return nil
	}
	switch b.Type {
	case event.Impression:
		if ok, err = f.seen.Once(key, issued, seen.OnceImpression); ok && err == nil {
			if err = f.seen.SetFirst(key, issued, time.UnixMicro(at)); err == nil && b.SubjectKind != id.SubjectVideo {
				_, err = f.pin(key, b.Product)
			}
		}
	case event.View:
		ok, err = f.seen.Once(key, issued, seen.OnceView)
	case event.Watch:
		s.watch, err = f.seen.Watch(key, issued, time.UnixMicro(at), min(b.WatchMS, event.MaxWatch.Milliseconds()), f.longest(b))
	case event.ProductClick:
		return f.judgeClick(key, issued, s)
	case event.ProductView, event.AddToCart:
		if b.SubjectKind == 0 {
			ok, err = f.judgeOpen(now, s)
		} else {
			ok, err = f.judgeGoods(key, b)
		}
	}
	if err == nil && !ok {
		s.verdict = spent
	}
	return err
}

// judgeClick allows a token one click. A token that ran out is still product behaviour, and is remembered as
// long as ids are.
func (f *Fold) judgeClick(key seen.Key, issued time.Time, s *step) error {
	again, err := f.seen.Add(seen.KeyOf(key, uuid.UUID{}))
	first := !again
	if err == nil && first && !issued.Before(f.seen.TokenHorizon()) {
		first, err = f.seen.Once(key, issued, seen.OnceClick)
	}
	if err != nil {
		return err
	}
	if !first {
		s.verdict = spent
		return nil
	}
	at, known, err := f.seen.FirstAt(key, issued)
	if known {
		s.first = uint32(at.Unix())
		if s.event.SubjectKind != id.SubjectVideo {
			s.pinned, err = f.pin(key, s.event.Product)
		}
	}
	return err
}

// pin notes that a token's impression showed a product, and reports whether that was noted before.
func (f *Fold) pin(key seen.Key, product [16]byte) (before bool, err error) {
	return f.seen.Add(seen.KeyOf(seen.KeyOf(key, product), uuid.UUID{byte(event.Impression)}))
}

// judgeGoods allows a token one visit and one addition to the bag of each product it shows. A video, shelf or
// room shows few products, and the door flags those it does not, so fresh ids make at most that many; who looks
// at two of six counts for both. It is remembered as long as ids are, for a token that ran out is still
// product behaviour.
func (f *Fold) judgeGoods(key seen.Key, b *event.Bare) (first bool, err error) {
	again, err := f.seen.Add(seen.KeyOf(seen.KeyOf(key, b.Product), uuid.UUID{byte(b.Type)}))
	return !again, err
}

// OpenMost is how many visits of a product without a token count for one person on one day of log time, and how many
// additions to the bag: more than anybody makes by hand, and few enough that a script which posts them changes little.
const OpenMost = 24

// judgeOpen allows a person so many on a day. Each is a key of its own among the ids, which are remembered for longer
// than that: so the limit holds exactly, whatever comes between.
func (f *Fold) judgeOpen(now int64, s *step) (ok bool, err error) {
	b := &s.event
	for n := range byte(OpenMost) {
		mark := uuid.UUID{0: byte(b.Type), 1: n, 2: 1}
		binary.BigEndian.PutUint64(mark[8:], uint64(now/1e6/day))
		again, err := f.seen.Add(seen.KeyOf(seen.KeyOf(s.viewer, b.Product), mark))
		if err != nil || !again {
			return !again, err
		}
	}
	return false, nil
}

// longest returns how much watch time a token allows: three times the video's length, 0 when there is no
// such bound.
func (f *Fold) longest(b *event.Bare) int64 {
	if b.SubjectKind != id.SubjectVideo {
		return 0
	}
	if film := f.films.get(b.Video); film != nil {
		return 3 * film.duration
	}
	return 0
}

// person returns the first viewer of whom this is another.
func (f *Fold) person(viewer [16]byte) [16]byte {
	return f.joins.person(viewer)
}

// judgeFact reads a fact that has not come before.
func (f *Fold) judgeFact(r *stream.Record, s *step) {
	if s.fact.Decode(r.Data) != nil {
		s.verdict = unread
		return
	}
	if s.fact.Seq == 0 {
		s.fact.Seq = r.Relay
	}
	if s.fact.Seq != 0 && s.fact.Seq <= f.lastFact {
		s.verdict = factAgain
		return
	}
	s.verdict = fact
	at := min(s.fact.At.UnixMicro(), r.At.UnixMicro())
	if s.fact.At.IsZero() {
		at = r.At.UnixMicro()
	}
	s.second = uint32(at / 1e6)
	s.fact.At = time.UnixMicro(at).UTC()
	var err error
	if s.body, err = bodyOf(s.fact); err != nil {
		s.verdict = unread
	}
}

// bodyOf returns what a fact says, nil for what metric does not ask for.
func bodyOf(f event.Fact) (body any, err error) {
	switch f.Topic {
	case event.TopicProductCreated:
		body, err = event.Read[event.ProductCreated](f)
	case event.TopicProductUpdated:
		body, err = event.Read[event.ProductUpdated](f)
	case event.TopicVideoReady:
		body, err = event.Read[event.VideoReady](f)
	case event.TopicVideoUpdated:
		body, err = event.Read[event.VideoUpdated](f)
	case event.TopicProgramCreated:
		body, err = event.Read[event.ProgramCreated](f)
	case event.TopicProgramChanged:
		body, err = event.Read[event.ProgramChanged](f)
	case event.TopicShowcaseAdded:
		body, err = event.Read[event.ShowcaseAdded](f)
	case event.TopicOrderPaid:
		body, err = event.Read[event.OrderPaid](f)
	case event.TopicOrderCancelled:
		body, err = event.Read[event.OrderCancelled](f)
	case event.TopicOrderRefunded:
		body, err = event.Read[event.OrderRefunded](f)
	case event.TopicDisputeLost:
		body, err = event.Read[event.DisputeLost](f)
	case event.TopicCommissionCreated:
		body, err = event.Read[event.CommissionCreated](f)
	case event.TopicCommissionReleased:
		body, err = event.Read[event.CommissionReleased](f)
	case event.TopicCommissionReversed:
		body, err = event.Read[event.CommissionReversed](f)
	case event.TopicViewerJoined:
		body, err = event.Read[event.ViewerJoined](f)
	case event.TopicViewerErased:
		body, err = event.Read[event.ViewerErased](f)
	}
	return body, err
}
