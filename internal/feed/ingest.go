package feed

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/account"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Sender is what a request says of where it comes from. The address is truncated before it is
// logged, the user agent is kept as a class only.
type Sender struct {
	Address   netip.Addr
	UserAgent string
	Private   bool // the person asks, by Sec-GPC, not to be followed: neither visit nor network is kept
}

// Verdict is the answer to a batch: every event of it is counted in one of the three.
type Verdict struct {
	Accepted   int               `json:"accepted" doc:"Events that are on disk now"`
	Duplicates int               `json:"duplicates" doc:"Events this node knew already; more may turn out to be repeats when they are counted"`
	Rejected   []event.Rejection `json:"rejected" nullable:"false" doc:"Events that are malformed, with the reason"`
}

// told names one event of one viewer, or of one visitor of a write key's namespace.
type told struct{ owner, event uuid.UUID }

// work is the memory one batch needs; it is used again.
type work struct {
	batch   event.Batch
	found   map[string]*thing
	ask     wanted
	fresh   []told // what is in records
	buf     []byte
	ends    []int // of each record in buf
	records [][]byte
}

// Ingest takes one batch of events of the asker's viewer and returns once they are on disk. Each
// event is judged by itself: a bad one is rejected, the others are logged, with what is wrong
// about them as flags. Repeats are harmless: this node drops those it knows, the folds the rest.
//
// Malformed, TooLarge, Invalid: the request as a whole, nothing was taken. Unauthorized: there is
// no viewer to whom the events belong. Unavailable: too much waits for the disk; the same batch
// may be sent again, whatever became of it.
func (f *Feed) Ingest(ctx context.Context, who account.Asker, from Sender, body []byte) (Verdict, error) {
	viewer, err := who.Viewer.UUID()
	if err != nil {
		return Verdict{}, fault.New(fault.Unauthorized, "These events are nobody's: send them with the viewer's cookie or X-Viewer-Token.")
	}
	w := f.work.Get().(*work)
	defer f.work.Put(w)
	now := f.clock.Now()
	if err := w.batch.Parse(body, now); err != nil {
		return Verdict{}, err
	}
	answer := Verdict{Rejected: append([]event.Rejection{}, w.batch.Rejected...)}
	answer.Duplicates = f.dropKnown(w, func(*event.Event) uuid.UUID { return viewer })
	f.mark(w.batch.Events, who, from, now)
	if w.found == nil {
		w.found = map[string]*thing{}
	}
	clear(w.found)
	if err := f.things.gather(ctx, w.batch.Events, w.found, &w.ask); err != nil {
		return Verdict{}, err
	}
	for i := range w.batch.Events {
		settle(&w.batch.Events[i], who, w.found)
	}
	if err := f.keep(ctx, w); err != nil {
		return Verdict{}, err
	}
	if err := f.keepHides(ctx, who.Viewer, w.batch.Events); err != nil {
		return Verdict{}, err
	}
	f.remember(w)
	answer.Accepted = len(w.records)
	f.counts.accepted.Add(int64(answer.Accepted))
	f.counts.duplicates.Add(int64(answer.Duplicates))
	f.counts.rejected.Add(int64(len(answer.Rejected)))
	return answer, nil
}

// keep appends the events to the log and returns once they are on disk.
func (f *Feed) keep(ctx context.Context, w *work) error {
	if err := w.encode(); err != nil || len(w.records) == 0 {
		return err
	}
	_, err := f.stream.Append(ctx, event.KindEvent, w.records...)
	return err
}

// remember notes the events as known, once all that follows from them is kept: what is known is
// never logged again.
func (f *Feed) remember(w *work) {
	for _, t := range w.fresh {
		f.seen.put(t, struct{}{})
	}
}

// dropKnown takes events out of the batch that are on disk already or stand in it twice, and
// returns how many those are.
func (f *Feed) dropKnown(w *work, owner func(*event.Event) uuid.UUID) int {
	w.fresh = w.fresh[:0]
	before := len(w.batch.Events)
	w.batch.Events = slices.DeleteFunc(w.batch.Events, func(e event.Event) bool {
		t := told{owner(&e), e.ID}
		if w.twice(t) {
			return true
		}
		if _, known := f.seen.get(t); known {
			return true
		}
		w.fresh = append(w.fresh, t)
		return false
	})
	return before - len(w.batch.Events)
}

// twice reports whether the batch has the event already. A batch has at most event.MaxEvents: to look
// at each costs less than a map of them.
func (w *work) twice(t told) bool {
	for i := range w.fresh {
		if w.fresh[i].event == t.event && w.fresh[i].owner == t.owner {
			return true
		}
	}
	return false
}

// mark writes into the events what the request says of all of them, and opens their tokens.
func (f *Feed) mark(events []event.Event, who account.Asker, from Sender, now time.Time) {
	agent, net := event.AgentOf(from.UserAgent), event.NetOf(from.Address)
	var last opened
	for i := range events {
		e := &events[i]
		e.Viewer, e.Agent, e.Net = who.Viewer, agent, net
		if from.Private {
			e.Session, e.Seq, e.Net = uuid.Nil, 0, netip.Prefix{}
		}
		if agent == event.AgentRobot {
			e.Flags |= event.Bot
		}
		if e.Token != "" {
			if e.Token != last.token {
				last.open(f.keys, e.Viewer, e.Token, now)
			}
			last.mark(e)
		}
	}
}

// opened is what one token of a viewer says. Events that follow one another are mostly of the same.
type opened struct {
	token string
	err   error
	shown event.Event // with only what the token attaches
}

func (o *opened) open(keys *id.Keyring, viewer id.Viewer, token string, now time.Time) {
	shown, err := keys.OpenImpression(viewer, token, now)
	*o = opened{token: token, err: err}
	o.shown.Attach(shown)
}

// mark attaches what the event's token shows, or flags the event as one whose token is not ours,
// is another viewer's, is too old, or shows something else than the event says.
func (o *opened) mark(e *event.Event) {
	video, room := e.Video, e.Room
	switch {
	case o.err == nil:
	case errors.Is(o.err, id.ErrExpired):
		e.Flags |= event.Expired
	default:
		e.Flags |= event.Forged
		return
	}
	shown := &o.shown.Shown
	e.Shown = *shown
	switch shown.SubjectKind {
	case id.SubjectVideo:
		e.Video = o.shown.Video
	case id.SubjectRoom:
		e.Room = o.shown.Room
	case id.SubjectLink:
		e.Link = o.shown.Link
	}
	// A link may lead to a video or a room: that it does is not in its token.
	if shown.SubjectKind != id.SubjectLink && (video != "" && video != o.shown.Video || room != "" && room != o.shown.Room) {
		e.Flags |= event.Foreign
	}
}

// settle says whose content and whose product the event is about. A client's word for a creator
// counts only when it asks to follow one.
func settle(e *event.Event, who account.Asker, found map[string]*thing) {
	key := subject(e)
	of := found[key]
	switch {
	case of != nil:
		e.Creator = of.creator
	case e.Type != event.Follow || e.Shown.SubjectKind != 0:
		e.Creator = ""
	}
	if key != "" && of == nil {
		e.Flags |= event.Foreign
	}
	if e.Product != "" {
		if product := found[string(e.Product)]; product != nil {
			e.Brand = product.brand
		} else {
			e.Flags |= event.Foreign
		}
		if of != nil {
			if _, ok := of.brandOf(e.Product); !ok {
				e.Flags |= event.Foreign
			}
		}
	}
	if e.Creator != "" && e.Creator == who.Creator || who.Member(e.Brand) {
		e.Flags |= event.Own
	}
}

// encode writes the events as records that share one buffer.
func (w *work) encode() error {
	w.buf, w.ends, w.records = w.buf[:0], w.ends[:0], w.records[:0]
	for i := range w.batch.Events {
		var err error
		if w.buf, err = w.batch.Events[i].AppendEncode(w.buf); err != nil {
			return err
		}
		w.ends = append(w.ends, len(w.buf))
	}
	start := 0
	for _, end := range w.ends {
		w.records = append(w.records, w.buf[start:end])
		start = end
	}
	return nil
}
